//! The float network: candle variables, the forward pass, and its file.

use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor, Var};
use miette::Diagnostic;
use pinhole_shared::model::Activation;
use safetensors::SafeTensors;
use thiserror::Error;

use super::dense::{DenseOp, Factors};
use super::optimizer::{Penalty, contiguous};
use crate::random::{Purpose, Random};
use crate::recipe::{Initialization, Layer, Recipe, RecipeError};

/// A dense layer's parameters and what surrounds them.
pub(super) struct DenseLayer {
    /// Inputs x outputs.
    pub weights: Var,
    /// Outputs.
    pub biases: Var,
    pub activation: Activation,
    /// Fraction of outputs dropped in training.
    pub dropout: f32,
    pub penalty: Penalty,
}

/// A trained or trainable stack of dense layers, in 32-bit floating point.
pub struct Network {
    /// Class names, in the order of the logits.
    pub classes: Vec<String>,
    /// The recipe it was made from.
    pub recipe: Recipe,
    pub(super) layers: Vec<DenseLayer>,
    /// Layers, from the first on, that training leaves as they are.
    pub(super) frozen: usize,
    /// Whether all of it was trained on its classes before: then training measures it before the first epoch.
    pub(super) pretrained: bool,
}

/// One layer's parameters as plain numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatLayer {
    /// Inputs x outputs, row-major.
    pub weights: Vec<f32>,
    /// One for each output.
    pub biases: Vec<f32>,
    /// Activation function.
    pub activation: Activation,
}

/// Why a weights file cannot be used.
#[derive(Debug, Error, Diagnostic)]
#[allow(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum NetworkError {
    /// Not there, or not readable.
    #[error("the weights {} cannot be read: {reason}", path.display())]
    #[diagnostic(help("`pinhole train` leaves weights.safetensors in its run folder"))]
    Unreadable { path: PathBuf, reason: std::io::Error },
    /// Not weights of ours.
    #[error("{} does not hold the weights of a Pinhole network: {reason}", path.display())]
    #[diagnostic(help("use the weights.safetensors of a run folder, or train again"))]
    Malformed { path: PathBuf, reason: String },
    /// The recipe inside is not one.
    #[error("{} holds a recipe this Pinhole does not understand", path.display())]
    Recipe {
        path: PathBuf,
        #[source]
        #[diagnostic_source]
        reason: RecipeError,
    },
}

/// What a forward pass keeps for backpropagation: for each layer, the place for its gradient's factors.
pub(super) struct Forward {
    pub logits: Tensor,
    pub factors: Vec<Factors>,
}

impl Network {
    /// A new network: Glorot-uniform weights from the seed, zero biases.
    ///
    /// The weights into one neuron are stratified: the range is cut into as many equal parts as there are inputs and
    /// one weight is drawn from each, in random order. Each weight is distributed as Glorot and Bengio say, but their
    /// sum, the neuron's bias in disguise, is near 0 instead of anywhere. Drawn independently, one seed in six of the
    /// article's network starts with so strong a preference for one class that it is still recovering after 400 epochs
    /// (mean validation accuracy of 60 seeds on the article's photos: 0.902 drawn independently, 0.929 stratified).
    /// A recipe can ask for independent weights, to compare with frameworks that draw them so.
    ///
    /// # Errors
    /// A candle error when memory cannot be had.
    ///
    /// # Source
    /// X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS
    /// 2010, equation 16: uniform within +-sqrt(6 / (inputs + outputs)).
    pub fn new(recipe: &Recipe, classes: &[String], seed: u64) -> candle_core::Result<Self> {
        let mut random = Random::stream(seed, Purpose::Weights);
        Self::build(recipe, classes, |_, inputs, outputs| {
            let limit = (6.0 / (inputs + outputs) as f32).sqrt();
            let mut weights = vec![0.0; inputs * outputs];
            if recipe.training.initialization == Initialization::Independent {
                weights.iter_mut().for_each(|weight| *weight = random.between(-limit, limit));
                return Ok((weights, vec![0.0; outputs]));
            }
            let mut strata: Vec<usize> = (0..inputs).collect();
            for output in 0..outputs {
                random.shuffle(&mut strata);
                for (input, &stratum) in strata.iter().enumerate() {
                    let place = (stratum as f32 + random.unit()) / inputs as f32;
                    weights[input * outputs + output] = limit * (2.0 * place - 1.0);
                }
            }
            Ok((weights, vec![0.0; outputs]))
        })
    }

