//! Untrusted bytes become a [`Model`] here, in one place; after it nothing about them can fail.

use super::layer::unfold;
use super::{
    ALIGNMENT, Activation, Dense, HEADER_BYTES, Layer, MAGIC, MAX_LAYERS, ModelError, Output, RECORD_BYTES, Section,
    VERSION,
};
use crate::CRC;
use crate::kernel::DenseOperands;
use crate::layout::{Every, Layout, Layouts, Weights};
use crate::pixels::PIPELINE_ID;

#[cfg(target_endian = "big")]
compile_error!("model files are little-endian and read in place");

/// A checked model: sizes, offsets, alignment, names and accumulator bounds hold. Borrows its file; nothing is copied.
#[derive(Clone, Debug)]
pub struct Model<'a> {
    checksum: u32,
    file_bytes: u32,
    input_side: u16,
    classes: u16,
    names: &'a [u8],
    layers: heapless::Vec<Layer<'a>, MAX_LAYERS>,
}

/// The length a model file states in its header, from at least its first 12 bytes; for finding the end of a model
/// in a larger memory region before [`Model::parse`].
///
/// # Errors
/// [`ModelError::Truncated`], [`ModelError::NotAModel`] or [`ModelError::Version`].
pub fn file_bytes(start: &[u8]) -> Result<usize, ModelError> {
    let got = start.len();
    let truncated = ModelError::Truncated { expected: HEADER_BYTES, got };
    let magic = start.get(..4).ok_or(truncated)?;
    if magic != MAGIC {
        return Err(ModelError::NotAModel);
    }
    let version = u16_at(start, 4).ok_or(truncated)?;
    if version != VERSION {
        return Err(ModelError::Version { expected: VERSION, got: version });
    }
    u32_at(start, 8).map(|bytes| bytes as usize).ok_or(truncated)
}

/// Writes the checksum into an otherwise complete file. Does nothing to fewer than 16 bytes.
pub fn seal(file: &mut [u8]) {
    let checksum = checksum(file);
    if let Some(field) = file.get_mut(12..16) {
        field.copy_from_slice(&checksum.to_le_bytes());
    }
}

fn checksum(file: &[u8]) -> u32 {
    let mut digest = CRC.digest();
    digest.update(file.get(..12).unwrap_or(&[]));
    digest.update(file.get(16..).unwrap_or(&[]));
    digest.finalize()
}

impl<'a> Model<'a> {
    /// Checks a whole model file and borrows it.
    ///
    /// `file` must be exactly the file, starting at an address that is a multiple of 4. Reads every byte about twice
    /// (checksum, accumulator bounds).
    ///
    /// # Errors
    /// One [`ModelError`] for the first thing wrong. The checksum comes right after magic, version and length, so any
    /// other error means a file that was written wrong, not one that was damaged.
    pub fn parse(file: &'a [u8]) -> Result<Self, ModelError> {
        Self::parse_of::<Every>(file)
    }

