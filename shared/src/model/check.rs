//! Whether the fields of a record are what they could be. Cheap: no weight is looked at.

use super::file::{FIELDS, File, field, first_not_zero, halves};
use super::record::{Input, read, shape, tensor};
use super::{Activation, Add, Conv, GlobalAverage, Layer, MAX_ARENA_BYTES, ModelError, Output, Pool, Section, Tensor};
use crate::layout::Layout;
use crate::shape::Shape;

/// Reads the layer that has this input and checks its record; `last` is the layer that decides.
pub(super) fn checked<'a>(file: &File<'a>, layer: usize, input: Input, last: bool) -> Result<Layer<'a>, ModelError> {
    let words = file.record(layer);
    let record = Record { words, layer };
    let kind = halves(words[0]).0;
    if !(1..=7).contains(&kind) {
        return Err(ModelError::LayerKind { layer, got: kind });
    }
    let read = read(file, layer, input).ok_or(ModelError::NotAPicture { layer })?;
    if kind != 1 {
        record.tensor(last)?;
    }
    if let Some(weighted) = read.weighted() {
        let unknown = if kind == 1 { record.dense(last) } else { 0 };
        record.weights(file, matches!(input, Input::Bytes(_)), unknown)?;
        let (expected, got) = (columns(&read, input), weighted.operands.weights.inputs());
        if got != expected {
            return Err(ModelError::Shape { layer, expected, got });
        }
    }
    if let Some(layout) = read.weighted().map(|weighted| weighted.operands.weights.layout()) {
        // Some layouts are for one kind of convolution, and one kind has some of its own.
        let fits = match &read {
            Layer::Depthwise(_) => layout.is_rows() || layout.is_of_channels(),
            Layer::Conv(conv) if conv.takes_areas() => !layout.is_of_channels(),
            _ => !layout.is_spread(),
        };
        if !fits {
            return Err(ModelError::WeightLayout { layer, got: layout as u8 });
        }
    }
    let unknown = match &read {
        Layer::Dense(_) => first_not_zero(words, 10),
        Layer::Conv(conv) => record.conv(conv, false),
        Layer::Depthwise(conv) => record.conv(conv, true),
        Layer::MaxPool(pool) | Layer::AveragePool(pool) => record.pool(pool),
        Layer::GlobalAverage(average) => record.global_average(average)?,
        Layer::Add(add) => record.add(file, add)?,
    };
    if unknown == 0 { Ok(read) } else { Err(record.refuse(unknown)) }
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

/// A record, and whose it is. Functions that return an offset return that of a field which is not what it could be, or 0.
struct Record<'a> {
    words: &'a [u32; FIELDS],
    layer: usize,
}

