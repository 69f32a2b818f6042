//! Comparison of photos with each other, with its progress.

use std::sync::{Mutex, PoisonError};

use pinhole_core::photos::{DuplicatePhotos, Example, NearDuplicate, PhotoOptions, search};
use pinhole_shared::pixels::InputShape;

use super::events::{Events, Note, Progress, Task};

/// Least number of photos for which the progress is reported: comparing fewer takes no time.
const REPORTED: usize = 500;

/// Near-duplicates among photos.
pub(super) struct Compared {
    /// The pairs, by index: training photos first, then the others.
    pub(super) pairs: Vec<NearDuplicate>,
    /// The pairs, by path.
    pub(super) duplicates: Vec<DuplicatePhotos>,
    /// Number of photos.
    pub(super) count: usize,
}

/// Compares training photos and others with each other, unless the options say not to.
pub(super) fn compare<'e>(
    training: impl IntoIterator<Item = &'e Example>,
    others: impl IntoIterator<Item = &'e Example>,
    classes: &[String],
    options: &PhotoOptions,
    input: InputShape,
    events: &mut dyn Events,
) -> Compared {
    let mut examples: Vec<&Example> = training.into_iter().collect();
    let training = examples.len();
    examples.extend(others);
    let count = examples.len();
    if !options.duplicate_search {
        return Compared { pairs: Vec::new(), duplicates: Vec::new(), count };
    }
    let found = if count < REPORTED {
        search(&examples, input, training, &|_| ())
    } else {
        events.progress(&Progress::Begins(Task::ComparingPhotos { pairs: (count * (count - 1) / 2) as u64 }));
        let shared = Mutex::new(&mut *events);
        let done = |more| shared.lock().unwrap_or_else(PoisonError::into_inner).progress(&Progress::Done(more));
        let found = search(&examples, input, training, &done);
        events.progress(&Progress::Ends);
        found
    };
    if found.unfinished > 0 {
        events.note(&Note::NearDuplicatesUnfinished { photos: found.unfinished });
    }
    let duplicates = DuplicatePhotos::of(&found.pairs, &examples, classes, training);
    Compared { pairs: found.pairs, duplicates, count }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Seen(Vec<Progress>);

    impl Events for Seen {
        fn progress(&mut self, progress: &Progress) {
            self.0.push(progress.clone());
        }
    }

    /// Returns the progress of comparing this number of equal photos, and the number of pairs found.
    fn seen(count: usize, duplicate_search: bool) -> (Vec<Progress>, usize) {
        let example = |index: usize| Example { path: index.to_string().into(), class: 0, pixels: vec![7; 4] };
        let examples: Vec<Example> = (0..count).map(example).collect();
        let mut seen = Seen::default();
        let options = PhotoOptions { duplicate_search, ..PhotoOptions::default() };
        let compared = compare(&examples, [], &["a".to_owned()], &options, InputShape::gray(2), &mut seen);
        assert_eq!((compared.count, compared.duplicates.len()), (count, compared.pairs.len()));
        (seen.0, compared.pairs.len())
    }

    #[test]
    fn comparing_many_photos_shows_its_progress_and_can_be_left_out() {
        let (progress, pairs) = seen(REPORTED, true);
        let all = (REPORTED * (REPORTED - 1) / 2) as u64;
        assert_eq!(progress.first(), Some(&Progress::Begins(Task::ComparingPhotos { pairs: all })));
        assert_eq!(progress.last(), Some(&Progress::Ends));
        let done = progress.iter().map(|progress| if let Progress::Done(more) = progress { *more } else { 0 });
        assert_eq!(done.sum::<u64>(), all);
        assert!(pairs > REPORTED);
        assert_eq!(seen(20, true), (Vec::new(), 190));
        assert_eq!(seen(REPORTED, false), (Vec::new(), 0));
    }
}
