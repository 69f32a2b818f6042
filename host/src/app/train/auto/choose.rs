//! The settings of the automatic choice, by facts about the photos.

use pinhole_core::photos::Survey;
use pinhole_core::recipe::{ClassWeights, Recipe};
use pinhole_core::words::counted;
use pinhole_shared::pixels::Color;
use pinhole_train::FlipTest;

use super::super::changes::RecipeChanges;

/// Ratio of photos of the largest and the smallest class above which the classes are weighted.
const UNEVEN: f64 = 1.5;

/// Multiply-accumulates of all epochs' forward passes: some ten minutes of training on two cores.
const BUDGET: u64 = 2_800_000_000_000;

/// Smallest side of an input, px: half of it four times is 2.
const LEAST_SIDE: u16 = 32;

/// Sides of an input are multiples of this, px.
const SIDE_STEP: u16 = 16;

/// Fewer photos are few: they take smaller batches.
const FEW: usize = 500;

/// Fewest and most epochs.
const EPOCHS: [u64; 2] = [20, 120];

/// Facts that the settings are chosen by.
pub(super) struct Facts {
    /// Number of photos.
    pub photos: usize,
    /// Numbers of photos of the smallest and the largest class.
    pub range: (usize, usize),
    /// Number of classes.
    pub classes: usize,
    /// Recipe of the network to continue from.
    pub recipe: Recipe,
    /// Median of the photos' shorter sides, px.
    pub median_side: u16,
    /// Side of the input, if it is not the network's own, px.
    pub side: Option<u16>,
    /// Color to train in, if it is not the network's own.
    pub color: Option<Color>,
    /// Test for whether a flip changes the classes; `None` if it was not run.
    pub flips: Option<FlipTest>,
}

impl Facts {
    pub(super) fn of(survey: &Survey, recipe: &Recipe, color: Option<Color>) -> Self {
        Self {
            photos: survey.photos(),
            range: survey.range(),
            classes: survey.classes.len(),
            recipe: recipe.clone(),
            median_side: survey.median_side().unwrap_or(u16::MAX),
            side: None,
            color,
            flips: None,
        }
    }

    fn is_uneven(&self) -> bool {
        let (fewest, most) = self.range;
        most as f64 > UNEVEN * fewest as f64
    }

    /// Returns the smallest side of an input that shows all pixels of half of the photos; `None` if the network's own is not
    /// larger.
    pub(super) fn smaller_side(&self) -> Option<u16> {
        let side = self.median_side.checked_next_multiple_of(SIDE_STEP)?.max(LEAST_SIDE);
        (side < self.recipe.input_side).then_some(side)
    }

    /// Returns the settings, with those that the user asked for.
    pub(super) fn changes(&self, asked: &RecipeChanges) -> RecipeChanges {
        let side = self.side.unwrap_or(self.recipe.input_side);
        let macs = Recipe { input_side: side, ..self.recipe.clone() }.mac_count(self.classes);
        let budgeted = (BUDGET / (self.photos * macs).max(1) as u64).clamp(EPOCHS[0], EPOCHS[1]) as u32;
        let epochs = asked.epochs.unwrap_or(budgeted);
        let chosen = RecipeChanges {
            color: self.color,
            input_side: self.side,
            epochs: Some(epochs),
            patience: Some(epochs.div_ceil(3)),
            frozen_epochs: Some(epochs / 10),
            batch: Some(if self.photos < FEW { 16 } else { 64 }),
            learning_rate: Some(0.004),
            class_weights: self.is_uneven().then_some(Some(ClassWeights::Balanced)),
            flip: self.flips.is_some_and(|flips| flips.classes_differ()).then_some(false),
        };
        asked.clone().or(chosen)
    }

