//! Reads operators, in the order in which they run, as layers.

use pinhole_core::model_file::scales::InputKind;
use pinhole_core::model_file::{QuantizedLayer, QuantizedTensor};
use pinhole_shared::model::MAX_LAYERS;
use pinhole_shared::pixels::{Color, Fit, InputShape};
use pinhole_shared::shape::{Padding, Shape};

use super::graph::{FileGraph, FileOperator, FileTensor};
use super::names;
use super::operators::{OPERATOR_READERS, reshape};
use super::quantization::input_kind;
use super::weights::ImportedWeights;
use crate::export::FIT_METADATA;
use crate::import::Reason;
use crate::tflite::schema::{BuiltinOperator, FusedActivation, SOFTMAX_BETA};

/// Largest relative difference of an input's scale from 1/255.
const SCALE_TOLERANCE: f64 = 1e-4;

/// Output of the layers so far, which the next layer reads.
#[derive(Clone, Copy, Debug)]
pub(super) struct LayerInput {
    pub(super) kind: InputKind,
    /// Real value of one unit in the file.
    pub(super) file_scale: f64,
    /// Shape of a tensor; `None` after a dense layer.
    pub(super) shape: Option<Shape>,
    pub(super) elements: usize,
}

/// State of reading a network: the layers so far.
pub(super) struct Importer<'g, 'f> {
    pub(super) graph: &'g FileGraph<'f>,
    /// Index of the next operator.
    pub(super) next: usize,
    /// Index of the operator that is the output layer: the last FULLY_CONNECTED.
    pub(super) output_layer: usize,
    pub(super) layers: Vec<QuantizedLayer>,
    /// Index of the tensor that each layer before the dense ones writes.
    pub(super) outputs: Vec<i32>,
    /// Index of the tensor that was written last.
    pub(super) current: i32,
    pub(super) input: LayerInput,
    /// Bytes of the weights that the layers so far have copied. Several may have the same ones.
    pub(super) copied: usize,
    /// Padding that PAD puts around that tensor, and its fill byte.
    pub(super) padding: Option<(Padding, u8)>,
}

/// A network that has been read.
pub(super) struct ImportedNetwork {
    pub(super) input: InputShape,
    pub(super) layers: Vec<QuantizedLayer>,
}

impl<'g, 'f> Importer<'g, 'f> {
    /// Reads a whole network, whose last layer is the output layer.
    ///
    /// # Errors
    /// [`Reason`]: what Pinhole does not support.
    pub(super) fn network(graph: &'g FileGraph<'f>) -> Result<ImportedNetwork, Reason> {
        let mut current = graph.input()?;
        let mut next = 0;
        if let Some(first) = graph.operators.first()
            && first.is(BuiltinOperator::Quantize)
            && first.input(0) == current
        {
            (current, next) = (first.output, 1);
        }
        let mut pixels = pixels(&graph.tensor(current)?)?;
        // Files of other tools, and those for cropped pictures, do not say how pictures were fitted in.
        if let Some(fit) = graph.metadata(FIT_METADATA)? {
            let known = Fit::ALL.into_iter().find(|known| known.name().as_bytes() == fit);
            pixels.fit = known.ok_or_else(|| Reason::Fit { got: String::from_utf8_lossy(fit).into_owned() })?;
        }
        let (shape, kind) = (pixels.shape(), InputKind::PIXELS);
        let input = LayerInput { kind, file_scale: kind.scale, shape: Some(shape), elements: shape.elements() };
        let output_layer = graph.operators.iter().rposition(|operator| operator.is(BuiltinOperator::FullyConnected));
        let output_layer = output_layer.ok_or(Reason::Undecided)?;
        let (layers, outputs) = (Vec::new(), Vec::new());
        let mut importer =
            Self { graph, next, output_layer, layers, outputs, current, input, copied: 0, padding: None };
        while let Some(operator) = graph.operators.get(importer.next) {
            importer.next += 1;
            importer.read(operator)?;
            // Checked here, since a small file can have many operators with the same large weights.
            if importer.layers.len() > MAX_LAYERS {
                return Err(Reason::Layers { most: MAX_LAYERS });
            }
        }
        if !graph.ends_with(importer.current)? {
            return Err(Reason::Outputs);
        }
        Ok(ImportedNetwork { input: pixels, layers: importer.layers })
    }

