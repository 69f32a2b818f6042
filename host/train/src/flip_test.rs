//! Test for whether a horizontal flip changes the classes, on the training photos, before augmentation flips them.
//!
//! Flipping every second photo helps with animals and harms with digits. A linear classifier on the features of a trained network
//! tells which: if it recognizes unseen photos better than the same photos flipped, the classes depend on the side.

use candle_core::Result;
use pinhole_core::photos::Dataset;
use pinhole_core::statistics::mcnemar;
use pinhole_shared::pixels::InputShape;

use super::linear_classifier::{CrossValidation, Features, most_probable};
use super::network::Network;

/// The p-value below which photos count as better recognized than the same photos flipped.
const SIGNIFICANT: f64 = 0.05;

/// Numbers of photos that were recognized, cross-validated, as they are and flipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlipTest {
    /// Number of photos that were tested.
    pub photos: usize,
    /// Photos recognized as they are.
    pub recognized: usize,
    /// Photos recognized only as they are.
    pub only_original: usize,
    /// Photos recognized only when flipped.
    pub only_flipped: usize,
}

impl FlipTest {
    /// Tests the classes of a dataset, by the values that `network`'s last layer reads. `groups` are those of
    /// [`pinhole_core::photos::groups`]: near-duplicates stay in one fold. Classes with photos of fewer than four groups
    /// are left out; `None` if fewer than two are left.
    ///
    /// # Errors
    /// An error of candle.
    pub fn of(network: &Network, dataset: &Dataset, groups: &[usize], seed: u64) -> Result<Option<Self>> {
        let flipped: Vec<Vec<u8>> =
            dataset.examples.iter().map(|example| flip(&example.pixels, dataset.input)).collect();
        let originals: Vec<&[u8]> = dataset.examples.iter().map(|example| &example.pixels[..]).collect();
        let flipped: Vec<&[u8]> = flipped.iter().map(Vec::as_slice).collect();
        let [originals, flipped] = [Features::of(network, &originals)?, Features::of(network, &flipped)?];
        let Some(validation) = CrossValidation::of(dataset, &originals, groups, seed) else { return Ok(None) };
        let mut test = Self { photos: 0, recognized: 0, only_original: 0, only_flipped: 0 };
        for (index, example) in dataset.examples.iter().enumerate() {
            let is_right = |features: &Features| {
                let probabilities = validation.probabilities(index, features.row(index))?;
                Some(most_probable(&probabilities) == usize::from(example.class))
            };
            let (Some(as_it_is), Some(as_flipped)) = (is_right(&originals), is_right(&flipped)) else { continue };
            test.photos += 1;
            test.recognized += usize::from(as_it_is);
            test.only_original += usize::from(as_it_is && !as_flipped);
            test.only_flipped += usize::from(as_flipped && !as_it_is);
        }
        Ok(Some(test))
    }

    /// Returns true if significantly more photos are recognized as they are than flipped (McNemar's test, p < 0.05).
    pub fn classes_differ(&self) -> bool {
        self.only_original > self.only_flipped && mcnemar(self.only_original, self.only_flipped) < SIGNIFICANT
    }
}

/// Returns an input flipped left to right.
fn flip(pixels: &[u8], input: InputShape) -> Vec<u8> {
    let channels = usize::from(input.color.channels());
    let rows = pixels.chunks(usize::from(input.width) * channels);
    rows.flat_map(|row| row.chunks(channels).rev().flatten().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pinhole_core::photos::Example;
    use pinhole_core::random::Random;
    use pinhole_core::testing::recipe;

    /// A network whose features are the pixels' brightness in each of four columns.
    const COLUMNS: &str = "input_side = 4\n[training]\nepochs = 1\nbatch = 4\nlearning_rate = 0.01\n\
                           [[layer]]\nkind = \"average-pool\"\nwindow = [4, 1]\n";

    /// Returns pictures with noise, each with a bright column given by its class.
    fn pictures(column: impl Fn(usize, &mut Random) -> usize) -> Dataset {
        let mut random = Random::seeded(1);
        let mut picture = |class: usize| {
            let bright = column(class, &mut random);
            (0..16).map(|i| random.below(100) as u8 + if i % 4 == bright { 120 } else { 0 }).collect()
        };
        let examples =
            (0..40).map(|i| Example { path: i.to_string().into(), class: (i % 2) as u16, pixels: picture(i % 2) });
        let classes = vec!["a".to_owned(), "b".to_owned()];
        Dataset { input: InputShape::gray(4), classes, examples: examples.collect(), warnings: Vec::new(), enlarged: 0 }
    }

    fn test(dataset: &Dataset) -> FlipTest {
        let network = Network::new(&recipe(COLUMNS), &dataset.classes, 1).unwrap();
        let groups: Vec<usize> = (0..dataset.examples.len()).collect();
        FlipTest::of(&network, dataset, &groups, 1).unwrap().unwrap()
    }

    #[test]
    fn classes_that_are_mirror_images_differ_by_a_mirror() {
        let left_or_right = test(&pictures(|class, _| 3 * class));
        assert_eq!((left_or_right.photos, left_or_right.recognized, left_or_right.only_original), (40, 40, 40));
        assert!(left_or_right.classes_differ());
        // Outer or inner columns, on either side: the same in a mirror.
        let symmetric = test(&pictures(|class, random| match (class, random.below(2)) {
            (0, side) => 3 * side,
            (_, side) => 1 + side,
        }));
        assert!(symmetric.recognized > 20, "{symmetric:?}");
        assert!(!symmetric.classes_differ(), "{symmetric:?}");
    }

    #[test]
    fn a_few_photos_are_not_tested() {
        let mut few = pictures(|class, _| class);
        few.examples.truncate(6);
        let network = Network::new(&recipe(COLUMNS), &few.classes, 1).unwrap();
        assert_eq!(FlipTest::of(&network, &few, &[0, 1, 2, 3, 4, 5], 1).unwrap(), None);
    }

    #[test]
    fn mirrors_keep_the_channels_of_a_pixel_together() {
        assert_eq!(flip(&[1, 2, 3, 4], InputShape::gray(2)), [2, 1, 4, 3]);
        let color: Vec<u8> = (1..=12).collect();
        assert_eq!(flip(&color, InputShape::rgb(2)), [4, 5, 6, 1, 2, 3, 10, 11, 12, 7, 8, 9]);
    }
}