    /// Returns the choice and its reasons, without a full stop. `source` is the name of the network to continue from; `changes` are
    /// those that [`Facts::changes`] returned.
    pub(super) fn sentence(&self, source: &str, is_given: bool, changes: &RecipeChanges) -> String {
        let (fewest, most) = self.range;
        let photos = |count| counted(count, "photo");
        let counts = if fewest == most { photos(most) } else { format!("{fewest} to {}", photos(most)) };
        let color = match self.color {
            Some(Color::Rgb) => " in color",
            Some(Color::Gray) => " in gray",
            None => "",
        };
        let classes = counted(self.classes, "class");
        let mut text = if is_given {
            format!("training continues{color} from {source}, as --from says, for {classes} of {counts}")
        } else if self.photos < FEW {
            format!(
                "training continues{color} from {source} because {classes} of {counts} are too few for a new network"
            )
        } else {
            format!("training continues{color} from {source} for {classes} of {counts}")
        };
        if let Some(side) = self.side {
            text += &format!("; the input has {side}x{side} pixels, because the photos have few");
        }
        if self.is_uneven() && changes.class_weights == Some(Some(ClassWeights::Balanced)) {
            text += "; all classes weigh the same, because their numbers of photos differ";
        }
        if let Some(flips) = self.flips.filter(FlipTest::classes_differ) {
            text += &format!(
                "; photos are not flipped, because of {} photos {} are recognized only as they are and {} only when flipped",
                flips.photos, flips.only_original, flips.only_flipped
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing() -> RecipeChanges {
        RecipeChanges::default()
    }

    fn facts(counts: &[usize]) -> Facts {
        Facts {
            photos: counts.iter().sum(),
            range: (*counts.iter().min().unwrap(), *counts.iter().max().unwrap()),
            classes: counts.len(),
            recipe: Recipe::find("conv-96").unwrap(),
            median_side: 200,
            side: None,
            color: None,
            flips: None,
        }
    }

    #[test]
    fn more_photos_are_seen_fewer_times() {
        let epochs = |counts: &[usize]| facts(counts).changes(&nothing()).epochs.unwrap();
        assert_eq!((epochs(&[13, 13]), epochs(&[20_000, 20_000])), (120, 20));
        let many = epochs(&[2_000, 1_800]);
        assert!((40..80).contains(&many), "{many}");
    }

    /// Of few epochs, too, most train all layers.
    #[test]
    fn patience_and_frozen_epochs_go_by_the_epochs_asked_for() {
        for (epochs, frozen, patience) in [(1, 0, 1), (9, 0, 3), (10, 1, 4), (200, 20, 67)] {
            let asked = RecipeChanges { epochs: Some(epochs), ..nothing() };
            let changes = facts(&[9, 9]).changes(&asked);
            let expected = (Some(epochs), Some(frozen), Some(patience));
            assert_eq!((changes.epochs, changes.frozen_epochs, changes.patience), expected);
        }
        let asked = RecipeChanges { frozen_epochs: Some(3), batch: Some(5), ..nothing() };
        let changes = facts(&[9, 9]).changes(&asked);
        assert_eq!((changes.frozen_epochs, changes.batch, changes.epochs), (Some(3), Some(5), Some(120)));
    }

    #[test]
    fn classes_are_weighted_if_one_is_half_as_large_again() {
        assert_eq!(facts(&[20, 30]).changes(&nothing()).class_weights, None);
        assert_eq!(facts(&[20, 31]).changes(&nothing()).class_weights, Some(Some(ClassWeights::Balanced)));
    }

    #[test]
    fn small_photos_take_a_small_input() {
        let side = |median| Facts { median_side: median, ..facts(&[9, 9]) }.smaller_side();
        let sides = [Some(32), Some(32), Some(32), Some(48), Some(80), None, None];
        assert_eq!([5, 28, 32, 33, 80, 81, u16::MAX].map(side), sides);
    }

    #[test]
    fn flips_and_reasons() {
        let flips = FlipTest { photos: 40, recognized: 30, only_original: 20, only_flipped: 2 };
        let digits = Facts { flips: Some(flips), color: Some(Color::Rgb), ..facts(&[20, 40]) };
        let changes = digits.changes(&nothing());
        assert_eq!(changes.flip, Some(false));
        let begins = "training continues in color from conv-96 because 2 classes of 20 to 40 photos are too few for a new network";
        let weights = "; all classes weigh the same, because their numbers of photos differ";
        let ends =
            "; photos are not flipped, because of 40 photos 20 are recognized only as they are and 2 only when flipped";
        assert_eq!(digits.sentence("conv-96", false, &changes), [begins, weights, ends].concat());
        let equal = digits.changes(&RecipeChanges { class_weights: Some(None), ..nothing() });
        assert_eq!(digits.sentence("conv-96", false, &equal), [begins, ends].concat());
        let even = Facts { flips: Some(FlipTest { only_flipped: 18, ..flips }), ..facts(&[900, 900]) };
        let changes = even.changes(&nothing());
        assert_eq!(changes.flip, None);
        let given = even.sentence("run", true, &changes);
        assert_eq!(given, "training continues from run, as --from says, for 2 classes of 900 photos");
    }
}
