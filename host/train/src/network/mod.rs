//! The float network: a sequence of layers of any kind ([`crate::layers`]), and its forward passes.

mod build;
#[cfg(test)]
mod fake_quantization_tests;
mod file;
#[cfg(test)]
pub(super) mod tests;

use candle_core::{Device, Module, Tensor, Var};
use pinhole_core::random::Random;
use pinhole_core::recipe::Recipe;
use pinhole_shared::pixels::Color;

use super::fake_quantization::FakeQuantized;
use super::layers::{FloatLayer, Node, Trace, TrainingPass, places_first};
use super::optimizer::contiguous;

pub use self::file::NetworkError;

/// A sequence of layers in 32-bit floating point, trained or to be trained.
pub struct Network {
    /// Class names, in the order of the logits.
    pub classes: Vec<String>,
    /// The recipe that the network was made from.
    pub recipe: Recipe,
    pub(super) layers: Vec<Node>,
    /// Number of layers, from the first on, that training does not change.
    pub(super) frozen: usize,
    /// True if all layers were trained on these classes before; training then measures the network before the first
    /// epoch.
    pub(super) pretrained: bool,
}

/// Largest number of values of one layer's outputs that [`Network::infer`] computes at once: 16 MiB.
const PIECE_ELEMENTS: usize = 1 << 22;

/// Result of a forward pass in training: logits, and what each layer leaves for the optimizer.
pub(super) struct Forward {
    /// Batch x classes.
    pub logits: Tensor,
    pub traces: Vec<Trace>,
}

impl Network {
    /// Freezes all layers but the last: training does not change a bit of them.
    pub fn freeze_hidden(&mut self) {
        self.frozen = self.layers.len() - 1;
    }

    /// Runs a batch (batch x inputs, pixels as 0..=1) in training, with dropout masks and batch statistics. `quantized`
    /// gives the outputs of the quantized layers, one stage per layer; empty for floating point.
    pub(super) fn learn(
        &self,
        inputs: &Tensor,
        dropout: &mut Random,
        quantized: &[FakeQuantized],
    ) -> candle_core::Result<Forward> {
        let mut values = inputs.clone();
        let masks = self.masks(dropout, inputs.dim(0)?)?;
        let traces: Vec<Trace> = self.layers.iter().map(|_| Trace::default()).collect();
        let mut earlier = Vec::with_capacity(self.layers.len());
        for (index, (layer, trace)) in self.layers.iter().zip(&traces).enumerate() {
            // Backpropagation ends at the first layer that is trained.
            values = if index < self.frozen {
                layer.kind.infer(&values, &earlier)?
            } else {
                layer.kind.learn(&values, &earlier, TrainingPass { trace, input_gradient: index > self.frozen })?
            };
            if let Some(stage) = quantized.get(index) {
                values = stage.values(&values, layer.shape.output)?;
            }
            if let Some(mask) = &masks[index] {
                values = (values * mask)?;
            }
            earlier.push(self.is_read_again(index).then(|| values.clone()));
        }
        Ok(Forward { logits: values, traces })
    }

    /// Returns the values of a batch (batch x inputs, pixels as 0..=1) after the first `count` layers, for inference:
    /// batch x elements, tensors as channel planes.
    fn infer_layers(&self, inputs: &Tensor, count: usize) -> candle_core::Result<Tensor> {
        let mut values = inputs.clone();
        let mut earlier = Vec::with_capacity(count);
        for (index, layer) in self.layers.iter().enumerate().take(count) {
            values = layer.kind.infer(&values, &earlier)?;
            earlier.push(self.is_read_again(index).then(|| values.clone()));
        }
        Ok(values)
    }

    /// Returns the dropout masks of one forward pass, batch x elements, for the layers with dropout.
    pub(super) fn masks(&self, random: &mut Random, rows: usize) -> candle_core::Result<Vec<Option<Tensor>>> {
        let of_layer = |layer: &Node| (layer.dropout > 0.0).then(|| mask(random, layer, rows)).transpose();
        self.layers.iter().map(of_layer).collect()
    }

