//! `pinhole study` and `pinhole merge`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use indicatif::ProgressStyle;
use miette::{IntoDiagnostic, Result, WrapErr};
use pinhole_core::artifacts::check_outside;
use pinhole_core::photos::Series;
use pinhole_core::recipe::{AUTO, DEFAULT};
use pinhole_lab::study::{
    self, Compared, FinishedStudy, PhotoFolders, Shard, StudyFolder, StudyOptions, StudyOutcome, StudyPhotos,
    StudyPlan, StudyProgress, StudyResults, StudySize, System, systems,
};
use pinhole_train::runs::pretrained::PretrainedSource;

use super::INTERRUPTED;
use super::completions;
use super::output::{
    comparison_bar, json, note, note_enlarged_for, progress, say, warn, warn_of_duplicates, warn_of_series,
    warn_of_unfinished,
};
use super::photo_options::PhotoArguments;
use super::values::{at_least, between};
use crate::app::train::auto_system;

/// Numbers of folds and repeats of the cross-validation. Beside a given split, the seeds are spent on the split, and
/// folds and repeats are fewer: as many as keep a study of all systems under ten minutes. Repeats are odd, so that a
/// photo's networks have a majority.
const FOLDS: u32 = 5;
const FOLDS_BESIDE_A_SPLIT: u32 = 3;
const REPEATS_BESIDE_A_SPLIT: u32 = 3;

/// `pinhole study`.
#[derive(Debug, Args)]
pub(super) struct Study {
    /// Folder of photos (one folder per class, or files named by class), or one with the folders train and test
    photos: PathBuf,
    /// Folder of held-out photos, if it is not beside the training photos
    #[arg(long, value_name = "FOLDER")]
    validation: Option<PathBuf>,
    #[command(flatten)]
    options: PhotoArguments,
    /// Systems, separated by commas: names of recipes (see `pinhole recipes`), paths of .toml files, or auto, which chooses a
    /// network to continue from by the photos, as `train` does [default: the dense recipes]
    #[arg(long, value_delimiter = ',', value_name = "RECIPES", add = completions::recipes())]
    systems: Vec<String>,
    /// Trained networks, separated by commas: each is a system more, which continues from that network as `train --from` does.
    /// Names of bundled models, run folders, or files. Without --systems, they are compared with the recipe baseline-dropout
    #[arg(long, value_delimiter = ',', value_name = "MODELS", add = completions::models())]
    from: Vec<PathBuf>,
    /// Number of seeds per system
    #[arg(long, default_value_t = 10, value_parser = between::<u32>(1, 1000))]
    seeds: u32,
    /// Number of folds of the cross-validation, 0 for none [default: 3 beside held-out photos, else 5]
    #[arg(long, value_parser = folds)]
    folds: Option<u32>,
    /// Number of repeats of the cross-validation, each with other folds [default: 3 beside held-out photos, else as many
    /// as seeds]
    #[arg(long, value_parser = between::<u32>(1, 1000))]
    repeats: Option<u32>,
    /// Number of epochs, instead of each recipe's
    #[arg(long, value_parser = at_least::<u32>(1))]
    epochs: Option<u32>,
    /// Study folder to write. Trainings that are finished there are not repeated
    #[arg(long, value_name = "FOLDER", default_value = "study")]
    out: PathBuf,
    /// Number of trainings at once [default: all cores]; the result does not depend on it
    #[arg(long, value_parser = at_least::<u16>(1))]
    threads: Option<u16>,
    /// Run only the I-th of N equal parts; `pinhole merge` combines them
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Print all statistics as JSON
    #[arg(long)]
    json: bool,
}

/// Parses the number of folds: 1 would leave nothing to train on.
fn folds(text: &str) -> std::result::Result<u32, String> {
    match text.parse() {
        Ok(1) | Err(_) => Err("give a whole number: 0 for none, or 2 or more".to_owned()),
        Ok(folds) => Ok(folds),
    }
}

