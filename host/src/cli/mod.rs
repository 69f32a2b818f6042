//! The command line: arguments in, printed results out.

mod bench;
mod boards;
mod budget;
mod capture;
mod classify;
mod connection;
mod demo;
mod doctor;
mod draw;
mod evaluate;
mod explain;
mod export;
mod flash;
mod import;
mod inspect;
mod models;
mod output;
mod pack;
mod policy;
mod prove;
mod quantize;
mod recipes;
mod simulate;
mod study;
mod target;
mod train;
mod tune;
mod watch;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::probe::Bench;
use crate::settings::Settings;

/// Train a small image classifier from photos, quantize it, and prove that the device decides the same.
#[derive(Debug, Parser)]
#[command(name = "pinhole", version, arg_required_else_help = true, max_term_width = 100)]
struct Arguments {
    #[command(flatten)]
    global: GlobalOptions,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command: what a process [takes from outside itself](Settings).
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
struct GlobalOptions {
    /// Build firmware from a checkout's sources instead of taking the prebuilt one [environment: PINHOLE_BUILD_FIRMWARE=1]
    #[arg(long, global = true)]
    build_firmware: bool,
    /// Emulator to run, a qemu-system-arm; looked for where absent [environment: PINHOLE_EMULATOR]
    #[arg(long, global = true, value_name = "PATH")]
    emulator: Option<PathBuf>,
    /// Download nothing [environment: PINHOLE_OFFLINE=1]
    #[arg(long, global = true)]
    offline: bool,
}

impl GlobalOptions {
    /// What was given, else what the environment says.
    fn settings(&self) -> Settings {
        let environment = Settings::from_environment();
        Settings {
            build_firmware: self.build_firmware || environment.build_firmware,
            emulator: self.emulator.clone().or(environment.emulator),
            offline: self.offline || environment.offline,
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Do all of it once on drawn pictures: train on from a model that ships, quantize, evaluate, prove on the emulated board
    Demo(demo::Demo),
    /// Train a network on a folder of photos, and quantize it
    Train(train::Train),
    /// Quantize a trained network anew
    Quantize(quantize::Quantize),
    /// Compare the float and the int8 network on labeled photos
    Evaluate(evaluate::Evaluate),
    /// Classify photos with a model file, as the device would
    Classify(classify::Classify),
    /// Show which pixels of photos decided, as an HTML page
    Explain(explain::Explain),
    /// Show what is in a model file
    Inspect(inspect::Inspect),
    /// List the boards, emulated and real, what they have, and the debug probes that are plugged in
    Boards(boards::Boards),
    /// Write a model as it goes into a board's flash, for other tools that flash
    Pack(pack::Pack),
    /// Write a model for other tools: as a C header, or for TensorFlow Lite
    Export(export::Export),
    /// Make a model of another tool's network: an int8 TensorFlow Lite file
    Import(import::Import),
    /// Write firmware and model into a board's flash, and see it run
    Flash(flash::Flash),
    /// Run photos through the firmware on an emulated board
    Simulate(simulate::Simulate),
    /// Compare every integer of host and board on photos; the exit code is the verdict
    Prove(prove::Prove),
    /// Collect pictures to train on from a board's own camera
    Capture(capture::Capture),
    /// Watch a board look through its camera, live in the terminal
    Watch(watch::Watch),
    /// Count the instructions of an inference on an emulated board, layer by layer
    Bench(bench::BenchCommand),
    /// Train many systems on many seeds and folds, and report what can be said of them
    Study(study::Study),
    /// Put the shards of a study together
    Merge(study::Merge),
    /// Search for networks within a budget of flash and RAM
    Tune(tune::Tune),
    /// List the recipes that ship with Pinhole, or print one
    Recipes(recipes::Recipes),
    /// List the trained models that ship with Pinhole
    Models(models::Models),
    /// Show what is there on this machine, what each command needs, and what mends it
    Doctor(doctor::Doctor),
    /// Draw pictures of chihuahuas and muffins to try things on
    Draw(draw::Draw),
}

/// Exit status of a command that was interrupted, as shells have it for SIGINT.
const INTERRUPTED: u8 = 130;

/// Parses the process's arguments, carries the command out, and returns the process's exit status: 0 when all went
/// well (for `prove`: when everything was equal), 1 on errors and failed proofs, 2 on wrong arguments, 130 when
/// interrupted.
pub fn run() -> ExitCode {
    run_with(&Bench::usb())
}

/// [`run`] with other probes than those on USB.
pub fn run_with(bench: &Bench) -> ExitCode {
    let arguments = Arguments::parse();
    arguments.global.settings().set();
    // Unwrapped: a path that is cut in two can be neither copied nor searched for. Fails only when called twice.
    let _ = miette::set_hook(Box::new(|_| Box::new(miette::MietteHandlerOpts::new().wrap_lines(false).build())));
    let result = match &arguments.command {
        Command::Demo(command) => command.run(),
        Command::Train(command) => command.run(),
        Command::Quantize(command) => command.run(),
        Command::Evaluate(command) => command.run(),
        Command::Classify(command) => command.run(),
        Command::Explain(command) => command.run(),
        Command::Inspect(command) => command.run(),
        Command::Boards(command) => command.run(bench),
        Command::Pack(command) => command.run(),
        Command::Export(command) => command.run(),
        Command::Import(command) => command.run(),
        Command::Flash(command) => command.run(bench),
        Command::Simulate(command) => command.run(),
        Command::Prove(command) => command.run(bench),
        Command::Capture(command) => command.run(bench),
        Command::Watch(command) => command.run(bench),
        Command::Bench(command) => command.run(),
        Command::Study(command) => command.run(),
        Command::Merge(command) => command.run(),
        Command::Tune(command) => command.run(),
        Command::Recipes(command) => command.run(),
        Command::Models(command) => command.run(),
        Command::Doctor(command) => command.run(bench),
        Command::Draw(command) => command.run(),
    };
    match result {
        Ok(status) => status,
        Err(report) => {
            // A closed stderr is no error: nobody is left to read, and the exit status says it too.
            let _ = writeln!(std::io::stderr(), "{report:?}");
            ExitCode::FAILURE
        }
    }
}
