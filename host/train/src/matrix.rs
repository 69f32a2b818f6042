//! The matrix product behind training, in an order that does not depend on the machine.
//!
//! The plain algorithm is three loops: `c[m][p] = sum over k, ascending, of a[m][k] * b[k][p]`, every step one fused
//! multiply-add. This version differs as follows, without changing a bit of the result:
//! - Tiles of rows and columns are summed together, so that operands are loaded once for several products. Each element
//!   still adds its own products in ascending order of `k`.
//! - The compiler vectorizes over columns `p`, which do not depend on each other, for the widest vectors of the
//!   processor (checked at run time). A fused multiply-add is rounded once, on any processor.
//! - Threads, where used, split rows.
//!
//! So the same seed trains the same bytes on any machine and any number of threads, which no BLAS promises.
//! [`tile_rows`] hands each finished piece to a [`Consume`]r instead of storing it: the optimizer takes gradients
//! while they are in registers, and megabytes of gradient are never written (see [`super::optimizer`]).

/// A strided matrix: element (row, k) is `data[row * row_step + k * k_step]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strided<'a> {
    pub data: &'a [f32],
    pub rows: usize,
    pub row_step: usize,
    pub k_step: usize,
}

impl<'a> Strided<'a> {
    /// Creates a view of a row-major `rows` x `columns` matrix.
    pub(super) fn row_major(data: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(data.len(), rows * columns);
        Self { data, rows, row_step: columns, k_step: 1 }
    }

    /// Creates a view of the transpose of a row-major `rows` x `columns` matrix; it has `columns` rows.
    pub(super) fn transposed(data: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(data.len(), rows * columns);
        Self { data, rows: columns, row_step: 1, k_step: columns }
    }
}

/// Receives the finished elements of a product.
pub(super) trait Consume {
    /// Takes the elements of `row` from `column` on. Each element is handed over once, in no particular order.
    /// Implementations are `#[inline(always)]`, so that they are compiled with the instruction set of the product.
    fn consume<const N: usize>(&mut self, row: usize, column: usize, values: &[f32; N]);
}

/// Computes these rows of `a * b` and hands them to `consumer`, piece by piece. `b` is row-major, k x `columns`.
pub(super) fn tile_rows(
    a: Strided<'_>,
    b: &[f32],
    columns: usize,
    rows: core::ops::Range<usize>,
    consumer: &mut impl Consume,
) {
    assert!(rows.end <= a.rows && b.len().is_multiple_of(columns.max(1)));
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has AVX-512F.
            return unsafe { tile_rows_avx512(a, b, columns, rows, consumer) };
        }
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            // SAFETY: the processor has AVX2 and FMA.
            return unsafe { tile_rows_fma(a, b, columns, rows, consumer) };
        }
    }
    tile_rows_portable::<4, 16>(a, b, columns, rows, consumer);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn tile_rows_avx512(
    a: Strided<'_>,
    b: &[f32],
    columns: usize,
    rows: core::ops::Range<usize>,
    consumer: &mut impl Consume,
) {
    // 16 of the 32 registers hold sums.
    tile_rows_portable::<8, 32>(a, b, columns, rows, consumer);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn tile_rows_fma(
    a: Strided<'_>,
    b: &[f32],
    columns: usize,
    rows: core::ops::Range<usize>,
    consumer: &mut impl Consume,
) {
    // 8 of the 16 registers hold sums.
    tile_rows_portable::<4, 16>(a, b, columns, rows, consumer);
}

/// Computes tiles of `ROWS` x `COLUMNS`, and smaller ones at the edges. Compiled once for each instruction set above.
#[inline(always)]
fn tile_rows_portable<const ROWS: usize, const COLUMNS: usize>(
    a: Strided<'_>,
    b: &[f32],
    columns: usize,
    rows: core::ops::Range<usize>,
    consumer: &mut impl Consume,
) {
    let rest = panels_of_rows::<ROWS, COLUMNS>(a, b, columns, rows, consumer);
    let rest = panels_of_rows::<4, COLUMNS>(a, b, columns, rest, consumer);
    let rest = panels_of_rows::<2, COLUMNS>(a, b, columns, rest, consumer);
    panels_of_rows::<1, COLUMNS>(a, b, columns, rest, consumer);
}

/// Computes as many panels of `ROWS` rows as fit and returns the remaining rows.
#[inline(always)]
fn panels_of_rows<const ROWS: usize, const COLUMNS: usize>(
    a: Strided<'_>,
    b: &[f32],
    columns: usize,
    rows: core::ops::Range<usize>,
    consumer: &mut impl Consume,
) -> core::ops::Range<usize> {
    let mut row = rows.start;
    let mut panel: Vec<[f32; ROWS]> = Vec::new();
    while row + ROWS <= rows.end {
        // Copies the rows' factors side by side, whatever their steps: the tiles below then read them in order.
        panel.clear();
        panel.extend(
            (0..b.len() / columns)
                .map(|k| core::array::from_fn::<f32, ROWS, _>(|r| a.data[(row + r) * a.row_step + k * a.k_step])),
        );
        let mut column = 0;
        while column + COLUMNS <= columns {
            tile::<ROWS, COLUMNS>(&panel, b, columns, row, column, consumer);
            column += COLUMNS;
        }
        while column + 8 <= columns {
            tile::<ROWS, 8>(&panel, b, columns, row, column, consumer);
            column += 8;
        }
        while column < columns {
            tile::<ROWS, 1>(&panel, b, columns, row, column, consumer);
            column += 1;
        }
        row += ROWS;
    }
    row..rows.end
}

#[inline(always)]
fn tile<const ROWS: usize, const COLUMNS: usize>(
    panel: &[[f32; ROWS]],
    b: &[f32],
    columns: usize,
    row: usize,
    column: usize,
    consumer: &mut impl Consume,
) {
    let mut sums = [[0.0_f32; COLUMNS]; ROWS];
    for (factors, b_row) in panel.iter().zip(b.chunks_exact(columns)) {
        let b_row: &[f32; COLUMNS] = b_row[column..column + COLUMNS].try_into().expect("COLUMNS long");
        for (sums, &factor) in sums.iter_mut().zip(factors) {
            for (sum, &value) in sums.iter_mut().zip(b_row) {
                *sum = factor.mul_add(value, *sum);
            }
        }
    }
    for (r, sums) in sums.iter().enumerate() {
        consumer.consume(row + r, column, sums);
    }
}

/// Returns `a * b`, row-major, plus `start` (one value per column, if given), which is added last.
pub(super) fn product(a: Strided<'_>, b: &[f32], columns: usize, start: Option<&[f32]>) -> Vec<f32> {
    let mut store = Store { result: vec![0.0; a.rows * columns], columns, start };
    tile_rows(a, b, columns, 0..a.rows, &mut store);
    store.result
}

struct Store<'a> {
    result: Vec<f32>,
    columns: usize,
    start: Option<&'a [f32]>,
}

