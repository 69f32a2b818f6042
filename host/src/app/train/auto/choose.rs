//! The settings of the automatic choice, by facts about the photos.

use pinhole_core::photos::Survey;
use pinhole_core::recipe::{ClassWeights, Recipe};
use pinhole_core::words::counted;
use pinhole_shared::pixels::{Color, Fit, InputShape, PictureSize};
use pinhole_train::FlipTest;

use super::super::changes::RecipeChanges;
use super::input::InputChoice;

/// Ratio of photos of the largest and the smallest class above which the classes are weighted.
const UNEVEN: f64 = 1.5;

/// Multiply-accumulates of all epochs' forward passes: some ten minutes of training on two cores.
const BUDGET: u64 = 2_800_000_000_000;

/// The same for few photos: a minute.
const BUDGET_OF_FEW: u64 = BUDGET / 10;

/// Fewer photos are few: they take smaller batches, less time, and patience.
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
    /// Input, if it is not the network's own.
    pub input: Option<InputChoice>,
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
            input: None,
            color,
            flips: None,
        }
    }

    fn is_uneven(&self) -> bool {
        let (fewest, most) = self.range;
        most as f64 > UNEVEN * fewest as f64
    }

    /// Returns the settings, with those that the user asked for.
    pub(super) fn changes(&self, asked: &RecipeChanges) -> RecipeChanges {
        let own = self.recipe.input;
        let chosen = self.input.map_or(own, |choice| choice.applied(own));
        let size = asked.input_size.unwrap_or(chosen.size());
        let color = asked.color.or(self.color).unwrap_or(own.color);
        let input = InputShape { width: size.width, height: size.height, color, ..chosen };
        let macs = Recipe { input, ..self.recipe.clone() }.mac_count(self.classes);
        let budget = if self.photos < FEW { BUDGET_OF_FEW } else { BUDGET };
        let budgeted = (budget / (self.photos * macs).max(1) as u64).clamp(EPOCHS[0], EPOCHS[1]) as u32;
        let epochs = asked.epochs.unwrap_or(budgeted);
        let chosen = RecipeChanges {
            color: self.color,
            input_size: self.input.map(|choice| choice.size),
            fit: self.input.filter(|choice| choice.is_whole).map(|_| Fit::Stretch),
            epochs: Some(epochs),
            // With many photos, the losses differ much from epoch to epoch until the learning rate is low, at the end: patience
            // would end the training too early.
            patience: if self.photos < FEW {
                Some(Some(epochs.div_ceil(3)))
            } else {
                self.recipe.training.patience.map(|_| None)
            },
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
        if let Some(InputChoice { size: PictureSize { width, height }, is_whole }) = self.input {
            text += &format!("; the input has {width}x{height} pixels");
            text += if is_whole {
                " and shows whole photos, because they are small and have one shape"
            } else {
                ", because the photos have few"
            };
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
            input: None,
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
        // A minute for few photos.
        let few = epochs(&[30, 300]);
        assert!((50..100).contains(&few), "{few}");
        // Fewer pixels, more epochs.
        let size = Some(PictureSize { width: 64, height: 64 });
        let smaller = facts(&[2_000, 1_800]).changes(&RecipeChanges { input_size: size, ..nothing() });
        assert_eq!(smaller.epochs, Some(120));
    }

    /// Most epochs train all layers, however few there are.
    #[test]
    fn patience_and_frozen_epochs_go_by_the_epochs_asked_for() {
        for (epochs, frozen, patience) in [(1, 0, 1), (9, 0, 3), (10, 1, 4), (200, 20, 67)] {
            let asked = RecipeChanges { epochs: Some(epochs), ..nothing() };
            let changes = facts(&[9, 9]).changes(&asked);
            let expected = (Some(epochs), Some(frozen), Some(Some(patience)));
            assert_eq!((changes.epochs, changes.frozen_epochs, changes.patience), expected);
        }
        // Many photos have all epochs, also if a run with few is continued.
        let mut many = facts(&[400, 400]);
        assert_eq!(many.changes(&nothing()).patience, None);
        many.recipe.training.patience = Some(4);
        let changes = many.changes(&nothing());
        assert_eq!(changes.apply(&many.recipe, "").unwrap().training.patience, None);
        assert!(changes.options().contains(&"--no-patience".to_owned()));
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
    fn an_input_of_another_shape() {
        let input = InputChoice { size: PictureSize { width: 48, height: 32 }, is_whole: true };
        let whole = Facts { input: Some(input), ..facts(&[9, 9]) };
        let changes = whole.changes(&nothing());
        assert_eq!((changes.input_size, changes.fit), (Some(input.size), Some(Fit::Stretch)));
        let begins = "training continues from conv-96 because 2 classes of 9 photos are too few for a new network; ";
        let ends = "the input has 48x32 pixels and shows whole photos, because they are small and have one shape";
        assert_eq!(whole.sentence("conv-96", false, &changes), [begins, ends].concat());
        let middle = Facts { input: Some(InputChoice { is_whole: false, ..input }), ..facts(&[9, 9]) };
        let changes = middle.changes(&nothing());
        assert_eq!((changes.input_size, changes.fit), (Some(input.size), None));
        let ends = "the input has 48x32 pixels, because the photos have few";
        assert_eq!(middle.sentence("conv-96", false, &changes), [begins, ends].concat());
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