    /// [`Model::parse`] for a program that can run these layouts only, as a board's; others are refused.
    ///
    /// # Errors
    /// As [`Model::parse`].
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn parse_of<L: Layouts>(file: &'a [u8]) -> Result<Self, ModelError> {
        let stated = file_bytes(file)?;
        let got = file.len();
        if got < HEADER_BYTES || got < stated {
            return Err(ModelError::Truncated { expected: stated.max(HEADER_BYTES), got });
        }
        if got > stated {
            return Err(ModelError::TooLong { expected: stated, got });
        }
        let header = Fields::of(file, 0).ok_or(ModelError::Truncated { expected: HEADER_BYTES, got })?;
        let stated_checksum = header.u32(12);
        let actual = checksum(file);
        if actual != stated_checksum {
            return Err(ModelError::Checksum { expected: stated_checksum, got: actual });
        }
        if bytemuck::try_cast_slice::<u8, u32>(file.get(..HEADER_BYTES).unwrap_or(&[])).is_err() {
            return Err(ModelError::Misaligned);
        }
        let header_is = |offset, known: bool, got| if known { Ok(()) } else { Err(ModelError::Header { offset, got }) };
        header_is(6, usize::from(header.u16(6)) == HEADER_BYTES, u32::from(header.u16(6)))?;
        header_is(8, got.is_multiple_of(ALIGNMENT), got as u32)?;
        let pipeline = header.u32(16);
        if pipeline != PIPELINE_ID {
            return Err(ModelError::Pipeline { expected: PIPELINE_ID, got: pipeline });
        }
        let (height, width, channels) = (header.u16(20), header.u16(22), header.u16(24));
        header_is(20, height > 0, u32::from(height))?;
        header_is(22, width == height, u32::from(width))?;
        header_is(24, channels == 1, u32::from(channels))?;
        let (classes, layer_count) = (header.u16(26), header.u16(28));
        header_is(26, classes >= 2, u32::from(classes))?;
        header_is(28, (1..=MAX_LAYERS).contains(&usize::from(layer_count)), u32::from(layer_count))?;
        header_is(30, usize::from(header.u16(30)) == RECORD_BYTES, u32::from(header.u16(30)))?;
        for offset in (44..HEADER_BYTES).step_by(4) {
            header_is(offset, header.u32(offset) == 0, header.u32(offset))?;
        }

        let mut layers = heapless::Vec::new();
        let mut inputs = usize::from(height) * usize::from(width);
        // Pixels have the range of an 8-bit layer.
        let mut input_kind = Output::U8;
        for index in 0..usize::from(layer_count) {
            let last = index + 1 == usize::from(layer_count);
            let layer = parse_layer::<L>(file, index, input_kind, last)?;
            if layer.inputs() != inputs {
                return Err(ModelError::Shape { layer: index, expected: inputs, got: layer.inputs() });
            }
            (inputs, input_kind) = (layer.outputs(), layer.output());
            // Cannot be full: layer_count <= MAX_LAYERS.
            let _ = layers.push(layer);
        }
        if inputs != usize::from(classes) {
            let layer = usize::from(layer_count) - 1;
            return Err(ModelError::Shape { layer, expected: usize::from(classes), got: inputs });
        }
        let macs: u64 = layers.iter().map(|layer: &Layer<'_>| layer.macs() as u64).sum();
        header_is(40, u64::from(header.u32(40)) == macs, header.u32(40))?;

        let place =
            Place { section: Section::Names, layer: 0, offset: header.u32(32), bytes: u64::from(header.u32(36)) };
        let names = place.slice(file)?;
        check_names(names, classes)?;
        Ok(Self { checksum: actual, file_bytes: stated as u32, input_side: height, classes, names, layers })
    }

    /// CRC-32 of the file: the model's identity, over the link that of the packed file in the board's flash.
    pub fn checksum(&self) -> u32 {
        self.checksum
    }

    /// Length of the file, bytes.
    pub fn file_bytes(&self) -> u32 {
        self.file_bytes
    }

    /// Side of the square input, px.
    pub fn input_side(&self) -> u16 {
        self.input_side
    }

    /// Pixels of the input.
    pub fn inputs(&self) -> usize {
        usize::from(self.input_side) * usize::from(self.input_side)
    }

    /// Number of classes, at least 2.
    pub fn classes(&self) -> u16 {
        self.classes
    }

    /// Names of the classes, in the order of the logits.
    pub fn class_names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        names(self.names).flatten()
    }

    /// The layers, in the order they run.
    pub fn layers(&self) -> &[Layer<'a>] {
        &self.layers
    }

    /// Multiply-accumulates of one inference.
    pub fn macs(&self) -> usize {
        self.layers.iter().map(Layer::macs).sum()
    }
}

/// Names up to the first malformed one, which is an error.
fn names(mut bytes: &[u8]) -> impl Iterator<Item = Result<&str, ModelError>> {
    core::iter::from_fn(move || {
        let (&length, rest) = bytes.split_first()?;
        let Some((name, rest)) = rest.split_at_checked(usize::from(length)) else {
            bytes = &[];
            return Some(Err(ModelError::Names));
        };
        bytes = rest;
        Some(core::str::from_utf8(name).ok().filter(|name| !name.is_empty()).ok_or(ModelError::Names))
    })
}

