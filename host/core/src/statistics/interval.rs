//! Confidence intervals of fractions measured on few photos.

use serde::Serialize;

/// A range of fractions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Lower end, 0..=1.
    pub low: f64,
    /// Upper end, `low`..=1.
    pub high: f64,
}

/// The 97.5th percentile of the standard normal distribution: 95 % lie within this many standard deviations of the mean.
const Z_95: f64 = 1.959_963_984_540_054;

/// Returns the 95 % Wilson score interval of a proportion measured on `count` photos, each independently right or wrong.
///
/// `proportion` (0..=1) need not be a whole number of photos. The mean accuracy of several seeds on the same photos has the
/// interval of one seed, since more seeds are not more photos. The interval always contains the proportion. Without photos
/// it is 0..=1.
///
/// Unlike the normal approximation it stays within 0..=1 and does not shrink to a point when all photos are right.
///
/// # Panics
/// If `proportion` is not in 0..=1.
///
/// # Source
/// E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the American
/// Statistical Association 22 (1927), without correction for continuity; recommended for small counts by Brown, Cai and
/// DasGupta, "Interval estimation for a binomial proportion", Statistical Science 16 (2001).
pub fn wilson(proportion: f64, count: usize) -> Interval {
    assert!((0.0..=1.0).contains(&proportion), "{proportion} is no proportion");
    if count == 0 {
        return Interval { low: 0.0, high: 1.0 };
    }
    let count = count as f64;
    let z2 = Z_95 * Z_95;
    let scale = 1.0 / (1.0 + z2 / count);
    let center = (proportion + z2 / (2.0 * count)) * scale;
    let variance = proportion * (1.0 - proportion) / count + z2 / (4.0 * count * count);
    let half = Z_95 * variance.sqrt() * scale;
    // Rounding may put an end of the interval on the wrong side of 0, 1 or the proportion.
    Interval { low: (center - half).clamp(0.0, proportion), high: (center + half).clamp(proportion, 1.0) }
}

/// Returns the minimum sample size for an error rate, `rate` (above 0, at most 1). If so many photos are all right, the 95 %
/// Wilson interval of their error rate ends at or below `rate`. With fewer photos it cannot.
///
/// # Panics
/// If `rate` is not in that range.
pub fn minimum_sample_size(rate: f64) -> usize {
    assert!(rate > 0.0 && rate <= 1.0, "{rate} is no rate that photos can vouch for");
    // Without an error the interval ends at z^2 / (count + z^2).
    (Z_95 * Z_95 * (1.0 - rate) / rate).ceil() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values from statsmodels 0.15.0, `proportion_confint(k, n, 0.05, "wilson")`, also for half a photo and 0.933.
    #[test]
    fn as_statsmodels_computes_it() {
        for (proportion, count, low, high) in [
            (13.0 / 14.0, 14, 0.6853129557584887, 0.987277784752109),
            (0.0, 14, 0.0, 0.21531080273763586),
            (1.0, 14, 0.7846891972623641, 1.0),
            (2300.0 / 4733.0, 4733, 0.47172791831826477, 0.5001943000721493),
            (6.5 / 14.0, 14, 0.24043229995836435, 0.7035184716657525),
            (0.933, 4733, 0.9255201628923357, 0.9397775329736457),
        ] {
            let interval = wilson(proportion, count);
            assert!((interval.low - low).abs() < 1e-12, "{proportion} of {count}: {interval:?}");
            assert!((interval.high - high).abs() < 1e-12, "{proportion} of {count}: {interval:?}");
        }
    }

    #[test]
    fn minimum_sample_sizes() {
        for (rate, photos) in [(0.5, 4), (0.1, 35), (0.02, 189), (0.01, 381), (1.0, 0)] {
            assert_eq!(minimum_sample_size(rate), photos);
            assert!(wilson(0.0, photos).high <= rate, "{photos} suffice for {rate}");
            assert!(photos == 0 || wilson(0.0, photos - 1).high > rate, "fewer than {photos} do for {rate}");
        }
    }

    #[test]
    fn ends_hold_the_proportion_and_stay_within_0_and_1() {
        for count in [1, 2, 14, 999, 1_000_000] {
            for right in 0..=20 {
                let proportion = f64::from(right) / 20.0;
                let Interval { low, high } = wilson(proportion, count);
                assert!(0.0 <= low && low <= proportion && proportion <= high && high <= 1.0, "{low} {high}");
                assert!(low < high);
            }
        }
        assert_eq!(wilson(0.0, 14).low, 0.0);
        assert_eq!(wilson(1.0, 14).high, 1.0);
        assert_eq!(wilson(0.3, 0), Interval { low: 0.0, high: 1.0 });
    }
}
