//! How a dense layer's weights lie in memory.
//!
//! The model file that people keep has its weights row by row ([`Layout::Rows8`], [`Layout::Rows4`]): any code can
//! read it. A fast kernel wants them in the order, and in the sums, that it loads into registers. So the host packs a
//! model for the board it goes to, and a record's layout says how ([`crate::model`]). Packing loses nothing:
//! [`Weights::get`] reads every layout.
//!
//! The sums of a packed layout contain constants besides the products. Packing folds them into the biases:
//! [`Weights::fold`] returns the amount, and [`crate::model::Model::parse`] subtracts it to check that no accumulator
//! overflows.

mod band;
mod channels;
mod conv_pool;
mod dsp;
mod dual_mac;
#[cfg(test)]
mod tests;

use crate::numbered::numbered;

pub use band::{BAND_GROUP, BandOrder};
pub use conv_pool::{CONV_POOL_COLUMNS, CONV_POOL_ROW_WORDS};
pub use dsp::Lanes;

numbered! {
    /// Order and width of a layer's weights. The number is the one in the layer's record.
    #[cfg_attr(feature = "defmt", derive(defmt::Format))]
    pub enum Layout: u8 {
        /// Row-major, a byte a weight.
        Rows8 = 0,
        /// Row-major, two weights a byte, the first in the low half; each row starts a byte.
        Rows4 = 1,
        /// For 8-bit inputs on Cortex-M4: rows in pairs, `256 * a + b` in 16 bits. See [`crate::kernel::Dsp`].
        DspPixels8 = 2,
        /// For 16-bit inputs on Cortex-M4: four rows interleaved. See [`crate::kernel::Dsp`].
        DspWide8 = 3,
        /// For 8-bit inputs on Cortex-M4: rows in fours, `4096 * a + 256 * b + 16 * c + d` in 16 bits. See
        /// [`crate::kernel::Dsp`].
        DspPixels4 = 4,
        /// For 8-bit inputs on Cortex-M0+: two rows and two columns a word. See [`crate::kernel::DualMac`].
        DualMacPixels8 = 5,
        /// The same for weights of 7 bits. See [`crate::kernel::DualMac`].
        DualMacPixels7 = 6,
        /// For 8-bit inputs on Cortex-M0+: two rows and four columns a word. See [`crate::kernel::DualMac`].
        DualMacPixels4 = 7,
        /// For 16-bit inputs on Cortex-M4: four rows interleaved, a word is eight columns of a row. See
        /// [`crate::kernel::Dsp`].
        DspWide4 = 8,
        /// For convolutions of one channel under a window of 3 x 3 on Cortex-M4, pooled by two: 16 bits a weight. See
        /// [`crate::kernel::Dsp`].
        DspConvPool8 = 9,
        /// For depthwise convolutions on Cortex-M4: 16 bits a weight, four channels side by side. See [`crate::kernel::Dsp`].
        DspChannels8 = 10,
        /// The same for weights of 4 bits.
        DspChannels4 = 11,
        /// For convolutions on Cortex-M4: as [`Layout::DspPixels8`], in one chunk, the columns in the order of [`BandOrder`].
        /// See [`crate::kernel::Dsp`].
        DspBand8 = 12,
        /// For convolutions on Cortex-M0+: as [`Layout::DualMacPixels8`], in one chunk, the columns in the order of [`BandOrder`].
        /// See [`crate::kernel::DualMac`].
        DualMacBand8 = 13,
    }
}

impl Layout {
    /// Largest magnitude of a weight.
    pub const fn max_weight(self) -> i8 {
        match self {
            Self::Rows8
            | Self::DspPixels8
            | Self::DspWide8
            | Self::DualMacPixels8
            | Self::DspConvPool8
            | Self::DspChannels8
            | Self::DspBand8
            | Self::DualMacBand8 => 127,
            Self::DualMacPixels7 => 63,
            Self::Rows4 | Self::DspPixels4 | Self::DspWide4 | Self::DualMacPixels4 | Self::DspChannels4 => 7,
        }
    }

