//! Convolutions from bands: the rows of the input under a row of windows, widened once for all of these windows.

use core::ops::Range;

use super::NoBands;
use crate::layout::{BandOrder, Layout};
use crate::shape::Shape;

/// Convolution of bands, with max pooling by up to 2 and requantization. Implementations differ in speed only.
pub trait Banded {
    /// Convolutions of this layout, which the kernel runs, come here instead of to [`super::Kernel::dense_u8`]; `None` where
    /// none do.
    const LAYOUT: Option<Layout>;
    /// Words that two lanes are widened into.
    const PAIR_WORDS: usize;
    /// True if [`Banded::widen`] writes sums, and [`Positions::corrections`] are of these. Otherwise there are none, and the sums'
    /// memory has room for a byte for each lane.
    const HAS_CORRECTIONS: bool;

    /// Widens so many columns of a band into `lanes`: [`BandOrder::lanes`] for each, in the kernel's order. Sets each of `sums`, one
    /// for each column, to a number of the kernel's own; [`Positions::corrections`] are sums of these.
    fn widen(band: &Band<'_>, columns: usize, lanes: &mut [u32], sums: &mut [i32]);

    /// Writes the outputs at neighboring positions, [`Positions::outputs`] bytes each.
    fn positions(positions: &Positions<'_>, output: &mut [u8]);
}

/// Where a band lies in the layer's input.
#[derive(Clone, Copy, Debug)]
pub struct Band<'a> {
    /// The input (HWC).
    pub input: &'a [u8],
    /// Its shape.
    pub shape: Shape,
    /// Value of the positions outside of the input.
    pub zero_point: u8,
    /// The input's row in which the windows start. Below 0, it is outside.
    pub top: i32,
    /// The input's column in which the band starts.
    pub left: i32,
    /// Order of the values of a column.
    pub order: BandOrder,
}

impl Band<'_> {
    /// Returns which rows, and which of so many columns, are inside of the input.
    #[inline(always)]
    pub fn inside(&self, columns: usize) -> (Range<usize>, Range<usize>) {
        let inside = |first: i32, count: usize, size: u16| {
            let start = 0.max(-first).min(count as i32);
            let end = (i32::from(size) - first).min(count as i32).max(start);
            start as usize..end as usize
        };
        (inside(self.top, self.order.height, self.shape.height), inside(self.left, columns, self.shape.width))
    }

    /// Returns where in the input the first value inside of it is, with so many values from a row to the next.
    #[inline(always)]
    pub fn first(&self, rows: &Range<usize>, columns: &Range<usize>, pitch: usize) -> usize {
        let [row, column] = [(self.top, rows), (self.left, columns)].map(|(first, range)| first + range.start as i32);
        row as usize * pitch + column as usize * self.order.channels
    }
}

/// Neighboring positions of a convolution's output, and the operands of all of them.
#[derive(Clone, Copy, Debug)]
pub struct Positions<'a> {
    /// Words of the weights, whole blocks of rows.
    pub weights: &'a [u32],
    /// Start of each row's sum, of the rows that fill up too.
    pub biases: &'a [i32],
    /// Multipliers of the requantization, as many as biases.
    pub multipliers: &'a [i32],
    /// See [`crate::fixed::requantize`]; at most 30.
    pub pre_shift: u8,
    /// Rows of weights: output channels, without those that fill up.
    pub outputs: usize,
    /// Zero point of the output.
    pub zero_point: u8,
    /// Smallest and largest output.
    pub range: (u8, u8),
    /// The bands, `pool` of them, of [`Positions::band_words`] each, as [`Banded::widen`] writes them.
    pub lanes: &'a [u32],
    /// Words of a band.
    pub band_words: usize,
    /// Words under a window.
    pub window_words: usize,
    /// Words from a window to the next one in the same row.
    pub step_words: usize,
    /// Side of the max pooling: 1 or 2.
    pub pool: usize,
    /// For each band, for each window in it: the sum of the window's columns. None if the kernel has no corrections.
    pub corrections: &'a [i32],
}

impl Positions<'_> {
    /// Pooled positions of one output.
    pub fn taps(&self) -> usize {
        self.pool.saturating_mul(self.pool)
    }

    /// Returns where in [`Positions::lanes`] the window of a pooled position starts, from that of the output's first one on.
    pub fn tap_words(&self, tap: usize) -> usize {
        match tap {
            0 => 0,
            1 => self.step_words,
            2 => self.band_words,
            _ => self.band_words.saturating_add(self.step_words),
        }
    }

    /// Returns true if all slices are as long as so many bytes of output require.
    pub fn fit<B: Banded>(&self, output_bytes: usize) -> bool {
        let Self { biases, outputs, pool, window_words, .. } = *self;
        let positions = output_bytes.checked_div(outputs).unwrap_or(0);
        let last = positions.saturating_sub(1).saturating_mul(pool).saturating_mul(self.step_words);
        let end = last.saturating_add(self.tap_words(self.taps().saturating_sub(1))).saturating_add(window_words);
        positions > 0
            && positions * outputs == output_bytes
            && (1..=2).contains(&pool)
            && window_words > 0
            && window_words.is_multiple_of(2 * B::PAIR_WORDS)
            && biases.len() == outputs.next_multiple_of(4)
            && self.multipliers.len() == biases.len()
            && self.weights.len() == (biases.len() / 4).saturating_mul(window_words / B::PAIR_WORDS).saturating_mul(2)
            && self.corrections.len() == if B::HAS_CORRECTIONS { positions.saturating_mul(self.taps()) } else { 0 }
            && end <= self.lanes.len()
    }
}

impl Banded for NoBands {
    const LAYOUT: Option<Layout> = None;
    const PAIR_WORDS: usize = 1;
    const HAS_CORRECTIONS: bool = false;

    fn widen(_: &Band<'_>, _: usize, _: &mut [u32], _: &mut [i32]) {}

    fn positions(_: &Positions<'_>, _: &mut [u8]) {}
}
