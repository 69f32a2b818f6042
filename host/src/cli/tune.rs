//! `pinhole tune`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use miette::Result;
use pinhole_boards::board::Board;
use pinhole_core::artifacts::check_outside;
use pinhole_core::photos::Series;
use pinhole_core::words::counted;
use pinhole_lab::study::{PhotoFolders, StudyProgress};
use pinhole_lab::tune::{Search, SearchBudget, SearchResult, SearchedKinds, WrittenSearch, tune};

use super::INTERRUPTED;
use super::choice::choice;
use super::colors::Colors;
use super::output::{
    comparison_bar, json, note, note_enlarged_for, say, warn, warn_of_duplicates, warn_of_series, warn_of_unfinished,
};
use super::photo_options::PhotoArguments;
use super::study::{Stopping, show_compared, study_bar};
use super::values::{at_least, between, positive};

/// `pinhole tune`.
#[derive(Debug, Args)]
pub(super) struct Tune {
    /// Folder of photos (one folder per class, or files named by class), or one with the folders train and test
    photos: PathBuf,
    /// Board that the network is for: the model must fit its flash and its buffers. Costs are then those on this board
    #[arg(long, value_name = "NAME", value_parser = choice::<Board>())]
    board: Option<Board>,
    /// Most time of an inference on the board, as modeled, in milliseconds
    #[arg(long, value_name = "MS", value_parser = positive, requires = "board")]
    time: Option<f32>,
    /// Flash for the model file: bytes, or with K or M after the number (1K is 1024)
    #[arg(long, value_parser = bytes, required_unless_present = "board")]
    flash: Option<usize>,
    /// RAM for one inference: pixels, pixel pipeline and engine. The camera's row and the firmware need further RAM
    #[arg(long, value_parser = bytes, required_unless_present = "board")]
    ram: Option<usize>,
    /// Kinds of networks to try
    #[arg(long, value_enum, default_value_t)]
    networks: Networks,
    /// Color of the networks' inputs
    #[arg(long, value_enum, default_value_t)]
    color: Colors,
    /// Folder of held-out photos, if it is not beside the training photos. It is used only after the search
    #[arg(long, value_name = "FOLDER")]
    validation: Option<PathBuf>,
    #[command(flatten)]
    options: PhotoArguments,
    /// Number of networks to begin with
    #[arg(long, default_value_t = 24, value_parser = between::<u16>(1, 480))]
    candidates: u16,
    /// Number of rounds. The first one scores each network in one cross-validation. Each further round keeps the better half of the
    /// networks, and scores these anew in twice as many cross-validations as the round before
    #[arg(long, default_value_t = 3, value_parser = between::<u32>(1, 8))]
    rounds: u32,
    /// Number of folds of each cross-validation
    #[arg(long, default_value_t = 5, value_parser = at_least::<u32>(2))]
    folds: u32,
    /// Number of epochs, instead of each recipe's
    #[arg(long, value_parser = at_least::<u32>(1))]
    epochs: Option<u32>,
    /// Seed of the random choice of networks
    #[arg(long, default_value_t = 1, value_parser = at_least::<u64>(0))]
    seed: u64,
    /// Folder to write the report, the Pareto front's recipes and all trainings to. Trainings that are finished there are not
    /// repeated
    #[arg(long, value_name = "FOLDER", default_value = "tune")]
    out: PathBuf,
    /// Number of trainings at once [default: all cores]; the result does not depend on it
    #[arg(long, value_parser = at_least::<u16>(1))]
    threads: Option<u16>,
    /// Print the found networks as JSON
    #[arg(long)]
    json: bool,
}

/// Kinds of networks, as an argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Networks {
    /// Dense networks and convolutional ones, in turn
    #[default]
    All,
    /// Dense networks, around the article's
    Dense,
    /// Convolutional networks, around the bundled ones
    Conv,
}

fn bytes(text: &str) -> std::result::Result<usize, String> {
    let text = text.to_ascii_uppercase();
    let without = ["IB", "B", ""].iter().find_map(|unit| text.strip_suffix(unit)).unwrap_or(&text);
    let (number, unit) = match (without.strip_suffix('K'), without.strip_suffix('M')) {
        (Some(number), _) => (number, 1024),
        (_, Some(number)) => (number, 1024 * 1024),
        (None, None) => (without, 1),
    };
    let bytes = number.parse::<usize>().ok().and_then(|number| number.checked_mul(unit));
    bytes.ok_or_else(|| "give a number of bytes, or a number with K or M after it, such as 256K".to_owned())
}

