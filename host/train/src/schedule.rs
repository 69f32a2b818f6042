//! Learning-rate schedules.

use pinhole_core::recipe::{Schedule, TrainingSettings};

/// Returns the learning rate of an update. `epoch` and `update` count from 0 over the whole training; an epoch has
/// `updates_an_epoch` updates.
///
/// # Source
/// Cosine: I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017, equation 5,
/// without restarts. Warm-up: P. Goyal et al., "Accurate, large minibatch SGD", 2017,
/// section 2.2. Inverse time: the `decay` argument of Keras' first optimizers, by updates.
pub(super) fn learning_rate(training: &TrainingSettings, epoch: u32, update: u32, updates_an_epoch: u32) -> f64 {
    let base = f64::from(training.learning_rate);
    match training.schedule {
        Schedule::Constant {} => base,
        Schedule::Cosine { warmup, .. } if epoch < warmup => {
            base * f64::from(update + 1) / (f64::from(warmup) * f64::from(updates_an_epoch))
        }
        Schedule::Cosine { warmup, per_update } => {
            let done = if per_update { f64::from(update) / f64::from(updates_an_epoch) } else { f64::from(epoch) };
            let progress = (done - f64::from(warmup)) / f64::from(training.epochs - warmup);
            base * 0.5 * (1.0 + libm::cos(std::f64::consts::PI * progress))
        }
        Schedule::Step { every, factor } => (0..epoch / every).fold(base, |rate, _| rate * f64::from(factor)),
        Schedule::InverseTime { decay } => base / (1.0 + f64::from(decay) * f64::from(update)),
    }
}

/// Returns the learning rate of the first update of each of the first `epochs` epochs, for reports. An epoch has `photos` training
/// photos, with copies.
pub fn learning_rates(training: &TrainingSettings, photos: usize, epochs: u32) -> Vec<f64> {
    let updates_an_epoch = photos.div_ceil(training.batch.max(1)).max(1) as u32;
    (0..epochs).map(|epoch| learning_rate(training, epoch, epoch * updates_an_epoch, updates_an_epoch)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pinhole_core::recipe::{DEFAULT, Recipe};

    fn rates(schedule: Schedule, points: &[(u32, u32)]) -> Vec<f32> {
        let mut training = Recipe::find(DEFAULT).unwrap().training;
        (training.schedule, training.learning_rate, training.epochs) = (schedule, 0.5, 400);
        points.iter().map(|&(epoch, update)| learning_rate(&training, epoch, update, 10) as f32).collect()
    }

    #[test]
    fn rates_by_hand() {
        let points = [(0, 0), (99, 99), (100, 100), (200, 200), (399, 399)];
        assert_eq!(rates(Schedule::Constant {}, &points), [0.5; 5]);
        let step = Schedule::Step { every: 100, factor: 0.5 };
        assert_eq!(rates(step, &points), [0.5, 0.5, 0.25, 0.125, 0.0625]);
        let cosine = rates(Schedule::Cosine { warmup: 0, per_update: false }, &points);
        assert_eq!((cosine[0], cosine[3]), (0.5, 0.25));
        // Half of 0.5 * (1 + cos(pi / 4)).
        assert!((cosine[2] - 0.426_776_7).abs() < 1e-6, "{cosine:?}");
        assert!(cosine[4] > 0.0 && cosine[4] < 1e-4, "{cosine:?}");
        // With 10 updates an epoch, the 20 of the first two epochs rise; then half a cosine over 398 epochs.
        let warm = rates(Schedule::Cosine { warmup: 2, per_update: true }, &[(0, 0), (1, 19), (2, 20), (201, 2010)]);
        assert_eq!(warm, [0.025, 0.5, 0.5, 0.25]);
        let within = rates(Schedule::Cosine { warmup: 0, per_update: true }, &[(0, 0), (0, 9)]);
        assert!(within[1] < within[0], "{within:?}");
        // By updates, not by epochs.
        assert_eq!(rates(Schedule::InverseTime { decay: 0.01 }, &[(0, 0), (0, 100), (0, 300)]), [0.5, 0.25, 0.125]);
    }

    #[test]
    fn rates_of_epochs_are_those_of_their_first_updates() {
        let mut training = Recipe::find(DEFAULT).unwrap().training;
        (training.learning_rate, training.epochs, training.batch) = (0.5, 3, 8);
        // Two updates an epoch: of 8 photos and of 1.
        training.schedule = Schedule::InverseTime { decay: 0.5 };
        assert_eq!(learning_rates(&training, 9, 3), [0.5, 0.25, 0.5 / 3.0]);
        training.schedule = Schedule::Constant {};
        assert_eq!(learning_rates(&training, 0, 3), [0.5; 3]);
    }
}