    /// Reads an operator by its reader.
    fn read(&mut self, operator: &FileOperator<'f>) -> Result<(), Reason> {
        if reshape::computes_shape(self.graph, operator)? {
            return Ok(());
        }
        let reader = OPERATOR_READERS.iter().find(|reader| operator.is(reader.builtin));
        if operator.input(0) != self.current && !reader.is_some_and(|reader| reader.finds_own_inputs) {
            return Err(refuse(operator, "whose input is not the output of the operator before it"));
        }
        if operator.index > self.output_layer {
            return match reader {
                Some(reader) if reader.may_follow_logits => self.follow(operator),
                _ => Err(refuse(operator, "after the layer that computes the logits")),
            };
        }
        if self.padding.is_some() && !reader.is_some_and(|reader| reader.takes_padding) {
            return Err(refuse(operator, "after padding, which only convolutions and MAX_POOL_2D can have"));
        }
        match reader {
            Some(reader) => (reader.read)(self, operator),
            None => Err(refuse(operator, "which Pinhole does not support")),
        }
    }

    /// Goes on after an operator that keeps the order of the logits.
    fn follow(&mut self, operator: &FileOperator<'f>) -> Result<(), Reason> {
        if operator.is(BuiltinOperator::Softmax) && operator.float(SOFTMAX_BETA)? != 1.0 {
            return Err(refuse(operator, "with another beta than 1"));
        }
        let (before, after) = (self.graph.tensor(self.current)?, self.graph.tensor(operator.output)?);
        if after.elements() != before.elements() {
            return Err(refuse(operator, "whose output has another number of elements than its input"));
        }
        self.go_on_with(operator.output)
    }

    /// Reads the weights of a layer, whose rows lie along the first dimension, or along the last if `rows_are_last`, and its biases.
    pub(super) fn weights(
        &mut self,
        operator: &FileOperator<'f>,
        rows_are_last: bool,
    ) -> Result<(FileTensor<'f>, ImportedWeights), Reason> {
        let weights = self.graph.tensor(operator.input(1))?;
        self.copied += weights.data.len();
        if self.copied > self.graph.bytes() {
            return Err(refuse(
                operator,
                "whose weights other layers have too, so that all together are larger than the file",
            ));
        }
        let biases = self.optional(operator, 2)?;
        let imported = ImportedWeights::of(&weights, biases.as_ref(), rows_are_last, self.input.file_scale);
        Ok((weights, imported.map_err(|why| refuse(operator, why))?))
    }

    /// Goes on with another tensor of the same integers.
    pub(super) fn go_on_with(&mut self, tensor: i32) -> Result<(), Reason> {
        self.current = tensor;
        Ok(())
    }

    /// Returns the tensor that an operator and an activation function right after it write, and that function. `fused` is the
    /// number of the operator's own one.
    pub(super) fn activated(
        &mut self,
        operator: &FileOperator<'f>,
        fused: u8,
    ) -> Result<(i32, FusedActivation), Reason> {
        let fused = FusedActivation::from_number(fused)
            .ok_or_else(|| refuse(operator, "with an activation function that Pinhole does not support"))?;
        if fused == FusedActivation::None
            && self.graph.readers(operator.output) == 1
            && let Some(next) = self.graph.operators.get(self.next)
            && next.input(0) == operator.output
        {
            let functions =
                [(BuiltinOperator::Relu, FusedActivation::Relu), (BuiltinOperator::Relu6, FusedActivation::Relu6)];
            if let Some((_, function)) = functions.into_iter().find(|&(builtin, _)| next.is(builtin)) {
                self.next += 1;
                // Its scale is not used, and must be one.
                self.graph.tensor(operator.output)?;
                return Ok((next.output, function));
            }
        }
        Ok((operator.output, fused))
    }

