//! Sums over contiguous memory, in an order that does not depend on the machine. Element `i` is added to partial sum
//! `i % LANES`, in order of `i`; at the end the partial sums are added pairwise.

use super::multiversion;

/// Number of partial sums (vector lanes) of every sum.
const LANES: usize = 16;

/// Adds partial sums `i` and `i + 8`, then `i` and `i + 4`, and so on.
macro_rules! add_lanes {
    ($lanes:expr) => {{
        let mut lanes = $lanes;
        let mut half = LANES / 2;
        while half > 0 {
            for lane in 0..half {
                lanes[lane] += lanes[lane + half];
            }
            half /= 2;
        }
        lanes[0]
    }};
}

multiversion! {
    /// Returns the sum of the values.
    pub(crate) fn sum(values: &[f32]) -> f32 = sum_portable;
}

#[inline(always)]
fn sum_portable(values: &[f32]) -> f32 {
    let (whole, rest) = values.as_chunks::<LANES>();
    let mut lanes = [0.0_f32; LANES];
    for values in whole {
        for (lane, value) in lanes.iter_mut().zip(values) {
            *lane += value;
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane += value;
    }
    add_lanes!(lanes)
}

multiversion! {
    /// Returns the dot product.
    pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 = dot_portable;
}

#[inline(always)]
fn dot_portable(a: &[f32], b: &[f32]) -> f32 {
    let (whole_a, rest_a) = a.as_chunks::<LANES>();
    let (whole_b, rest_b) = b.as_chunks::<LANES>();
    let mut lanes = [0.0_f32; LANES];
    for (a, b) in whole_a.iter().zip(whole_b) {
        for ((lane, a), &b) in lanes.iter_mut().zip(a).zip(b) {
            *lane = a.mul_add(b, *lane);
        }
    }
    for ((lane, a), &b) in lanes.iter_mut().zip(rest_a).zip(rest_b) {
        *lane = a.mul_add(b, *lane);
    }
    add_lanes!(lanes)
}

multiversion! {
    /// Returns the sum of `a`, and its dot product with `b`, in double precision (where products of two `f32` are
    /// exact).
    pub(crate) fn moments(a: &[f32], b: &[f32]) -> (f64, f64) = moments_portable;
}

#[inline(always)]
fn moments_portable(a: &[f32], b: &[f32]) -> (f64, f64) {
    let (whole_a, rest_a) = a.as_chunks::<LANES>();
    let (whole_b, rest_b) = b.as_chunks::<LANES>();
    let mut sums = [0.0_f64; LANES];
    let mut products = [0.0_f64; LANES];
    for (a, b) in whole_a.iter().zip(whole_b) {
        for lane in 0..LANES {
            let a = f64::from(a[lane]);
            sums[lane] += a;
            products[lane] = a.mul_add(f64::from(b[lane]), products[lane]);
        }
    }
    for (lane, (&a, &b)) in rest_a.iter().zip(rest_b).enumerate() {
        let a = f64::from(a);
        sums[lane] += a;
        products[lane] = a.mul_add(f64::from(b), products[lane]);
    }
    (add_lanes!(sums), add_lanes!(products))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pinhole_core::random::Random;

    /// All lengths: bit for bit those of the portable version, and exact for integers.
    #[test]
    fn sums_have_one_order() {
        for count in [0, 1, 15, 16, 17, 100, 1000] {
            let mut random = Random::seeded(count as u64);
            let a: Vec<f32> = (0..count).map(|_| random.between(-1.0, 1.0)).collect();
            let b: Vec<f32> = (0..count).map(|_| random.between(-1.0, 1.0)).collect();
            assert_eq!(sum(&a).to_bits(), sum_portable(&a).to_bits());
            assert_eq!(dot(&a, &b).to_bits(), dot_portable(&a, &b).to_bits());
            assert_eq!(moments(&a, &b), moments_portable(&a, &b));

            let integers: Vec<f32> = (0..count).map(|i| (i % 7) as f32 - 2.0).collect();
            let total: f32 = integers.iter().sum();
            let squares: f32 = integers.iter().map(|i| i * i).sum();
            assert_eq!((sum(&integers), dot(&integers, &integers)), (total, squares));
            assert_eq!(moments(&integers, &integers), (f64::from(total), f64::from(squares)));
        }
    }
}
