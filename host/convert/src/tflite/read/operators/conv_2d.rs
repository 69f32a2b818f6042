//! Reads operators that write tensors.

use pinhole_core::model_file::scales::{mean_of, sum_of};
use pinhole_core::model_file::{QuantizedLayer, QuantizedTensor};
use pinhole_shared::model::PoolKind;
use pinhole_shared::shape::{Padding, Shape, Window};

use crate::import::Reason;
use crate::tflite::read::graph::Operator;
use crate::tflite::read::importer::{Given, RELU6, Walk, refuse};
use crate::tflite::read::weights::{Rows, Units, kind, picture};
use crate::tflite::schema::{
    Builtin, FUSED_ACTIVATION_FUNCTION, Fused, Padding as Kind, conv_options, depthwise_options, pool_options,
};

/// Most multiply-accumulates of a network: the limit of a model file's field.
const MAX_MACS: u64 = u32::MAX as u64;
/// Largest ratio of a summand's scale to the sum's.
const MAX_RATIO: f64 = 4096.0;

impl<'f> Walk<'_, 'f> {
    /// Keeps PAD's padding for the layer that follows.
    pub(in crate::tflite::read) fn pad(&mut self, operator: &Operator<'f>) -> Result<(), Reason> {
        let amounts = self.graph.tensor(operator.input(1))?;
        let amounts = if amounts.kind == kind::INT32 { amounts.integers(4) } else { None };
        let sides = amounts.and_then(|amounts| match amounts[..] {
            [0, 0, top, bottom, left, right, 0, 0] => {
                let side = |side| u8::try_from(side).ok();
                Some(Padding { top: side(top)?, left: side(left)?, bottom: side(bottom)?, right: side(right)? })
            }
            _ => None,
        });
        let sides = sides.ok_or_else(|| refuse(operator, "whose padding is not at most 255 rows and columns"))?;
        let fill = match self.optional(operator, 2)? {
            None => self.given.input.zero_point,
            Some(number) => match (Units::of(&number), number.data) {
                (Some(_), &[byte]) => byte.wrapping_add(128),
                _ => return Err(refuse(operator, "whose padding value is not one int8")),
            },
        };
        self.padding = Some((sides, fill));
        self.current = operator.output;
        Ok(())
    }

    /// Returns the window of an operator, with these sides, on a tensor of this shape.
    fn window(&mut self, operator: &Operator<'f>, sides: [i32; 2], shape: Shape) -> Result<Window, Reason> {
        let [right, down] = [conv_options::STRIDE_W, conv_options::STRIDE_H].map(|slot| operator.word(slot, 0));
        let small = |side: i32| u8::try_from(side).ok().filter(|&side| side > 0);
        let sizes = (small(sides[0]), small(sides[1]), small(down?), small(right?));
        let (Some(height), Some(width), Some(stride_y), Some(stride_x)) = sizes else {
            return Err(refuse(operator, "with a window or stride outside of 1 to 255"));
        };
        let is_same = operator.byte(conv_options::PADDING)? == Kind::Same as u8;
        let padding = match (self.padding.take(), is_same) {
            (None, true) => {
                let around = |size: u16, side: u8, stride: u8| {
                    let places = u32::from(size).div_ceil(stride.into());
                    let reach = (places - 1) * u32::from(stride) + u32::from(side);
                    let around = reach.saturating_sub(size.into());
                    // Less than the window's side.
                    ((around / 2) as u8, around.div_ceil(2) as u8)
                };
                let ((top, bottom), (left, right)) =
                    (around(shape.height, height, stride_y), around(shape.width, width, stride_x));
                Padding { top, left, bottom, right }
            }
            (None, false) => Padding::default(),
            (Some((padding, _)), false) => padding,
            (Some(_), true) => return Err(refuse(operator, "with its own padding after a padding operator")),
        };
        let window = Window { height, width, stride_y, stride_x, padding };
        window.output_size(shape).map(|_| window).ok_or_else(|| refuse(operator, "whose window does not fit its input"))
    }

    fn shape(&self, operator: &Operator<'f>) -> Result<Shape, Reason> {
        self.given.shape.ok_or_else(|| refuse(operator, "after a FULLY_CONNECTED"))
    }

    /// Returns the output tensor of an operator, which must have this shape and activation function.
    fn output(
        &self,
        operator: &Operator<'f>,
        tensor: i32,
        (shape, function): (Shape, u8),
    ) -> Result<QuantizedTensor, Reason> {
        let tensor = self.graph.tensor(tensor)?;
        let Some(Units { scale, zero_point }) = Units::of(&tensor) else {
            return Err(refuse(operator, "whose output is not int8 with a scale"));
        };
        if picture(&tensor) != Some(shape) {
            return Err(refuse(operator, format!("whose output has the shape {:?}, not {shape}", tensor.shape)));
        }
        let most = if function == RELU6 {
            (f64::from(zero_point) + (6.0 / f64::from(scale)).round()).min(255.0)
        } else {
            255.0
        };
        let least = if function == Fused::None as u8 { 0 } else { zero_point };
        Ok(QuantizedTensor { shape, zero_point, scale, range: (least, most as u8) })
    }

    fn push(&mut self, operator: &Operator<'f>, layer: QuantizedLayer, tensor: i32) -> Result<(), Reason> {
        let output = *layer.output().expect("a layer of tensors writes one");
        let input = Units { scale: output.scale, zero_point: output.zero_point }.input();
        self.layers.push(layer);
        let macs = |layer: &QuantizedLayer| match layer {
            QuantizedLayer::Conv { weighted, pool, output, .. } => {
                let places = output.shape.positions() as u64 * u64::from(*pool) * u64::from(*pool);
                places.saturating_mul(weighted.weights.len() as u64)
            }
            _ => 0,
        };
        if self.layers.iter().map(macs).fold(0, u64::saturating_add) > MAX_MACS / 2 {
            return Err(refuse(operator, "which has more multiply-accumulates than a model file can state"));
        }
        self.tensors.push(tensor);
        self.current = tensor;
        let elements = output.shape.elements();
        self.given = Given { input, of_file: input.scale, shape: Some(output.shape), elements };
        Ok(())
    }

    /// Reads a convolution, with an activation function and MAX_POOL_2D after it.
    pub(in crate::tflite::read) fn convolution(
        &mut self,
        operator: &Operator<'f>,
        is_depthwise: bool,
    ) -> Result<(), Reason> {
        let shape = self.shape(operator)?;
        let weights = self.graph.tensor(operator.input(1))?;
        let rows = Rows::of(&weights, self.optional(operator, 2)?.as_ref(), is_depthwise);
        let rows = rows.map_err(|why| refuse(operator, why))?;
        let [first, height, width, last] = weights.shape[..] else {
            return Err(refuse(operator, "whose weights do not have four dimensions"));
        };
        let (outputs, channels) = if is_depthwise { (last, i32::from(shape.channels)) } else { (first, last) };
        // With one input channel, a depthwise convolution is an ordinary one.
        let is_one_each = is_depthwise && shape.channels > 1;
        if channels != i32::from(shape.channels) || (is_one_each && outputs != channels) || (is_depthwise && first != 1)
        {
            return Err(refuse(operator, "with groups of channels"));
        }
        let slots = if is_depthwise {
            [depthwise_options::DILATION_H_FACTOR, depthwise_options::DILATION_W_FACTOR]
        } else {
            [conv_options::DILATION_H_FACTOR, conv_options::DILATION_W_FACTOR]
        };
        for slot in slots {
            if operator.word(slot, 1)? != 1 {
                return Err(refuse(operator, "with dilation, which Pinhole does not support"));
            }
        }
        if self.padding.is_some_and(|(_, fill)| fill != self.given.input.zero_point) {
            return Err(refuse(operator, "after padding with another value than 0"));
        }
        let window = self.window(operator, [height, width], shape)?;
        let slot = if is_depthwise {
            depthwise_options::FUSED_ACTIVATION_FUNCTION
        } else {
            conv_options::FUSED_ACTIVATION_FUNCTION
        };
        let (mut tensor, function) = self.activated(operator, operator.byte(slot)?)?;
        let (height, width) = window.output_size(shape).unwrap_or_default();
        let channels = u16::try_from(outputs).unwrap_or(0);
        let mut output = self.output(operator, tensor, (Shape { height, width, channels }, function))?;
        let mut pool = 1;
        if let Some((side, pooled)) = self.pooled(tensor, &output)? {
            (pool, tensor) = (side, pooled);
            let [height, width] = [height, width].map(|places| places / u16::from(side));
            let shape = Shape { height, width, channels };
            output = QuantizedTensor { range: output.range, ..self.output(operator, tensor, (shape, function))? };
            self.next += 1;
        }
        let scale = f64::from(output.scale);
        let weighted = rows.parts(self.given.input, self.given.of_file, (scale, scale));
        let weighted = weighted.map_err(|why| refuse(operator, why))?;
        self.push(operator, QuantizedLayer::Conv { weighted, is_depthwise: is_one_each, window, pool, output }, tensor)
    }

    /// Returns side and output of the MAX_POOL_2D that follows, if it takes the largest of each square of this tensor and nothing
    /// else reads the tensor.
    fn pooled(&self, tensor: i32, of: &QuantizedTensor) -> Result<Option<(u8, i32)>, Reason> {
        let Some(next) = self.graph.operators.get(self.next) else { return Ok(None) };
        if next.code != Builtin::MaxPool as i32 || next.input(0) != tensor || self.graph.readers(tensor) != 1 {
            return Ok(None);
        }
        let slots =
            [pool_options::FILTER_WIDTH, pool_options::FILTER_HEIGHT, conv_options::STRIDE_W, conv_options::STRIDE_H];
        let side = next.word(slots[0], 0)?;
        for slot in slots {
            if next.word(slot, 0)? != side {
                return Ok(None);
            }
        }
        let fits = side > 0 && side <= of.shape.height.min(of.shape.width).into();
        let is_plain = next.byte(pool_options::FUSED_ACTIVATION_FUNCTION)? == Fused::None as u8
            && next.byte(conv_options::PADDING)? == Kind::Valid as u8
            && Units::of(&self.graph.tensor(next.output)?)
                == Some(Units { scale: of.scale, zero_point: of.zero_point });
        Ok(u8::try_from(side).ok().filter(|_| fits && is_plain).map(|side| (side, next.output)))
    }

    pub(in crate::tflite::read) fn pool(&mut self, operator: &Operator<'f>, kind: PoolKind) -> Result<(), Reason> {
        let shape = self.shape(operator)?;
        // Pooling ignores padded positions, which is the same as padding with the least value.
        if self.padding.is_some_and(|(_, fill)| fill != 0) {
            return Err(refuse(operator, "after padding with another value than the smallest"));
        }
        if operator.byte(pool_options::FUSED_ACTIVATION_FUNCTION)? != Fused::None as u8
            && self.given.input.zero_point != 0
        {
            return Err(refuse(operator, "with an activation function"));
        }
        let [height, width] =
            [pool_options::FILTER_HEIGHT, pool_options::FILTER_WIDTH].map(|slot| operator.word(slot, 0));
        let window = self.window(operator, [height?, width?], shape)?;
        let (height, width) = window.output_size(shape).unwrap_or_default();
        let output = self.output(operator, operator.output, (Shape { height, width, ..shape }, Fused::None as u8))?;
        if !self.is_like_input(&output) {
            return Err(refuse(operator, "with another scale than its input"));
        }
        self.push(operator, QuantizedLayer::Pool { kind, window, output }, operator.output)
    }

    fn is_like_input(&self, output: &QuantizedTensor) -> bool {
        // The scale of pixels, 1/255, is not exact in f32.
        output.scale == self.given.input.scale as f32 && output.zero_point == self.given.input.zero_point
    }

    /// Reads MEAN as a global average pooling.
    pub(in crate::tflite::read) fn mean(&mut self, operator: &Operator<'f>) -> Result<(), Reason> {
        let shape = self.shape(operator)?;
        let axes = self.graph.tensor(operator.input(1))?;
        let axes = if axes.kind == kind::INT32 { axes.integers(4) } else { None };
        let axes = axes.map(|axes| axes.iter().map(|axis| axis.rem_euclid(4)).collect::<Vec<i64>>());
        if axes.is_none_or(|axes| axes != [1, 2] && axes != [2, 1]) {
            return Err(refuse(operator, "over other dimensions than rows and columns"));
        }
        let tensor = self.graph.tensor(operator.output)?;
        let (units, channels) = (Units::of(&tensor), usize::from(shape.channels));
        let Some(Units { scale, zero_point }) = units.filter(|_| tensor.elements() == Some(channels)) else {
            return Err(refuse(operator, "whose output is not one int8 with a scale per channel"));
        };
        let output =
            QuantizedTensor { shape: Shape { height: 1, width: 1, ..shape }, zero_point, scale, range: (0, u8::MAX) };
        self.check_ratio(operator, self.given.input.scale, scale)?;
        self.push(operator, mean_of(shape.positions(), self.given.input, output), operator.output)
    }

    /// Reads ADD as the sum with an earlier layer's output.
    pub(in crate::tflite::read) fn add(&mut self, operator: &Operator<'f>) -> Result<(), Reason> {
        let shape = self.shape(operator)?;
        let (first, second) = (operator.input(0), operator.input(1));
        let other = if first == self.current { second } else { first };
        let from = self.tensors.iter().position(|&tensor| tensor == other);
        let from = from.filter(|_| first == self.current || second == self.current).ok_or_else(|| {
            refuse(operator, "whose inputs are not the outputs of the operator before it and of an earlier layer")
        })?;
        let of = *self.layers[from].output().expect("a layer of tensors writes one");
        let (tensor, function) = self.activated(operator, operator.byte(FUSED_ACTIVATION_FUNCTION)?)?;
        let output = self.output(operator, tensor, (shape, function))?;
        if of.shape != shape {
            return Err(refuse(operator, "of tensors of different shapes"));
        }
        for scale in [self.given.input.scale, of.scale.into()] {
            self.check_ratio(operator, scale, output.scale)?;
        }
        self.push(operator, sum_of(self.given.input, (from, of), output), tensor)
    }

    fn check_ratio(&self, operator: &Operator<'f>, input: f64, output: f32) -> Result<(), Reason> {
        let fits = input / f64::from(output) <= MAX_RATIO;
        if fits { Ok(()) } else { Err(refuse(operator, "whose output scale is far smaller than its input scale")) }
    }
}
