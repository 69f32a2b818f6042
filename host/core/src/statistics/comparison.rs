//! Tests whether one network is better than another on the same photos.

/// Returns the exact two-sided p-value of McNemar's test: the probability of counts at least as lopsided if both networks are
/// equally good.
///
/// `only_first` photos are right by the first network alone, `only_second` by the second alone. Photos on which both are right
/// or both wrong do not count. The p-value is twice the smaller tail of the binomial distribution with
/// `only_first + only_second` trials and probability 1/2, at most 1. Below 1e-308 or so it is 0.
///
/// Time grows with the sum of the counts: a million takes some milliseconds.
///
/// # Source
/// Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
/// Psychometrika 12 (1947); the exact form as in A. Agresti, Categorical Data Analysis, section 10.1.
pub fn mcnemar(only_first: usize, only_second: usize) -> f64 {
    let trials = only_first + only_second;
    let fewer = only_first.min(only_second);
    // Binomial coefficients as multiples of the one at `fewer`, each computed from its neighbor. This needs neither powers nor
    // logarithms, which differ between libraries. Away from the middle the terms fall to 0. Toward it they may overflow to
    // infinity, and the quotient below is then 0.
    let mut tail = 1.0;
    let mut coefficient = 1.0;
    for successes in (1..=fewer).rev() {
        coefficient *= successes as f64 / (trials - successes + 1) as f64;
        tail += coefficient;
    }
    let mut rest = 0.0;
    coefficient = 1.0;
    for successes in fewer + 1..=trials {
        coefficient *= (trials - successes + 1) as f64 / successes as f64;
        rest += coefficient;
    }
    // With equal counts both tails contain the middle term, so that twice the tail exceeds 1.
    f64::min(1.0, 2.0 * tail / (tail + rest))
}

/// Adjusts p-values of several tests by Holm's step-down method: the probability that any of those at most `a` is wrong is at
/// most `a`. Returns them in the given order; each is at least as large as before, at most 1.
///
/// # Panics
/// If a p-value is not in 0..=1.
///
/// # Source
/// S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979).
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    assert!(p_values.iter().all(|p| (0.0..=1.0).contains(p)), "no p-values: {p_values:?}");
    let mut ascending: Vec<usize> = (0..p_values.len()).collect();
    ascending.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest: f64 = 0.0;
    for (rank, &index) in ascending.iter().enumerate() {
        let still_open = (p_values.len() - rank) as f64;
        largest = largest.max(p_values[index] * still_open).min(1.0);
        adjusted[index] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values from statsmodels 0.15.0, `mcnemar(table, exact=True)`; SciPy 1.17.1's `binomtest` gives the same.
    #[test]
    fn mcnemar_as_statsmodels_computes_it() {
        for (only_first, only_second, expected) in [
            (0, 0, 1.0),
            (1, 0, 1.0),
            (3, 3, 1.0),
            (4, 5, 1.0),
            (0, 5, 0.0625),
            (1, 9, 0.021484375),
            (10, 2, 0.03857421875),
            (1_500, 1_700, 0.00043334035939974455),
            (2_000, 2_200, 0.0021323556719912455),
            (3_000, 2_500, 1.6615256105422665e-11),
            (30_000, 30_500, 0.042485574410371825),
            (0, 3_000, 0.0),
        ] {
            for p in [mcnemar(only_first, only_second), mcnemar(only_second, only_first)] {
                assert!((p - expected).abs() <= 1e-10 * expected, "{only_first} {only_second}: {p:e}");
            }
        }
    }

    /// Expected values from statsmodels 0.15.0, `multipletests(p, method="holm")`.
    #[test]
    fn holm_as_statsmodels_computes_it() {
        for (given, expected) in [
            (&[0.01, 0.04, 0.03, 0.005][..], &[0.03, 0.06, 0.06, 0.02][..]),
            (&[0.9, 0.2, 0.02, 0.02, 0.5], &[1.0, 0.6, 0.1, 0.1, 1.0]),
            (&[0.6, 0.7], &[1.0, 1.0]),
            (&[0.04], &[0.04]),
            (&[], &[]),
        ] {
            let adjusted = holm(given);
            assert_eq!(adjusted.len(), expected.len());
            for (adjusted, expected) in adjusted.iter().zip(expected) {
                assert!((adjusted - expected).abs() < 1e-12, "{given:?}: {adjusted}");
            }
        }
    }
}