impl Record<'_> {
    /// The field at this offset has a value that is not known.
    fn refuse(&self, offset: usize) -> ModelError {
        // From 40 on a dense layer has nothing but reserved words.
        let bytes = match offset {
            2 | 3 | 5 => 1,
            6 => 2,
            40.. if halves(self.words[0]).0 == 1 => 4,
            48..60 => 1,
            40..48 => 2,
            _ => 4,
        };
        ModelError::Record { layer: self.layer, offset, got: field(self.words, offset, bytes) }
    }

    /// What all layers have that are not dense.
    fn tensor(&self, last: bool) -> Result<(), ModelError> {
        let words = self.words;
        let kind = halves(words[0]).0;
        // Words that are zero in a layer of this kind.
        let unused: u32 = match kind {
            2 | 3 => 0,
            4 | 5 => 0b1111_1110,
            6 => 0b11_0000_1001_1100,
            _ => 0b11_0000_1000_1100,
        };
        let Tensor { shape: Shape { height, width, channels }, place, .. } = tensor(words);
        let elements = u64::from(height) * u64::from(width) * u64::from(channels);
        let [pool, _, low, high] = words[14].to_le_bytes();
        // No activation function (a range does its work), 8 bits out, and something to decide after it.
        let unknown = if words[0] >> 16 & 0xFF != 0 {
            2
        } else if words[0] >> 24 != 0 || last {
            3
        } else if kind >= 6 && words[1] & 0xFFFF_00FF != 0 {
            4
        } else if kind >= 6 && words[1] >> 8 > 30 {
            5
        } else if !is_scale(words[8]) {
            32
        } else if !is_scale(words[9]) {
            36
        } else if elements == 0 || elements > MAX_ARENA_BYTES {
            40
        } else if kind != 7 && halves(words[11]).1 != 0 {
            46
        } else if (pool != 0) != (kind <= 3) {
            56
        } else if low > high {
            58
        } else if !place.is_multiple_of(4) || u64::from(place) + elements > MAX_ARENA_BYTES {
            60
        } else {
            let wrong = (0..FIELDS).find(|&word| unused >> word & 1 == 1 && words[word] != 0);
            wrong.map_or(0, |word| 4 * word)
        };
        if unknown == 0 { Ok(()) } else { Err(self.refuse(unknown)) }
    }

    /// A dense layer's activation function and output.
    fn dense(&self, last: bool) -> usize {
        let [.., activation, output] = self.words[0].to_le_bytes();
        let (activation, output) = (Activation::from_byte(activation), Output::from_byte(output));
        // The last layer, and no other, gives logits, and they are linear.
        if activation.is_none() || (last && activation != Some(Activation::Linear)) {
            2
        } else if output.is_none() || last != (output == Some(Output::Logits)) {
            3
        } else {
            0
        }
    }

    /// What all layers have that have weights, if nothing is `unknown` so far: fields, and where their sections are.
    fn weights(&self, file: &File<'_>, bytes_in: bool, unknown: usize) -> Result<(), ModelError> {
        let Self { words, layer } = *self;
        let [layout, pre_shift, ..] = words[1].to_le_bytes();
        let has_chunks = Layout::from_byte(layout)
            .filter(|layout| bytes_in || !layout.is_for_pixels())
            .ok_or(ModelError::WeightLayout { layer, got: layout })?
            .has_chunks();
        let shape = shape(words);
        let unknown = if unknown != 0 {
            unknown
        } else if pre_shift > 30 {
            5
        } else if words[2] == 0 {
            8
        } else if words[3] == 0 {
            12
        } else if shape.is_none() || (!has_chunks && halves(words[1]).1 != 0) {
            6
        } else if !is_scale(words[8]) {
            32
        } else if !is_scale(words[9]) {
            36
        } else {
            0
        };
        let (Some(shape), 0) = (shape, unknown) else { return Err(self.refuse(unknown)) };
        let integers = shape.outputs().saturating_mul(4);
        file.section(Section::Weights, layer, words[4], shape.size())?;
        file.section(Section::Biases, layer, words[5], integers)?;
        file.section(Section::Multipliers, layer, words[6], integers)?;
        Ok(())
    }

    fn conv(&self, conv: &Conv<'_>, is_depthwise: bool) -> usize {
        let (rows, to) = (conv.weighted.operands.weights.outputs(), conv.output.shape);
        let places = conv.window.places(conv.input.shape).and_then(|(height, width)| {
            Some((height.checked_div(conv.pool.into())?, width.checked_div(conv.pool.into())?))
        });
        if rows != usize::from(to.channels) || (is_depthwise && to.channels != conv.input.shape.channels) {
            44
        } else {
            check_places(places, to)
        }
    }

    fn pool(&self, pool: &Pool) -> usize {
        if pool.output.shape.channels != pool.input.shape.channels {
            44
        } else if pool.output.zero != pool.input.zero {
            57
        } else if self.words[14] >> 16 != 0xFF00 {
            58
        } else {
            check_places(pool.window.places(pool.input.shape), pool.output.shape)
        }
    }

    fn global_average(&self, average: &GlobalAverage) -> Result<usize, ModelError> {
        let layer = self.layer;
        let GlobalAverage { bias, multiplier, pre_shift, input, output, .. } = *average;
        if output.shape != (Shape { height: 1, width: 1, ..input.shape }) {
            return Ok(40);
        }
        if multiplier <= 0 {
            return Err(ModelError::Multiplier { layer, row: 0 });
        }
        let bound = u64::from(bias.unsigned_abs()) + input.shape.places() as u64 * 255;
        if bound > (i32::MAX as u64) >> pre_shift { Err(ModelError::Accumulator { layer, row: 0 }) } else { Ok(0) }
    }

    fn add(&self, file: &File<'_>, add: &Add) -> Result<usize, ModelError> {
        let layer = self.layer;
        let Add { first, second, start, from, .. } = *add;
        // Dense layers leave nothing in the arena, and a layer cannot read what comes after it.
        let good = usize::from(from) < layer && halves(file.record(from.into())[0]).0 != 1;
        if !good || add.other.shape != add.input.shape {
            return Ok(46);
        }
        if add.output.shape != add.input.shape {
            return Ok(40);
        }
        if first <= 0 || second <= 0 {
            return Err(ModelError::Multiplier { layer, row: 0 });
        }
        let bound = (first as u64 + second as u64) * 255 + u64::from(start.unsigned_abs());
        if bound > i32::MAX as u64 { Err(ModelError::Accumulator { layer, row: 0 }) } else { Ok(0) }
    }
}

/// The offset of what is wrong with an output of so many rows and columns; 0 if nothing is.
fn check_places(places: Option<(u16, u16)>, output: Shape) -> usize {
    match places {
        None => 48,
        Some(places) if places != (output.height, output.width) => 40,
        Some(_) => 0,
    }
}

/// Whether these bits are a finite number above 0.
fn is_scale(bits: u32) -> bool {
    (1..f32::INFINITY.to_bits()).contains(&bits)
}
