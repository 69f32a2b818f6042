//! [`Layout::DspBand8`](crate::layout::Layout::DspBand8): widening of bands.

use core::ops::Range;

use super::DspLoops;
use crate::kernel::Band;
use crate::layer::MAX_TABLE_LANES;

/// Columns of a band inside of the input, of whole groups of four channels.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'a> {
    /// The input, from the first value of the first column on.
    pub values: &'a [u8],
    /// Values from a row to the next.
    pub pitch: usize,
    /// Rows.
    pub rows: usize,
    /// Values of a row of a column: a positive multiple of 4.
    pub channels: usize,
    /// Words from a column to the next.
    pub column_words: usize,
    /// Number subtracted from the sum of each column, besides the products.
    pub start: i32,
}

impl Columns<'_> {
    /// Returns true if values, and so many words of lanes, are as long as so many columns require.
    pub fn fit(&self, lanes: usize, columns: usize) -> bool {
        let Self { values, pitch, rows, channels, column_words, start: _ } = *self;
        let row = rows.saturating_sub(1);
        let end = row.saturating_mul(pitch).saturating_add(columns.saturating_mul(channels));
        let words = rows.saturating_mul(channels) / 2;
        let last = columns.saturating_sub(1).saturating_mul(column_words).saturating_add(words);
        columns > 0
            && rows > 0
            && channels > 0
            && channels.is_multiple_of(4)
            && words <= column_words
            && end <= values.len()
            && last <= lanes
    }
}

/// Columns of a band inside of the input, value by value.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    /// The input, from the first value of the first column on.
    pub values: &'a [u8],
    /// For each lane of a column, where in `values` its value is: whole groups of four.
    pub offsets: &'a [usize],
    /// Values from a column to the next.
    pub step: usize,
}

impl Table<'_> {
    /// Returns true if values, and so many words of lanes, are as long as so many columns require.
    pub fn fit(&self, lanes: usize, columns: usize) -> bool {
        let most = self.offsets.iter().copied().max().unwrap_or(0);
        columns > 0
            && !self.offsets.is_empty()
            && self.offsets.len().is_multiple_of(4)
            && (columns - 1).saturating_mul(self.step).saturating_add(most) < self.values.len()
            && columns.saturating_mul(self.offsets.len() / 2) <= lanes
    }
}

/// [`crate::kernel::Banded::widen`]: lanes as UXTB16 widens groups of four values, and as the sum of a column minus the products
/// `x0 x1 + x2 x3` of all its groups.
#[cfg_attr(target_os = "none", inline(never))]
pub(super) fn widen<L: DspLoops>(band: &Band<'_>, lanes: &mut [u32], sums: &mut [i32]) {
    let order = band.order;
    let (column_words, pitch) = (order.lanes() / 2, usize::from(band.shape.width) * order.channels);
    let (rows, columns) = band.inside(sums.len());
    let (by_words, by_table) =
        (order.channels.is_multiple_of(4), rows.len() == order.height && order.lanes() <= MAX_TABLE_LANES);
    if !by_words && !by_table {
        return one_by_one(band, (rows, columns), pitch, lanes, sums);
    }
    // Outside of the input all is zero point.
    let (outside, product) = (u32::from(band.zero_point) * 0x1_0001, i32::from(band.zero_point).pow(2));
    let of_lanes = |lanes: usize| (lanes / 2) as i32 * product;
    let filled = -of_lanes(order.lanes());
    let ends = [0..columns.start, columns.end..sums.len()];
    for end in &ends {
        sums.get_mut(end.clone()).unwrap_or_default().fill(filled);
    }
    if rows.len() < order.height {
        lanes.fill(outside);
    } else {
        for end in ends {
            lanes.get_mut(end.start * column_words..end.end * column_words).unwrap_or_default().fill(outside);
        }
    }
    let values = band.input.get(band.first(&rows, &columns, pitch)..).unwrap_or_default();
    if !by_words {
        let words = columns.start * column_words;
        let (lanes, sums) = (lanes.get_mut(words..).unwrap_or_default(), sums.get_mut(columns).unwrap_or_default());
        // Lanes that fill up have weights of 0: they may have the first value.
        let mut offsets = [0; MAX_TABLE_LANES];
        let mut rest = &mut offsets[..];
        for row in 0..order.height {
            let (of_row, of_others) = rest.split_at_mut_checked(order.channels).unwrap_or_default();
            for (channel, offset) in of_row.iter_mut().enumerate() {
                *offset = row * pitch + channel;
            }
            rest = of_others;
        }
        return L::table(
            &Table { values, offsets: offsets.get(..order.lanes()).unwrap_or_default(), step: order.channels },
            lanes,
            sums,
        );
    }
    let from = Columns {
        values,
        pitch,
        rows: rows.len(),
        channels: order.channels,
        column_words,
        start: of_lanes((order.height - rows.len()) * order.channels),
    };
    let words = columns.start * column_words + rows.start * order.channels / 2;
    let (lanes, sums) = (lanes.get_mut(words..).unwrap_or_default(), sums.get_mut(columns).unwrap_or_default());
    L::columns(&from, lanes, sums);
}

/// [`widen`] for any number of channels, inside of the input and outside.
fn one_by_one(
    band: &Band<'_>,
    (rows, columns): (Range<usize>, Range<usize>),
    pitch: usize,
    lanes: &mut [u32],
    sums: &mut [i32],
) {
    let channels = band.order.channels;
    // Where row 0 of the first column would be, outside of the input too.
    let mut first = (band.top as usize).wrapping_mul(pitch).wrapping_add((band.left as usize).wrapping_mul(channels));
    let words = lanes.chunks_exact_mut((band.order.lanes() / 2).max(1));
    for (column, (words, sum)) in words.zip(sums).enumerate() {
        let is_inside = columns.contains(&column);
        let (mut row, mut channel, mut at) = (0, 0, first);
        *sum = 0;
        for pair in words.as_chunks_mut::<2>().0 {
            let mut four = [0; 4];
            for value in &mut four {
                let is_inside = is_inside && rows.contains(&row);
                *value = if is_inside { band.input.get(at).copied().unwrap_or(0) } else { band.zero_point };
                (channel, at) = (channel + 1, at.wrapping_add(1));
                if channel == channels {
                    (row, channel, at) = (row + 1, 0, at.wrapping_add(pitch).wrapping_sub(channels));
                }
            }
            let [x0, x1, x2, x3] = four.map(u32::from);
            *pair = [x0 | x2 << 16, x1 | x3 << 16];
            *sum = sum.wrapping_sub((x0 * x1 + x2 * x3) as i32);
        }
        first = first.wrapping_add(channels);
    }
}
