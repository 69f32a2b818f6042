//! Identity of a training: two trainings with the same identity give the same bytes.

use pinhole_core::photos::Dataset;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::DIGEST;
use crate::{Accelerator, Network};

/// Everything that a training's result depends on. Large parts are stored as their SHA-256.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainingIdentity {
    /// Pinhole's version.
    pub(super) pinhole: String,
    /// The recipe as TOML. The number of epochs is part of it: learning rates depend on it.
    recipe: String,
    seed: u64,
    /// Digest of the training photos, without the recipe's copies.
    training: [u8; DIGEST],
    validation: [u8; DIGEST],
    /// Digest of the network before its first epoch, and of which layers are frozen.
    start: [u8; DIGEST],
    /// Device of the gradients: on another device, sums have another order.
    accelerator: Accelerator,
}

impl TrainingIdentity {
    /// Returns the identity of a training of `network` by the recipe it carries. The network is as before its first
    /// epoch; `training` is without the recipe's copies.
    ///
    /// # Errors
    /// A candle error if there is not enough memory.
    pub fn of(network: &Network, training: &Dataset, validation: &Dataset, seed: u64) -> candle_core::Result<Self> {
        let mut start = Sha256::new();
        start.update([u8::from(network.pretrained)]);
        start.update((network.frozen as u64).to_le_bytes());
        start.update(network.to_safetensors()?);
        Ok(Self {
            pinhole: env!("CARGO_PKG_VERSION").to_owned(),
            recipe: network.recipe.to_toml(),
            seed,
            training: digest(training),
            validation: digest(validation),
            start: start.finalize().into(),
            accelerator: Accelerator::Cpu,
        })
    }

    /// Returns the identity of the same training on `accelerator` instead of the processor.
    #[must_use]
    pub fn on(self, accelerator: Accelerator) -> Self {
        Self { accelerator, ..self }
    }

    /// Describes the first difference from another training, for people; `None` if there is none.
    pub(super) fn difference(&self, other: &Self) -> Option<String> {
        let differs = [
            self.pinhole != other.pinhole,
            self.recipe != other.recipe,
            // Compared before the photos: the seed may decide which of them are held out.
            self.seed != other.seed,
            self.training != other.training,
            self.validation != other.validation,
            self.start != other.start,
            self.accelerator != other.accelerator,
        ];
        let first = differs.into_iter().position(|differs| differs)?;
        Some(match first {
            0 => format!("it was written by Pinhole {}, and this is {}", self.pinhole, other.pinhole),
            1 => format!("its recipe has {}", line_that_differs(&self.recipe, &other.recipe)),
            2 => format!("its seed is {}, and this one's {}", self.seed, other.seed),
            3 => "its training photos differ".to_owned(),
            4 => "its validation photos differ".to_owned(),
            5 => "it starts with another network (--from, --freeze)".to_owned(),
            _ => "it ran on another device (--device)".to_owned(),
        })
    }
}

/// Describes the first line in which two texts differ. They must not be the same.
fn line_that_differs(one: &str, other: &str) -> String {
    let (mut lines, mut others) = (one.lines(), other.lines());
    let name = |line: Option<&str>| line.map_or_else(|| "no more lines".to_owned(), |line| format!("`{line}`"));
    loop {
        match (lines.next(), others.next()) {
            (None, None) => return "other line ends".to_owned(),
            (line, other) if line != other => return format!("{} where this one has {}", name(line), name(other)),
            _ => {}
        }
    }
}

/// Returns the SHA-256 of classes, labels and pixels, in order; paths are not part of it.
pub fn digest(photos: &Dataset) -> [u8; DIGEST] {
    let mut hash = Sha256::new();
    // Lengths come first, so that no two datasets give the same bytes.
    let mut put = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    put(&(photos.classes.len() as u64).to_le_bytes());
    for class in &photos.classes {
        put(class.as_bytes());
    }
    for example in &photos.examples {
        put(&example.class.to_le_bytes());
        put(&example.pixels);
    }
    hash.finalize().into()
}
