//! A model file in the host's memory, and the engine that runs it: the same code as on the device.

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use pinhole_shared::decision::Decision;
use pinhole_shared::engine::{Engine, LayerValues, ScratchNeeds};
use pinhole_shared::kernel::{Kernel, Scalar};
use pinhole_shared::model::{Layer, Model, ModelError};
use thiserror::Error;

use crate::inference::Inference;

/// A whole, checked model file, aligned as the format asks.
#[derive(Clone, Debug)]
pub struct ModelFile {
    words: Vec<u32>,
}

/// Why a model file cannot be used.
#[derive(Debug, Error, Diagnostic)]
pub enum ModelFileError {
    /// Not there, or not readable.
    #[error("the model {} cannot be read: {reason}", path.display())]
    #[diagnostic(help("give a .pinhole file, or a run folder that `pinhole train` made"))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// Not a model, of another version, or damaged.
    #[error("{} is not usable as a model: {reason}", path.display())]
    #[diagnostic(help("{}", help_for(reason)))]
    Refused {
        /// The file.
        path: PathBuf,
        /// What parsing said.
        reason: ModelError,
    },
}

fn help_for(reason: &ModelError) -> &'static str {
    match reason {
        ModelError::Version { .. } | ModelError::Pipeline { .. } => {
            "make it anew with this Pinhole (`pinhole quantize` on its run folder), or use the Pinhole that wrote it"
        }
        ModelError::NotAModel => "give a .pinhole file, or a run folder that `pinhole train` made",
        _ => "the file was damaged on its way: copy it again, or make it anew with `pinhole quantize`",
    }
}

impl ModelFile {
    /// Takes and checks the bytes of a model file.
    ///
    /// # Errors
    /// What [`Model::parse`] finds.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        if !bytes.len().is_multiple_of(4) {
            // No whole number of words is no model, but let parsing say what is wrong with it.
            Model::parse(bytes)?;
            return Err(ModelError::Truncated { expected: bytes.len().next_multiple_of(4), got: bytes.len() });
        }
        let words =
            bytes.chunks_exact(4).map(|word| u32::from_ne_bytes([word[0], word[1], word[2], word[3]])).collect();
        let file = Self { words };
        Model::parse(file.bytes())?;
        Ok(file)
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// [`ModelFileError`] with the path.
    pub fn read(path: &Path) -> Result<Self, ModelFileError> {
        let bytes =
            std::fs::read(path).map_err(|reason| ModelFileError::Unreadable { path: path.to_owned(), reason })?;
        Self::from_bytes(&bytes).map_err(|reason| ModelFileError::Refused { path: path.to_owned(), reason })
    }

    /// The file's bytes.
    pub fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(&self.words)
    }

    /// The parsed model.
    pub fn model(&self) -> Model<'_> {
        Model::parse(self.bytes()).expect("checked when the file was taken")
    }

    /// An engine that runs it.
    pub fn engine(&self) -> HostEngine<'_> {
        let model = self.model();
        let needs = ScratchNeeds::of(&model);
        HostEngine { model, accumulators: vec![0; needs.accumulators], activations: vec![0; needs.activations] }
    }
}

/// The shared engine with working memory of its own.
#[derive(Debug)]
pub struct HostEngine<'f> {
    model: Model<'f>,
    accumulators: Vec<i32>,
    activations: Vec<i16>,
}

impl<'f> HostEngine<'f> {
    /// The model it runs.
    pub fn model(&self) -> &Model<'f> {
        &self.model
    }

    /// Classifies one input.
    ///
    /// # Panics
    /// If the input has not `inputs()` pixels.
    pub fn run(&mut self, input: &[u8]) -> Decision {
        self.run_observed(input, |_| ())
    }

    /// Classifies one input and keeps every integer on the way.
    ///
    /// # Panics
    /// If the input has not `inputs()` pixels.
    pub fn run_all(&mut self, input: &[u8]) -> Inference {
        let mut stages = vec![input.iter().map(|&pixel| i32::from(pixel)).collect()];
        let decision = self.run_observed(input, |values| {
            stages.push(match values {
                LayerValues::Activations(values) => values.iter().map(|&value| i32::from(value)).collect(),
                LayerValues::Logits(values) => values.to_vec(),
            });
        });
        Inference { stages, decision }
    }

    /// The first layer's accumulators for one input: what [`HostEngine::logits_from`] starts with.
    ///
    /// # Panics
    /// If the input has not `inputs()` pixels.
    pub fn first_accumulators(&self, input: &[u8]) -> Vec<i32> {
        assert_eq!(input.len(), self.model.inputs(), "pixels of the input");
        let Some(Layer::Dense(first)) = self.model.layers().first() else { return Vec::new() };
        let mut accumulators = vec![0; first.operands.biases.len()];
        Scalar::dense_u8(first.operands, input, &mut accumulators);
        accumulators
    }

    /// The logits, Q16, of the input whose first layer's accumulators these are.
    ///
    /// # Panics
    /// If they are not one for each output of the first layer.
    pub fn logits_from(&mut self, first_accumulators: &[i32]) -> &[i32] {
        Engine::<Scalar>::new(&self.model, &mut self.accumulators, &mut self.activations)
            .expect("the buffers were sized for this model")
            .run_from(|_, accumulators| accumulators.copy_from_slice(first_accumulators), |_, _| ());
        // The last layer's accumulators became the logits where they lay.
        &self.accumulators[..usize::from(self.model.classes())]
    }

    fn run_observed(&mut self, input: &[u8], mut observe: impl FnMut(LayerValues<'_>)) -> Decision {
        Engine::<Scalar>::new(&self.model, &mut self.accumulators, &mut self.activations)
            .expect("the buffers were sized for this model")
            .run_observed(input, |_, values| observe(values))
            .expect("the input is as long as the model's")
    }
}
