//! The numbers of the model format, each stated once: offset and type of every field of header and record, and the kinds
//! of layers that have it. Reader, checks and writer use them.
//!
//! A test holds the tables of [`super`]'s specification to them.

use core::marker::PhantomData;
use core::ops::Range;

/// Bytes of a block: of the header, and of a record of the layer table.
pub const BLOCK_BYTES: usize = 64;
/// Words of a block.
pub const BLOCK_WORDS: usize = BLOCK_BYTES / 4;

/// A block as it is read: in place, by words.
pub type Words = [u32; BLOCK_WORDS];
/// A block as it is written.
pub type Bytes = [u8; BLOCK_BYTES];

/// Fields of the header.
pub mod header {
    use super::{Field, Span, unused_words};

    /// [`crate::model::MAGIC`].
    pub const MAGIC: Field<[u8; 4]> = Field::at(0);
    /// [`crate::model::VERSION`].
    pub const VERSION: Field<u16> = Field::at(4);
    /// [`crate::model::HEADER_BYTES`].
    pub const HEADER_BYTES: Field<u16> = Field::at(6);
    /// Bytes of the file, a multiple of [`crate::model::ALIGNMENT`].
    pub const FILE_BYTES: Field<u32> = Field::at(8);
    /// CRC-32 of all bytes but its own.
    pub const CHECKSUM: Field<u32> = Field::at(12);
    /// Id of the pixel pipeline: [`crate::pixels::InputShape::pipeline_id`].
    pub const PIPELINE: Field<u32> = Field::at(16);
    /// Height of the input, px.
    pub const HEIGHT: Field<u16> = Field::at(20);
    /// Width of the input, px.
    pub const WIDTH: Field<u16> = Field::at(22);
    /// Channels of the input.
    pub const CHANNELS: Field<u16> = Field::at(24);
    /// Number of classes.
    pub const CLASSES: Field<u16> = Field::at(26);
    /// Number of layers.
    pub const LAYERS: Field<u16> = Field::at(28);
    /// [`crate::model::RECORD_BYTES`].
    pub const RECORD_BYTES: Field<u16> = Field::at(30);
    /// Where the class names start, bytes.
    pub const NAMES: Field<u32> = Field::at(32);
    /// Bytes of the class names.
    pub const NAMES_BYTES: Field<u32> = Field::at(36);
    /// Multiply-accumulates of one inference.
    pub const MACS: Field<u32> = Field::at(40);
    /// Least probability of an answer, Q16.
    pub const MIN_PROBABILITY: Field<u32> = Field::at(44);
    /// Frames that must agree.
    pub const NEEDED: Field<u8> = Field::at(48);
    /// Last frames that are looked at.
    pub const WINDOW: Field<u8> = Field::at(49);
    /// Zero.
    pub const RESERVED: Field<u16> = Field::at(50);
    /// Bytes of the arena.
    pub const ARENA_BYTES: Field<u32> = Field::at(52);

    /// All of them; bytes that are in none are zero.
    pub const FIELDS: &[Span] = &[
        MAGIC.span(),
        VERSION.span(),
        HEADER_BYTES.span(),
        FILE_BYTES.span(),
        CHECKSUM.span(),
        PIPELINE.span(),
        HEIGHT.span(),
        WIDTH.span(),
        CHANNELS.span(),
        CLASSES.span(),
        LAYERS.span(),
        RECORD_BYTES.span(),
        NAMES.span(),
        NAMES_BYTES.span(),
        MACS.span(),
        MIN_PROBABILITY.span(),
        NEEDED.span(),
        WINDOW.span(),
        RESERVED.span(),
        ARENA_BYTES.span(),
    ];

    /// Words without a field, a bit each.
    pub const UNUSED_WORDS: u32 = unused_words(&[FIELDS]);
}

/// Fields of a layer's record.
pub mod record {
    use super::{Field, Span};

