//! Confidence interval of a mean of fractions, such as balanced accuracy.

use super::{Interval, wilson};

/// A fraction measured on some photos.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Proportion {
    /// Photos that are right.
    pub right: usize,
    /// All photos, at least `right`.
    pub count: usize,
}

impl Proportion {
    /// Returns the fraction; `None` without photos.
    pub fn fraction(self) -> Option<f64> {
        (self.count > 0).then(|| self.right as f64 / self.count as f64)
    }

    /// Returns its 95 % interval (see [`wilson`]); 0..=1 without photos.
    pub fn interval(self) -> Interval {
        wilson(self.fraction().unwrap_or(0.0), self.count)
    }
}

/// Returns the mean of independent fractions, all of the same weight, and its 95 % interval; `None` if none has photos. Those
/// without photos do not count. Of the recalls of classes, the mean is the balanced accuracy.
///
/// The distances from each fraction to the ends of its Wilson interval are added as variances. Unlike the normal approximation,
/// the interval does not shrink to a point when all photos are right.
///
/// # Source
/// G. Y. Zou and A. Donner, "Construction of confidence limits about effect measures: a general approach", Statistics in
/// Medicine 27 (2008): the method of variance estimates recovery, for a linear combination of proportions.
pub fn mean_of_proportions(proportions: &[Proportion]) -> Option<(f64, Interval)> {
    let measured: Vec<(f64, Interval)> =
        proportions.iter().filter_map(|one| Some((one.fraction()?, one.interval()))).collect();
    if measured.is_empty() {
        return None;
    }
    let weight = 1.0 / measured.len() as f64;
    let mean = measured.iter().map(|(fraction, _)| fraction).sum::<f64>() * weight;
    let square = |distance: f64| distance * distance;
    let distance = |end: fn(&(f64, Interval)) -> f64| -> f64 {
        measured.iter().map(|one| square(weight * end(one))).sum::<f64>().sqrt()
    };
    let (below, above) = (distance(|(at, ends)| at - ends.low), distance(|(at, ends)| ends.high - at));
    Some((mean, Interval { low: (mean - below).max(0.0), high: (mean + above).min(1.0) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(right: usize, count: usize) -> Proportion {
        Proportion { right, count }
    }

    #[test]
    fn one_fraction_has_wilsons_interval() {
        let (mean, interval) = mean_of_proportions(&[of(13, 14), of(0, 0)]).unwrap();
        let wilson = wilson(13.0 / 14.0, 14);
        assert_eq!(mean, 13.0 / 14.0);
        assert!((interval.low - wilson.low).abs() < 1e-15 && (interval.high - wilson.high).abs() < 1e-15);
        assert_eq!(mean_of_proportions(&[of(0, 0)]), None);
        assert_eq!(mean_of_proportions(&[]), None);
    }

    /// By hand from Wilson intervals of statsmodels: 13 of 14 has 0.68531 to 0.98728, 0 of 14 has 0 to 0.21531. Below:
    /// (0.92857 - 0.68531) / 2 = 0.12163 and 0; above: (0.98728 - 0.92857) / 2 = 0.02935 and 0.21531 / 2 = 0.10766.
    #[test]
    fn two_fractions_by_hand() {
        let (mean, interval) = mean_of_proportions(&[of(13, 14), of(0, 14)]).unwrap();
        assert!((mean - 0.464_286).abs() < 1e-6);
        assert!((interval.low - (0.464_286 - 0.121_629)).abs() < 1e-5, "{interval:?}");
        assert!((interval.high - (0.464_286 + 0.111_586)).abs() < 1e-5, "{interval:?}");
    }

    #[test]
    fn ends_stay_within_0_and_1() {
        let (mean, all_right) = mean_of_proportions(&[of(3, 3), of(300, 300)]).unwrap();
        assert_eq!((mean, all_right.high), (1.0, 1.0));
        assert!(all_right.low > 0.5 && all_right.low < 0.75, "{all_right:?}");
        assert_eq!(mean_of_proportions(&[of(0, 3), of(0, 5)]).unwrap().1.low, 0.0);
    }
}