    /// Bits of a weight, 8 or 4, which it takes in memory too ([`Layout::is_widened`] apart).
    pub const fn bits(self) -> u32 {
        if self.max_weight() > 7 { 8 } else { 4 }
    }

    /// Returns true for the row-major layouts.
    pub const fn is_rows(self) -> bool {
        matches!(self, Self::Rows8 | Self::Rows4)
    }

    /// Returns true if columns are packed in chunks.
    pub const fn has_chunks(self) -> bool {
        // All of them at once, which a core tests with one mask.
        !matches!(
            self,
            Self::Rows8
                | Self::Rows4
                | Self::DspConvPool8
                | Self::DspChannels8
                | Self::DspChannels4
                | Self::DspBand8
                | Self::DualMacBand8
        )
    }

    /// Returns true for the layouts of convolutions from bands.
    pub const fn is_band(self) -> bool {
        matches!(self, Self::DspBand8 | Self::DualMacBand8)
    }

    /// Returns true if a weight takes 16 bits in memory.
    pub const fn is_widened(self) -> bool {
        matches!(self, Self::DspConvPool8) || self.is_of_channels()
    }

    /// Returns true for the layouts of depthwise convolutions alone. (Row-major layouts serve these too.)
    pub const fn is_of_channels(self) -> bool {
        matches!(self, Self::DspChannels8 | Self::DspChannels4)
    }

    /// Groups of columns that the assembly's loop over a chunk takes in one turn. Chunks of whole turns waste none.
    pub const fn turn_groups(self) -> usize {
        match self {
            Self::DspPixels8 => 13,
            Self::DspPixels4 | Self::DualMacPixels8 | Self::DualMacPixels7 => 4,
            Self::DualMacPixels4 => 2,
            _ => 1,
        }
    }

    /// Returns true if the layout takes 8-bit inputs only.
    pub const fn is_for_pixels(self) -> bool {
        matches!(
            self,
            Self::DspPixels8
                | Self::DspPixels4
                | Self::DualMacPixels8
                | Self::DualMacPixels7
                | Self::DualMacPixels4
                | Self::DspConvPool8
                | Self::DspChannels8
                | Self::DspChannels4
                | Self::DspBand8
                | Self::DualMacBand8
        )
    }
}

/// Set of layouts that a piece of code can meet. A board's program meets those of its kernel alone (every
/// [`crate::kernel::Kernel`] is such a set), so the code for all others is left out.
pub trait Layouts {
    /// Returns true if the code can meet this layout.
    fn has(layout: Layout) -> bool;
}

/// All layouts: what the host can meet.
#[derive(Clone, Copy, Debug)]
pub struct Every;

impl Layouts for Every {
    fn has(_: Layout) -> bool {
        true
    }
}

/// Most columns of a chunk: the sums that prove it stay within 32 bits.
pub const MAX_CHUNK_COLUMNS: usize = 4096;

/// Rows of a packed layout come in blocks of this many, columns of a chunk in groups of [`GROUP_COLUMNS`]; weights that
/// fill up are 0.
pub const BLOCK_ROWS: usize = 4;
/// See [`BLOCK_ROWS`].
pub const GROUP_COLUMNS: usize = 8;

impl Default for Weights<'_> {
    /// None.
    fn default() -> Self {
        Self { layout: Layout::Rows8, bytes: &[], inputs: 0, outputs: 0, chunk_columns: 0 }
    }
}

/// A layer's weights, where they lie.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    layout: Layout,
    bytes: &'a [u8],
    inputs: usize,
    outputs: usize,
    chunk_columns: usize,
}

impl<'a> Weights<'a> {
    /// Weights of `outputs` rows and `inputs` columns in these bytes. Layouts without chunks ignore `chunk_columns`.
    ///
    /// `None` when the bytes are not as many as [`Weights::bytes_of`] says, when there is no row or column, when the
    /// columns of a chunk are not a positive multiple of [`GROUP_COLUMNS`] up to [`MAX_CHUNK_COLUMNS`], when
    /// [`Layout::DspConvPool8`] has not [`CONV_POOL_COLUMNS`], or when the columns of a band ([`Layout::is_band`]) are not a multiple
    /// of [`BAND_GROUP`] up to [`MAX_CHUNK_COLUMNS`].
    pub fn new(layout: Layout, bytes: &'a [u8], inputs: usize, outputs: usize, chunk_columns: usize) -> Option<Self> {
        let shape = Weights::shape(layout, inputs, outputs, chunk_columns).filter(Self::has_whole_groups)?;
        (Self::bytes_of(layout, inputs, outputs) == Some(bytes.len() as u64)).then_some(shape.with(bytes))
    }

