//! Photos by class, while they are searched for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::LeftOut;
use super::unsupported::is_named_as_picture;
use super::{PhotoError, Source, Warning};

/// Photos by class, before they are sorted.
#[derive(Default)]
pub(super) struct Collected {
    pub(super) by_class: BTreeMap<String, Vec<PathBuf>>,
    pub(super) warnings: Vec<Warning>,
}

impl Collected {
    /// Adds a photo to its class.
    pub(super) fn add(&mut self, class: String, path: PathBuf) {
        self.by_class.entry(class).or_default().push(path);
    }

    /// Adds pictures to the classes that their names have, and warnings for the other files and pictures without a class.
    ///
    /// # Errors
    /// Those of [`super::ClassFrom::class_of`] and [`Collected::check_classes`].
    pub(super) fn add_by_names(
        &mut self,
        pictures: Vec<PathBuf>,
        other: Vec<Warning>,
        Source { path: folder, class_from }: Source<'_>,
    ) -> Result<(), PhotoError> {
        for path in pictures {
            match class_from.class_of(&path)? {
                Some(class) => self.add(class, path),
                None => self.warnings.push(Warning { path, reason: format!("its name does not match {class_from}") }),
            }
        }
        let unread = other.iter().filter(|warning| is_named_as_picture(&warning.path));
        // A picture that cannot be used needs no name of a class.
        let classes = unread.filter_map(|warning| Some((class_from.class_of(&warning.path).ok()??, warning)));
        self.check_classes(folder, classes)?;
        self.warnings.extend(other);
        Ok(())
    }

    /// Checks that each of these photos, which are left out, has a class with other photos: else the class would be missing without
    /// a word. If there are no photos at all, that is another error.
    ///
    /// # Errors
    /// [`PhotoError::EmptyClass`] with the first such class and its own photos that are left out.
    pub(super) fn check_classes<'a>(
        &self,
        source: &Path,
        left_out: impl Iterator<Item = (String, &'a Warning)>,
    ) -> Result<(), PhotoError> {
        let mut empty: BTreeMap<String, Vec<Warning>> = BTreeMap::new();
        for (class, warning) in left_out.filter(|(class, _)| !self.by_class.contains_key(class)) {
            empty.entry(class).or_default().push(warning.clone());
        }
        match empty.into_iter().next() {
            Some((class, own)) if !self.by_class.is_empty() => {
                Err(PhotoError::EmptyClass { path: source.to_owned(), class, left_out: LeftOut::of(&own) })
            }
            _ => Ok(()),
        }
    }
}
