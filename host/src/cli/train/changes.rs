//! Options of `pinhole train` that change the recipe.

use clap::{Args, ValueEnum};
use pinhole_core::recipe::ClassWeights;
use pinhole_shared::pixels::{Color, Fit, PictureSize};

use super::super::colors::Colors;
use super::super::values::{at_least, picture_size, positive};
use crate::app::train::RecipeChanges;

/// Changes of the recipe, as options.
#[derive(Debug, Args)]
#[command(next_help_heading = "Changes of the recipe")]
pub(super) struct Changes {
    /// Colors that the network sees
    #[arg(long, value_enum)]
    color: Option<Colors>,
    /// Size of the network's input in pixels: the side of a square, or width and height, such as 46x28
    #[arg(long, value_name = "SIZE", value_parser = picture_size)]
    input_size: Option<PictureSize>,
    /// How pictures of another shape than the network's input are fitted in
    #[arg(long, value_enum)]
    fit: Option<Fits>,
    /// Number of epochs
    #[arg(long, value_name = "COUNT", value_parser = at_least::<u32>(1))]
    epochs: Option<u32>,
    /// Stop after this many epochs without a better validation loss
    #[arg(long, value_name = "EPOCHS", value_parser = at_least::<u32>(1))]
    patience: Option<u32>,
    /// Train through all epochs
    #[arg(long, conflicts_with = "patience")]
    no_patience: bool,
    /// Train only the last layer in the first epochs, then all layers
    #[arg(long, value_name = "COUNT", value_parser = at_least::<u32>(0))]
    frozen_epochs: Option<u32>,
    /// Number of photos in one update of the weights
    #[arg(long, value_name = "COUNT", value_parser = at_least::<u32>(1))]
    batch: Option<u32>,
    /// Learning rate, before its schedule
    #[arg(long, value_name = "RATE", value_parser = positive)]
    learning_rate: Option<f32>,
    /// Weights of the classes in the loss
    #[arg(long, value_enum)]
    class_weights: Option<Weights>,
    /// Flip every second photo left to right in training
    #[arg(long, conflicts_with = "no_flip")]
    flip: bool,
    /// Never flip photos: for classes that a mirror changes, such as digits
    #[arg(long)]
    no_flip: bool,
}

/// Fits of pictures into a network's input, as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Fits {
    /// The largest part of the input's shape is seen, in the middle
    Crop,
    /// The whole picture is seen, distorted to the input's shape
    Stretch,
    /// The whole picture is seen in its own shape, black beside it
    Letterbox,
}

/// Weights of the classes in the loss, as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Weights {
    /// All classes weigh the same, however few photos they have
    Balanced,
    /// All photos weigh the same
    Equal,
}

impl Changes {
    /// Returns the changes.
    pub(super) fn to_changes(&self) -> RecipeChanges {
        RecipeChanges {
            color: self.color.map(Color::from),
            input_size: self.input_size,
            fit: self.fit.map(|fit| match fit {
                Fits::Crop => Fit::Crop,
                Fits::Stretch => Fit::Stretch,
                Fits::Letterbox => Fit::Letterbox,
            }),
            epochs: self.epochs,
            patience: (self.no_patience || self.patience.is_some()).then_some(self.patience),
            frozen_epochs: self.frozen_epochs,
            batch: self.batch.map(|batch| batch as usize),
            learning_rate: self.learning_rate,
            class_weights: self.class_weights.map(|weights| match weights {
                Weights::Balanced => Some(ClassWeights::Balanced),
                Weights::Equal => None,
            }),
            flip: (self.flip || self.no_flip).then_some(self.flip),
        }
    }
}