    /// Returns true if a later layer than the next reads this one's outputs, which are then kept.
    fn is_read_again(&self, index: usize) -> bool {
        self.layers.iter().any(|layer| layer.kind.earlier() == Some(index))
    }

    /// Returns the logits of a batch, as [`Network::forward`] but in pieces, so that thousands of photos do not require
    /// gigabytes of floats at once. A row does not depend on the others of its piece.
    pub(super) fn infer(&self, inputs: &Tensor) -> candle_core::Result<Vec<Vec<f32>>> {
        let count = inputs.dim(0)?;
        let mut rows = Vec::with_capacity(count);
        for start in (0..count).step_by(self.piece()) {
            let piece = inputs.narrow(0, start, self.piece().min(count - start))?;
            rows.extend(self.forward(&piece)?.to_vec2::<f32>()?);
        }
        Ok(rows)
    }

    /// Returns the number of photos in a piece for inference.
    pub(crate) fn piece(&self) -> usize {
        let largest = self.layers.iter().map(|layer| layer.shape.output.elements()).max().unwrap_or(1);
        (PIECE_ELEMENTS / largest).clamp(1, 256)
    }

    /// Returns one row of class logits for each input. Inputs are bytes, row by row, the channels of a pixel together.
    ///
    /// # Errors
    /// A candle error if there is not enough memory.
    ///
    /// # Panics
    /// If an input's length is not that of the recipe's input.
    pub fn logits(&self, inputs: &[&[u8]]) -> candle_core::Result<Vec<Vec<f32>>> {
        let mut rows = Vec::with_capacity(inputs.len());
        for piece in inputs.chunks(self.piece()) {
            rows.extend(self.forward(&batch(piece, self.recipe.input.color)?)?.to_vec2::<f32>()?);
        }
        Ok(rows)
    }

    /// Returns parameters and activation function of every layer as plain numbers.
    ///
    /// # Errors
    /// A candle error if there is not enough memory.
    pub fn float_layers(&self) -> candle_core::Result<Vec<FloatLayer>> {
        self.layers.iter().map(|layer| layer.kind.float()).collect()
    }

    /// Returns the network's values after `count` layers for each input, row-major, channels last, by running
    /// statistics. The integer engine's layers approximate these.
    ///
    /// # Errors
    /// A candle error if there is not enough memory.
    pub fn activations(&self, inputs: &[&[u8]], count: usize) -> candle_core::Result<Vec<f32>> {
        let mut all = Vec::new();
        for piece in inputs.chunks(self.piece()) {
            let values = self.infer_layers(&batch(piece, self.recipe.input.color)?, count)?;
            let shape = self.layers[..count].last().map_or(self.recipe.input().shape(), |last| last.shape.output);
            all.extend(places_first(&values, shape)?.flatten_all()?.to_vec1::<f32>()?);
        }
        Ok(all)
    }

    /// Copies the parameters of all layers to `kept`, whose memory is reused after the first time.
    pub(super) fn save_into(&self, kept: &mut Vec<FloatLayer>) -> candle_core::Result<()> {
        if kept.len() != self.layers.len() {
            *kept = self.float_layers()?;
            return Ok(());
        }
        for (layer, kept) in self.layers.iter().zip(kept) {
            for ((_, variable), (_, kept)) in layer.kind.variables().into_iter().zip(kept.values_mut()) {
                copy(variable, kept)?;
            }
        }
        Ok(())
    }

