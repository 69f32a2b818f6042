//! The command line: arguments in, printed results out.

mod bench;
mod boards;
mod budget;
mod capture;
mod choice;
mod classify;
mod colors;
mod completions;
mod connection;
mod demo;
mod doctor;
mod draw;
mod error;
mod evaluate;
mod examples;
mod explain;
mod export;
mod flash;
mod import;
mod inspect;
mod man;
mod model_and_photos;
mod models;
mod output;
mod pack;
mod photo_options;
mod policy;
mod prove;
mod quantize;
mod recipes;
mod simulate;
mod study;
mod target;
mod terminal;
mod train;
mod tune;
mod values;
mod verdict;
mod watch;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use miette::Report;
use pinhole_boards::probe::DebugProbes;
use pinhole_boards::settings::ProcessSettings;
use pinhole_core::shown::{shown, shown_lines};

use self::output::Verbosity;

/// The program's name.
const NAME: &str = "pinhole";

/// Train a small image classifier from photos, quantize it, run it on a microcontroller, and prove that PC and device
/// compute the same integers.
#[derive(Debug, Parser)]
#[command(name = NAME, version, arg_required_else_help = true, max_term_width = 100, after_help = examples::PINHOLE)]
struct Arguments {
    #[command(flatten)]
    global: GlobalOptions,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command: the [settings](ProcessSettings) of a process.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
struct GlobalOptions {
    /// Build firmware from a checkout's sources instead of using the prebuilt one [environment:
    /// PINHOLE_BUILD_FIRMWARE=1]
    #[arg(long, global = true)]
    build_firmware: bool,
    /// Path of the emulator, a qemu-system-arm [default: searched for] [environment: PINHOLE_EMULATOR]
    #[arg(long, global = true, value_name = "PATH")]
    emulator: Option<PathBuf>,
    /// Download nothing [environment: PINHOLE_OFFLINE=1]
    #[arg(long, global = true)]
    offline: bool,
    /// Print results and errors only: no notes, warnings or progress
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Also print where model and firmware come from, and the device's log
    #[arg(short, long, global = true)]
    verbose: bool,
}

impl GlobalOptions {
    /// Returns the given options; those not given come from the environment.
    fn settings(&self) -> ProcessSettings {
        let environment = ProcessSettings::from_environment();
        ProcessSettings {
            build_firmware: self.build_firmware || environment.build_firmware,
            emulator: self.emulator.clone().or(environment.emulator),
            offline: self.offline || environment.offline,
        }
    }

    fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, true) => Verbosity::Verbose,
            (false, false) => Verbosity::Normal,
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run all steps once on synthetic pictures: continue the training of a bundled model, quantize, evaluate, and prove
    /// on the emulated board
    #[command(after_help = examples::DEMO)]
    Demo(demo::Demo),
    /// Train a network on a folder of photos, and quantize it
    #[command(after_help = examples::TRAIN)]
    Train(train::Train),
    /// Quantize a trained network again, or set when its model answers "unknown"
    #[command(after_help = examples::QUANTIZE)]
    Quantize(quantize::Quantize),
    /// Compare the float and the integer network on labeled photos
    #[command(after_help = examples::EVALUATE)]
    Evaluate(evaluate::Evaluate),
    /// Classify photos with a model, by the integers that the device computes
    #[command(after_help = examples::CLASSIFY)]
    Classify(classify::Classify),
    /// Show which pixels of photos decided the class, as an HTML page
    #[command(after_help = examples::EXPLAIN)]
    Explain(explain::Explain),
    /// Show what is in a model, and whether it fits a board
    #[command(after_help = examples::INSPECT)]
    Inspect(inspect::Inspect),
    /// List the boards (emulated and real), their memory, and the debug probes that are plugged in
    #[command(after_help = examples::BOARDS)]
    Boards(boards::Boards),
    /// Write a model as it is stored in a board's flash, for other tools
    #[command(after_help = examples::PACK)]
    Pack(pack::Pack),
    /// Write a model as a C header or for TensorFlow Lite
    #[command(after_help = examples::EXPORT)]
    Export(export::Export),
    /// Make a model from an int8 TensorFlow Lite file
    #[command(after_help = examples::IMPORT)]
    Import(import::Import),
    /// Write firmware and model into a board's flash, and check that they run
    #[command(after_help = examples::FLASH)]
    Flash(flash::FlashCommand),
    /// Classify photos with the firmware on an emulated board
    #[command(after_help = examples::SIMULATE)]
    Simulate(simulate::Simulate),
    /// Compare every integer of host and board on photos; the exit code is 0 if all are equal
    #[command(after_help = examples::PROVE)]
    Prove(prove::Prove),
    /// Collect training pictures from a board's own camera
    #[command(after_help = examples::CAPTURE)]
    Capture(capture::CaptureCommand),
    /// Watch what a board sees and decides, live in the terminal
    #[command(after_help = examples::WATCH)]
    Watch(watch::Watch),
    /// Count the instructions of an inference on an emulated board, layer by layer
    #[command(after_help = examples::BENCH)]
    Bench(bench::BenchCommand),
    /// Train many recipes on many seeds and folds, and compare them statistically
    #[command(after_help = examples::STUDY)]
    Study(study::Study),
    /// Combine the shards of a study
    #[command(after_help = examples::MERGE)]
    Merge(study::Merge),
    /// Search for networks within a budget of flash and RAM
    #[command(after_help = examples::TUNE)]
    Tune(tune::Tune),
    /// List the bundled recipes, or print one
    #[command(after_help = examples::RECIPES)]
    Recipes(recipes::Recipes),
    /// List the bundled models
    #[command(after_help = examples::MODELS)]
    Models(models::ModelsCommand),
    /// Check this machine: show each part, the commands that need it, and how to get what is missing
    #[command(after_help = examples::DOCTOR)]
    Doctor(doctor::Doctor),
    /// Write synthetic pictures of chihuahuas and muffins, to try commands on
    #[command(after_help = examples::DRAW)]
    Draw(draw::Draw),
    /// Print a shell script that completes commands
    #[command(after_help = examples::COMPLETIONS)]
    Completions(completions::Completions),
    /// Write manual pages
    #[command(after_help = examples::MAN)]
    Man(man::ManPages),
}