    /// Number of the layer's [`crate::layer::Kind`].
    pub const KIND: Field<u16> = Field::at(0);
    /// Number of a dense layer's [`crate::model::Activation`].
    pub const ACTIVATION: Field<u8> = Field::at(2);
    /// Number of the layer's [`crate::model::Output`].
    pub const OUTPUT: Field<u8> = Field::at(3);
    /// Number of the weights' [`crate::layout::Layout`].
    pub const LAYOUT: Field<u8> = Field::at(4);
    /// Pre-shift of the requantization; of a sum, the bits that it drops. 0..=[`crate::model::MAX_PRE_SHIFT`].
    pub const PRE_SHIFT: Field<u8> = Field::at(5);
    /// Columns of a chunk of weights.
    pub const CHUNK_COLUMNS: Field<u16> = Field::at(6);
    /// Columns of the weights.
    pub const INPUTS: Field<u32> = Field::at(8);
    /// Rows of the weights.
    pub const OUTPUTS: Field<u32> = Field::at(12);
    /// Where the weights start in the file, bytes.
    pub const WEIGHTS: Field<u32> = Field::at(16);
    /// Where the biases start in the file, bytes.
    pub const BIASES: Field<u32> = Field::at(20);
    /// Where the multipliers start in the file, bytes.
    pub const MULTIPLIERS: Field<u32> = Field::at(24);
    /// Largest magnitude of an accumulator.
    pub const ACCUMULATOR_BOUND: Field<u32> = Field::at(28);
    /// Real value of one unit of the input.
    pub const INPUT_SCALE: Field<f32> = Field::at(32);
    /// Real value of one unit of the output.
    pub const OUTPUT_SCALE: Field<f32> = Field::at(36);
    /// Height of the output.
    pub const HEIGHT: Field<u16> = Field::at(40);
    /// Width of the output.
    pub const WIDTH: Field<u16> = Field::at(42);
    /// Channels of the output.
    pub const CHANNELS: Field<u16> = Field::at(44);
    /// Index of the earlier layer in a sum.
    pub const FROM: Field<u16> = Field::at(46);
    /// The window: height, width, stride down, stride right.
    pub const WINDOW: Field<[u8; 4]> = Field::at(48);
    /// Padding of the input: above, left, below, right.
    pub const PADDING: Field<[u8; 4]> = Field::at(52);
    /// Side of the max pooling after a convolution; 1 for none.
    pub const POOL: Field<u8> = Field::at(56);
    /// The byte that stands for the output's 0.
    pub const ZERO_POINT: Field<u8> = Field::at(57);
    /// Smallest output.
    pub const ACTIVATION_MIN: Field<u8> = Field::at(58);
    /// Largest output.
    pub const ACTIVATION_MAX: Field<u8> = Field::at(59);
    /// Where the output starts in the arena, bytes.
    pub const ARENA_OFFSET: Field<u32> = Field::at(60);

    // Groups of fields. Kinds name those that they have in `crate::layer`.

    /// Fields of all kinds.
    pub(crate) const ALL_KINDS: &[Span] = &[KIND.span(), OUTPUT.span(), INPUT_SCALE.span(), OUTPUT_SCALE.span()];
    /// Fields of kinds with weights.
    pub(crate) const WEIGHTED: &[Span] = &[
        LAYOUT.span(),
        PRE_SHIFT.span(),
        CHUNK_COLUMNS.span(),
        INPUTS.span(),
        OUTPUTS.span(),
        WEIGHTS.span(),
        BIASES.span(),
        MULTIPLIERS.span(),
        ACCUMULATOR_BOUND.span(),
    ];
    /// Fields of kinds that write a tensor.
    pub(crate) const TENSOR: &[Span] = &[
        HEIGHT.span(),
        WIDTH.span(),
        CHANNELS.span(),
        ZERO_POINT.span(),
        ACTIVATION_MIN.span(),
        ACTIVATION_MAX.span(),
        ARENA_OFFSET.span(),
    ];
    /// Fields of kinds with a window.
    pub(crate) const WINDOWED: &[Span] = &[WINDOW.span(), PADDING.span()];
}

/// A field of a block.
#[derive(Clone, Copy, Debug)]
pub struct Field<T> {
    span: Span,
    value: PhantomData<T>,
}

impl<T: Value> Field<T> {
    const fn at(offset: usize) -> Self {
        assert!(offset + T::BYTES <= BLOCK_BYTES && offset.is_multiple_of(T::BYTES), "no field across words");
        Self { span: Span { offset: offset as u8, bytes: T::BYTES as u8 }, value: PhantomData }
    }

    /// A field of some kinds of layers where others have another one.
    pub(crate) const fn in_place_of<U: Value>(other: Field<U>) -> Self {
        Self::at(other.span.offset())
    }

    /// Where it is.
    pub const fn span(self) -> Span {
        self.span
    }