    /// A network of given parameters, one [`FloatLayer`] for each layer of the recipe and one more that decides.
    ///
    /// # Errors
    /// A candle error when the numbers of layers or parameters are not the recipe's.
    pub fn from_layers(recipe: &Recipe, classes: &[String], layers: &[FloatLayer]) -> candle_core::Result<Self> {
        if layers.len() != recipe.layers.len() + 1 {
            candle_core::bail!("{} layers for a recipe of {}", layers.len(), recipe.layers.len() + 1);
        }
        Self::build(recipe, classes, |index, inputs, outputs| {
            let FloatLayer { weights, biases, .. } = &layers[index];
            if (weights.len(), biases.len()) != (inputs * outputs, outputs) {
                candle_core::bail!("layer {index}: {} weights for {inputs} x {outputs}", weights.len());
            }
            Ok((weights.clone(), biases.clone()))
        })
    }

    /// `parameters(layer, inputs, outputs)` gives weights and biases.
    fn build(
        recipe: &Recipe,
        classes: &[String],
        mut parameters: impl FnMut(usize, usize, usize) -> candle_core::Result<(Vec<f32>, Vec<f32>)>,
    ) -> candle_core::Result<Self> {
        let hidden = recipe.layers.iter().filter_map(Layer::as_dense).map(|layer| {
            let activation = layer.activation.of_dense().unwrap_or(Activation::Linear);
            (layer.outputs, activation, layer.dropout, Penalty { l1: layer.l1, l2: layer.l2 })
        });
        if recipe.layers.iter().any(|layer| layer.as_dense().is_none()) {
            candle_core::bail!("this version trains dense layers only");
        }
        let penalty = Penalty { l1: recipe.output.l1, l2: recipe.output.l2 };
        let last = (classes.len(), Activation::Linear, 0.0, penalty);
        let mut inputs = usize::from(recipe.input_side) * usize::from(recipe.input_side);
        let mut layers = Vec::new();
        for (index, (outputs, activation, dropout, penalty)) in hidden.chain([last]).enumerate() {
            let (weights, biases) = parameters(index, inputs, outputs)?;
            layers.push(DenseLayer {
                weights: Var::from_vec(weights, (inputs, outputs), &Device::Cpu)?,
                biases: Var::from_vec(biases, outputs, &Device::Cpu)?,
                activation,
                dropout,
                penalty,
            });
            inputs = outputs;
        }
        Ok(Self { classes: classes.to_vec(), recipe: recipe.clone(), layers, frozen: 0, pretrained: false })
    }

    /// Leaves all layers but the one that decides as they are, to the last bit, when the network is trained.
    pub fn freeze_hidden(&mut self) {
        self.frozen = self.layers.len() - 1;
    }

    /// Logits of a batch (batch x inputs, pixels as 0..=1), with dropout masks if training.
    pub(super) fn forward(&self, inputs: &Tensor, mut dropout: Option<&mut Random>) -> candle_core::Result<Forward> {
        let mut values = inputs.clone();
        let mut all_factors = Vec::with_capacity(self.layers.len());
        for (index, layer) in self.layers.iter().enumerate() {
            let factors = Factors::default();
            let op =
                DenseOp { activation: layer.activation, input_gradient: index > self.frozen, factors: factors.clone() };
            let (weights, biases) = (layer.weights.as_tensor(), layer.biases.as_tensor());
            // Backpropagation ends where nothing before is to learn.
            values = if index < self.frozen {
                values.apply_op3_no_bwd(weights, biases, &op)?
            } else {
                values.apply_op3(weights, biases, op)?
            };
            all_factors.push(factors);
            if let Some(random) = dropout.as_deref_mut()
                && layer.dropout > 0.0
            {
                values = (values * mask(random, layer, inputs.dim(0)?)?)?;
            }
        }
        Ok(Forward { logits: values, factors: all_factors })
    }

