//! What the end-to-end tests share: where things are, the `pinhole` program, and one trained network.
//!
//! The tests themselves are in `tests/`, one file a question:
//!
//! | file | question |
//! |---|---|
//! | `model_file` | is every file that is no model refused, and no other? |
//! | `golden` | do yesterday's files still give the same integers? |
//! | `pipeline` | photos to model: reproducible, and as good as promised? |
//! | `study` | the same bytes however it is run, the right numbers, and as in Keras? |
//! | `tune` | within the budget, and the same for any number of threads? |
//! | `transfer` | continuing from a trained network: what stays, what is learned, is it ever worse? |
//! | `budget` | is it known before flashing what fits, and how long it takes? |
//! | `tensors` | are convolutional networks the same in every kernel, near the float ones, and refused where wrong? |
//! | `color` | do networks that see colors go the same way as gray ones, down to the boards? |
//! | `emulator` | does the firmware decide what the host decides, on every integer? |
//! | `camera` | does a driver in emulated code see what its camera is shown? |
//! | `flash_file` | do files for other tools flash what a probe would write? |
//! | `probe` | does a board behind a debug probe get what it should? |
//! | `serial` | and one on a serial port? |
//! | `bench` | is every instruction counted, and as often every time? |
//! | `cli` | does every command do what it says, and say what went wrong? |
//! | `private_copy` | is a private copy of the emulator made whole, verified, and in the cache folder alone? |
//! | `versions` | do host and firmware use the same libraries, and do the documents know every command? |
//!
//! Nothing here is skipped when something is missing: a machine without the emulator fails these tests. The one
//! exception is [`photos`], which the project may not ship.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use pinhole::app::{Finished, Job, JobData};
use pinhole::board::Board;
use pinhole::firmware::{Firmware, Origin};
use pinhole::quantize::ActivationBits;
use pinhole::recipe::{DEFAULT, Recipe};
use pinhole::train::Accelerator;
use tempfile::TempDir;

/// Model files written from the byte specification alone, independent of the host's encoder; the firmware's tests run
/// on them too.
#[allow(missing_docs, reason = "shared with the firmware's tests, where nothing is public")]
#[path = "../../firmware/app/tests/support/model_file.rs"]
pub mod handmade;

pub mod tensors;
pub mod virtual_board;

/// Root of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate is a folder of the repository")
}

/// Folder of the shipped drawn pictures: `train` or `validation`.
pub fn drawn(set: &str) -> PathBuf {
    repository().join("data").join(set)
}

/// The shipped model that was trained on the drawn pictures.
pub fn shipped_model() -> PathBuf {
    repository().join("data/models/drawn/model.pinhole")
}

/// Folder of real photos, beside the repository, where developers and CI have it. They may not be shipped, so a clone
/// alone does not have them; then this says so and gives `None`.
pub fn photos() -> Option<PathBuf> {
    let folder = repository().parent()?.join("shared").join("photos");
    if folder.join("article").is_dir() {
        return Some(folder);
    }
    println!("no real photos at {}: what needs them is not tested", folder.display());
    None
}

/// The picture files of a folder, sorted by name.
pub fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    files.sort();
    files
}

/// The training that made [`shipped_model`]: the shipped pictures, the default recipe, seed 1.
pub fn shipped_job() -> Job {
    Job {
        photos: drawn("train"),
        validation: Some(drawn("validation")),
        recipe_name: DEFAULT.to_owned(),
        recipe: Recipe::find(DEFAULT).expect("the default recipe is there"),
        from: None,
        seed: 1,
        bits: ActivationBits::default(),
        accelerator: Accelerator::Cpu,
    }
}

/// A job's photos and what it made of them.
pub struct TrainedJob {
    /// The photos, read.
    pub data: JobData,
    /// The finished job.
    pub finished: Finished,
}

/// Runs a job to its end.
pub fn train(job: &Job) -> TrainedJob {
    let data = job.load().expect("the photos are usable");
    let finished = job.run(&data, |_| ControlFlow::Continue(())).expect("the training ends well");
    TrainedJob { data, finished }
}

/// [`shipped_job`], trained once for all tests of a file.
pub fn trained() -> &'static TrainedJob {
    static TRAINED: OnceLock<TrainedJob> = OnceLock::new();
    TRAINED.get_or_init(|| train(&shipped_job()))
}

/// A fresh run folder of [`trained`], as `pinhole train` writes it.
pub fn run_folder() -> TempDir {
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    let TrainedJob { data, finished } = trained();
    finished.write(folder.path(), data).expect("a fresh folder can be written to");
    folder
}

/// The line that a proof without differences on an emulated board ends with.
pub fn verdict(board: Board, values: usize, photos: usize) -> String {
    let firmware = Firmware::of(board).expect("there is firmware");
    let origin = if *firmware.origin() == Origin::Prebuilt { "prebuilt" } else { "built from source" };
    let digest = firmware.short_digest();
    format!("compared {values} values on {photos} photos: 0 mismatches (firmware {digest}, {origin})")
}

/// The `pinhole` program, built by the profile these tests were built by.
///
/// Cargo tells the path of a program only to the tests of its own crate, and builds it for no others; so it is built
/// here, once, into the same folder. Cargo does nothing when nothing changed.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let test = std::env::current_exe().expect("a running test has a path");
        // <target>/<profile folder>/deps/<test>
        let profile_folder = test.ancestors().nth(2).expect("cargo puts tests in deps");
        let target = profile_folder.parent().expect("cargo puts profiles in target");
        let profile = match profile_folder.file_name().and_then(|name| name.to_str()) {
            Some("debug") | None => "dev",
            Some(name) => name,
        };
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        // The whole workspace's features, as `cargo test` has them: else libraries would be built a second time.
        cargo.args(["build", "--workspace", "--bin", "pinhole", "--profile", profile, "--target-dir"]).arg(target);
        let output = cargo.current_dir(repository()).output().expect("cargo can be started");
        assert!(output.status.success(), "pinhole was not built:\n{}", String::from_utf8_lossy(&output.stderr));
        profile_folder.join(format!("pinhole{}", std::env::consts::EXE_SUFFIX))
    })
}

/// `pinhole` with these arguments, ready to run: no input, no colors, whatever the caller's terminal can do.
pub fn pinhole<A: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(program());
    command.args(arguments).stdin(Stdio::null()).env("NO_COLOR", "1");
    command
}

/// What a finished program left.
#[derive(Debug)]
pub struct Ran {
    /// Exit status; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

impl Ran {
    /// Runs a command to its end. Output that is not UTF-8 fails the test.
    pub fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self::from(output)
    }

    /// The output of a command that must succeed.
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Stdout as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in:\n{}", self.stdout))
    }

    /// Last line of stdout.
    pub fn last_line(&self) -> &str {
        self.stdout.lines().last().unwrap_or_default()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("pinhole prints UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}
