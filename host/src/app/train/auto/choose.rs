//! The settings of the automatic choice, by facts about the photos.

use pinhole_core::photos::Survey;
use pinhole_core::recipe::{ClassWeights, Recipe};
use pinhole_shared::pixels::Color;
use pinhole_train::MirrorTest;

use super::super::changes::RecipeChanges;

/// Ratio of photos of the largest and the smallest class above which the classes are weighted.
const UNEVEN: f64 = 1.5;

/// Multiply-accumulates of all epochs' forward passes: some ten minutes of training on two cores.
const BUDGET: u64 = 2_800_000_000_000;

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
    /// Multiply-accumulates of one photo's forward pass.
    pub macs: usize,
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
            macs: recipe.mac_count(survey.classes.len()),
            color,
            mirror: None,
        }
    }

    fn is_uneven(&self) -> bool {
        let (fewest, most) = self.range;
        most as f64 > UNEVEN * fewest as f64
    }

    /// Returns the settings.
    pub(super) fn changes(&self) -> RecipeChanges {
        let epochs = (BUDGET / (self.photos * self.macs).max(1) as u64).clamp(EPOCHS[0], EPOCHS[1]) as u32;
        RecipeChanges {
            color: self.color,
            epochs: Some(epochs),
            patience: Some(epochs.div_ceil(3)),
            frozen_epochs: Some(epochs.div_ceil(10)),
            batch: Some(if self.photos < 500 { 16 } else { 64 }),
            learning_rate: Some(0.004),
            class_weights: self.is_uneven().then_some(Some(ClassWeights::Balanced)),
            flip: self.mirror.is_some_and(|mirror| mirror.classes_differ()).then_some(false),
            ..RecipeChanges::default()
        }
    }

    /// Says what was chosen and why.
    pub(super) fn sentence(&self, source: &str, is_given: bool) -> String {
        let (fewest, most) = self.range;
        let counts = if fewest == most { most.to_string() } else { format!("{fewest} to {most}") };
        let color = match self.color {
            Some(Color::Rgb) => " in color",
            Some(Color::Gray) => " in gray",
            None => "",
        };
        let chosen = if is_given { "as --from says" } else { "a bundled network that was trained on photos" };
        let mut text = format!(
            "training continues{color} from {source}, {chosen}, because {} classes of {counts} photos are fewer than a new \
             network needs",
            self.classes
        );
        if self.is_uneven() {
            text += "; all classes weigh the same, because their numbers of photos differ";
        }
        if let Some(mirror) = self.mirror.filter(MirrorTest::classes_differ) {
            text += &format!(
                "; photos are not flipped, because of {} training photos {} were recognized only as they are and {} only as \
                 mirror images",
                mirror.photos, mirror.only_as_they_are, mirror.only_mirrored
            );
        }
        text
    }
}
