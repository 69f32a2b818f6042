//! Checks the fields of a record. Cheap: no weight is read.

use super::file::File;
use super::format::{Kind, Span, Words, first_not_zero, record as at};
use super::record::{Input, read, shape, tensor};
use super::{
    Activation, Add, Conv, GlobalAverage, Layer, MAX_ARENA_BYTES, MAX_PRE_SHIFT, ModelError, Output, Pool, Section,
    Tensor,
};
use crate::layout::{Layout, Weights};
use crate::shape::Shape;

/// Reads the layer that has this input and checks its record; `last` is the layer that decides.
pub(super) fn checked<'a>(file: &File<'a>, layer: usize, input: Input, last: bool) -> Result<Layer<'a>, ModelError> {
    let words = file.record(layer);
    let number = at::KIND.get(words);
    let kind = Kind::from_number(number).ok_or(ModelError::LayerKind { layer, got: number })?;
    let record = Record { words, layer, kind };
    let read = read(file, layer, input).ok_or(ModelError::NotAPicture { layer })?;
    if kind != Kind::Dense {
        record.accept(record.tensor(last))?;
    }
    if let Some(weighted) = read.weighted() {
        let head = if kind == Kind::Dense { record.dense(last) } else { Ok(()) };
        record.weights(file, matches!(input, Input::Bytes(_)), head)?;
        let (expected, got) = (columns(&read, input), weighted.operands.weights.inputs());
        if got != expected {
            return Err(ModelError::Shape { layer, expected, got });
        }
    }
    if let Some(layout) = read.weighted().map(|weighted| weighted.operands.weights.layout()) {
        // Some layouts are for one kind of convolution, and one kind has some of its own.
        let fits = match &read {
            Layer::Depthwise(_) => layout.is_rows() || layout.is_of_channels(),
            Layer::Conv(conv) if conv.fuses_pool() => !layout.is_of_channels(),
            _ => !layout.is_widened(),
        };
        if !fits {
            return Err(ModelError::WeightLayout { layer, got: layout as u8 });
        }
    }
    match &read {
        Layer::Dense(_) => record.accept(first_not_zero(words, at::unused(Kind::Dense))),
        Layer::Conv(conv) => record.accept(conv_fits(conv, false)),
        Layer::Depthwise(conv) => record.accept(conv_fits(conv, true)),
        Layer::MaxPool(pool) | Layer::AveragePool(pool) => record.accept(record.pool(pool)),
        Layer::GlobalAverage(average) => record.global_average(average),
        Layer::Add(add) => record.add(file, add),
    }?;
    Ok(read)
}

/// Columns that a layer's weights must have.
fn columns(layer: &Layer<'_>, input: Input) -> usize {
    match (layer, input) {
        (Layer::Conv(conv), _) => conv.window.area() * usize::from(conv.input.shape.channels),
        (Layer::Depthwise(conv), _) => conv.window.area(),
        (_, Input::Bytes(tensor)) => tensor.shape.elements(),
        (_, Input::Wide(outputs, _)) => outputs,
    }
}

/// A record, and whose it is. Functions whose error is a [`Span`] return that of the first field which is not what it could
/// be.
struct Record<'a> {
    words: &'a Words,
    layer: usize,
    kind: Kind,
}