/// Exit status of an interrupted command, the same as shells use for SIGINT.
const INTERRUPTED: u8 = 130;

/// Parses the process's arguments, runs the command, and returns the process's exit status: 0 for success (for `prove`:
/// everything was equal), 1 for errors and failed proofs, 2 for wrong arguments, 130 for an interruption.
pub fn run() -> ExitCode {
    run_with(&DebugProbes::usb())
}

/// Like [`run`], with a different source of probes than USB.
pub fn run_with(debug_probes: &DebugProbes) -> ExitCode {
    completions::answer();
    show_errors_by_the_usual_rules();
    let arguments = match parse(std::env::args_os()) {
        Ok(arguments) => arguments,
        Err(error) => return tell(&error, std::env::args_os()),
    };
    arguments.global.settings().set();
    output::set_verbosity(arguments.global.verbosity());
    let result = match &arguments.command {
        Command::Demo(command) => command.run(),
        Command::Train(command) => command.run(),
        Command::Quantize(command) => command.run(),
        Command::Evaluate(command) => command.run(),
        Command::Classify(command) => command.run(),
        Command::Explain(command) => command.run(),
        Command::Inspect(command) => command.run(),
        Command::Boards(command) => command.run(debug_probes),
        Command::Pack(command) => command.run(),
        Command::Export(command) => command.run(),
        Command::Import(command) => command.run(),
        Command::Flash(command) => command.run(debug_probes),
        Command::Simulate(command) => command.run(),
        Command::Prove(command) => command.run(debug_probes),
        Command::Capture(command) => command.run(debug_probes),
        Command::Watch(command) => command.run(debug_probes),
        Command::Bench(command) => command.run(),
        Command::Study(command) => command.run(),
        Command::Merge(command) => command.run(),
        Command::Tune(command) => command.run(),
        Command::Recipes(command) => command.run(),
        Command::Models(command) => command.run(),
        Command::Doctor(command) => command.run(debug_probes),
        Command::Draw(command) => command.run(),
        Command::Completions(command) => command.run(),
        Command::Man(command) => command.run(),
    };
    match result.and_then(|status| Ok(output::finish().map(|()| status)?)) {
        Ok(status) => status,
        Err(report) => failed(&report),
    }
}

/// Returns the grammar. Options take negative numbers as values, so that `--seed -1` is refused as a seed and not as an
/// unknown option.
fn command() -> clap::Command {
    let takes_negative = |arg: clap::Arg| {
        let is_option = arg.get_long().is_some() && arg.get_action().takes_values();
        if is_option { arg.allow_negative_numbers(true) } else { arg }
    };
    Arguments::command().mut_args(takes_negative).mut_subcommands(|command| command.mut_args(takes_negative))
}

fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Arguments, clap::Error> {
    let matches = command().try_get_matches_from(arguments)?;
    Arguments::from_arg_matches(&matches)
}

/// Shows help, version or an error about arguments; returns the exit status.
fn tell(error: &clap::Error, arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let status = ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
    // Such as the names of files that a shell put in the place of `*`. clap would print them as they are.
    let is_plain = |argument: OsString| {
        let argument = argument.to_string_lossy().into_owned();
        shown(&argument) == argument
    };
    let written = if arguments.into_iter().all(is_plain) {
        error.print()
    } else {
        let text = error.to_string();
        let text = shown_lines(text.trim_end());
        if error.use_stderr() { writeln!(io::stderr(), "{text}") } else { writeln!(io::stdout(), "{text}") }
    };
    if error.use_stderr() {
        return status;
    }
    output::remember(written);
    output::finish().map_or_else(|error| failed(&error.into()), |()| status)
}

/// Sets the display of errors: in color if clap shows help in color. That depends on `NO_COLOR`, `CLICOLOR_FORCE`, and
/// on stderr being a terminal.
fn show_errors_by_the_usual_rules() {
    let color = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
    // Lines are not wrapped: a path that is cut in two can be neither copied nor searched for. The call fails only the
    // second time.
    let _ = miette::set_hook(Box::new(move |_| {
        Box::new(miette::MietteHandlerOpts::new().color(color).wrap_lines(false).build())
    }));
}

fn failed(report: &Report) -> ExitCode {
    // A closed stderr is no error: nobody is left to read, and the exit status also reports the failure.
    let _ = writeln!(io::stderr(), "{:?}", error::shown(report));
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests;
