//! Settings of reading and comparing photos.

/// Settings of reading and comparing photos, the same for training photos and others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhotoOptions {
    /// True to search for near-duplicates. Without the search, each photo counts as a picture of its own.
    pub duplicate_search: bool,
}

impl Default for PhotoOptions {
    fn default() -> Self {
        Self { duplicate_search: true }
    }
}
