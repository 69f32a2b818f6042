//! Mean and standard deviation of repetitions.

use serde::Serialize;

/// Mean and standard deviation of repetitions, in the values' unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Arithmetic mean.
    pub mean: f64,
    /// Sample standard deviation (divided by n - 1); 0 for a single value, whose deviation is not known.
    pub deviation: f64,
}

impl Spread {
    /// Computes mean and deviation of these values, summed in their order.
    ///
    /// # Panics
    /// If `values` is empty.
    ///
    /// # Source
    /// Chan, Golub and LeVeque, "Algorithms for computing the sample variance", The American Statistician 37 (1983):
    /// the two-pass algorithm, which does not cancel when the deviation is small compared to the mean.
    pub fn of(values: &[f64]) -> Self {
        assert!(!values.is_empty(), "nothing has no mean");
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        if values.len() == 1 {
            return Self { mean, deviation: 0.0 };
        }
        let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
        Self { mean, deviation: (squares / (count - 1.0)).sqrt() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand_and_as_numpy_computes_it() {
        // Deviations -3, -1, -1, -1, 0, 0, 2, 4, with a sum of squares of 32.
        let spread = Spread::of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        assert_eq!(spread, Spread { mean: 5.0, deviation: (32.0_f64 / 7.0).sqrt() });
        // NumPy: mean, and std with ddof=1.
        let spread = Spread::of(&[0.929, 0.857, 1.0, 0.786]);
        assert!((spread.mean - 0.893).abs() < 1e-15, "{spread:?}");
        assert!((spread.deviation - 0.09217736526212206).abs() < 1e-15, "{spread:?}");
    }

    #[test]
    fn one_value_and_a_large_mean() {
        assert_eq!(Spread::of(&[0.3]), Spread { mean: 0.3, deviation: 0.0 });
        let spread = Spread::of(&[1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0]);
        assert_eq!(spread, Spread { mean: 1e9 + 2.0, deviation: 1.0 });
    }
}
