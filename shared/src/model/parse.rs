//! Untrusted bytes become a [`Model`] here, in one place; after it nothing about them can fail.

use super::layer::unfold;
use super::names::{check_names, names};
use super::{
    ALIGNMENT, Activation, Dense, HEADER_BYTES, Layer, MAGIC, MAX_LAYERS, ModelError, Output, RECORD_BYTES, Section,
    VERSION,
};
use crate::CRC;
use crate::decision::Probability;
use crate::kernel::DenseOperands;
use crate::layout::{Every, Layout, Layouts, Weights};
use crate::pixels::PIPELINE_ID;
use crate::policy::Policy;

#[cfg(target_endian = "big")]
compile_error!("model files are little-endian and read in place");

/// A checked model: sizes, offsets, alignment, names and accumulator bounds hold. Borrows its file; nothing is copied.
#[derive(Clone, Debug)]
pub struct Model<'a> {
    checksum: u32,
    file_bytes: u32,
    input_side: u16,
    classes: u16,
    policy: Policy,
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

/// Writes a policy into the header of a file, to be sealed again. No smoothing is written as zeros, so a file without a
/// policy is, byte for byte, as it was before there were any. Does nothing to fewer than 64 bytes.
pub fn put_policy(file: &mut [u8], policy: Policy) {
    let Some(header) = file.get_mut(..HEADER_BYTES) else { return };
    let votes = if policy.window() == 1 { [0; 2] } else { [policy.needed(), policy.window()] };
    header[44..48].copy_from_slice(&policy.min_probability().0.to_le_bytes());
    header[48..50].copy_from_slice(&votes);
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
    digest.update(file.get(..12).unwrap_or_default());
    digest.update(file.get(16..).unwrap_or_default());
    digest.finalize()
}

/// Words of the header and of a record.
const FIELDS: usize = 16;
const _: () = assert!(HEADER_BYTES == 4 * FIELDS && RECORD_BYTES == 4 * FIELDS);

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
        let actual = checksum(file);
        let stated_checksum = u32_at(file, 12).unwrap_or(0);
        if actual != stated_checksum {
            return Err(ModelError::Checksum { expected: stated_checksum, got: actual });
        }
        // A length that is no multiple of 4 is looked at below.
        let whole = file.get(..got - got % ALIGNMENT).unwrap_or_default();
        let words: &[u32] = bytemuck::try_cast_slice(whole).map_err(|_| ModelError::Misaligned)?;
        let truncated = ModelError::Truncated { expected: HEADER_BYTES, got };
        let header: &[u32; FIELDS] = words.first_chunk().ok_or(truncated)?;
        if header[4] != PIPELINE_ID {
            return Err(ModelError::Pipeline { expected: PIPELINE_ID, got: header[4] });
        }
        let (height, width) = halves(header[5]);
        let (channels, classes) = halves(header[6]);
        let (layer_count, record_bytes) = halves(header[7]);
        let unknown = if header[1] >> 16 != HEADER_BYTES as u32 {
            6
        } else if whole.len() != got {
            8
        } else if height == 0 {
            20
        } else if width != height {
            22
        } else if channels != 1 {
            24
        } else if classes < 2 {
            26
        } else if !(1..=MAX_LAYERS).contains(&usize::from(layer_count)) {
            28
        } else if usize::from(record_bytes) != RECORD_BYTES {
            30
        } else if header[12] >> 16 != 0 {
            50
        } else {
            first_not_zero(header, 13)
        };
        if unknown != 0 {
            let got = field(header, unknown, if unknown == 8 || unknown > 30 { 4 } else { 2 });
            return Err(ModelError::Header { offset: unknown, got });
        }
        let [needed, window, ..] = if header[12] == 0 { [1, 1, 0, 0] } else { header[12].to_le_bytes() };
        let policy = Policy::new(Probability(header[11]), needed, window).map_err(ModelError::Policy)?;

        let file = File { bytes: whole, words, table_end: HEADER_BYTES + usize::from(layer_count) * RECORD_BYTES };
        let mut layers = heapless::Vec::new();
        let mut inputs = usize::from(height) * usize::from(width);
        // Pixels have the range of an 8-bit layer.
        let mut input = Output::U8;
        let mut macs = 0_u64;
        for layer in 0..usize::from(layer_count) {
            let last = layer + 1 == usize::from(layer_count);
            let dense = file.dense::<L>(layer, input, last)?;
            let weights = &dense.operands.weights;
            if weights.inputs() != inputs {
                return Err(ModelError::Shape { layer, expected: inputs, got: weights.inputs() });
            }
            (inputs, input) = (weights.outputs(), dense.output);
            if last && inputs != usize::from(classes) {
                return Err(ModelError::Shape { layer, expected: usize::from(classes), got: inputs });
            }
            macs += weights.inputs() as u64 * weights.outputs() as u64;
            // Cannot be full: layer_count <= MAX_LAYERS.
            let _ = layers.push(Layer::Dense(dense));
        }
        if u64::from(header[10]) != macs {
            return Err(ModelError::Header { offset: 40, got: header[10] });
        }
        let names = file.section(Section::Names, 0, header[8], header[9] as usize)?;
        if !check_names(names, classes) {
            return Err(ModelError::Names);
        }
        Ok(Self { checksum: actual, file_bytes: stated as u32, input_side: height, classes, policy, names, layers })
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

    /// When its decisions are answers, where nobody says otherwise.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// Names of the classes, in the order of the logits.
    pub fn class_names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        names(self.names).filter_map(|name| core::str::from_utf8(name?).ok())
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