    /// Logits of inputs given as gray pixels, one row of class logits for each.
    ///
    /// # Errors
    /// A candle error when memory cannot be had.
    ///
    /// # Panics
    /// If an input's length is not `input_side^2`.
    pub fn logits(&self, inputs: &[&[u8]]) -> candle_core::Result<Vec<Vec<f32>>> {
        let mut rows = Vec::with_capacity(inputs.len());
        // In pieces, so that thousands of photos need no gigabyte of floats at once.
        for piece in inputs.chunks(256) {
            rows.extend(self.forward(&batch(piece)?, None)?.logits.to_vec2::<f32>()?);
        }
        Ok(rows)
    }

    /// Parameters and activation of every layer as plain numbers.
    ///
    /// # Errors
    /// A candle error when memory cannot be had.
    pub fn float_layers(&self) -> candle_core::Result<Vec<FloatLayer>> {
        self.layers
            .iter()
            .map(|layer| {
                Ok(FloatLayer {
                    weights: layer.weights.as_tensor().flatten_all()?.to_vec1()?,
                    biases: layer.biases.as_tensor().to_vec1()?,
                    activation: layer.activation,
                })
            })
            .collect()
    }

    /// The network's values after `count` layers for each input, row-major: what the integer engine's layers
    /// approximate.
    ///
    /// # Errors
    /// A candle error when memory cannot be had.
    pub fn activations(&self, inputs: &[&[u8]], count: usize) -> candle_core::Result<Vec<f32>> {
        let mut all = Vec::new();
        for piece in inputs.chunks(256) {
            let mut values = batch(piece)?;
            for layer in self.layers.iter().take(count) {
                let op = DenseOp { activation: layer.activation, input_gradient: false, factors: Factors::default() };
                values = values.apply_op3_no_bwd(layer.weights.as_tensor(), layer.biases.as_tensor(), &op)?;
            }
            all.extend(values.flatten_all()?.to_vec1::<f32>()?);
        }
        Ok(all)
    }

    /// Copies parameters and activations of every layer over what `kept` has, without new memory after the first time.
    pub(super) fn save_into(&self, kept: &mut Vec<FloatLayer>) -> candle_core::Result<()> {
        if kept.len() != self.layers.len() {
            *kept = self.float_layers()?;
            return Ok(());
        }
        for (layer, kept) in self.layers.iter().zip(kept) {
            for (parameters, kept) in [(&layer.weights, &mut kept.weights), (&layer.biases, &mut kept.biases)] {
                let (storage, layout) = parameters.storage_and_layout();
                let candle_core::Storage::Cpu(storage) = &*storage else { candle_core::bail!("weights off the CPU") };
                kept.copy_from_slice(contiguous(storage, layout)?);
            }
        }
        Ok(())
    }

    /// Replaces all parameters by those taken with [`Network::float_layers`] of the same network.
    pub(super) fn restore(&self, layers: &[FloatLayer]) -> candle_core::Result<()> {
        for (layer, saved) in self.layers.iter().zip(layers) {
            let shape = layer.weights.dims2()?;
            layer.weights.set(&Tensor::from_slice(&saved.weights, shape, &Device::Cpu)?)?;
            layer.biases.set(&Tensor::from_slice(&saved.biases, saved.biases.len(), &Device::Cpu)?)?;
        }
        Ok(())
    }