    /// Reads the value.
    // Inlined, because the offset is a constant at every call: then it is one load.
    #[inline(always)]
    pub fn get(self, block: &Words) -> T {
        let offset = self.span.offset();
        T::from_bits(block[offset / 4] >> (offset % 4 * 8))
    }

    /// Writes a value into it.
    pub fn put(self, block: &mut Bytes, value: T) {
        block[self.span.range()].copy_from_slice(&value.to_bits().to_le_bytes()[..T::BYTES]);
    }
}

/// Type of a field's value.
pub trait Value: Copy {
    /// Bytes it takes, 1, 2 or 4.
    const BYTES: usize;

    /// From the lowest of these bits.
    fn from_bits(bits: u32) -> Self;

    /// The bits; those above are 0.
    fn to_bits(self) -> u32;
}

impl Value for u8 {
    const BYTES: usize = 1;

    #[inline(always)]
    fn from_bits(bits: u32) -> Self {
        bits as u8
    }

    fn to_bits(self) -> u32 {
        self.into()
    }
}

impl Value for u16 {
    const BYTES: usize = 2;

    #[inline(always)]
    fn from_bits(bits: u32) -> Self {
        bits as u16
    }

    fn to_bits(self) -> u32 {
        self.into()
    }
}

impl Value for u32 {
    const BYTES: usize = 4;

    #[inline(always)]
    fn from_bits(bits: u32) -> Self {
        bits
    }

    fn to_bits(self) -> u32 {
        self
    }
}

impl Value for i32 {
    const BYTES: usize = 4;

    #[inline(always)]
    fn from_bits(bits: u32) -> Self {
        bits as i32
    }

    fn to_bits(self) -> u32 {
        self as u32
    }
}

impl Value for f32 {
    const BYTES: usize = 4;

    #[inline(always)]
    fn from_bits(bits: u32) -> Self {
        f32::from_bits(bits)
    }

    fn to_bits(self) -> u32 {
        f32::to_bits(self)
    }
}

impl Value for [u8; 4] {
    const BYTES: usize = 4;

    #[inline(always)]
    fn from_bits(bits: u32) -> Self {
        bits.to_le_bytes()
    }

    fn to_bits(self) -> u32 {
        u32::from_le_bytes(self)
    }
}

/// Where in a block a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    offset: u8,
    bytes: u8,
}

impl Span {
    /// A whole word.
    pub(crate) const fn word(index: usize) -> Self {
        Self { offset: 4 * index as u8, bytes: 4 }
    }

    /// From the block's start, bytes.
    pub const fn offset(self) -> usize {
        self.offset as usize
    }

    /// Its bytes in the block.
    pub const fn range(self) -> Range<usize> {
        self.offset()..self.offset() + self.bytes as usize
    }

    /// Its first byte.
    pub(crate) const fn first_byte(self) -> Self {
        Self { bytes: 1, ..self }
    }

    /// The word that it is in.
    pub(crate) const fn whole_word(self) -> Self {
        Self::word(self.offset() / 4)
    }

    /// Returns the field's bits, whatever its type.
    pub(crate) fn bits(self, block: &Words) -> u32 {
        let word = block.get(self.offset() / 4).copied().unwrap_or(0) >> (self.offset() % 4 * 8);
        word & u32::MAX >> (32 - 8 * u32::from(self.bytes))
    }
}

/// The first of these words, a bit each, that is not zero.
pub(crate) fn first_not_zero(block: &Words, words: u32) -> Result<(), Span> {
    match (0..BLOCK_WORDS).find(|&word| words >> word & 1 == 1 && block[word] != 0) {
        Some(word) => Err(Span::word(word)),
        None => Ok(()),
    }
}

/// Returns true if one of these fields starts where this one does.
pub(crate) const fn has_field(groups: &[&[Span]], field: Span) -> bool {
    let mut group = 0;
    while group < groups.len() {
        let mut index = 0;
        while index < groups[group].len() {
            if groups[group][index].offset() == field.offset() {
                return true;
            }
            index += 1;
        }
        group += 1;
    }
    false
}

/// Words without any of these fields, a bit each.
pub(crate) const fn unused_words(groups: &[&[Span]]) -> u32 {
    let mut unused = (1 << BLOCK_WORDS) - 1;
    let mut group = 0;
    while group < groups.len() {
        let mut field = 0;
        while field < groups[group].len() {
            unused &= !(1 << (groups[group][field].offset() / 4));
            field += 1;
        }
        group += 1;
    }
    unused
}

#[cfg(test)]
mod tests;