impl Tune {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let photos = [Some(self.photos.as_path()), self.validation.as_deref()];
        check_outside(&self.out, photos.into_iter().flatten())?;
        let source = PhotoFolders::find(&self.photos, self.validation.as_deref())?.with(self.options.options(None));
        let search = Search {
            budget: SearchBudget {
                flash_bytes: self.flash,
                ram_bytes: self.ram,
                board: self.board,
                time_ms: self.time.map(f64::from),
            },
            kinds: match self.networks {
                Networks::All => SearchedKinds::All,
                Networks::Dense => SearchedKinds::Dense,
                Networks::Conv => SearchedKinds::Conv,
            },
            color: self.color.into(),
            candidates: usize::from(self.candidates),
            folds: self.folds,
            rounds: self.rounds,
            epochs: self.epochs,
            seed: self.seed,
        };
        let stopping = Stopping::on_ctrl_c()?;
        let bar = study_bar("searching");
        let observe = |round: u32, progress: StudyProgress| {
            bar.set_length(progress.all_work);
            bar.set_position(progress.work);
            let what = if round > self.rounds {
                "held-out photos".to_owned()
            } else {
                format!("round {round} of {}", self.rounds)
            };
            bar.set_message(format!("{what}, {} of {} trainings", progress.trials, progress.all_trials));
        };
        let compared = comparison_bar(0);
        let show = |progress| show_compared(&compared, progress);
        let found = tune(&source, &search, &self.out, stopping.options(self.threads, None), &show, &observe);
        compared.finish_and_clear();
        bar.finish_and_clear();
        let Some(found) = found? else {
            note(&format!("stopped; to go on from here, run the same command again ({} is kept)", self.out.display()));
            return Ok(ExitCode::from(INTERRUPTED));
        };
        warn(&found.warnings);
        warn_of_unfinished(found.unfinished);
        note_enlarged_for(found.enlarged, "the largest input");
        warn_of_series(&found.series);
        warn_of_duplicates(&Series::without(&found.series, &found.duplicates));
        let written = found.write(&self.out)?;
        if self.json {
            json(&found)?;
        } else {
            print(&found, &written);
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn print(found: &SearchResult, WrittenSearch { recipes, report }: &WrittenSearch) {
    say!(
        "{} networks fit {}; {} were tried, {} are left after the last round",
        found.within_budget,
        found.budget,
        found.candidates,
        found.networks.len()
    );
    say!("the Pareto front of accuracy against flash and multiply-accumulates, the most accurate network first:");
    let width = found.front().map(|network| network.name.chars().count()).max().unwrap_or(0).max(7);
    let time = if found.budget.board.is_some() { "  time, ms" } else { "" };
    let held_out = if found.held_out > 0 { "  held out        95 % interval" } else { "" };
    say!(
        "{:width$}  cross-val.     95 % interval{held_out}    flash     RAM      MACs{time}  against the first",
        "network"
    );
    for network in found.front() {
        let mut line = format!(
            "{:width$}  {:.3} ± {:.3}  {:.2} to {:.2} ",
            network.name,
            network.accuracy.mean,
            network.accuracy.deviation,
            network.interval.low,
            network.interval.high
        );
        if let Some(held_out) = network.held_out {
            line += &format!(
                "   {:.3} ± {:.3}   {:.2} to {:.2} ",
                held_out.accuracy.mean, held_out.accuracy.deviation, held_out.interval.low, held_out.interval.high
            );
        }
        line += &format!(
            "  {:>8} {:>7} {:>9}{}  {}",
            network.cost.flash_bytes,
            network.cost.ram_bytes,
            network.cost.macs,
            match (found.budget.board, network.cost.time_ms) {
                (None, _) => String::new(),
                (Some(_), None) => format!("{:>10}", "not known"),
                (Some(_), Some(time)) => format!("{time:>10.1}"),
            },
            match network.against_best {
                None => "",
                Some(paired) if !paired.differ() => "not distinguishable",
                Some(paired) if paired.only_this > paired.only_other => "better (paired test)",
                Some(_) => "worse",
            }
        );
        say!("{line}");
    }
    say!(
        "cross-val.: accuracy on {}, {} each; the search chose by it, so it is too high for the first",
        counted(found.photos, "photo"),
        counted(found.repeats as usize, "time")
    );
    if found.held_out > 0 {
        say!("held out: {} photos that the search did not use", found.held_out);
    }
    say!("report    {}", report.display());
    say!("recipes   {} (`pinhole train PHOTOS --recipe FILE`)", recipes.display());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_as_people_write_them() {
        for (text, expected) in
            [("256K", 262_144), ("32k", 32_768), ("1M", 1_048_576), ("64KiB", 65_536), ("1000", 1000)]
        {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        for wrong in ["", "K", "256KK", "5BBB", "+K", "12X", "-1", "1.5K", "99999999999999999M"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }
}