    /// Returns true if all parameters and running statistics are finite numbers. Losses may be finite where these are not: a
    /// comparison with NaN, as in relu, is 0.
    pub(super) fn is_finite(&self) -> candle_core::Result<bool> {
        for (_, variable) in self.layers.iter().flat_map(|layer| layer.kind.variables()) {
            let (storage, layout) = variable.storage_and_layout();
            let candle_core::Storage::Cpu(storage) = &*storage else { candle_core::bail!("weights off the CPU") };
            if !contiguous(storage, layout)?.iter().all(|value| value.is_finite()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Replaces all parameters by those that [`values`] returned for the same network.
    ///
    /// # Errors
    /// A candle error if they are those of another network; nothing is replaced then.
    pub(super) fn set_values(&self, values: &[Vec<f32>]) -> candle_core::Result<()> {
        let variables = self.layers.iter().flat_map(|layer| layer.kind.variables());
        let variables: Vec<_> = variables.map(|(_, variable)| variable).collect();
        let sizes = variables.iter().map(|variable| variable.elem_count());
        if !sizes.eq(values.iter().map(Vec::len)) {
            candle_core::bail!("its network has other layers");
        }
        for (variable, values) in variables.into_iter().zip(values) {
            variable.set(&Tensor::from_slice(values, variable.shape(), &Device::Cpu)?)?;
        }
        Ok(())
    }

    /// Replaces all parameters by those that [`Network::float_layers`] returned for the same network.
    pub(super) fn restore(&self, mut layers: Vec<FloatLayer>) -> candle_core::Result<()> {
        for (layer, saved) in self.layers.iter().zip(&mut layers) {
            for ((_, variable), (_, saved)) in layer.kind.variables().into_iter().zip(saved.values_mut()) {
                variable.set(&Tensor::from_slice(saved, variable.shape(), &Device::Cpu)?)?;
            }
        }
        Ok(())
    }
}

/// Inference: batch x inputs, pixels as 0..=1 and as channel planes -> logits, batch x classes. Batch normalization is by
/// running statistics, and there is no dropout.
impl Module for Network {
    fn forward(&self, inputs: &Tensor) -> candle_core::Result<Tensor> {
        self.infer_layers(inputs, self.layers.len())
    }
}

/// Returns the numbers of all layers, tensor by tensor, in the order of a weights file's names.
pub(super) fn values(mut layers: Vec<FloatLayer>) -> Vec<Vec<f32>> {
    let tensors = layers.iter_mut().flat_map(FloatLayer::values_mut);
    tensors.map(|(_, values)| std::mem::take(values)).collect()
}

/// Copies a variable's values to a slice of the same length.
fn copy(variable: &Var, to: &mut [f32]) -> candle_core::Result<()> {
    let (storage, layout) = variable.storage_and_layout();
    let candle_core::Storage::Cpu(storage) = &*storage else { candle_core::bail!("weights off the CPU") };
    to.copy_from_slice(contiguous(storage, layout)?);
    Ok(())
}

/// Converts inputs (bytes, the channels of a pixel together) to a batch of floats as channel planes: batch x inputs,
/// 255 becomes 1.
pub(super) fn batch(inputs: &[&[u8]], color: Color) -> candle_core::Result<Tensor> {
    let channels = usize::from(color.channels());
    let width = inputs.first().map_or(0, |input| input.len());
    let mut values = Vec::with_capacity(inputs.len() * width);
    for input in inputs {
        assert_eq!(input.len(), width, "inputs of different sizes in one batch");
        for channel in 0..channels {
            values.extend(input.iter().skip(channel).step_by(channels).map(|&level| f32::from(level) / 255.0));
        }
    }
    Tensor::from_vec(values, (inputs.len(), width), &Device::Cpu)
}

/// Returns a mask for inverted dropout: kept outputs are scaled up so that their expected sum stays the same.
fn mask(random: &mut Random, layer: &Node, rows: usize) -> candle_core::Result<Tensor> {
    let columns = layer.shape.output.elements();
    let scale = 1.0 / (1.0 - layer.dropout);
    let mask: Vec<f32> = (0..rows * columns).map(|_| if random.chance(layer.dropout) { 0.0 } else { scale }).collect();
    Tensor::from_vec(mask, (rows, columns), &Device::Cpu)
}
