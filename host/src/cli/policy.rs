//! Arguments of `pinhole quantize` for the policy (when to answer "unknown"), and its display.

use std::path::PathBuf;

use clap::Args;
use pinhole_core::statistics::{Interval, minimum_sample_size};
use pinhole_lab::threshold::Coverage;
use pinhole_shared::decision::Probability;
use pinhole_shared::policy::{MAX_WINDOW, Policy};
use serde::Serialize;

use super::output::say;
use crate::app::quantize::{Chosen, PolicyRequest, Threshold, Votes};

/// Settings of a policy.
#[derive(Debug, Args)]
#[command(next_help_heading = "When to answer \"unknown\"")]
pub(super) struct PolicyArguments {
    /// Answer "unknown" if the decision's probability is below this, 0 to 1
    #[arg(long, value_name = "PART", value_parser = part, conflicts_with = "error_rate")]
    min_confidence: Option<f64>,
    /// Choose --min-confidence on the --validation photos, so that at most this part of the answers is wrong, 0 to 1
    #[arg(long, value_name = "PART", value_parser = part)]
    error_rate: Option<f64>,
    /// Folder of labeled photos that the network was not trained on, for --error-rate and --fine-tune
    #[arg(long, value_name = "FOLDER", requires = "validated")]
    validation: Option<PathBuf>,
    /// Answer only if N of the camera's last M frames agree, as 2/3
    #[arg(long, value_name = "N/M", value_parser = votes)]
    smooth: Option<Votes>,
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

impl PolicyArguments {
    pub(super) fn request(&self) -> PolicyRequest {
        PolicyRequest {
            min_confidence: self.min_confidence,
            error_rate: self.error_rate,
            validation: self.validation.clone(),
            smooth: self.smooth,
        }
    }
}

/// Prints the chosen policy, its origin, and how far it can be trusted. Prints nothing without a policy.
pub(super) fn print_chosen(chosen: &Chosen) {
    if let Some(threshold) = &chosen.threshold {
        print_threshold(threshold);
    }
    if chosen.policy != Policy::NONE {
        say!("answers {}", PolicyFields::from(chosen.policy));
    }
}

fn print_threshold(threshold: &Threshold) {
    say!("least probability   answered   coverage   wrong   error rate   95 % interval");
    for row in &threshold.table {
        say!("{}", line(row));
    }
    say!("{}  (chosen)", line(&threshold.left));
    let (wanted, high) = (threshold.wanted, threshold.left.error_interval.high);
    if high > wanted {
        say!(
            "with so few answers, {high:.3} of the answers on other photos may be wrong (95 %); to be surer of {wanted}:"
        );
        match &threshold.supported {
            Some(row) => say!("{}  (--min-confidence {})", line(row), row.min_probability.to_f64()),
            None if wanted > 0.0 => {
                say!(
                    "  no threshold: without an error, it would take {} answers to vouch for it",
                    minimum_sample_size(wanted)
                );
            }
            None => say!("  no threshold: no number of answers can vouch for it"),
        }
    }
    if threshold.of_training {
        say!("these photos also chose the epoch, so results on them look better than on other photos");
    }
    say!("the threshold was chosen on these photos, so check it on others: pinhole evaluate MODEL OTHERS");
}

/// Formats a row of the table.
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

/// Fields of a policy for display.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct PolicyFields {
    /// Least probability, 0 to 1; 0 means none.
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
