//! Mean curves over runs.

use pinhole_core::statistics::Spread;

use crate::study::TrialRecord;

/// Losses of several runs, epoch by epoch.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct MeanCurves {
    /// Training loss after each epoch, over the runs that reached it.
    pub training: Vec<Spread>,
    /// Validation loss, likewise.
    pub validation: Vec<Spread>,
}

/// Epochs at the end of a curve over which its last value is averaged.
const END_EPOCHS: usize = 10;

/// The lowest point of a curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Least {
    /// Epoch, counted from 1.
    pub epoch: usize,
    /// Mean loss there, nats.
    pub loss: f64,
}

impl MeanCurves {
    /// Averages the curves of runs, over as many epochs as at least half of the runs have: runs may end early (patience,
    /// divergence).
    pub(super) fn of(runs: &[&TrialRecord]) -> Self {
        let mut lengths: Vec<usize> = runs.iter().map(|run| run.curves.validation_loss.len()).collect();
        lengths.sort_unstable();
        let epochs = lengths.get(lengths.len() / 2).copied().unwrap_or(0);
        let spread = |losses: fn(&TrialRecord) -> &[f64]| {
            let at =
                |epoch: usize| -> Vec<f64> { runs.iter().filter_map(|run| losses(run).get(epoch).copied()).collect() };
            (0..epochs).map(|epoch| Spread::of(&at(epoch))).collect()
        };
        Self {
            training: spread(|run| &run.curves.training_loss),
            validation: spread(|run| &run.curves.validation_loss),
        }
    }

    /// Returns the lowest point of the mean validation loss, the first of equal ones; `None` without an epoch.
    pub(super) fn least(&self) -> Option<Least> {
        let mut least: Option<Least> = None;
        for (index, spread) in self.validation.iter().enumerate() {
            if least.is_none_or(|least| spread.mean < least.loss) {
                least = Some(Least { epoch: index + 1, loss: spread.mean });
            }
        }
        least
    }

    /// Returns training and validation loss at the end: the mean over the last [`END_EPOCHS`], since a single epoch may be an
    /// outlier.
    pub(super) fn end(&self) -> Option<(f64, f64)> {
        let mean = |spreads: &[Spread]| {
            let end = &spreads[spreads.len().saturating_sub(END_EPOCHS)..];
            (!end.is_empty()).then(|| end.iter().map(|spread| spread.mean).sum::<f64>() / end.len() as f64)
        };
        Some((mean(&self.training)?, mean(&self.validation)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::{Curves, Split};

    fn run(losses: &[f64]) -> TrialRecord {
        let curves = Curves {
            training_loss: losses.iter().map(|loss| loss / 2.0).collect(),
            validation_loss: losses.to_vec(),
            ..Curves::default()
        };
        TrialRecord {
            key: String::new(),
            system: String::new(),
            seed: 1,
            split: Split::Given,
            diverged: None,
            curves,
            best: None,
            last: None,
        }
    }

    #[test]
    fn means_by_hand() {
        let runs = [run(&[3.0, 1.0, 2.0, 9.0]), run(&[5.0, 2.0, 2.0]), run(&[4.0, 3.0, 2.0])];
        let curves = MeanCurves::of(&runs.iter().collect::<Vec<_>>());
        let means: Vec<f64> = curves.validation.iter().map(|spread| spread.mean).collect();
        assert_eq!(means, [4.0, 2.0, 2.0], "one run of three goes on, which is no mean");
        assert_eq!((curves.validation[0].deviation, curves.training[0].mean), (1.0, 2.0));
        assert_eq!(curves.least(), Some(Least { epoch: 2, loss: 2.0 }));
        let (training, validation) = curves.end().unwrap();
        assert!((training - 4.0 / 3.0).abs() < 1e-15 && (validation - 8.0 / 3.0).abs() < 1e-15);
        assert_eq!(MeanCurves::of(&[]).least(), None);
    }
}