    /// [`Weights::new`] without the bytes.
    pub(crate) fn shape(layout: Layout, inputs: usize, outputs: usize, chunk_columns: usize) -> Option<Self> {
        let chunk_columns = if layout == Layout::DspConvPool8 && inputs != CONV_POOL_COLUMNS {
            return None;
        } else if !layout.has_chunks() {
            inputs
        } else if (1..=MAX_CHUNK_COLUMNS).contains(&chunk_columns) && chunk_columns.is_multiple_of(GROUP_COLUMNS) {
            chunk_columns
        } else {
            return None;
        };
        Some(Self { layout, bytes: &[], inputs, outputs, chunk_columns })
    }

    /// Returns false if the columns of a band are not whole groups, or too many. (Not part of
    /// [`Weights::shape`], which every inference calls.)
    pub(crate) fn has_whole_groups(&self) -> bool {
        let whole = self.inputs <= MAX_CHUNK_COLUMNS && self.inputs.is_multiple_of(BAND_GROUP);
        !self.layout.is_band() || whole
    }

    /// A shape with its bytes, [`Weights::size`] of them.
    pub(crate) fn with(self, bytes: &'a [u8]) -> Self {
        Self { bytes, ..self }
    }

    /// Bytes of so many weights; `None` when there are none, or more than 2^32 rows or columns.
    pub fn bytes_of(layout: Layout, inputs: usize, outputs: usize) -> Option<u64> {
        let countable = |count: usize| count > 0 && u32::try_from(count).is_ok();
        let shape = Self { layout, bytes: &[], inputs, outputs, chunk_columns: 0 };
        (countable(inputs) && countable(outputs)).then(|| shape.size() as u64)
    }

    /// Bytes of the weights; the largest number where they are more than memory has.
    pub(crate) fn size(&self) -> usize {
        let columns = self.padded_inputs();
        let row_bytes = match self.layout {
            Layout::DspConvPool8 => conv_pool::ROW_BYTES,
            layout if layout.is_of_channels() => columns.saturating_mul(2),
            layout if layout.bits() == 4 => columns.div_ceil(2),
            _ => columns,
        };
        self.padded_outputs().saturating_mul(row_bytes)
    }