impl Record<'_> {
    /// Turns an invalid field into the error of parsing.
    fn accept<T>(&self, checked: Result<T, Span>) -> Result<T, ModelError> {
        checked.map_err(|field| ModelError::Record {
            layer: self.layer,
            offset: field.offset(),
            got: field.bits(self.words),
        })
    }

    /// Checks the fields that all layers but dense ones have.
    fn tensor(&self, last: bool) -> Result<(), Span> {
        let words = self.words;
        let has_pool = matches!(self.kind, Kind::Conv | Kind::Depthwise);
        // Layers without weights that have a pre-shift have nothing else where a layout would be.
        let has_pre_shift = matches!(self.kind, Kind::GlobalAverage | Kind::Add);
        let Tensor { shape: Shape { height, width, channels }, offset, .. } = tensor(words);
        let elements = u64::from(height) * u64::from(width) * u64::from(channels);
        // No activation function (a range does its work), 8 bits out, and something to decide after it.
        let wrong = if at::ACTIVATION.get(words) != 0 {
            at::ACTIVATION.span()
        } else if at::OUTPUT.get(words) != Output::U8 as u8 || last {
            at::OUTPUT.span()
        } else if has_pre_shift && (at::LAYOUT.get(words) != 0 || at::CHUNK_COLUMNS.get(words) != 0) {
            at::LAYOUT.span().whole_word()
        } else if has_pre_shift && at::PRE_SHIFT.get(words) > MAX_PRE_SHIFT {
            at::PRE_SHIFT.span()
        } else if let Err(scale) = self.scales() {
            scale
        } else if elements == 0 || elements > MAX_ARENA_BYTES {
            at::HEIGHT.span()
        } else if self.kind != Kind::Add && at::FROM.get(words) != 0 {
            at::FROM.span()
        } else if has_pool != (at::POOL.get(words) != 0) {
            at::POOL.span()
        } else if at::ACTIVATION_MIN.get(words) > at::ACTIVATION_MAX.get(words) {
            at::ACTIVATION_MIN.span()
        } else if !offset.is_multiple_of(4) || u64::from(offset) + elements > MAX_ARENA_BYTES {
            at::ARENA_OFFSET.span()
        } else {
            return first_not_zero(words, at::unused(self.kind));
        };
        Err(wrong)
    }

    /// Both scales.
    fn scales(&self) -> Result<(), Span> {
        if !is_scale(at::INPUT_SCALE.get(self.words)) {
            Err(at::INPUT_SCALE.span())
        } else if !is_scale(at::OUTPUT_SCALE.get(self.words)) {
            Err(at::OUTPUT_SCALE.span())
        } else {
            Ok(())
        }
    }

    /// A dense layer's activation function and output.
    fn dense(&self, last: bool) -> Result<(), Span> {
        let activation = Activation::from_number(at::ACTIVATION.get(self.words));
        let output = Output::from_number(at::OUTPUT.get(self.words));
        // The last layer, and no other, gives logits, and they are linear.
        if activation.is_none() || (last && activation != Some(Activation::Linear)) {
            Err(at::ACTIVATION.span())
        } else if output.is_none() || last != (output == Some(Output::Logits)) {
            Err(at::OUTPUT.span())
        } else {
            Ok(())
        }
    }

    /// Checks the fields of layers with weights and the location of their sections; `head` is the result for the fields
    /// before them.
    fn weights(&self, file: &File<'_>, bytes_in: bool, head: Result<(), Span>) -> Result<(), ModelError> {
        let Self { words, layer, .. } = *self;
        let layout = at::LAYOUT.get(words);
        let has_chunks = Layout::from_number(layout)
            .filter(|layout| bytes_in || !layout.is_for_pixels())
            .ok_or(ModelError::WeightLayout { layer, got: layout })?
            .has_chunks();
        let shape = self.accept(head.and_then(|()| self.weights_shape(has_chunks)))?;
        let integers = shape.outputs().saturating_mul(4);
        file.section(Section::Weights, layer, at::WEIGHTS.get(words), shape.size())?;
        file.section(Section::Biases, layer, at::BIASES.get(words), integers)?;
        file.section(Section::Multipliers, layer, at::MULTIPLIERS.get(words), integers)?;
        Ok(())
    }

    /// The shape of weights in a layout that has chunks or not.
    fn weights_shape(&self, has_chunks: bool) -> Result<Weights<'static>, Span> {
        let words = self.words;
        let wrong = if at::PRE_SHIFT.get(words) > MAX_PRE_SHIFT {
            at::PRE_SHIFT.span()
        } else if at::INPUTS.get(words) == 0 {
            at::INPUTS.span()
        } else if at::OUTPUTS.get(words) == 0 {
            at::OUTPUTS.span()
        } else {
            let shape = shape(words).filter(|_| has_chunks || at::CHUNK_COLUMNS.get(words) == 0);
            let shape = shape.ok_or(at::CHUNK_COLUMNS.span())?;
            return self.scales().map(|()| shape);
        };
        Err(wrong)
    }

    fn pool(&self, pool: &Pool) -> Result<(), Span> {
        if pool.output.shape.channels != pool.input.shape.channels {
            Err(at::CHANNELS.span())
        } else if pool.output.zero_point != pool.input.zero_point {
            Err(at::ZERO_POINT.span())
        } else if (at::ACTIVATION_MIN.get(self.words), at::ACTIVATION_MAX.get(self.words)) != (0, u8::MAX) {
            Err(at::ACTIVATION_MIN.span())
        } else {
            check_size(pool.window.output_size(pool.input.shape), pool.output.shape)
        }
    }

    fn global_average(&self, average: &GlobalAverage) -> Result<(), ModelError> {
        let layer = self.layer;
        let GlobalAverage { bias, multiplier, pre_shift, input, output, .. } = *average;
        if output.shape != (Shape { height: 1, width: 1, ..input.shape }) {
            return self.accept(Err(at::HEIGHT.span()));
        }
        if multiplier <= 0 {
            return Err(ModelError::Multiplier { layer, row: 0 });
        }
        let bound = u64::from(bias.unsigned_abs()) + input.shape.positions() as u64 * 255;
        if bound > (i32::MAX as u64) >> pre_shift { Err(ModelError::Accumulator { layer, row: 0 }) } else { Ok(()) }
    }

    fn add(&self, file: &File<'_>, add: &Add) -> Result<(), ModelError> {
        let layer = self.layer;
        let Add { multiplier, other_multiplier, bias, from, .. } = *add;
        // Dense layers leave nothing in the arena, and a layer cannot read what comes after it.
        let good = usize::from(from) < layer && at::KIND.get(file.record(from.into())) != Kind::Dense as u16;
        if !good || add.other.shape != add.input.shape {
            return self.accept(Err(at::FROM.span()));
        }
        if add.output.shape != add.input.shape {
            return self.accept(Err(at::HEIGHT.span()));
        }
        if multiplier <= 0 || other_multiplier <= 0 {
            return Err(ModelError::Multiplier { layer, row: 0 });
        }
        let bound = (multiplier as u64 + other_multiplier as u64) * 255 + u64::from(bias.unsigned_abs());
        if bound > i32::MAX as u64 { Err(ModelError::Accumulator { layer, row: 0 }) } else { Ok(()) }
    }
}

/// Checks that a convolution's input, weights and output fit each other.
fn conv_fits(conv: &Conv<'_>, is_depthwise: bool) -> Result<(), Span> {
    let (rows, to) = (conv.weighted.operands.weights.outputs(), conv.output.shape);
    let places = conv.window.output_size(conv.input.shape).and_then(|(height, width)| {
        Some((height.checked_div(conv.pool.into())?, width.checked_div(conv.pool.into())?))
    });
    if rows != usize::from(to.channels) || (is_depthwise && to.channels != conv.input.shape.channels) {
        Err(at::CHANNELS.span())
    } else {
        check_size(places, to)
    }
}

/// Checks that an output has this many rows and columns.
fn check_size(places: Option<(u16, u16)>, output: Shape) -> Result<(), Span> {
    match places {
        None => Err(at::WINDOW.span().first_byte()),
        Some(places) if places != (output.height, output.width) => Err(at::HEIGHT.span()),
        Some(_) => Ok(()),
    }
}

/// Returns true for a finite number above 0.
fn is_scale(scale: f32) -> bool {
    // By its bits: a device may have no instructions for floats.
    (1..f32::INFINITY.to_bits()).contains(&scale.to_bits())
}
