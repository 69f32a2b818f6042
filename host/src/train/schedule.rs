//! Learning-rate schedules.

use crate::recipe::{Schedule, Training};

/// The learning rate of an update: `epoch` and `update` count from 0, over the whole training.
///
/// # Source
/// Cosine: I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017, equation 5,
/// without restarts. Inverse time: the `decay` argument of Keras' first optimizers, by updates.
pub(super) fn learning_rate(training: &Training, epoch: u32, update: u32) -> f64 {
    let base = f64::from(training.learning_rate);
    match training.schedule {
        Schedule::Constant => base,
        Schedule::Cosine => {
            let progress = f64::from(epoch) / f64::from(training.epochs);
            base * 0.5 * (1.0 + libm::cos(std::f64::consts::PI * progress))
        }
        Schedule::Step { every, factor } => (0..epoch / every).fold(base, |rate, _| rate * f64::from(factor)),
        Schedule::InverseTime { decay } => base / (1.0 + f64::from(decay) * f64::from(update)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{DEFAULT, Recipe};

    fn rates(schedule: Schedule, points: &[(u32, u32)]) -> Vec<f32> {
        let mut training = Recipe::find(DEFAULT).unwrap().training;
        (training.schedule, training.learning_rate, training.epochs) = (schedule, 0.5, 400);
        points.iter().map(|&(epoch, update)| learning_rate(&training, epoch, update) as f32).collect()
    }

    #[test]
    fn rates_by_hand() {
        let points = [(0, 0), (99, 99), (100, 100), (200, 200), (399, 399)];
        assert_eq!(rates(Schedule::Constant, &points), [0.5; 5]);
        let step = Schedule::Step { every: 100, factor: 0.5 };
        assert_eq!(rates(step, &points), [0.5, 0.5, 0.25, 0.125, 0.0625]);
        let cosine = rates(Schedule::Cosine, &points);
        assert_eq!((cosine[0], cosine[3]), (0.5, 0.25));
        // Half of 0.5 * (1 + cos(pi / 4)).
        assert!((cosine[2] - 0.426_776_7).abs() < 1e-6, "{cosine:?}");
        assert!(cosine[4] > 0.0 && cosine[4] < 1e-4, "{cosine:?}");
        // By updates, not by epochs.
        assert_eq!(rates(Schedule::InverseTime { decay: 0.01 }, &[(0, 0), (0, 100), (0, 300)]), [0.5, 0.25, 0.125]);
    }
}