impl Study {
    /// Returns the systems that the user names.
    fn systems(&self, source: &PhotoFolders) -> Result<Vec<System>> {
        let mut systems = match (&self.systems[..], &self.from[..]) {
            ([], []) => systems::article()?,
            ([], _) => systems::named(&[DEFAULT.to_owned()])?,
            _ => Vec::new(),
        };
        for name in &self.systems {
            if name == AUTO {
                let (system, sentence) = auto_system(&source.training, &source.options, self.epochs)?;
                note(&format!("{AUTO}: {sentence}"));
                systems::add(&mut systems, system)?;
            } else {
                for system in systems::named(std::slice::from_ref(name))? {
                    systems::add(&mut systems, system)?;
                }
            }
        }
        for path in &self.from {
            systems::add(&mut systems, System::continuing(PretrainedSource::read(path)?))?;
        }
        Ok(systems)
    }

    pub(super) fn run(&self) -> Result<ExitCode> {
        let photos = [Some(self.photos.as_path()), self.validation.as_deref()];
        check_outside(&self.out, photos.into_iter().flatten())?;
        let source = PhotoFolders::find(&self.photos, self.validation.as_deref())?.with(self.options.options(None));
        let mut systems = self.systems(&source)?;
        for system in &mut systems {
            system.recipe.training.epochs = self.epochs.unwrap_or(system.recipe.training.epochs);
        }
        let photos = load(&source, &systems)?;
        let (folds, repeats) = if photos.given_split {
            (FOLDS_BESIDE_A_SPLIT, REPEATS_BESIDE_A_SPLIT.min(self.seeds))
        } else {
            (FOLDS, self.seeds)
        };
        let size = StudySize {
            seeds: self.seeds,
            folds: self.folds.unwrap_or(folds),
            repeats: self.repeats.unwrap_or(repeats),
        };
        warn(&photos.warnings);
        note_enlarged_for(photos.enlarged, "the largest input");
        let series = photos.series(size.folds);
        warn_of_series(&series);
        warn_of_duplicates(&Series::without(&series, &photos.duplicate_paths()));
        let plan = StudyPlan::new(&photos, &systems, size)?;
        let store = StudyFolder::create(&self.out)?;

        let stopping = Stopping::on_ctrl_c()?;
        let bar = study_bar("studying");
        let observe = |progress: StudyProgress| {
            bar.set_length(progress.all_work);
            bar.set_position(progress.work);
            bar.set_message(format!("{} of {} trainings", progress.trials, progress.all_trials));
        };
        let options = stopping.options(self.threads, self.shard);
        let ran = study::run(&plan, &photos, &systems, &store, options, &observe);
        bar.finish_and_clear();
        match ran? {
            StudyOutcome::Whole(finished) => print(&finished, self.json)?,
            StudyOutcome::ShardDone => note(&format!(
                "this shard is done; to go on, run `pinhole merge {}` with the other shards' folders added",
                self.out.display()
            )),
            StudyOutcome::Stopped => {
                note(&format!(
                    "stopped; to go on from here, run the same command again ({} is kept)",
                    self.out.display()
                ));
                return Ok(ExitCode::from(INTERRUPTED));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Reads the photos, and shows the progress of comparing them.
fn load(source: &PhotoFolders, systems: &[System]) -> Result<StudyPhotos> {
    let bar = comparison_bar(0);
    let photos = StudyPhotos::load_telling(source, systems, &|compared| show_compared(&bar, compared))?;
    bar.finish_and_clear();
    warn_of_unfinished(photos.unfinished);
    Ok(photos)
}

/// Shows the progress of comparing photos on a bar that was made for no pairs.
pub(super) fn show_compared(bar: &indicatif::ProgressBar, compared: Compared) {
    match compared {
        Compared::Of(pairs) => bar.inc_length(pairs),
        Compared::More(pairs) => bar.inc(pairs),
    }
}

/// Stops many trainings on Ctrl-C: the first one after the current epochs, a second one at once. No finished work is
/// lost.
pub(super) struct Stopping {
    stop: &'static AtomicBool,
}

impl Stopping {
    pub(super) fn on_ctrl_c() -> Result<Self> {
        static STOP: AtomicBool = AtomicBool::new(false);
        let handler = || {
            if STOP.swap(true, Ordering::SeqCst) {
                std::process::exit(i32::from(INTERRUPTED));
            }
        };
        ctrlc::set_handler(handler).into_diagnostic().wrap_err("Ctrl-C cannot be caught")?;
        Ok(Self { stop: &STOP })
    }

    /// Returns the options of a run: all cores by default, and the whole study unless a shard is given.
    pub(super) fn options(&self, threads: Option<u16>, shard: Option<Shard>) -> StudyOptions<'static> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        StudyOptions {
            threads: threads.map_or(cores, usize::from),
            shard: shard.unwrap_or(Shard::WHOLE),
            stop: self.stop,
        }
    }
}

/// Creates a progress bar of work, not of trainings: a large network takes ten times as long as a small one.
pub(super) fn study_bar(what: &str) -> indicatif::ProgressBar {
    let bar = progress(0, what);
    let style = ProgressStyle::with_template("{prefix} {wide_bar} {percent} % {msg}, {elapsed} elapsed, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style);
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}

/// `pinhole merge`.
#[derive(Debug, Args)]
pub(super) struct Merge {
    /// Folders of the shards; one is enough if all shards wrote into it
    #[arg(required = true)]
    shards: Vec<PathBuf>,
    /// Study folder to write [default: the first shard's]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Print all statistics as JSON
    #[arg(long)]
    json: bool,
}

impl Merge {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let out = self.out.as_ref().unwrap_or(&self.shards[0]);
        print(&study::merge(&self.shards, out)?, self.json)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn print(finished: &FinishedStudy, as_json: bool) -> Result<()> {
    let results = &finished.results;
    if as_json {
        return json(results);
    }
    table(results);
    say!("report    {}", finished.report.display());
    Ok(())
}

/// Prints the results that fit a terminal; the report and table.csv have the rest.
fn table(results: &StudyResults) {
    let width = results.systems.iter().map(|system| system.name.chars().count()).max().unwrap_or(0).max(6);
    let (given_split, cross_validation) = (results.given_split_photos > 0, results.folds > 0);
    let mut header = format!("{:width$}", "system");
    if given_split {
        header += "  least loss     accuracy     ";
    }
    if cross_validation {
        header += "  cross-val.  95 % interval";
    }
    say!("{header}  against {}", results.reference);
    for system in &results.systems {
        let mut line = format!("{:width$}", system.name);
        match &system.given_split {
            Some(scores) => {
                let (loss, accuracy) = (scores.best_loss, scores.best_accuracy);
                line += &match results.seeds {
                    1 => format!("  {:<13.3}  {:<13.3}", loss.mean, accuracy.mean),
                    _ => format!(
                        "  {:.3} ± {:.3}  {:.3} ± {:.3}",
                        loss.mean, loss.deviation, accuracy.mean, accuracy.deviation
                    ),
                };
            }
            None if given_split => line += &format!("  {:28}", "diverged in every run"),
            None => {}
        }
        if let Some(scores) = &system.cross_validation {
            let interval = scores.interval;
            line += &format!("  {:.3}       {:.2} to {:.2} ", scores.accuracy.mean, interval.low, interval.high);
        }
        line += &match &system.against_reference {
            None => "  the reference".to_owned(),
            Some(paired) if !paired.differ() => "  not distinguishable".to_owned(),
            Some(paired) => {
                let which = if paired.only_this > paired.only_other { "better" } else { "worse" };
                format!("  {which} (p = {:.3})", paired.p_corrected)
            }
        };
        let flags = [
            (system.not_converged, "not converged"),
            (system.collapsed, "spoiled late"),
            (system.diverged, "diverged"),
        ];
        for (count, what) in flags.into_iter().filter(|(count, _)| *count > 0) {
            line += &format!("; {count} of {} runs {what}", system.runs);
        }
        say!("{line}");
    }
}
