//! Matrix product for convolutions.
//!
//! `result[row][column] = sum over k, ascending, of panels[row][k] * b[offsets[k] + column]`, every step one fused
//! multiply-add. So `b` is a matrix whose rows may begin anywhere and overlap. For a convolution these rows are views
//! of the same planes, each shifted by a position of the window: an im2col without copying. Each element's sum has the
//! order above whatever the tiles, so tiles and vectors can suit the processor (as in [`super::super::matrix`], whose
//! rows are contiguous and whose results are consumed).

/// Defines a function that runs a portable, `#[inline(always)]` function, compiled for the widest vectors that the
/// processor is found to have at run time. All versions compute the same bits.
macro_rules! widest {
    ($(#[$doc:meta])* $visible:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)?
        = $portable:expr, fma: $fma:expr, avx512: $avx512:expr;) => {
        $(#[$doc])*
        $visible fn $name($($argument: $type),*) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f")]
                fn avx512($($argument: $type),*) $(-> $result)? {
                    $avx512($($argument),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn fma($($argument: $type),*) $(-> $result)? {
                    $fma($($argument),*)
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
            $(#[$doc])* $visible fn $name($($argument: $type),*) $(-> $result)? = $portable, fma: $portable, avx512: $portable;
        }
    };
}
pub(super) use widest;

/// Largest number of columns that tiles read beyond those asked for ([`padded`]); `b` must have as many more values.
pub(super) const SLACK: usize = 8;

/// Returns the number of result columns that tiles write, a multiple of 8.
pub(super) const fn padded(columns: usize) -> usize {
    columns.next_multiple_of(8)
}

/// A matrix rows x depth, with the rows of a tile (8, at the end 4, 2 and 1) interleaved so that tiles read in order.
/// The tile that starts with row `r` begins at `r * depth`.
pub(super) struct Panels {
    values: Vec<f32>,
    rows: usize,
    depth: usize,
}

impl Panels {
    pub(super) fn zeros(rows: usize, depth: usize) -> Self {
        Self { values: vec![0.0; rows * depth], rows, depth }
    }

    /// Creates the matrix with these elements, by row and `k`.
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

    /// Replaces the elements by those of a row-major matrix of the same size.
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

/// Interleaves the rows of a `ROWS` x columns matrix: transposes it.
fn interleave<const ROWS: usize>(matrix: &[f32], to: &mut [f32]) {
    let columns = matrix.len() / ROWS;
    let rows: [&[f32]; ROWS] = core::array::from_fn(|row| &matrix[row * columns..][..columns]);
    for (column, to) in to.as_chunks_mut::<ROWS>().0.iter_mut().enumerate() {
        *to = core::array::from_fn(|row| rows[row][column]);
    }
}

/// Returns the first row and the height of each panel.
fn heights(rows: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut row = 0;
    core::iter::from_fn(move || {
        let height = [8, 4, 2, 1].into_iter().find(|height| row + height <= rows)?;
        row += height;
        Some((row - height, height))
    })
}

/// A matrix whose rows begin at `offsets` in `values`, which must go on for [`SLACK`] beyond the last row's columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Views<'a> {
    pub values: &'a [f32],
    pub offsets: &'a [usize],
}

/// Mode of storing a product: replace the old result, or add to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StoreMode {
    Replace,
    Add,
}

widest! {
    /// Computes the product described in the module's documentation. Rows of `result` are as long as [`padded`] says;
    /// the values beyond the columns asked for are unspecified.
    pub(super) fn product(panels: &Panels, b: Views<'_>, store: StoreMode, result: &mut [f32])
        = product_of::<[f32; 8], [f32; 8], 1>,
        fma: product_of::<core::arch::x86_64::__m256, core::arch::x86_64::__m256, 1>,
        avx512: product_of::<core::arch::x86_64::__m512, core::arch::x86_64::__m256, 2>;
}

/// Computes tiles of 8 rows x `VECTORS` vectors `V`, as many as fit in registers; at the end of rows single vectors, at
/// last of 8 numbers (`Last`).
#[inline(always)]
fn product_of<V: Vector, Last: Vector, const VECTORS: usize>(
    panels: &Panels,
    b: Views<'_>,
    store: StoreMode,
    result: &mut [f32],
) {
    const { assert!(Last::LANES == 8) };
    let step = result.len() / panels.rows;
    assert!(b.offsets.len() == panels.depth && result.len() == panels.rows * step && step.is_multiple_of(8));
    let mut column = 0;
    while column < step {
        let left = step - column;
        if panels.rows == 1 && left >= 8 * V::LANES {
            // Depthwise: a single row needs many columns for enough independent sums.
            tile::<V, 1, 8>(&panels.values, b, column, store, result);
            column += 8 * V::LANES;
        } else if left >= VECTORS * V::LANES {
            tiles_below::<V, VECTORS>(panels, b, column, store, result);
            column += VECTORS * V::LANES;
        } else if left >= V::LANES {
            tiles_below::<V, 1>(panels, b, column, store, result);
            column += V::LANES;
        } else {
            tiles_below::<Last, 1>(panels, b, column, store, result);
            column += Last::LANES;
        }
    }
}

/// Computes the tiles of all rows that begin at this column.
#[inline(always)]
fn tiles_below<V: Vector, const VECTORS: usize>(
    panels: &Panels,
    b: Views<'_>,
    column: usize,
    store: StoreMode,
    result: &mut [f32],
) {
    let step = result.len() / panels.rows;
    for (row, height) in heights(panels.rows) {
        let panel = &panels.values[row * panels.depth..][..height * panels.depth];
        let result = &mut result[row * step..][..height * step];
        match height {
            8 => tile::<V, 8, VECTORS>(panel, b, column, store, result),
            4 => tile::<V, 4, VECTORS>(panel, b, column, store, result),
            2 => tile::<V, 2, VECTORS>(panel, b, column, store, result),
            _ => tile::<V, 1, VECTORS>(panel, b, column, store, result),
        }
    }
}

/// Computes one tile. `result` holds the complete `ROWS` rows of `panel`.
#[inline(always)]
fn tile<V: Vector, const ROWS: usize, const VECTORS: usize>(
    panel: &[f32],
    b: Views<'_>,
    column: usize,
    store: StoreMode,
    result: &mut [f32],
) {
    let values = &b.values[column..];
    let mut sums = [[V::splat(0.0); VECTORS]; ROWS];
    for (factors, &offset) in panel.as_chunks::<ROWS>().0.iter().zip(b.offsets) {
        let values = &values[offset..offset + VECTORS * V::LANES];
        let values: [V; VECTORS] = core::array::from_fn(|i| V::load(&values[i * V::LANES..]));
        for (sums, &factor) in sums.iter_mut().zip(factors) {
            let factor = V::splat(factor);
            for (sum, &value) in sums.iter_mut().zip(&values) {
                *sum = factor.multiply_add(value, *sum);
            }
        }
    }
    let step = result.len() / ROWS;
    for (row, sums) in sums.iter().enumerate() {
        for (i, &sum) in sums.iter().enumerate() {
            let result = &mut result[row * step + column + i * V::LANES..][..V::LANES];
            let sum = if store == StoreMode::Add { V::load(result).add(sum) } else { sum };
            sum.store(result);
        }
    }
}

/// Numbers of one vector register, for the tiles. From plain arrays the compiler sometimes vectorizes across rows, and
/// its code is ten times slower. Every method is exact or rounds once, element by element, so all implementations give
/// the same bits.
trait Vector: Copy {
    const LANES: usize;
    fn splat(value: f32) -> Self;
    /// Loads the first `LANES` values.
    fn load(values: &[f32]) -> Self;
    /// Writes to the first `LANES` values.
    fn store(self, to: &mut [f32]);
    fn add(self, other: Self) -> Self;
    /// Returns `self * factor + sum`, rounded once.
    fn multiply_add(self, factor: Self, sum: Self) -> Self;
}

impl Vector for [f32; 8] {
    const LANES: usize = 8;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        [value; 8]
    }

    #[inline(always)]
    fn load(values: &[f32]) -> Self {
        *values.first_chunk().expect("as many as lanes")
    }

    #[inline(always)]
    fn store(self, to: &mut [f32]) {
        *to.first_chunk_mut().expect("as many as lanes") = self;
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        core::array::from_fn(|i| self[i] + other[i])
    }

    #[inline(always)]
    fn multiply_add(self, factor: Self, sum: Self) -> Self {
        core::array::from_fn(|i| self[i].mul_add(factor[i], sum[i]))
    }
}

/// Implements [`Vector`] with intrinsics. Only `product` uses these types, where the processor has their instructions.
#[cfg(target_arch = "x86_64")]
macro_rules! register {
    ($type:ident, $lanes:literal, $splat:ident, $add:ident, $multiply_add:ident) => {
        impl Vector for core::arch::x86_64::$type {
            const LANES: usize = $lanes;

            #[inline(always)]
            fn splat(value: f32) -> Self {
                // SAFETY: the processor has the instruction (see the macro).
                unsafe { core::arch::x86_64::$splat(value) }
            }

            #[inline(always)]
            fn load(values: &[f32]) -> Self {
                let values: [f32; $lanes] = *values.first_chunk().expect("as many as lanes");
                // SAFETY: a register is as many plain numbers. (With debug assertions, the intrinsic checks its
                // pointer.)
                unsafe { core::mem::transmute(values) }
            }

            #[inline(always)]
            fn store(self, to: &mut [f32]) {
                // SAFETY: as in `load`.
                let values: [f32; $lanes] = unsafe { core::mem::transmute(self) };
                *to.first_chunk_mut().expect("as many as lanes") = values;
            }

            #[inline(always)]
            fn add(self, other: Self) -> Self {
                // SAFETY: as in `splat`.
                unsafe { core::arch::x86_64::$add(self, other) }
            }

            #[inline(always)]
            fn multiply_add(self, factor: Self, sum: Self) -> Self {
                // SAFETY: as in `splat`.
                unsafe { core::arch::x86_64::$multiply_add(self, factor, sum) }
            }
        }
    };
}
#[cfg(target_arch = "x86_64")]
register!(__m256, 8, _mm256_set1_ps, _mm256_add_ps, _mm256_fmadd_ps);
#[cfg(target_arch = "x86_64")]
register!(__m512, 16, _mm512_set1_ps, _mm512_add_ps, _mm512_fmadd_ps);

#[cfg(test)]
mod tests {
    use super::*;
    use pinhole_core::random::Random;

    fn noise(count: usize, seed: u64) -> Vec<f32> {
        let mut random = Random::seeded(seed);
        (0..count).map(|_| random.between(-1.0, 1.0)).collect()
    }

    /// All tile sizes, bit for bit: this machine's version and the portable one.
    #[test]
    fn tiles_equal_the_plain_loops() {
        for rows in [1, 2, 3, 5, 8, 15, 20] {
            for columns in [1, 8, 9, 24, 31, 33, 56, 73, 150, 270] {
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
                    let views = Views { values: &b, offsets: &offsets };
                    let of_interest = |result: &[f32]| -> Vec<f32> {
                        result.chunks_exact(step).flat_map(|row| row[..columns].to_vec()).collect()
                    };

                    let mut panels = Panels::zeros(rows, depth);
                    panels.fill(&a);
                    let mut result = vec![f32::NAN; rows * step];
                    product(&panels, views, StoreMode::Replace, &mut result);
                    assert_eq!(of_interest(&result), expected, "{rows}x{depth}x{columns}");
                    product(&panels, views, StoreMode::Add, &mut result);
                    let twice: Vec<f32> = expected.iter().map(|x| 2.0 * x).collect();
                    assert_eq!(of_interest(&result), twice, "{rows}x{depth}x{columns}, added");

                    let panels = Panels::new(rows, depth, |row, k| a[row * depth + k]);
                    result.fill(f32::NAN);
                    product_of::<[f32; 8], [f32; 8], 1>(&panels, views, StoreMode::Replace, &mut result);
                    assert_eq!(of_interest(&result), expected, "{rows}x{depth}x{columns}, portable");
                    // Where `product` takes the widest vectors, test those of older processors too.
                    #[cfg(target_arch = "x86_64")]
                    if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
                        use core::arch::x86_64::__m256;
                        result.fill(f32::NAN);
                        product_of::<__m256, __m256, 1>(&panels, views, StoreMode::Replace, &mut result);
                        assert_eq!(of_interest(&result), expected, "{rows}x{depth}x{columns}, narrow");
                    }
                }
            }
        }
    }
}