/// A file whose header has been checked.
struct File<'a> {
    bytes: &'a [u8],
    /// The same.
    words: &'a [u32],
    /// Where the layer table ends.
    table_end: usize,
}

impl<'a> File<'a> {
    /// Checks a layer whose inputs are of this kind.
    // Not inlined, as others below: in one function there would be more values than registers.
    #[cfg_attr(target_os = "none", inline(never))]
    fn dense<L: Layouts>(&self, layer: usize, input: Output, last: bool) -> Result<Dense<'a>, ModelError> {
        let start = FIELDS * (layer + 1);
        let record: &[u32; FIELDS] = self
            .words
            .get(start..)
            .and_then(<[u32]>::first_chunk)
            .ok_or(ModelError::Truncated { expected: 4 * (start + FIELDS), got: self.bytes.len() })?;
        let [kind_low, kind_high, activation, output] = record[0].to_le_bytes();
        let [layout, pre_shift, chunk_low, chunk_high] = record[1].to_le_bytes();
        let (kind, chunk_columns) =
            (u16::from_le_bytes([kind_low, kind_high]), u16::from_le_bytes([chunk_low, chunk_high]));
        if kind != 1 {
            return Err(ModelError::LayerKind { layer, got: kind });
        }
        let layout = Layout::from_byte(layout)
            .filter(|&layout| L::has(layout) && (layer == 0 || !layout.is_for_pixels()))
            .ok_or(ModelError::WeightLayout { layer, got: layout })?;
        let (inputs, outputs) = (record[2] as usize, record[3] as usize);
        let shape = Weights::shape(layout, inputs, outputs, usize::from(chunk_columns));
        let (activation, output) = (Activation::from_byte(activation), Output::from_byte(output));
        // The last layer, and no other, gives logits, and they are linear.
        let unknown = if activation.is_none() || (last && activation != Some(Activation::Linear)) {
            2
        } else if output.is_none() || last != (output == Some(Output::Logits)) {
            3
        } else if pre_shift > 30 {
            5
        } else if inputs == 0 {
            8
        } else if outputs == 0 {
            12
        } else if shape.is_none() || (layout.is_rows() && chunk_columns != 0) {
            6
        } else if !is_scale(record[8]) {
            32
        } else if !is_scale(record[9]) {
            36
        } else {
            first_not_zero(record, 10)
        };
        let (Some(activation), Some(output), Some(weights), 0) = (activation, output, shape, unknown) else {
            let bytes = if unknown < 6 { 1 } else { 4 };
            let got = if unknown == 6 { chunk_columns.into() } else { field(record, unknown, bytes) };
            return Err(ModelError::Record { layer, offset: unknown, got });
        };