    /// Goes on with another tensor of the same integers, which must stand for the same real values.
    pub(super) fn go_on_with_same(&mut self, operator: &FileOperator<'f>) -> Result<(), Reason> {
        let (before, after) = (self.graph.tensor(self.current)?, self.graph.tensor(operator.output)?);
        if !after.has_values_of(&before) {
            return Err(refuse(operator, "whose output has another scale, zero point or type than its input"));
        }
        self.go_on_with(operator.output)
    }

    /// Returns the constant that an operator reads at this position, if any.
    pub(super) fn optional(
        &self,
        operator: &FileOperator<'f>,
        position: usize,
    ) -> Result<Option<FileTensor<'f>>, Reason> {
        match operator.input(position) {
            -1 => Ok(None),
            index => self.graph.tensor(index).map(Some),
        }
    }

    /// Returns the shape of the tensor that an operator reads.
    ///
    /// # Errors
    /// [`Reason::Operator`] after a dense layer.
    pub(super) fn shape(&self, operator: &FileOperator<'f>) -> Result<Shape, Reason> {
        self.input.shape.ok_or_else(|| refuse(operator, "after a FULLY_CONNECTED"))
    }

    /// Returns the output tensor of an operator, which must have this shape and activation function.
    pub(super) fn output(
        &self,
        operator: &FileOperator<'f>,
        tensor: i32,
        (shape, function): (Shape, FusedActivation),
    ) -> Result<QuantizedTensor, Reason> {
        let tensor = self.graph.tensor(tensor)?;
        let Some(quantization) = tensor.quantization() else {
            return Err(refuse(operator, "whose output is not int8 with a scale"));
        };
        if tensor.image_shape() != Some(shape) {
            return Err(refuse(operator, format!("whose output has the shape {:?}, not {shape}", tensor.shape)));
        }
        let (scale, zero_point) = (quantization.scale, quantization.zero_point_byte());
        let most = if function == FusedActivation::Relu6 {
            (f64::from(zero_point) + (6.0 / f64::from(scale)).round()).min(255.0)
        } else {
            255.0
        };
        let least = if function == FusedActivation::None { 0 } else { zero_point };
        Ok(QuantizedTensor { shape, zero_point, scale, range: (least, most as u8) })
    }

    /// Adds a layer that writes a tensor: `output`, with this index in the file.
    pub(super) fn push(&mut self, layer: QuantizedLayer, (output, tensor): (QuantizedTensor, i32)) {
        self.layers.push(layer);
        self.outputs.push(tensor);
        self.current = tensor;
        let kind = input_kind(output.scale, output.zero_point);
        let (shape, elements) = (Some(output.shape), output.shape.elements());
        self.input = LayerInput { kind, file_scale: kind.scale, shape, elements };
    }
}

/// Returns the error for an operator that Pinhole does not support, with the reason.
pub(super) fn refuse(operator: &FileOperator<'_>, why: impl Into<String>) -> Reason {
    Reason::Operator { operator: operator.index, name: names::name(operator.code), why: why.into() }
}

/// Returns the shape of an input of pixels minus 128, gray or in color.
fn pixels(input: &FileTensor<'_>) -> Result<InputShape, Reason> {
    let got = |got: String| Reason::Input { got };
    let of_shape = || got(format!("of the shape {:?}", input.shape));
    let [1, height, width, channels] = input.shape[..] else { return Err(of_shape()) };
    let [height, width] = [height, width].map(|length| u16::try_from(length).ok().filter(|&length| length > 0));
    let color = u16::try_from(channels).ok().and_then(Color::of_channels);
    let (Some(height), Some(width), Some(color)) = (height, width, color) else { return Err(of_shape()) };
    let of = input.quantization().ok_or_else(|| got("not int8 with a scale".to_owned()))?;
    if (f64::from(of.scale) * 255.0 - 1.0).abs() > SCALE_TOLERANCE || of.zero_point != i8::MIN {
        return Err(got(format!("int8 of scale {} and zero point {}", of.scale, of.zero_point)));
    }
    Ok(InputShape { height, width, color, fit: Fit::Crop })
}
