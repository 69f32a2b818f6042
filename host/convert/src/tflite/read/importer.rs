//! Reads operators, in the order in which they run, as layers.

use pinhole_core::model_file::QuantizedLayer;
use pinhole_core::model_file::scales::InputKind;
use pinhole_shared::model::PoolKind;
use pinhole_shared::pixels::{Color, InputShape};
use pinhole_shared::shape::{Padding, Shape};

use super::graph::{Graph, Operator, Tensor};
use super::names;
use super::table::Broken;
use super::weights::{Units, kind, picture};
use crate::import::Reason;
use crate::tflite::schema::{Builtin, Fused};

/// Operators that are only read, by their numbers in the schema.
mod code {
    pub(super) const DEQUANTIZE: i32 = 6;
    pub(super) const RELU: i32 = 19;
    pub(super) const RELU6: i32 = 21;
    pub(super) const SOFTMAX: i32 = 25;
    pub(super) const STRIDED_SLICE: i32 = 45;
    pub(super) const SHAPE: i32 = 77;
    pub(super) const PACK: i32 = 83;
    pub(super) const QUANTIZE: i32 = 114;
}

/// `ActivationFunctionType` of RELU6.
pub(super) const RELU6: u8 = 3;

/// Largest relative difference of an input's scale from 1/255.
const SCALE_TOLERANCE: f64 = 1e-4;

/// Output of the layers so far, which the next layer reads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Given {
    pub(super) input: InputKind,
    /// Real value of one unit in the file.
    pub(super) of_file: f64,
    /// Shape of a tensor; `None` after a dense layer.
    pub(super) shape: Option<Shape>,
    pub(super) elements: usize,
}

/// State of reading a network: the layers so far.
pub(super) struct Walk<'g, 'f> {
    pub(super) graph: &'g Graph<'f>,
    /// Index of the next operator.
    pub(super) next: usize,
    pub(super) layers: Vec<QuantizedLayer>,
    /// Index of the tensor that each layer before the dense ones writes.
    pub(super) tensors: Vec<i32>,
    /// Index of the tensor that was written last.
    pub(super) current: i32,
    pub(super) given: Given,
    /// PAD's padding around that tensor, and its fill byte.
    pub(super) padding: Option<(Padding, u8)>,
}

/// A network that has been read.
pub(super) struct Network {
    pub(super) input: InputShape,
    pub(super) layers: Vec<QuantizedLayer>,
}

impl<'g, 'f> Walk<'g, 'f> {
    /// Reads a whole network, whose last layer is the output layer.
    ///
    /// # Errors
    /// [`Reason`]: what Pinhole does not support.
    pub(super) fn all(graph: &'g Graph<'f>) -> Result<Network, Reason> {
        let mut current = graph.input()?;
        let mut next = 0;
        if let Some(first) = graph.operators.first()
            && (first.code, first.input(0)) == (code::QUANTIZE, current)
        {
            (current, next) = (first.output, 1);
        }
        let pixels = pixels(&graph.tensor(current)?)?;
        let shape = pixels.shape();
        let input = InputKind::PIXELS;
        let given = Given { input, of_file: input.scale, shape: Some(shape), elements: shape.elements() };
        let (layers, tensors) = (Vec::new(), Vec::new());
        let mut walk = Self { graph, next, layers, tensors, current, given, padding: None };
        let deciding = graph.operators.iter().rposition(|operator| operator.code == Builtin::FullyConnected as i32);
        let deciding = deciding.ok_or(Reason::Undecided)?;
        while let Some(operator) = graph.operators.get(walk.next) {
            walk.next += 1;
            walk.step(operator, deciding)?;
        }
        Ok(Network { input: pixels, layers: walk.layers })
    }

    fn step(&mut self, operator: &Operator<'f>, deciding: usize) -> Result<(), Reason> {
        let is = |builtin: Builtin| operator.code == builtin as i32;
        // A computed shape: it is also in RESHAPE's output.
        if let code::SHAPE | code::STRIDED_SLICE | code::PACK = operator.code
            && self.graph.tensor(operator.output)?.kind == kind::INT32
        {
            return Ok(());
        }
        if operator.input(0) != self.current && !is(Builtin::Add) {
            return Err(refuse(operator, "whose input is not the output of the operator before it"));
        }
        if operator.index > deciding {
            // Operators after the logits must keep their order.
            return match operator.code {
                code::SOFTMAX | code::DEQUANTIZE | code::QUANTIZE => self.alias(operator.output),
                _ if is(Builtin::Reshape) => self.alias(operator.output),
                _ => Err(refuse(operator, "after the layer that computes the logits")),
            };
        }
        let takes_padding = [Builtin::Conv, Builtin::Depthwise, Builtin::MaxPool].into_iter().any(is);
        if self.padding.is_some() && !takes_padding {
            return Err(refuse(operator, "after padding, which only convolutions and MAX_POOL_2D can have"));
        }
        match operator.code {
            _ if is(Builtin::Reshape) => self.reshape(operator),
            _ if is(Builtin::Cast) => self.cast(operator),
            _ if is(Builtin::FullyConnected) => self.fully_connected(operator, operator.index == deciding),
            _ if is(Builtin::Pad) || is(Builtin::PadV2) => self.pad(operator),
            _ if is(Builtin::Conv) => self.convolution(operator, false),
            _ if is(Builtin::Depthwise) => self.convolution(operator, true),
            _ if is(Builtin::MaxPool) => self.pool(operator, PoolKind::Max),
            _ if is(Builtin::AveragePool) => self.pool(operator, PoolKind::Average),
            _ if is(Builtin::Mean) => self.mean(operator),
            _ if is(Builtin::Add) => self.add(operator),
            code::RELU | code::RELU6 => Err(refuse(operator, "where there is no layer before it to take it in")),
            _ if is(Builtin::Logistic) => {
                Err(refuse(operator, "which Pinhole supports only after a hidden FULLY_CONNECTED"))
            }
            code::SOFTMAX | code::QUANTIZE | code::DEQUANTIZE => {
                Err(refuse(operator, "which Pinhole supports only at the start and the end of a network"))
            }
            _ => Err(refuse(operator, "which Pinhole does not support")),
        }
    }

