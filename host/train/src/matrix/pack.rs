//! Packing of the left matrix: the rows of a register tile are interleaved, so that tiles read in order.

use core::ops::Range;

/// A dense matrix, row-major or transposed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    is_transposed: bool,
}

impl<'a> Matrix<'a> {
    /// Creates a view of a row-major `rows` x `columns` matrix.
    ///
    /// # Panics
    /// If the number of values is not that of the matrix.
    pub(crate) fn row_major(values: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(values.len(), rows * columns);
        Self { values, rows, columns, is_transposed: false }
    }

    /// Creates a view of the transpose of a row-major `rows` x `columns` matrix. The view has `columns` rows.
    ///
    /// # Panics
    /// If the number of values is not that of the matrix.
    pub(crate) fn transposed(values: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(values.len(), rows * columns);
        Self { values, rows: columns, columns: rows, is_transposed: true }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }
}

/// Rows of a matrix in panels of [`Packed::HEIGHT`] rows, at the end of 4, 2 and 1. In a panel, elements are in order
/// of columns: those of column 0 in all of its rows, then those of column 1.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    values: Vec<f32>,
    rows: usize,
    depth: usize,
}

impl Packed {
    /// Rows of a panel: those of the largest register tile.
    pub(crate) const HEIGHT: usize = 8;

    /// Creates a matrix without rows, for [`Packed::pack`].
    pub(crate) fn empty() -> Self {
        Self { values: Vec::new(), rows: 0, depth: 0 }
    }

    /// Packs all rows of a matrix.
    pub(crate) fn new(matrix: Matrix<'_>) -> Self {
        let mut packed = Self::empty();
        packed.pack(matrix, 0..matrix.rows);
        packed
    }

    /// Replaces the contents by these rows of a matrix. Memory is kept.
    ///
    /// # Panics
    /// If the matrix has fewer rows.
    pub(crate) fn pack(&mut self, matrix: Matrix<'_>, rows: Range<usize>) {
        self.depth = matrix.columns;
        self.values.resize(rows.len() * self.depth, 0.0);
        self.rows = rows.len();
        for (row, height) in heights(self.rows) {
            let panel = &mut self.values[row * matrix.columns..][..height * matrix.columns];
            match height {
                8 => pack_panel::<8>(matrix, rows.start + row, panel),
                4 => pack_panel::<4>(matrix, rows.start + row, panel),
                2 => pack_panel::<2>(matrix, rows.start + row, panel),
                _ => pack_panel::<1>(matrix, rows.start + row, panel),
            }
        }
    }

    /// Returns the number of packed rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the number of columns.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// Returns the elements of all panels.
    pub(super) fn values(&self) -> &[f32] {
        &self.values
    }

    /// Returns each panel: its first row, its height, and its elements.
    #[inline(always)]
    pub(super) fn panels(&self) -> impl Iterator<Item = (usize, usize, &[f32])> {
        heights(self.rows).map(|(row, height)| (row, height, &self.values[row * self.depth..][..height * self.depth]))
    }
}

fn pack_panel<const ROWS: usize>(matrix: Matrix<'_>, first: usize, panel: &mut [f32]) {
    let panel = panel.as_chunks_mut::<ROWS>().0.iter_mut();
    if matrix.is_transposed {
        for (to, column) in panel.zip(matrix.values.chunks_exact(matrix.rows)) {
            to.copy_from_slice(&column[first..first + ROWS]);
        }
    } else {
        let rows: [&[f32]; ROWS] =
            core::array::from_fn(|row| &matrix.values[(first + row) * matrix.columns..][..matrix.columns]);
        for (column, to) in panel.enumerate() {
            *to = core::array::from_fn(|row| rows[row][column]);
        }
    }
}

/// Returns the first row and the height of each panel of a matrix with this number of rows.
#[inline(always)]
fn heights(rows: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut row = 0;
    core::iter::from_fn(move || {
        let height = [Packed::HEIGHT, 4, 2, 1].into_iter().find(|height| row + height <= rows)?;
        row += height;
        Some((row - height, height))
    })
}
