use pinhole_core::random::Random;

use super::tile::multiply_by;
use super::*;

fn noise(count: usize, seed: u64) -> Vec<f32> {
    let mut random = Random::seeded(seed);
    (0..count).map(|_| random.between(-1.0, 1.0)).collect()
}

/// The three loops, for `a` row-major with rows of `depth`.
fn plain(a: &[f32], depth: usize, b: Right<'_, impl Starts>) -> Vec<f32> {
    let mut result = Vec::new();
    for a in a.chunks_exact(depth) {
        for column in 0..b.columns {
            let terms = a.iter().zip(b.starts.starts());
            result.push(terms.fold(0.0_f32, |sum, (a, start)| a.mul_add(b.values[start + column], sum)));
        }
    }
    result
}

/// Returns the product by the version for this processor, by the portable one, and by the one between them.
fn versions(a: &Packed, b: Right<'_, impl Starts>) -> Vec<(&'static str, Vec<f32>)> {
    let stored = |multiply: &dyn Fn(&mut [f32])| {
        let mut results = vec![f32::NAN; a.rows() * b.columns];
        multiply(&mut results);
        results
    };
    let mode = Store::Replace;
    let mut versions = vec![
        ("widest", stored(&|results| multiply(a, b, mode, results))),
        ("portable", stored(&|results| multiply_by::<[f32; 8], [f32; 8], 8, 1>(a, b, mode, results))),
    ];
    // Where `multiply` takes the widest vectors, test those of older processors too.
    #[cfg(target_arch = "x86_64")]
    if super::super::simd::Instructions::widest() != super::super::simd::Instructions::Portable {
        use core::arch::x86_64::__m256;
        versions.push(("narrow", stored(&|results| multiply_by::<__m256, __m256, 4, 2>(a, b, mode, results))));
    }
    versions
}

/// All tile sizes, both orientations, bit for bit.
#[test]
fn tiles_equal_the_plain_loops() {
    for rows in [1, 2, 3, 4, 5, 8, 9, 15, 26] {
        for columns in [1, 2, 7, 8, 9, 16, 17, 24, 31, 33, 47, 64, 73, 150] {
            for depth in [1, 2, 26, 131] {
                let (a, b) = (noise(rows * depth, 1), noise(depth * columns, 2));
                let right = Right { values: &b, starts: Pitch(columns), columns };
                let expected = plain(&a, depth, right);
                let transposed: Vec<f32> = (0..depth * rows).map(|i| a[i % rows * depth + i / rows]).collect();
                for a in [Matrix::row_major(&a, rows, depth), Matrix::transposed(&transposed, depth, rows)] {
                    assert_eq!(product(a, &b, columns), expected, "{rows}x{depth}x{columns}");
                    if columns >= NARROWEST {
                        for (version, result) in versions(&Packed::new(a), right) {
                            assert_eq!(result, expected, "{rows}x{depth}x{columns}, {version}");
                        }
                    }
                }
            }
        }
    }
}

/// Rows of `b` that overlap, and a product that is added to an earlier one.
#[test]
fn tiles_of_overlapping_rows_equal_the_plain_loops() {
    for rows in [1, 2, 3, 5, 8, 15, 20] {
        for columns in [8, 9, 24, 31, 33, 56, 73, 150, 152, 270, 272] {
            for depth in [1, 9, 50] {
                let a = noise(rows * depth, 1);
                // Not a value more than the rows reach.
                let starts: Vec<usize> = (0..depth).map(|row| (row * 5) % (depth * 7)).collect();
                let last = starts.iter().max().map_or(0, |start| start + columns);
                let b = noise(last, 2);
                let right = Right { values: &b, starts: &starts[..], columns };
                let expected = plain(&a, depth, right);
                let packed = Packed::new(Matrix::row_major(&a, rows, depth));
                for (version, result) in versions(&packed, right) {
                    assert_eq!(result, expected, "{rows}x{depth}x{columns}, {version}");
                }
                if columns.is_multiple_of(NARROWEST) {
                    let mut sum = expected.clone();
                    multiply(&packed, right, Store::Add, &mut sum);
                    let twice: Vec<f32> = expected.iter().map(|x| 2.0 * x).collect();
                    assert_eq!(sum, twice, "{rows}x{depth}x{columns}, added");
                }
            }
        }
    }
}

/// Rows from the middle of a matrix.
#[test]
fn some_rows_of_a_product() {
    for columns in [3, 19] {
        let (a, b) = (noise(40 * 6, 1), noise(6 * columns, 2));
        let a = Matrix::row_major(&a, 40, 6);
        let mut rows = vec![0.0; 7 * columns];
        Panels::new(a, &b, columns).multiply(5, &mut rows);
        assert_eq!(rows, product(a, &b, columns)[5 * columns..12 * columns]);
    }
}
