//! Checks the fields of a record. Cheap: no weight is read.

use super::record::{Input, read};
use super::tensor::{Tensor, tensor};
use super::weighted::shape;
use super::{Kind, Layer, Output, RecordFacts, dense};
use crate::layout::{Layout, Weights};
use crate::model::file::File;
use crate::model::format::{Span, Words, first_not_zero, record as at};
use crate::model::{MAX_ARENA_BYTES, MAX_PRE_SHIFT, ModelError, Section};
use crate::shape::Shape;

/// Reads the layer that has this input and checks its record; `last` is the layer that decides.
pub(crate) fn checked<'a>(file: &File<'a>, layer: usize, input: Input, last: bool) -> Result<Layer<'a>, ModelError> {
    let words = file.record(layer);
    let number = at::KIND.get(words);
    let kind = Kind::from_number(number).ok_or(ModelError::LayerKind { layer, got: number })?;
    let record = Record { words, layer, kind };
    let read = read(file, layer, input).ok_or(ModelError::NotAPicture { layer })?;
    if kind != Kind::Dense {
        record.accept(record.tensor(last))?;
    }
    if let Some(weighted) = read.weighted() {
        let head = if kind == Kind::Dense { dense::check(&record, last) } else { Ok(()) };
        record.weights(file, matches!(input, Input::Bytes(_)), head)?;
        let (expected, got) = (read.columns(input), weighted.operands.weights.inputs());
        if got != expected {
            return Err(ModelError::Shape { layer, expected, got });
        }
    }
    if let Some(layout) = read.weighted().map(|weighted| weighted.operands.weights.layout())
        && !read.has_layout(layout)
    {
        return Err(ModelError::WeightLayout { layer, got: layout as u8 });
    }
    read.check(&record, file)?;
    Ok(read)
}

/// A record, and whose it is. Functions whose error is a [`Span`] return that of the first field which is not what it could
/// be.
pub(super) struct Record<'a> {
    pub words: &'a Words,
    pub layer: usize,
    pub kind: Kind,
}

impl Record<'_> {
    /// Turns an invalid field into the error of parsing.
    pub(super) fn accept<T>(&self, checked: Result<T, Span>) -> Result<T, ModelError> {
        checked.map_err(|field| ModelError::Record {
            layer: self.layer,
            offset: field.offset(),
            got: field.bits(self.words),
        })
    }

    /// Checks that words without a field are zero.
    pub(super) fn check_unused(&self) -> Result<(), Span> {
        first_not_zero(self.words, self.kind.record_facts().unused_words)
    }

    /// Checks the fields that all layers but dense ones have.
    fn tensor(&self, last: bool) -> Result<(), Span> {
        let words = self.words;
        // Layers without weights that have a pre-shift have nothing else where a layout would be.
        let RecordFacts { has_pool, has_earlier, has_pre_shift_alone: has_pre_shift, .. } = self.kind.record_facts();
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
        } else if !has_earlier && at::FROM.get(words) != 0 {
            at::FROM.span()
        } else if has_pool != (at::POOL.get(words) != 0) {
            at::POOL.span()
        } else if at::ACTIVATION_MIN.get(words) > at::ACTIVATION_MAX.get(words) {
            at::ACTIVATION_MIN.span()
        } else if !offset.is_multiple_of(4) || u64::from(offset) + elements > MAX_ARENA_BYTES {
            at::ARENA_OFFSET.span()
        } else {
            return self.check_unused();
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
            let shape = shape(words)
                .filter(|shape| shape.has_whole_groups() && (has_chunks || at::CHUNK_COLUMNS.get(words) == 0));
            let shape = shape.ok_or(at::CHUNK_COLUMNS.span())?;
            return self.scales().map(|()| shape);
        };
        Err(wrong)
    }
}

/// Checks that an output has this many rows and columns.
pub(super) fn check_size(size: Option<(u16, u16)>, output: Shape) -> Result<(), Span> {
    match size {
        None => Err(at::WINDOW.span().first_byte()),
        Some(size) if size != (output.height, output.width) => Err(at::HEIGHT.span()),
        Some(_) => Ok(()),
    }
}

/// Returns true for a finite number above 0.
fn is_scale(scale: f32) -> bool {
    // By its bits: a device may have no instructions for floats.
    (1..f32::INFINITY.to_bits()).contains(&scale.to_bits())
}
