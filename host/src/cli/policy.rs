//! When answers are "unknown": arguments of `pinhole quantize`, and how commands show it.

use std::path::{Path, PathBuf};

use clap::Args;
use miette::{Result, miette};
use pinhole_core::model_file::ModelFile;
use pinhole_core::photos::{self, Dataset, DuplicatePhotos, Example};
use pinhole_core::statistics::{Interval, photos_to_vouch};
use pinhole_lab::threshold::{self, Coverage, Judged};
use pinhole_shared::decision::Probability;
use pinhole_shared::policy::{MAX_WINDOW, Policy};
use serde::Serialize;

use super::output::{say, warn, warn_of_duplicates};

/// What makes a policy.
#[derive(Debug, Args)]
#[command(next_help_heading = "When to answer \"unknown\"")]
pub(super) struct PolicyArguments {
    /// Answer "unknown" where the class is less probable than this, 0 to 1
    #[arg(long, value_name = "PART", value_parser = part, conflicts_with = "error_rate")]
    min_confidence: Option<f64>,
    /// Answer "unknown" where needed so that at most this part of the answers is wrong, 0 to 1; chosen on --validation
    #[arg(long, value_name = "PART", value_parser = part)]
    error_rate: Option<f64>,
    /// Folder of labeled photos that the network was not trained on, for --error-rate and --fine-tune
    #[arg(long, value_name = "FOLDER", requires = "validated")]
    validation: Option<PathBuf>,
    /// Answer only what N of the last M frames of the camera agree on, as 2/3
    #[arg(long, value_name = "N/M", value_parser = votes)]
    smooth: Option<Votes>,
}

/// Frames that must agree, of the last so many.
#[derive(Clone, Copy, Debug)]
struct Votes {
    needed: u8,
    window: u8,
}

fn part(text: &str) -> Result<f64, String> {
    let part = text.parse().ok().filter(|part| (0.0..=1.0).contains(part));
    part.ok_or_else(|| "give a number from 0 to 1".to_owned())
}

fn votes(text: &str) -> Result<Votes, String> {
    let numbers = text.split_once('/').and_then(|(needed, window)| Some((needed.parse().ok()?, window.parse().ok()?)));
    let (needed, window) = numbers.ok_or("give two numbers as N/M, such as 2/3")?;
    Policy::new(Probability(0), needed, window)
        .map(|_| Votes { needed, window })
        .map_err(|_| format!("N must be more than half of M, and M at most {MAX_WINDOW}"))
}

/// A policy, and where its least probability comes from.
pub(super) struct Chosen {
    pub(super) policy: Policy,
    /// Where it was chosen on photos.
    pub(super) threshold: Option<Threshold>,
}

/// A least probability chosen on photos.
pub(super) struct Threshold {
    wanted: f64,
    /// What it leaves of them.
    pub(super) left: Coverage,
    /// What one leaves that they can vouch for.
    pub(super) vouched: Option<Coverage>,
    /// Whether they are also what the epoch that was kept was chosen by.
    of_training: bool,
    /// What others would leave.
    table: Vec<Coverage>,
}

impl PolicyArguments {
    /// Whether any of them is given.
    pub(super) fn is_given(&self) -> bool {
        self.min_confidence.is_some() || self.error_rate.is_some() || self.smooth.is_some()
    }

    /// Refuses, before anything is done, to choose on photos that were trained on.
    pub(super) fn check(&self, calibration: &Path) -> Result<()> {
        let help = "give labeled photos that it was not trained on with --validation, or a least probability of your own \
                    with --min-confidence";
        let Some(validation) = &self.validation else {
            if self.error_rate.is_none() {
                return Ok(());
            }
            return Err(miette!(
                help = help,
                "--error-rate needs --validation: of the photos it was trained on, to calibrate, the network is surer \
                 than of any others, and a threshold chosen on them would let through more errors than were asked for"
            ));
        };
        if same_place(validation, calibration) {
            return Err(miette!(
                help = help,
                "--validation {} is the folder of photos that the network was trained on",
                validation.display()
            ));
        }
        Ok(())
    }

    /// Photos that the network was not trained on.
    pub(super) fn validation(&self) -> Option<&Path> {
        self.validation.as_deref()
    }