fn check_names(bytes: &[u8], classes: u16) -> Result<(), ModelError> {
    let mut count = 0_usize;
    let mut last = "";
    for name in names(bytes) {
        let name = name?;
        // Ascending order makes names unique without comparing every pair of what may be thousands. No name is empty.
        if name <= last {
            return Err(ModelError::Names);
        }
        last = name;
        count += 1;
    }
    if count == usize::from(classes) { Ok(()) } else { Err(ModelError::Names) }
}

fn parse_layer<'a, L: Layouts>(
    file: &'a [u8],
    index: usize,
    input: Output,
    last: bool,
) -> Result<Layer<'a>, ModelError> {
    let start = HEADER_BYTES + index * RECORD_BYTES;
    let truncated = ModelError::Truncated { expected: start + RECORD_BYTES, got: file.len() };
    let record = Fields::of(file, start).ok_or(truncated)?;
    match record.u16(0) {
        1 => parse_dense::<L>(file, &record, index, input, last).map(Layer::Dense),
        got => Err(ModelError::LayerKind { layer: index, got }),
    }
}

fn parse_dense<'a, L: Layouts>(
    file: &'a [u8],
    record: &Fields<'_>,
    layer: usize,
    input: Output,
    last: bool,
) -> Result<Dense<'a>, ModelError> {
    let unknown = |offset, got| ModelError::Record { layer, offset, got };
    let activation = Activation::from_byte(record.u8(2)).ok_or(unknown(2, u32::from(record.u8(2))))?;
    let output = Output::from_byte(record.u8(3)).ok_or(unknown(3, u32::from(record.u8(3))))?;
    // The last layer, and no other, gives logits, and they are linear.
    if last != (output == Output::Logits) {
        return Err(unknown(3, u32::from(record.u8(3))));
    }
    if last && activation != Activation::Linear {
        return Err(unknown(2, u32::from(record.u8(2))));
    }
    let layout = Layout::from_byte(record.u8(4))
        .filter(|&layout| L::has(layout) && (layer == 0 || !layout.is_for_pixels()))
        .ok_or(ModelError::WeightLayout { layer, got: record.u8(4) })?;
    let pre_shift = record.u8(5);
    if pre_shift > 30 {
        return Err(unknown(5, u32::from(pre_shift)));
    }
    let chunk_columns = record.u16(6);
    if layout.is_rows() && chunk_columns != 0 {
        return Err(unknown(6, u32::from(chunk_columns)));
    }
    for offset in (40..RECORD_BYTES).step_by(4) {
        if record.u32(offset) != 0 {
            return Err(unknown(offset, record.u32(offset)));
        }
    }
    let (inputs, outputs) = (record.u32(8), record.u32(12));
    for (offset, count) in [(8, inputs), (12, outputs)] {
        if count == 0 {
            return Err(unknown(offset, 0));
        }
    }
    let place = |section, field, bytes| Place { section, layer, offset: record.u32(field), bytes };
    let (inputs, outputs) = (inputs as usize, outputs as usize);
    let bytes = Weights::bytes_of(layout, inputs, outputs).unwrap_or(u64::MAX);
    let weights = place(Section::Weights, 16, bytes).slice(file)?;
    let biases = place(Section::Biases, 20, outputs as u64 * 4).words(file)?;
    let multipliers = place(Section::Multipliers, 24, outputs as u64 * 4).words(file)?;
    // The slice has as many bytes as were asked for: what can be wrong is the chunk.
    let weights = Weights::new(layout, weights, inputs, outputs, usize::from(chunk_columns))
        .ok_or(unknown(6, u32::from(chunk_columns)))?;
    let operands = DenseOperands { weights, biases };

    let accumulator_bound = accumulator_bound::<L>(operands, layer, input, pre_shift)?;
    if accumulator_bound != record.u32(28) {
        return Err(ModelError::Bound { layer, expected: accumulator_bound, got: record.u32(28) });
    }
    if let Some(row) = multipliers.iter().position(|&multiplier| multiplier <= 0) {
        return Err(ModelError::Multiplier { layer, row });
    }
    let scale = |offset| {
        let scale = f32::from_bits(record.u32(offset));
        if scale.is_finite() && scale > 0.0 { Ok(scale) } else { Err(unknown(offset, record.u32(offset))) }
    };
    Ok(Dense {
        operands,
        multipliers,
        pre_shift,
        activation,
        output,
        accumulator_bound,
        input_scale: scale(32)?,
        output_scale: scale(36)?,
    })
}