    /// How they lie.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The bytes themselves.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The bytes as words. Nothing when they do not start at a multiple of 4, as a parsed model's always do.
    pub fn words(&self) -> &'a [u32] {
        bytemuck::try_cast_slice(self.bytes).unwrap_or_default()
    }

    /// Columns: activations read.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Rows: accumulators written, without those that fill up a block.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Rows with those that fill up the last block: accumulators a kernel needs.
    pub fn padded_outputs(&self) -> usize {
        let has_blocks = !matches!(self.layout, Layout::Rows8 | Layout::Rows4 | Layout::DspConvPool8);
        if has_blocks { padded(self.outputs, BLOCK_ROWS) } else { self.outputs }
    }

    /// Columns with those that fill up the last group.
    pub fn padded_inputs(&self) -> usize {
        match self.layout {
            Layout::DspConvPool8 => conv_pool::PADDED_COLUMNS,
            layout if layout.has_chunks() => padded(self.inputs, GROUP_COLUMNS),
            _ => self.inputs,
        }
    }

    /// Columns a kernel takes at once; the last chunk may have fewer.
    pub fn chunk_columns(&self) -> usize {
        self.chunk_columns
    }

    /// 32-bit words of working memory a kernel widens a chunk of inputs into.
    pub fn scratch_words(&self) -> usize {
        let columns = self.chunk_columns.min(self.padded_inputs());
        match self.layout {
            Layout::Rows8 | Layout::Rows4 | Layout::DspConvPool8 | Layout::DspChannels8 | Layout::DspChannels4 => 0,
            // A convolution knows more than its weights.
            Layout::DspBand8 | Layout::DualMacBand8 => 0,
            Layout::DspPixels8 | Layout::DspPixels4 | Layout::DspWide8 | Layout::DspWide4 => columns / 2,
            Layout::DualMacPixels8 => columns / 2 * dual_mac::PAIR_WORDS,
            Layout::DualMacPixels7 | Layout::DualMacPixels4 => columns,
        }
    }

    /// One weight; 0 in what fills up, and beyond.
    pub fn get(&self, row: usize, column: usize) -> i8 {
        self.get_of::<Every>(row, column)
    }

    /// [`Weights::get`] where only these layouts can be met; 0 in others.
    // Not inlined: parsing calls it from several places, and speed matters more to the host, which is not asked for size.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(crate) fn get_of<L: Layouts>(&self, row: usize, column: usize) -> i8 {
        // A depthwise convolution's weights may lie in rows whatever the kernel.
        if self.layout.is_rows() {
            return self.get_rows(row, column);
        }
        let byte = |at: usize| self.bytes.get(at).copied().unwrap_or(0);
        if self.layout == Layout::DspConvPool8 {
            return if L::has(Layout::DspConvPool8) { conv_pool::get(byte, row, column) } else { 0 };
        }
        if self.layout.is_of_channels() {
            return if L::has(Layout::DspChannels8) { channels::get(byte, self.inputs, row, column) } else { 0 };
        }
        let position = self.position(row, column);
        match self.layout {
            layout @ (Layout::DspPixels8
            | Layout::DspPixels4
            | Layout::DspWide8
            | Layout::DspWide4
            | Layout::DspBand8)
                if L::has(Layout::DspPixels8) =>
            {
                dsp::get(layout, byte, position)
            }
            Layout::DualMacPixels8 | Layout::DualMacBand8 if L::has(Layout::DualMacPixels8) => {
                dual_mac::pixels8(byte, position, 128)
            }
            Layout::DualMacPixels7 if L::has(Layout::DualMacPixels7) => dual_mac::pixels8(byte, position, 64),
            Layout::DualMacPixels4 if L::has(Layout::DualMacPixels4) => dual_mac::pixels4(byte, position),
            _ => 0,
        }
    }

    /// The bytes of a row in [`Layout::Rows8`].
    #[inline]
    pub(crate) fn filter(&self, row: usize) -> Option<&'a [u8]> {
        let start = row * self.inputs;
        self.bytes.get(start..start + self.inputs).filter(|_| self.layout == Layout::Rows8)
    }

    /// [`Weights::get`] of a row-major layout.
    #[inline]
    pub(crate) fn get_rows(&self, row: usize, column: usize) -> i8 {
        let byte = |at: usize| self.bytes.get(at).copied().unwrap_or(0) as i8;
        if self.layout == Layout::Rows8 {
            return byte(row * self.inputs + column);
        }
        let both = byte(row * self.inputs.div_ceil(2) + column / 2);
        // The arithmetic shift brings the sign along.
        if column.is_multiple_of(2) { (both << 4) >> 4 } else { both >> 4 }
    }

    /// Returns the amount that packing adds to a row's bias; `None` if the layout's sums could overflow in this row, whatever
    /// the bias.
    pub fn fold(&self, row: usize) -> Option<i32> {
        self.fold_of::<Every>(row)
    }

    /// [`Weights::fold`] where only these layouts can be met. Modulo 2^32, as the sums.
    pub(crate) fn fold_of<L: Layouts>(&self, row: usize) -> Option<i32> {
        match self.layout {
            Layout::DspPixels8 | Layout::DspPixels4 | Layout::DspBand8 if L::has(Layout::DspPixels8) => {
                dsp::fold::<L>(self, row)
            }
            Layout::DualMacPixels8 | Layout::DualMacBand8 if L::has(Layout::DualMacPixels8) => {
                Some(dual_mac::fold8::<L>(self, row))
            }
            Layout::DspWide4 if self.chunk_columns > dsp::MAX_WIDE4_COLUMNS => None,
            // What the excess of 7-bit and 4-bit pairs adds depends on the inputs, and the kernel takes it off.
            _ => Some(0),
        }
    }

    /// Where a packed weight belongs.
    fn position(&self, row: usize, column: usize) -> Position {
        let start = column - column % self.chunk_columns.max(1);
        let columns = self.chunk_columns.min(self.padded_inputs().saturating_sub(start));
        Position {
            // All rows of the chunks before, then all columns of the blocks before.
            weights_before: start * self.padded_outputs() + (row - row % BLOCK_ROWS) * columns,
            row: row % BLOCK_ROWS,
            column: column - start,
        }
    }
}

