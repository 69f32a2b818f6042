//! The matrix product (GEMM) behind dense layers, convolutions and the optimizer, in an order that does not depend on
//! the machine.
//!
//! The plain algorithm is three loops: `c[i][j] = sum over p, ascending, of a[i][p] * b[p][j]`, every step one fused
//! multiply-add; `a` is m x k, `b` is k x n. This version differs as follows, without changing a bit of the result:
//! - Register tiles of rows and columns are summed together, so that operands are loaded once for several products
//!   ([`tile`]). Each element still adds its own products in ascending order of `p`.
//! - Vectors hold neighboring columns, which do not depend on each other. They are as wide as the processor has them
//!   ([`super::simd`]). A fused multiply-add is rounded once, on any processor.
//! - `a` is packed: the rows of a tile are interleaved, so that the tile reads them in order ([`pack`]).
//! - Threads, where used, split rows.
//!
//! So the same seed trains the same bytes on any machine and any number of threads, which no BLAS promises.
//!
//! `b` is not packed or copied. Its rows may begin anywhere and overlap ([`Starts`]): for a convolution they are views
//! of the same planes, each shifted by a position of the window (im2col without copying).
//!
//! [`Panels`] gives a product piece by piece. The optimizer takes gradients while they are in the processor's cache, so
//! megabytes of gradient are never written to memory (see [`super::optimizer`]).

mod pack;
#[cfg(test)]
mod tests;
mod tile;

use std::borrow::Cow;

pub(super) use pack::{Matrix, Packed};
pub(super) use tile::{NARROWEST, Store, multiply};

/// Starts of the rows of `b` in its values.
pub(super) trait Starts: Copy {
    /// Returns the start of each row, in order; at least k of them.
    fn starts(self) -> impl Iterator<Item = usize>;
}

/// The rows of a contiguous matrix, this number of values after each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pitch(pub usize);

impl Starts for Pitch {
    #[inline(always)]
    fn starts(self) -> impl Iterator<Item = usize> {
        (0..).map(move |row| row * self.0)
    }
}

/// Any starts; the rows may overlap.
impl Starts for &[usize] {
    #[inline(always)]
    fn starts(self) -> impl Iterator<Item = usize> {
        self.iter().copied()
    }
}

/// The right matrix of a product, k x `columns`. Row `p` begins at start `p` in `values`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Right<'a, S> {
    pub values: &'a [f32],
    pub starts: S,
    pub columns: usize,
}

/// Computes rows of `a * b` one panel after another, where `a` is too large for a packed copy, or results are used at
/// once.
pub(super) struct Panels<'a> {
    a: Matrix<'a>,
    /// At least as wide as the narrowest tile.
    b: Cow<'a, [f32]>,
    columns: usize,
    packed: Packed,
}

impl<'a> Panels<'a> {
    /// Rows of a panel; a multiplication takes as many or, at the end of a matrix, fewer.
    pub(super) const HEIGHT: usize = Packed::HEIGHT;

    /// Prepares products of `a` and `b`, which is row-major with this number of columns.
    ///
    /// # Panics
    /// If `b` has not as many rows as `a` has columns.
    pub(super) fn new(a: Matrix<'a>, b: &'a [f32], columns: usize) -> Self {
        assert_eq!(b.len(), a.columns() * columns);
        Self { a, b: widened(b, columns), columns, packed: Packed::empty() }
    }

    /// Stores the rows of `a * b` from `first` on, as many as `results` has.
    ///
    /// # Panics
    /// If `a` has fewer rows, or these are more than [`Self::HEIGHT`].
    pub(super) fn multiply(&mut self, first: usize, results: &mut [f32]) {
        let rows = results.len() / self.columns;
        self.packed.pack(self.a, first..first + rows);
        let columns = self.columns.max(NARROWEST);
        let b = Right { values: &self.b, starts: Pitch(columns), columns };
        if self.columns == columns {
            return multiply(&self.packed, b, Store::Replace, results);
        }
        let mut wide = [0.0; Self::HEIGHT * NARROWEST];
        multiply(&self.packed, b, Store::Replace, &mut wide[..rows * NARROWEST]);
        for (to, from) in results.chunks_exact_mut(self.columns).zip(wide.chunks_exact(NARROWEST)) {
            to.copy_from_slice(&from[..to.len()]);
        }
    }
}

/// Returns a row-major matrix; if it is narrower than any tile, with columns of zeros added.
fn widened(values: &[f32], columns: usize) -> Cow<'_, [f32]> {
    if columns >= NARROWEST {
        return values.into();
    }
    let mut wide = vec![0.0; values.len() / columns * NARROWEST];
    for (to, from) in wide.chunks_exact_mut(NARROWEST).zip(values.chunks_exact(columns)) {
        to[..columns].copy_from_slice(from);
    }
    wide.into()
}

/// Returns `a * b`, row-major. `b` is row-major with this number of columns.
///
/// # Panics
/// If `b` has not as many rows as `a` has columns.
pub(super) fn product(a: Matrix<'_>, b: &[f32], columns: usize) -> Vec<f32> {
    let mut values = vec![0.0; a.rows() * columns];
    let mut panels = Panels::new(a, b, columns);
    for (i, results) in values.chunks_mut(Panels::HEIGHT * columns).enumerate() {
        panels.multiply(i * Panels::HEIGHT, results);
    }
    values
}