        let bytes = self.section(Section::Weights, layer, record[4], weights.size())?;
        let biases = self.integers(Section::Biases, layer, record[5], outputs)?;
        let multipliers = self.integers(Section::Multipliers, layer, record[6], outputs)?;
        let operands = DenseOperands { weights: weights.with(bytes), biases };
        let accumulator_bound = accumulator_bound::<L>(&operands, layer, input, pre_shift)?;
        if accumulator_bound != record[7] {
            return Err(ModelError::Bound { layer, expected: accumulator_bound, got: record[7] });
        }
        if let Some(row) = multipliers.iter().position(|&multiplier| multiplier <= 0) {
            return Err(ModelError::Multiplier { layer, row });
        }
        Ok(Dense {
            operands,
            multipliers,
            pre_shift,
            activation,
            output,
            accumulator_bound,
            input_scale: f32::from_bits(record[8]),
            output_scale: f32::from_bits(record[9]),
        })
    }

    /// The bytes of a section that the file says is at an offset.
    #[cfg_attr(target_os = "none", inline(never))]
    fn section(&self, section: Section, layer: usize, offset: u32, bytes: usize) -> Result<&'a [u8], ModelError> {
        let offset = offset as usize;
        let inside = offset.is_multiple_of(ALIGNMENT) && offset >= self.table_end;
        let end = offset.saturating_add(bytes);
        let here = self.bytes.get(offset..end).filter(|_| inside);
        here.ok_or(ModelError::Section { section, layer, offset, bytes })
    }

    /// A section of 32-bit integers.
    fn integers(&self, section: Section, layer: usize, offset: u32, count: usize) -> Result<&'a [i32], ModelError> {
        // The file's start and the offset are aligned, so only a length that is no multiple of 4 could fail.
        bytemuck::try_cast_slice(self.section(section, layer, offset, count.saturating_mul(4))?)
            .map_err(|_| ModelError::Misaligned)
    }
}

/// The largest magnitude an accumulator of the layer can reach, or the row that could overflow (requantization's
/// pre-shift and the layout's own sums included).
#[cfg_attr(target_os = "none", inline(never))]
fn accumulator_bound<L: Layouts>(
    operands: &DenseOperands<'_>,
    layer: usize,
    input: Output,
    pre_shift: u8,
) -> Result<u32, ModelError> {
    let DenseOperands { weights, biases } = operands;
    let largest_weight = u32::from(weights.layout().max_weight().unsigned_abs());
    let mut largest = 0;
    for row in 0..weights.padded_outputs() {
        // Where it does not fit, neither does the bound.
        let mut l1 = 0_u32;
        for column in 0..weights.padded_inputs() {
            let magnitude = u32::from(weights.get_of::<L>(row, column).unsigned_abs());
            let fills_up = row >= weights.outputs() || column >= weights.inputs();
            if magnitude > if fills_up { 0 } else { largest_weight } {
                return Err(ModelError::Weight { layer, row });
            }
            l1 = l1.saturating_add(magnitude);
        }
        let overflows = ModelError::Accumulator { layer, row };
        let fold = weights.fold_of::<L>(row).ok_or(overflows)?;
        let Some(&stored) = biases.get(row) else { continue };
        let bias = unfold(stored, fold);
        let bound = u64::from(bias.unsigned_abs()) + u64::from(l1) * u64::from(input.max_magnitude());
        if bound > (i32::MAX as u64) >> pre_shift {
            return Err(overflows);
        }
        largest = largest.max(bound as u32);
    }
    Ok(largest)
}

/// The lower and the upper half of a word: two fields of 16 bits.
fn halves(word: u32) -> (u16, u16) {
    (word as u16, (word >> 16) as u16)
}

/// A field of so many bytes, for a message; the offset is in bytes.
fn field(fields: &[u32; FIELDS], offset: usize, bytes: u32) -> u32 {
    let word = fields.get(offset / 4).copied().unwrap_or(0) >> (offset % 4 * 8);
    word & u32::MAX >> (32 - 8 * bytes)
}

/// The offset in bytes of the first word from `start` on that is not 0; 0 if there is none.
fn first_not_zero(fields: &[u32; FIELDS], start: usize) -> usize {
    let reserved = fields.iter().enumerate().skip(start);
    reserved.filter(|&(_, &word)| word != 0).map(|(place, _)| 4 * place).next().unwrap_or(0)
}

/// Whether these bits are a finite number above 0.
fn is_scale(bits: u32) -> bool {
    (1..f32::INFINITY.to_bits()).contains(&bits)
}

fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes.get(offset..offset.checked_add(2)?)?.try_into().ok().map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..offset.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}
