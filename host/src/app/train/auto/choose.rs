//! The settings of the automatic choice, by facts about the photos.

use pinhole_core::photos::Survey;
use pinhole_core::recipe::{ClassWeights, Recipe};
use pinhole_shared::pixels::{Color, InputShape};
use pinhole_train::MirrorTest;

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
    /// Test for whether a mirror changes the classes; `None` if it was not run.
    pub mirror: Option<MirrorTest>,
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
            mirror: None,
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
        (side < self.recipe.input.longer_side()).then_some(side)
    }

    /// Returns the settings.
    pub(super) fn changes(&self) -> RecipeChanges {
        let own = self.recipe.input;
        let input = self.side.map_or(own, |side| InputShape { height: side, width: side, ..own });
        let macs = Recipe { input, ..self.recipe.clone() }.mac_count(self.classes);
        let epochs = (BUDGET / (self.photos * macs).max(1) as u64).clamp(EPOCHS[0], EPOCHS[1]) as u32;
        RecipeChanges {
            color: self.color,
            input_side: self.side,
            fit: None,
            epochs: Some(epochs),
            patience: Some(epochs.div_ceil(3)),
            frozen_epochs: Some(epochs.div_ceil(10)),
            batch: Some(if self.photos < FEW { 16 } else { 64 }),
            learning_rate: Some(0.004),
            class_weights: self.is_uneven().then_some(Some(ClassWeights::Balanced)),
            flip: self.mirror.is_some_and(|mirror| mirror.classes_differ()).then_some(false),
        }
    }

    /// Says what was chosen and why, without a full stop.
    pub(super) fn sentence(&self, source: &str, is_given: bool) -> String {
        let (fewest, most) = self.range;
        let counts = if fewest == most { most.to_string() } else { format!("{fewest} to {most}") };
        let color = match self.color {
            Some(Color::Rgb) => " in color",
            Some(Color::Gray) => " in gray",
            None => "",
        };
        let of = if is_given { ", as --from says," } else { "" };
        let classes = self.classes;
        let mut text = if self.photos < FEW {
            format!(
                "training continues{color} from {source}{of} because {classes} classes of {counts} photos are too few for a new \
                 network"
            )
        } else {
            format!("training continues{color} from {source}{of} for {classes} classes of {counts} photos")
        };
        if let Some(side) = self.side {
            text += &format!("; the input has {side}x{side} pixels, because the photos have few");
        }
        if self.is_uneven() {
            text += "; all classes weigh the same, because their numbers of photos differ";
        }
        if let Some(mirror) = self.mirror.filter(MirrorTest::classes_differ) {
            text += &format!(
                "; photos are not flipped, because of {} photos {} are recognized only as they are and {} only as mirror images",
                mirror.photos, mirror.only_as_they_are, mirror.only_mirrored
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(counts: &[usize]) -> Facts {
        Facts {
            photos: counts.iter().sum(),
            range: (*counts.iter().min().unwrap(), *counts.iter().max().unwrap()),
            classes: counts.len(),
            recipe: Recipe::find("conv-96").unwrap(),
            median_side: 200,
            side: None,
            color: None,
            mirror: None,
        }
    }

    #[test]
    fn more_photos_are_seen_fewer_times() {
        let epochs = |counts: &[usize]| facts(counts).changes().epochs.unwrap();
        assert_eq!((epochs(&[13, 13]), epochs(&[20_000, 20_000])), (120, 20));
        let many = epochs(&[2_000, 1_800]);
        assert!((40..80).contains(&many), "{many}");
    }

    #[test]
    fn classes_are_weighted_if_one_is_half_as_large_again() {
        assert_eq!(facts(&[20, 30]).changes().class_weights, None);
        assert_eq!(facts(&[20, 31]).changes().class_weights, Some(Some(ClassWeights::Balanced)));
    }

    #[test]
    fn small_photos_take_a_small_input() {
        let side = |median| Facts { median_side: median, ..facts(&[9, 9]) }.smaller_side();
        assert_eq!(
            [5, 28, 32, 33, 80, 81, u16::MAX].map(side),
            [Some(32), Some(32), Some(32), Some(48), Some(80), None, None]
        );
    }

    #[test]
    fn mirrors_and_reasons() {
        let mirror = MirrorTest { photos: 40, recognized: 30, only_as_they_are: 20, only_mirrored: 2 };
        let digits = Facts { mirror: Some(mirror), color: Some(Color::Rgb), ..facts(&[20, 40]) };
        assert_eq!(digits.changes().flip, Some(false));
        assert_eq!(
            digits.sentence("conv-96", false),
            "training continues in color from conv-96 because 2 classes of 20 to 40 photos are too few for a new network; all \
             classes weigh the same, because their numbers of photos differ; photos are not flipped, because of 40 photos 20 are \
             recognized only as they are and 2 only as mirror images"
        );
        let even = Facts { mirror: Some(MirrorTest { only_mirrored: 18, ..mirror }), ..facts(&[900, 900]) };
        assert_eq!(even.changes().flip, None);
        assert_eq!(
            even.sentence("run", true),
            "training continues from run, as --from says, for 2 classes of 900 photos"
        );
    }
}
