//! Changes of a recipe that a user asks for by options, or that the automatic choice makes.

use pinhole_core::recipe::{ClassWeights, Recipe, RecipeError};
use pinhole_shared::pixels::{Color, Fit, InputShape, PictureSize};

/// Changes of a recipe; absent ones leave it as it is. [`RecipeChanges::options`] are the command line's words for them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecipeChanges {
    /// Color of the input.
    pub color: Option<Color>,
    /// Width and height of the input.
    pub input_size: Option<PictureSize>,
    /// Fit of pictures into the input.
    pub fit: Option<Fit>,
    /// Epochs.
    pub epochs: Option<u32>,
    /// Patience, epochs; `Some(None)` for training through all epochs.
    pub patience: Option<Option<u32>>,
    /// Epochs at the start in which only the last layer is trained.
    pub frozen_epochs: Option<u32>,
    /// Photos in one update.
    pub batch: Option<usize>,
    /// Learning rate before its schedule.
    pub learning_rate: Option<f32>,
    /// Weights of the classes in the loss; `Some(None)` for equal ones.
    pub class_weights: Option<Option<ClassWeights>>,
    /// True if augmentation flips photos, left to right.
    pub flip: Option<bool>,
}

impl RecipeChanges {
    /// Returns these changes, and `others` where these have none.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self {
            color: self.color.or(others.color),
            input_size: self.input_size.or(others.input_size),
            fit: self.fit.or(others.fit),
            epochs: self.epochs.or(others.epochs),
            patience: self.patience.or(others.patience),
            frozen_epochs: self.frozen_epochs.or(others.frozen_epochs),
            batch: self.batch.or(others.batch),
            learning_rate: self.learning_rate.or(others.learning_rate),
            class_weights: self.class_weights.or(others.class_weights),
            flip: self.flip.or(others.flip),
        }
    }

    /// Applies the changes.
    ///
    /// # Errors
    /// [`RecipeError`] if the recipe is impossible then. `name` is its name in the error.
    pub fn apply(&self, recipe: &Recipe, name: &str) -> Result<Recipe, RecipeError> {
        let mut changed = recipe.clone();
        let input = recipe.input;
        let size = self.input_size.unwrap_or(input.size());
        changed.input = InputShape {
            height: size.height,
            width: size.width,
            color: self.color.unwrap_or(input.color),
            fit: self.fit.unwrap_or(input.fit),
        };
        let training = &mut changed.training;
        training.epochs = self.epochs.unwrap_or(training.epochs);
        training.patience = self.patience.unwrap_or(training.patience);
        training.frozen_epochs = self.frozen_epochs.unwrap_or(training.frozen_epochs);
        training.batch = self.batch.unwrap_or(training.batch);
        training.learning_rate = self.learning_rate.unwrap_or(training.learning_rate);
        training.class_weights = self.class_weights.unwrap_or(training.class_weights);
        training.augment.flip = self.flip.unwrap_or(training.augment.flip);
        changed.check(name)?;
        Ok(changed)
    }

    /// Returns the options of `pinhole train` that make these changes.
    pub fn options(&self) -> Vec<String> {
        let mut options = Vec::new();
        let mut put =
            |name: &str, value: Option<String>| options.extend(value.map(|value| format!("--{name} {value}")));
        put("color", self.color.map(|color| color.to_string()));
        put("input-size", self.input_size.map(size_text));
        put("fit", self.fit.map(|fit| fit.to_string()));
        put("epochs", self.epochs.map(|epochs| epochs.to_string()));
        put("patience", self.patience.flatten().map(|epochs| epochs.to_string()));
        put("frozen-epochs", self.frozen_epochs.map(|epochs| epochs.to_string()));
        put("batch", self.batch.map(|batch| batch.to_string()));
        put("learning-rate", self.learning_rate.map(|rate| rate.to_string()));
        put("class-weights", self.class_weights.map(|weights| weights.map_or("equal", |_| "balanced").to_owned()));
        if self.patience == Some(None) {
            options.push("--no-patience".to_owned());
        }
        match self.flip {
            None => {}
            Some(true) => options.push("--flip".to_owned()),
            Some(false) => options.push("--no-flip".to_owned()),
        }
        options
    }
}

/// Returns a size as `--input-size` takes it.
fn size_text(size: PictureSize) -> String {
    if size.width == size.height { size.width.to_string() } else { format!("{}x{}", size.width, size.height) }
}
