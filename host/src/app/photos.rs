//! Reading of photos, and comparison with each other, with their progress.

use std::sync::{Mutex, PoisonError};

use pinhole_core::photos::{
    self, Dataset, DuplicatePhotos, Example, NearDuplicate, PhotoError, PhotoOptions, Reading, Source, search,
};
use pinhole_shared::pixels::InputShape;

use super::events::{Events, Note, Progress, Task};

/// Least number of photos for which the progress is reported: reading and comparing fewer takes no time.
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

/// Reads photos as [`photos::load_some`] does, and reports the progress if they are many.
///
/// # Errors
/// Those of [`photos::load`].
pub fn read(
    source: Source<'_>,
    input: InputShape,
    known: Option<&[String]>,
    limit: Option<usize>,
    events: &mut dyn Events,
) -> Result<Dataset, PhotoError> {
    let shared = Mutex::new((&mut *events, false));
    let read = photos::load_some(source, input, known, limit, &|reading| {
        let (events, is_shown) = &mut *shared.lock().unwrap_or_else(PoisonError::into_inner);
        match reading {
            Reading::Found(files) if files >= REPORTED => {
                *is_shown = true;
                events.progress(&Progress::Begins(Task::ReadingPhotos { files: files as u64 }));
            }
            Reading::One if *is_shown => events.progress(&Progress::Done(1)),
            Reading::Found(_) | Reading::One => {}
        }
    });
    if shared.into_inner().unwrap_or_else(PoisonError::into_inner).1 {
        events.progress(&Progress::Ends);
    }
    read
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

    #[test]
    fn reading_many_photos_shows_its_progress() {
        let folder = tempfile::tempdir().unwrap();
        let image = image::GrayImage::from_pixel(2, 2, image::Luma([7]));
        let read_from = |files: usize| {
            for class in ["a", "b"] {
                std::fs::create_dir_all(folder.path().join(class)).unwrap();
                for number in 0..files / 2 {
                    image.save(folder.path().join(class).join(format!("{number}.png"))).unwrap();
                }
            }
            let mut seen = Seen::default();
            let read = read(folder.path().into(), InputShape::gray(2), None, None, &mut seen).unwrap();
            assert_eq!(read.examples.len(), files);
            seen.0
        };
        assert_eq!(read_from(REPORTED - 2), []);
        let progress = read_from(REPORTED);
        let files = REPORTED as u64;
        assert_eq!(progress.first(), Some(&Progress::Begins(Task::ReadingPhotos { files })));
        assert_eq!(progress.last(), Some(&Progress::Ends));
        assert_eq!(progress.iter().filter(|progress| **progress == Progress::Done(1)).count(), REPORTED);
    }
}
