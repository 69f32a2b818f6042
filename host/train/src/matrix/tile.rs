//! The micro-kernel: one register tile, and the loops over all tiles of a product.

use super::super::simd::{Vector, multiversion};
use super::{Packed, Right, Starts};

/// Columns of the narrowest tile. Narrower matrices are widened: a vector of fewer numbers would be a loop.
pub(crate) const NARROWEST: usize = 8;

/// Mode of storing a product: replace the old results, or add to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    Replace,
    Add,
}

multiversion! {
    /// Stores `a * b` in `results`, row-major.
    ///
    /// # Panics
    /// If the sizes do not match, or a row of `b` ends beyond its values. If there are fewer columns than
    /// [`NARROWEST`]; with [`Store::Add`], if the number is not a multiple of it.
    pub(crate) fn multiply(a: &Packed, b: Right<'_, impl Starts>, store: Store, results: &mut [f32])
        = multiply_by::<[f32; 8], [f32; 8], 8, 1>,
        // 4 x 2 of the 16 registers hold sums.
        avx2: multiply_by::<core::arch::x86_64::__m256, core::arch::x86_64::__m256, 4, 2>,
        // 8 x 2 of the 32.
        avx512: multiply_by::<core::arch::x86_64::__m512, core::arch::x86_64::__m256, 8, 2>;
}

/// Computes tiles of `ROWS` rows (a divisor of [`Packed::HEIGHT`]) and `VECTORS` vectors `V` side by side. At the end of
/// rows they are single vectors, at last of 8 numbers (`Last`), in all rows of a panel.
///
/// Tiles are as large as registers allow: each factor and each vector that is loaded is used `VECTORS` or `ROWS` times.
#[inline(always)]
pub(super) fn multiply_by<V: Vector, Last: Vector, const ROWS: usize, const VECTORS: usize>(
    a: &Packed,
    b: Right<'_, impl Starts>,
    store: Store,
    results: &mut [f32],
) {
    const { assert!(Last::LANES == NARROWEST) };
    assert!(results.len() == a.rows() * b.columns && b.columns >= NARROWEST);
    assert!(store == Store::Replace || b.columns.is_multiple_of(NARROWEST));
    let mut column = 0;
    while column + NARROWEST <= b.columns {
        let left = b.columns - column;
        if a.rows() == 1 && left >= 8 * V::LANES {
            // A single row (depthwise) needs many columns for enough independent sums.
            tile::<V, 1, 1, 8>((a.values(), 0), b, column, store, results);
            column += 8 * V::LANES;
        } else if left >= VECTORS * V::LANES {
            tiles_below::<V, ROWS, VECTORS>(a, b, column, store, results);
            column += VECTORS * V::LANES;
        } else if left >= V::LANES {
            tiles_below::<V, { Packed::HEIGHT }, 1>(a, b, column, store, results);
            column += V::LANES;
        } else {
            tiles_below::<Last, { Packed::HEIGHT }, 1>(a, b, column, store, results);
            column += NARROWEST;
        }
    }
    if column < b.columns {
        // The last tile overlaps the one before it, and stores the same results there.
        tiles_below::<Last, { Packed::HEIGHT }, 1>(a, b, b.columns - NARROWEST, store, results);
    }
}

/// Computes the tiles of all panels that begin at this column.
#[inline(always)]
fn tiles_below<V: Vector, const ROWS: usize, const VECTORS: usize>(
    a: &Packed,
    b: Right<'_, impl Starts>,
    column: usize,
    store: Store,
    results: &mut [f32],
) {
    for (row, height, panel) in a.panels() {
        let results = &mut results[row * b.columns..][..height * b.columns];
        match height {
            Packed::HEIGHT => {
                for first in (0..Packed::HEIGHT).step_by(ROWS) {
                    tile::<V, { Packed::HEIGHT }, ROWS, VECTORS>((panel, first), b, column, store, results);
                }
            }
            4 => tile::<V, 4, 4, VECTORS>((panel, 0), b, column, store, results),
            2 => tile::<V, 2, 2, VECTORS>((panel, 0), b, column, store, results),
            _ => tile::<V, 1, 1, VECTORS>((panel, 0), b, column, store, results),
        }
    }
}

/// Computes one tile. It has `ROWS` of the `HEIGHT` rows of a panel, from `first` on. `results` holds all rows of the
/// panel.
#[inline(always)]
fn tile<V: Vector, const HEIGHT: usize, const ROWS: usize, const VECTORS: usize>(
    (panel, first): (&[f32], usize),
    b: Right<'_, impl Starts>,
    column: usize,
    store: Store,
    results: &mut [f32],
) {
    let values = &b.values[column..];
    let mut sums = [[V::splat(0.0); VECTORS]; ROWS];
    for (factors, start) in panel.as_chunks::<HEIGHT>().0.iter().zip(b.starts.starts()) {
        let values = &values[start..][..VECTORS * V::LANES];
        let values: [V; VECTORS] = core::array::from_fn(|i| V::load(&values[i * V::LANES..]));
        for (sums, &factor) in sums.iter_mut().zip(&factors[first..first + ROWS]) {
            let factor = V::splat(factor);
            for (sum, &value) in sums.iter_mut().zip(&values) {
                *sum = factor.multiply_add(value, *sum);
            }
        }
    }
    for (row, sums) in (first..).zip(&sums) {
        let results = &mut results[row * b.columns + column..][..VECTORS * V::LANES];
        for (&sum, results) in sums.iter().zip(results.chunks_exact_mut(V::LANES)) {
            let sum = if store == Store::Add { V::load(results).add(sum) } else { sum };
            sum.store(results);
        }
    }
}