    /// The file: safetensors with `layer.N.weights` (inputs x outputs) and `layer.N.biases`, in order, and the recipe
    /// and class names as metadata, so that it needs no other file to be used. The same network gives the same bytes.
    ///
    /// # Errors
    /// A candle error when memory cannot be had.
    pub fn to_safetensors(&self) -> candle_core::Result<Vec<u8>> {
        let mut tensors = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            tensors.push((format!("layer.{index}.biases"), layer.biases.as_tensor().clone()));
            tensors.push((format!("layer.{index}.weights"), layer.weights.as_tensor().clone()));
        }
        // One entry: the library keeps metadata in a hash map, whose order would differ from run to run.
        let description = serde_json::json!({ "classes": self.classes, "recipe": self.recipe.to_toml() });
        let metadata = [(METADATA.to_owned(), description.to_string())].into_iter().collect();
        safetensors::serialize(tensors.iter().map(|(name, tensor)| (name, tensor)), Some(metadata))
            .map_err(|error| candle_core::Error::Msg(error.to_string()))
    }

    /// Reads what [`Network::to_safetensors`] wrote.
    ///
    /// # Errors
    /// [`NetworkError`] with the path.
    pub fn read(path: &Path) -> Result<Self, NetworkError> {
        let bytes = std::fs::read(path).map_err(|reason| NetworkError::Unreadable { path: path.to_owned(), reason })?;
        let malformed = |reason: String| NetworkError::Malformed { path: path.to_owned(), reason };
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| malformed(error.to_string()))?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(|error| malformed(error.to_string()))?;
        let description = header
            .metadata()
            .as_ref()
            .and_then(|metadata| metadata.get(METADATA))
            .ok_or_else(|| malformed("it has no recipe".into()))?;
        let description: Description =
            serde_json::from_str(description).map_err(|error| malformed(error.to_string()))?;
        let recipe = Recipe::parse(&description.recipe, "inside the file")
            .map_err(|reason| NetworkError::Recipe { path: path.to_owned(), reason })?;
        Self::build(&recipe, &description.classes, |index, inputs, outputs| {
            let weights = values(&tensors, &format!("layer.{index}.weights"), &[inputs, outputs])?;
            Ok((weights, values(&tensors, &format!("layer.{index}.biases"), &[outputs])?))
        })
        .map_err(|error| malformed(error.to_string()))
    }
}

/// Key of the one metadata entry.
const METADATA: &str = "pinhole";

#[derive(serde::Deserialize)]
struct Description {
    classes: Vec<String>,
    recipe: String,
}

fn values(tensors: &SafeTensors<'_>, name: &str, shape: &[usize]) -> candle_core::Result<Vec<f32>> {
    let view = tensors.tensor(name).map_err(|error| candle_core::Error::Msg(error.to_string()))?;
    if view.shape() != shape || view.dtype() != safetensors::Dtype::F32 {
        candle_core::bail!("{name} is {:?} {:?}, not {shape:?} in f32", view.dtype(), view.shape());
    }
    let values: Vec<f32> =
        view.data().chunks_exact(4).map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).collect();
    if values.iter().all(|value| value.is_finite()) { Ok(values) } else { candle_core::bail!("{name} is not finite") }
}

/// Gray pixels as a batch of floats: batch x inputs, 255 -> 1.
pub(super) fn batch(inputs: &[&[u8]]) -> candle_core::Result<Tensor> {
    let width = inputs.first().map_or(0, |input| input.len());
    let mut values = Vec::with_capacity(inputs.len() * width);
    for input in inputs {
        assert_eq!(input.len(), width, "inputs of different sizes in one batch");
        values.extend(input.iter().map(|&pixel| f32::from(pixel) / 255.0));
    }
    Tensor::from_vec(values, (inputs.len(), width), &Device::Cpu)
}

/// Inverted dropout: kept outputs are scaled up so that their expected sum stays.
fn mask(random: &mut Random, layer: &DenseLayer, rows: usize) -> candle_core::Result<Tensor> {
    let columns = layer.biases.dim(0)?;
    let scale = 1.0 / (1.0 - layer.dropout);
    let mask: Vec<f32> = (0..rows * columns).map(|_| if random.chance(layer.dropout) { 0.0 } else { scale }).collect();
    debug_assert_eq!(layer.weights.dtype(), DType::F32);
    Tensor::from_vec(mask, (rows, columns), &Device::Cpu)
}
