//! Settings of reading photos and of the search for near-duplicates.

use std::path::Path;

use super::{ClassFrom, Source};

/// Settings of reading photos and of the search for near-duplicates. They apply to photos for training, validation and test alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhotoOptions {
    /// Source of the photos' classes.
    pub class_from: ClassFrom,
    /// True to search for near-duplicates. Without the search, each photo counts as a picture of its own.
    pub duplicate_search: bool,
}

impl PhotoOptions {
    /// Returns a folder or a list as a source of photos whose classes are where these settings say.
    pub fn of<'a>(&'a self, path: &'a Path) -> Source<'a> {
        Source { path, class_from: &self.class_from }
    }
}

impl Default for PhotoOptions {
    fn default() -> Self {
        Self { class_from: ClassFrom::default(), duplicate_search: true }
    }
}