    /// Goes on with another tensor of the same integers.
    fn alias(&mut self, tensor: i32) -> Result<(), Reason> {
        self.current = tensor;
        Ok(())
    }

    /// Reads RESHAPE of a tensor to a row or to its own shape; any other would move elements.
    fn reshape(&mut self, operator: &Operator<'f>) -> Result<(), Reason> {
        let to = self.graph.tensor(operator.output)?;
        let is_row = to.shape.first() == Some(&1) && to.shape.iter().filter(|&&side| side != 1).count() <= 1;
        let is_same = self.given.shape.is_some() && picture(&to) == self.given.shape;
        if to.elements() != Some(self.given.elements) || !(is_row || is_same) {
            return Err(refuse(operator, "which does not flatten a tensor to one row"));
        }
        self.alias(operator.output)
    }

    /// Reads CAST from int8 to int16, which exports have before dense layers.
    fn cast(&mut self, operator: &Operator<'f>) -> Result<(), Reason> {
        if self.graph.tensor(operator.output)?.kind != kind::INT16 {
            return Err(refuse(operator, "to another type than int16"));
        }
        // The integers stay the same, with a zero point of 0 now.
        self.given.input.zero_point = Units::of(&self.graph.tensor(self.current)?)
            .filter(|_| self.given.input.max_magnitude == u32::from(u8::MAX))
            .map(|_| 128)
            .ok_or_else(|| refuse(operator, "from another type than int8"))?;
        self.alias(operator.output)
    }

    /// Returns the tensor that an operator and an activation function right after it write, and that function.
    pub(super) fn activated(&mut self, operator: &Operator<'f>, fused: u8) -> Result<(i32, u8), Reason> {
        const NONE: u8 = Fused::None as u8;
        const RELU: u8 = Fused::Relu as u8;
        let following = self.graph.operators.get(self.next).filter(|next| next.input(0) == operator.output);
        let following = following.map_or(-1, |next| next.code);
        match (fused, following) {
            (NONE, code::RELU | code::RELU6) if self.graph.readers(operator.output) == 1 => {
                let output = self.graph.operators[self.next].output;
                self.next += 1;
                Ok((output, if following == code::RELU { RELU } else { RELU6 }))
            }
            (NONE | RELU | RELU6, _) => Ok((operator.output, fused)),
            _ => Err(refuse(operator, "with an activation function that Pinhole does not support")),
        }
    }

    /// Returns the constant that an operator reads at this position, if any.
    pub(super) fn optional(&self, operator: &Operator<'f>, place: usize) -> Result<Option<Tensor<'f>>, Broken> {
        match operator.input(place) {
            -1 => Ok(None),
            index => self.graph.tensor(index).map(Some),
        }
    }
}

/// Returns the error for an operator that Pinhole does not support, with the reason.
pub(super) fn refuse(operator: &Operator<'_>, why: impl Into<String>) -> Reason {
    Reason::Operator { operator: operator.index, name: names::name(operator.code), why: why.into() }
}

/// Returns the shape of an input of pixels minus 128, gray or in color.
fn pixels(input: &Tensor<'_>) -> Result<InputShape, Reason> {
    let got = |got: String| Reason::Input { got };
    let of_shape = || got(format!("of the shape {:?}", input.shape));
    let [1, height, width, channels] = input.shape[..] else { return Err(of_shape()) };
    let side = u16::try_from(height).ok().filter(|&side| side > 0 && height == width);
    let color = u16::try_from(channels).ok().and_then(Color::of_channels);
    let (Some(side), Some(color)) = (side, color) else { return Err(of_shape()) };
    let units = Units::of(input).ok_or_else(|| got("not int8 with a scale".to_owned()))?;
    if (f64::from(units.scale) * 255.0 - 1.0).abs() > SCALE_TOLERANCE || units.zero_point != 0 {
        let zero_point = i16::from(units.zero_point) - 128;
        return Err(got(format!("int8 of scale {} and zero point {zero_point}", units.scale)));
    }
    Ok(InputShape { side, color })
}