/// The largest magnitude an accumulator of the layer can reach, or the row that could overflow (requantization's
/// pre-shift and the layout's own sums included).
fn accumulator_bound<L: Layouts>(
    operands: DenseOperands<'_>,
    layer: usize,
    input: Output,
    pre_shift: u8,
) -> Result<u32, ModelError> {
    let DenseOperands { weights, biases } = operands;
    let largest_weight = weights.layout().max_weight().unsigned_abs();
    let mut largest = 0;
    for row in 0..weights.padded_outputs() {
        // At most 2^32 weights of magnitude 128, times 2^15, fit 64 bits.
        let mut l1 = 0_u64;
        for column in 0..weights.padded_inputs() {
            let weight = weights.get_of::<L>(row, column);
            let fills_up = row >= weights.outputs() || column >= weights.inputs();
            if weight.unsigned_abs() > largest_weight || (fills_up && weight != 0) {
                return Err(ModelError::Weight { layer, row });
            }
            l1 += u64::from(weight.unsigned_abs());
        }
        let overflows = ModelError::Accumulator { layer, row };
        let fold = weights.fold_of::<L>(row).ok_or(overflows)?;
        let Some(&stored) = biases.get(row) else { continue };
        let bias = unfold(stored, fold);
        let bound = u64::from(bias.unsigned_abs()) + l1 * u64::from(input.max_magnitude());
        if bound > (i32::MAX as u64) >> pre_shift {
            return Err(overflows);
        }
        largest = largest.max(bound as u32);
    }
    Ok(largest)
}

/// Where the file says a section is.
struct Place {
    section: Section,
    layer: usize,
    offset: u32,
    bytes: u64,
}

impl Place {
    fn slice<'a>(&self, file: &'a [u8]) -> Result<&'a [u8], ModelError> {
        let offset = self.offset as usize;
        let bytes = usize::try_from(self.bytes).unwrap_or(usize::MAX);
        let wrong = ModelError::Section { section: self.section, layer: self.layer, offset, bytes };
        let table_end = HEADER_BYTES + usize::from(u16_at(file, 28).unwrap_or(0)) * RECORD_BYTES;
        if !offset.is_multiple_of(ALIGNMENT) || offset < table_end {
            return Err(wrong);
        }
        let end = offset.checked_add(bytes).ok_or(wrong)?;
        file.get(offset..end).ok_or(wrong)
    }

    fn words<'a>(&self, file: &'a [u8]) -> Result<&'a [i32], ModelError> {
        // The file's start and the offset are aligned, so only a length that is no multiple of 4 could fail.
        bytemuck::try_cast_slice(self.slice(file)?).map_err(|_| ModelError::Misaligned)
    }
}

/// The 64 bytes of the header or of a record.
struct Fields<'a>(&'a [u8; 64]);

impl<'a> Fields<'a> {
    fn of(file: &'a [u8], start: usize) -> Option<Self> {
        file.get(start..start.checked_add(64)?)?.try_into().ok().map(Self)
    }

    fn u8(&self, offset: usize) -> u8 {
        self.0.get(offset).copied().unwrap_or(0)
    }

    fn u16(&self, offset: usize) -> u16 {
        u16_at(self.0, offset).unwrap_or(0)
    }

    fn u32(&self, offset: usize) -> u32 {
        u32_at(self.0, offset).unwrap_or(0)
    }
}

fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes.get(offset..offset.checked_add(2)?)?.try_into().ok().map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..offset.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}
