//! The matrix product behind convolutions.
//!
//! `result[row][column] = sum over k, ascending, of panels[row][k] * b[offsets[k] + column]`, every step one fused
//! multiply-add. `b` is thus a matrix whose rows may lie anywhere and overlap: for a convolution they are views of the
//! same planes, each shifted by a place of the window, and nothing is copied to form them. Each element's sum has the
//! order above whatever the tiles, so tiles and vectors are free to suit the processor (as in [`super::super::matrix`],
//! whose rows are contiguous and whose results are consumed).

/// Defines a function as another one (`#[inline(always)]`, portable) compiled for the widest vectors the processor has,
/// found out when it runs. The portable one computes the same bits.
macro_rules! widest {
    ($(#[$doc:meta])* $visible:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)?
        = $portable:expr, avx512: $wide:expr;) => {
        $(#[$doc])*
        $visible fn $name($($argument: $type),*) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f")]
                fn avx512($($argument: $type),*) $(-> $result)? {
                    $wide($($argument),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn fma($($argument: $type),*) $(-> $result)? {
                    $portable($($argument),*)
                }
                if std::arch::is_x86_feature_detected!("avx512f") {
                    // SAFETY: the processor has AVX-512F.
                    return unsafe { avx512($($argument),*) };
                }
                if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
                    // SAFETY: the processor has AVX2 and FMA.
                    return unsafe { fma($($argument),*) };
                }
            }
            $portable($($argument),*)
        }
    };
    ($(#[$doc:meta])* $visible:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)?
        = $portable:expr;) => {
        widest! {
            $(#[$doc])* $visible fn $name($($argument: $type),*) $(-> $result)? = $portable, avx512: $portable;
        }
    };
}
pub(super) use widest;

/// Tiles read up to this many columns beyond those asked for; `b` must go on for as long.
pub(super) const SLACK: usize = 32;

/// Columns of results, as many as tiles write.
pub(super) const fn padded(columns: usize) -> usize {
    columns.next_multiple_of(8)
}

/// A matrix rows x depth, with the rows of a tile (8, at the end 4, 2 and 1) side by side so that tiles read in order:
/// those from row `r` on begin at `r * depth`.
pub(super) struct Panels {
    values: Vec<f32>,
    rows: usize,
    depth: usize,
}

impl Panels {
    pub(super) fn zeros(rows: usize, depth: usize) -> Self {
        Self { values: vec![0.0; rows * depth], rows, depth }
    }

    /// The matrix with these elements, by row and `k`.
    pub(super) fn new(rows: usize, depth: usize, element: impl Fn(usize, usize) -> f32) -> Self {
        let mut panels = Self::zeros(rows, depth);
        for (first, height) in heights(rows) {
            for (k, together) in panels.values[first * depth..][..height * depth].chunks_exact_mut(height).enumerate() {
                for (row, value) in together.iter_mut().enumerate() {
                    *value = element(first + row, k);
                }
            }
        }
        panels
    }

    /// Takes the elements of a row-major matrix of this size.
    pub(super) fn fill(&mut self, matrix: &[f32]) {
        let depth = self.depth;
        for (first, height) in heights(self.rows) {
            let panel = &mut self.values[first * depth..][..height * depth];
            let rows = &matrix[first * depth..][..height * depth];
            match height {
                8 => interleave::<8>(rows, panel),
                4 => interleave::<4>(rows, panel),
                2 => interleave::<2>(rows, panel),
                _ => panel.copy_from_slice(rows),
            }
        }
    }
}

/// Columns of a matrix `ROWS` x columns one after another.
fn interleave<const ROWS: usize>(matrix: &[f32], to: &mut [f32]) {
    let columns = matrix.len() / ROWS;
    let rows: [&[f32]; ROWS] = core::array::from_fn(|row| &matrix[row * columns..][..columns]);
    for (column, to) in to.as_chunks_mut::<ROWS>().0.iter_mut().enumerate() {
        *to = core::array::from_fn(|row| rows[row][column]);
    }
}

/// First row and height of each panel.
fn heights(rows: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut row = 0;
    core::iter::from_fn(move || {
        let height = [8, 4, 2, 1].into_iter().find(|height| row + height <= rows)?;
        row += height;
        Some((row - height, height))
    })
}

/// What a product does with the result's old values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Into {
    Replace,
    Add,
}

widest! {
    /// The product of the module's documentation: rows of `result` are `step` long, a multiple of 8 ([`padded`]); what is
    /// beyond the columns of the caller's interest is unspecified. `b` goes on for [`SLACK`] beyond them.
    pub(super) fn product(
        panels: &Panels, b: &[f32], offsets: &[usize], step: usize, into: Into, result: &mut [f32],
    ) = product_portable::<false>, avx512: product_portable::<true>;
}

/// Tiles of 8 rows x 8 columns, or with room for it in registers (`IS_WIDE`) of 32 and 24, so many of the latter that the
/// rest is of 32. (A tile of 16 would be of use, but the compiler does not keep its rows in one register each.)
#[inline(always)]
fn product_portable<const IS_WIDE: bool>(
    panels: &Panels,
    b: &[f32],
    offsets: &[usize],
    step: usize,
    into: Into,
    result: &mut [f32],
) {
    assert!(offsets.len() == panels.depth && result.len() == panels.rows * step && step.is_multiple_of(8));
    let mut column = 0;
    while column < step {
        let left = step - column;
        if IS_WIDE && left.is_multiple_of(32) {
            tiles_below::<32>(panels, b, offsets, column, step, into, result);
            column += 32;
        } else if IS_WIDE && left >= 24 {
            tiles_below::<24>(panels, b, offsets, column, step, into, result);
            column += 24;
        } else {
            tiles_below::<8>(panels, b, offsets, column, step, into, result);
            column += 8;
        }
    }
}

/// The tiles of all rows, from this column on.
#[inline(always)]
fn tiles_below<const COLUMNS: usize>(
    panels: &Panels,
    b: &[f32],
    offsets: &[usize],
    column: usize,
    step: usize,
    into: Into,
    result: &mut [f32],
) {
    for (row, height) in heights(panels.rows) {
        let panel = &panels.values[row * panels.depth..][..height * panels.depth];
        let result = &mut result[row * step..][..height * step];
        match height {
            8 => tile::<8, COLUMNS>(panel, b, offsets, column, step, into, result),
            4 => tile::<4, COLUMNS>(panel, b, offsets, column, step, into, result),
            2 => tile::<2, COLUMNS>(panel, b, offsets, column, step, into, result),
            _ => tile::<1, COLUMNS>(panel, b, offsets, column, step, into, result),
        }
    }
}

#[inline(always)]
fn tile<const ROWS: usize, const COLUMNS: usize>(
    panel: &[f32],
    b: &[f32],
    offsets: &[usize],
    column: usize,
    step: usize,
    into: Into,
    result: &mut [f32],
) {
    let b = &b[column..];
    let mut sums = [[0.0_f32; COLUMNS]; ROWS];
    for (factors, &offset) in panel.as_chunks::<ROWS>().0.iter().zip(offsets) {
        let b_row: &[f32; COLUMNS] = b[offset..offset + COLUMNS].try_into().expect("COLUMNS long");
        for (sums, &factor) in sums.iter_mut().zip(factors) {
            for (sum, &value) in sums.iter_mut().zip(b_row) {
                *sum = factor.mul_add(value, *sum);
            }
        }
    }
    // By index, which the compiler unrolls: else sums would lie in memory, where rows can be told apart as it runs.
    for row in 0..ROWS {
        let result = &mut result[row * step + column..][..COLUMNS];
        for (result, &sum) in result.iter_mut().zip(&sums[row]) {
            *result = if into == Into::Add { *result + sum } else { sum };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn noise(count: usize, seed: u64) -> Vec<f32> {
        let mut random = Random::seeded(seed);
        (0..count).map(|_| random.between(-1.0, 1.0)).collect()
    }

    /// Every tail of the tiles, bit for bit; the portable version as well as this machine's.
    #[test]
    fn tiles_equal_the_plain_loops() {
        for rows in [1, 2, 3, 5, 8, 15, 20] {
            for columns in [1, 8, 9, 24, 31, 33, 56, 73] {
                for depth in [1, 9, 50] {
                    let step = padded(columns);
                    let a = noise(rows * depth, 1);
                    let b = noise(depth * 7 + columns + SLACK, 2);
                    let offsets: Vec<usize> = (0..depth).map(|k| (k * 5) % (depth * 7)).collect();
                    let expected: Vec<f32> = (0..rows * columns)
                        .map(|i| {
                            let (row, column) = (i / columns, i % columns);
                            (0..depth).fold(0.0, |sum, k| a[row * depth + k].mul_add(b[offsets[k] + column], sum))
                        })
                        .collect();
                    let of_interest = |result: &[f32]| -> Vec<f32> {
                        result.chunks_exact(step).flat_map(|row| row[..columns].to_vec()).collect()
                    };

                    let mut panels = Panels::zeros(rows, depth);
                    panels.fill(&a);
                    let mut result = vec![f32::NAN; rows * step];
                    product(&panels, &b, &offsets, step, Into::Replace, &mut result);
                    assert_eq!(of_interest(&result), expected, "{rows}x{depth}x{columns}");
                    product(&panels, &b, &offsets, step, Into::Add, &mut result);
                    let twice: Vec<f32> = expected.iter().map(|x| 2.0 * x).collect();
                    assert_eq!(of_interest(&result), twice, "{rows}x{depth}x{columns}, added");

                    let panels = Panels::new(rows, depth, |row, k| a[row * depth + k]);
                    product_portable::<false>(&panels, &b, &offsets, step, Into::Replace, &mut result);
                    assert_eq!(of_interest(&result), expected, "{rows}x{depth}x{columns}, portable");
                }
            }
        }
    }
}