impl Consume for Store<'_> {
    #[inline(always)]
    fn consume<const N: usize>(&mut self, row: usize, column: usize, values: &[f32; N]) {
        let place = &mut self.result[row * self.columns + column..][..N];
        place.copy_from_slice(values);
        if let Some(start) = self.start {
            for (place, start) in place.iter_mut().zip(&start[column..][..N]) {
                *place += start;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pinhole_core::random::Random;

    fn noise(count: usize, seed: u64) -> Vec<f32> {
        let mut random = Random::seeded(seed);
        (0..count).map(|_| random.between(-1.0, 1.0)).collect()
    }

    fn plain(a: Strided<'_>, b: &[f32], columns: usize) -> Vec<f32> {
        let mut result = Vec::new();
        for row in 0..a.rows {
            for p in 0..columns {
                let mut sum = 0.0_f32;
                for k in 0..b.len() / columns {
                    sum = a.data[row * a.row_step + k * a.k_step].mul_add(b[k * columns + p], sum);
                }
                result.push(sum);
            }
        }
        result
    }

    /// All tile sizes, both orientations, bit for bit: this machine's version and the portable one.
    #[test]
    fn tiles_equal_the_plain_loops() {
        for rows in [1, 2, 3, 4, 5, 9, 26] {
            for columns in [1, 2, 7, 8, 9, 16, 17, 31, 33, 47, 64, 73] {
                for k in [1, 2, 26, 131] {
                    let (a, b) = (noise(rows * k, 1), noise(k * columns, 2));
                    for a in [Strided::row_major(&a, rows, k), Strided::transposed(&a, k, rows)] {
                        let expected = plain(a, &b, columns);
                        assert_eq!(product(a, &b, columns, None), expected, "{rows}x{k}x{columns}");
                        let mut portable = Store { result: vec![f32::NAN; expected.len()], columns, start: None };
                        tile_rows_portable::<4, 16>(a, &b, columns, 0..rows, &mut portable);
                        assert_eq!(portable.result, expected, "{rows}x{k}x{columns}, portable");
                    }
                }
            }
        }
    }
}