    /// The policy for a model that was calibrated on these photos, and whose epoch was chosen by those of a folder, if that
    /// is known.
    pub(super) fn choose(
        &self,
        model: &ModelFile,
        calibration: &Dataset,
        chose_epoch: Option<&Path>,
    ) -> Result<Chosen> {
        let threshold = match (self.error_rate, &self.validation) {
            (Some(wanted), Some(folder)) => {
                let of_training = chose_epoch.is_some_and(|other| same_place(folder, other));
                Some(Threshold { of_training, ..choose(model, calibration, folder, wanted)? })
            }
            _ => None,
        };
        let given = threshold::at_least(self.min_confidence.unwrap_or(0.0));
        let least = threshold.as_ref().map_or(given, |threshold| threshold.left.min_probability);
        let Votes { needed, window } = self.smooth.unwrap_or(Votes { needed: 1, window: 1 });
        let policy = Policy::new(least, needed, window).map_err(|reason| miette!("{reason}"))?;
        Ok(Chosen { policy, threshold })
    }
}

/// Whether two paths are one file or folder, however they are written.
pub(super) fn same_place(one: &Path, other: &Path) -> bool {
    one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

fn choose(model: &ModelFile, calibration: &Dataset, folder: &Path, wanted: f64) -> Result<Threshold> {
    let photos = photos::load(folder, calibration.input, Some(&calibration.classes))?;
    warn(&photos.warnings);
    let examples: Vec<&Example> = calibration.examples.iter().chain(&photos.examples).collect();
    let pairs = photos::near_duplicates(&examples, calibration.input);
    let mut duplicates = DuplicatePhotos::of(&pairs, &examples, calibration.examples.len());
    duplicates.retain(|pair| pair.across);
    warn_of_duplicates(&duplicates);
    let judged = Judged::all(model, &photos);
    Ok(Threshold {
        wanted,
        left: threshold::choose(&judged, wanted)?,
        vouched: threshold::vouched(&judged, wanted),
        of_training: false,
        table: threshold::table(&judged),
    })
}

impl Chosen {
    /// Says what was chosen, why, and how far that can be trusted. Nothing, where there is no policy.
    pub(super) fn print(&self) {
        if let Some(threshold) = &self.threshold {
            threshold.print();
        }
        if self.policy != Policy::NONE {
            say!("answers {}", PolicyFields::from(self.policy));
        }
    }
}

impl Threshold {
    fn print(&self) {
        say!("least probability   answered   coverage   wrong   error rate   95 % interval");
        for row in &self.table {
            say!("{}", line(row));
        }
        say!("{}  (chosen)", line(&self.left));
        let (wanted, high) = (self.wanted, self.left.error_interval.high);
        if high > wanted {
            say!("on other photos, with so few answers here, {high:.3} may be wrong (95 %); to be surer of {wanted}:");
            match &self.vouched {
                Some(row) => say!("{}  (--min-confidence {})", line(row), row.min_probability.to_f64()),
                None if wanted > 0.0 => {
                    say!("  none; without an error, it would take {} answers to vouch for it", photos_to_vouch(wanted));
                }
                None => say!("  none; no number of answers can vouch for it"),
            }
        }
        if self.of_training {
            say!("these photos chose the epoch that was kept, too: they look better than others will");
        }
        say!("chosen on these photos, it looks better on them than it will on others: pinhole evaluate MODEL OTHERS");
    }
}

/// A row of the table.
fn line(row: &Coverage) -> String {
    let Interval { low, high } = row.error_interval;
    let rate = row.error_rate.map_or("-".to_owned(), |rate| format!("{rate:.3}"));
    format!(
        "{:>17.3} {:>10} {:>10.3} {:>7} {rate:>12} {low:>7.3} to {high:.3}",
        row.min_probability.to_f64(),
        row.answered,
        row.coverage,
        row.wrong
    )
}

/// A policy as it is shown.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct PolicyFields {
    /// 0 to 1; 0: none.
    min_probability: f64,
    needed: u8,
    window: u8,
}

impl From<Policy> for PolicyFields {
    fn from(policy: Policy) -> Self {
        Self { min_probability: policy.min_probability().to_f64(), needed: policy.needed(), window: policy.window() }
    }
}

impl std::fmt::Display for PolicyFields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { min_probability, needed, window } = self;
        match (*min_probability > 0.0, *window > 1) {
            (false, false) => f.write_str("always, frame by frame"),
            (true, false) => write!(f, "unknown below {min_probability:.3}, frame by frame"),
            (false, true) => write!(f, "unknown where fewer than {needed} of the last {window} frames agree"),
            (true, true) => write!(
                f,
                "unknown below {min_probability:.3}, and where fewer than {needed} of the last {window} frames agree"
            ),
        }
    }
}