/// Writes weights into a layout, the other way round of [`Weights::get`]: `bytes` are all 0 and as many as
/// [`Weights::bytes_of`] says, `weight` gives a row's and column's weight, each within +-[`Layout::max_weight`]. The host's work;
/// here because it is the same knowledge.
///
/// # Panics
/// If there are fewer bytes.
pub fn pack(
    layout: Layout,
    (inputs, outputs): (usize, usize),
    chunk_columns: usize,
    weight: impl Fn(usize, usize) -> i8,
    bytes: &mut [u8],
) {
    match layout {
        Layout::Rows8 | Layout::Rows4 => {
            for row in 0..outputs {
                for column in 0..inputs {
                    let weight = weight(row, column) as u8;
                    if layout == Layout::Rows8 {
                        bytes[row * inputs + column] = weight;
                    } else {
                        bytes[row * inputs.div_ceil(2) + column / 2] |= (weight & 15) << (column % 2 * 4);
                    }
                }
            }
        }
        Layout::DspConvPool8 => conv_pool::pack((inputs, outputs), weight, bytes),
        Layout::DspChannels8 | Layout::DspChannels4 => channels::pack((inputs, outputs), weight, bytes),
        Layout::DspBand8 => pack_blocks(layout, (inputs, outputs), inputs, weight, |position, w| {
            dsp::pack(Layout::DspPixels8, position, w, bytes);
        }),
        Layout::DualMacBand8 => pack_blocks(layout, (inputs, outputs), inputs, weight, |position, w| {
            dual_mac::pack(Layout::DualMacPixels8, position, w, bytes);
        }),
        Layout::DspPixels8 | Layout::DspPixels4 | Layout::DspWide8 | Layout::DspWide4 => {
            pack_blocks(layout, (inputs, outputs), chunk_columns, weight, |position, w| {
                dsp::pack(layout, position, w, bytes);
            });
        }
        Layout::DualMacPixels8 | Layout::DualMacPixels7 | Layout::DualMacPixels4 => {
            pack_blocks(layout, (inputs, outputs), chunk_columns, weight, |position, w| {
                dual_mac::pack(layout, position, w, bytes);
            });
        }
    }
}

/// Goes through the blocks of a layout with chunks, column by column. Rows and columns that fill up have weights of 0.
fn pack_blocks(
    layout: Layout,
    (inputs, outputs): (usize, usize),
    chunk_columns: usize,
    weight: impl Fn(usize, usize) -> i8,
    mut column_of_block: impl FnMut(Position, [i32; BLOCK_ROWS]),
) {
    let shape = Weights { layout, bytes: &[], inputs, outputs, chunk_columns };
    for first in (0..outputs).step_by(BLOCK_ROWS) {
        for column in 0..shape.padded_inputs() {
            let weights = core::array::from_fn(|row| {
                let inside = first + row < outputs && column < inputs;
                if inside { i32::from(weight(first + row, column)) } else { 0 }
            });
            column_of_block(shape.position(first, column), weights);
        }
    }
}

/// Up to a multiple of `unit`, a power of two. What is too much for that is for memory too.
fn padded(count: usize, unit: usize) -> usize {
    count.saturating_add(unit - 1) & !(unit - 1)
}

/// Where a weight belongs in a packed layout: in which block of four rows, and where in it.
#[derive(Clone, Copy, Debug)]
struct Position {
    /// Weights stored before the block.
    weights_before: usize,
    /// Row in the block, 0..4.
    row: usize,
    /// Column in the chunk.
    column: usize,
}
