//! From folders of photos to labeled network inputs.
//!
//! [`scan`] finds photos and their classes. [`decode`] reads one photo, and the shared pixel pipeline shrinks it. [`load`]
//! does both for a whole folder, on all cores. Every photo that is left out is counted and named, and those that
//! are smaller than the input are enlarged and counted. [`near_duplicates`] finds pairs of nearly the same picture, and
//! [`hold_out`] and [`folds`] keep those together, or cut them into blocks if they are a [`Series`].

mod class_from;
mod coarse;
mod collected;
mod dataset;
pub mod decode;
mod duplicates;
mod enlarge;
mod error;
mod folder;
mod jpeg;
pub mod letterbox;
mod list;
mod memory;
mod natural;
mod options;
mod picture;
mod scan;
mod search;
mod series;
mod split;
mod split_folders;
mod square;
mod structure;
mod survey;
mod unlabeled;
mod unsupported;

pub use class_from::{ClassFrom, ClassFromError, Source};
pub use dataset::{Dataset, Example, Reading, copies, load, load_some};
pub use duplicates::{DuplicatePhotos, MAX_DISTANCE, MIN_CORRELATION, NearDuplicate, groups};
pub use error::{PhotoError, PhotoFault, Warning};
pub use options::PhotoOptions;
pub use picture::{Picture, PictureLengthError};
pub use scan::{FoundPhoto, FoundPhotos, scan};
pub use search::{FoundDuplicates, MAX_CONFIRMED, MAX_PARTNERS, near_duplicates, search};
pub use series::{SERIES, Series, series, series_of_folds};
pub use split::{folds, hold_out};
pub use split_folders::SplitFolders;
pub use survey::Survey;
pub use unlabeled::{Unlabeled, expand, read_some_unlabeled, read_unlabeled};

/// Keeps at most `limit` items, spread evenly; all if there are no more, or no limit.
pub fn thinned<T>(all: Vec<T>, limit: Option<usize>) -> Vec<T> {
    let (count, Some(limit)) = (all.len(), limit.filter(|&limit| limit < all.len())) else { return all };
    let mut wanted = (0..limit).map(|i| i * count / limit).peekable();
    all.into_iter().enumerate().filter(|(index, _)| wanted.next_if_eq(index).is_some()).map(|(_, one)| one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinned_photos_are_spread_evenly() {
        let all: Vec<usize> = (0..10).collect();
        assert_eq!(thinned(all.clone(), Some(4)), [0, 2, 5, 7]);
        assert_eq!(thinned(all.clone(), Some(1)), [0]);
        for limit in [None, Some(10), Some(11)] {
            assert_eq!(thinned(all.clone(), limit), all, "{limit:?}");
        }
        assert!(thinned(Vec::<u8>::new(), Some(3)).is_empty());
    }
}
