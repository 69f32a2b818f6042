//! Helpers of the end-to-end tests: paths, the `pinhole` program, and one trained network.
//!
//! The tests themselves are in `tests/`, one file per question:
//!
//! | file | question |
//! |---|---|
//! | `model_file` | is every invalid model file refused, and no valid one? |
//! | `golden` | do earlier files still give the same integers? |
//! | `pipeline` | photos to model: reproducible, and as accurate as promised? |
//! | `study` | the same bytes however it is run, the right numbers, and as in Keras? |
//! | `tune` | within the budget, and the same for any number of threads? |
//! | `transfer` | fine-tuning a trained network: what stays, what is learned, is it ever worse? |
//! | `budget` | is it known before flashing what fits, and how long it takes? |
//! | `tensors` | are convolutional networks the same in every kernel, near the float ones, and refused if invalid? |
//! | `color` | do color networks work like gray ones, down to the boards? |
//! | `shapes` | do inputs that are not square, and each fit of pictures, do so too? |
//! | `emulator` | does the firmware compute the host's integers? |
//! | `camera` | does a driver in emulated code read the pictures shown to its camera? |
//! | `flash_file` | do files for other tools flash the bytes that a probe would write? |
//! | `probe` | do commands work on a board behind a debug probe? |
//! | `serial` | and on a board on a serial port? |
//! | `hostile_device` | does the host come through, whatever a device does? |
//! | `bench` | is every instruction counted, with the same result every time? |
//! | `fuzz` | does every reader refuse or understand any bytes? |
//! | `cli` | does every command do what it says, and report what went wrong? |
//! | `private_copy` | is a private copy of the emulator complete, verified, and in the cache folder alone? |
//! | `versions` | do host and firmware use the same libraries, and do the documents list every command? |
//!
//! No test is skipped if something is missing: without the emulator these tests fail. The one exception is [`photos`],
//! which the project may not distribute.

use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use pinhole::app::{FinishedTraining, Job, JobData};
use pinhole::board::Board;
use pinhole::firmware::{Firmware, FirmwareOrigin};
use pinhole::photos::PhotoOptions;
use pinhole::quantize::ActivationBits;
use pinhole::recipe::{DEFAULT, DenseLayer, Recipe, RecipeLayer};
use pinhole::train::Accelerator;
use tempfile::TempDir;

/// Model files written from the byte specification alone, independent of the host's encoder; the firmware's tests use
/// them too.
#[allow(missing_docs, reason = "shared with the firmware's tests, where nothing is public")]
#[path = "../../firmware/app/tests/support/model_file.rs"]
pub mod handmade;

mod files;
pub mod fuzz;
pub mod hostile_device;
pub mod tensors;
pub mod virtual_board;

pub use files::{contents, files_in, names_in, on_disk, read_json, run_file, temporary};

/// Root of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate is a folder of the repository")
}

/// Folder of the bundled synthetic pictures: `train` or `validation`.
pub fn synthetic(set: &str) -> PathBuf {
    repository().join("data").join(set)
}

/// The bundled model, trained on the synthetic pictures.
pub fn bundled_model() -> PathBuf {
    repository().join("data/models/drawn/model.pinhole")
}

/// Reports that the running test is skipped, and why. It writes to stderr directly, because the test runner hides the
/// output of passing tests.
pub fn skipped(why: &str) {
    let test = std::thread::current();
    let _ = writeln!(std::io::stderr(), "SKIPPED {}: {why}", test.name().unwrap_or("a test"));
}

/// Environment variable that makes missing real photos a failure.
const PHOTOS_REQUIRED: &str = "PINHOLE_REQUIRE_PHOTOS";

/// Folder of real photos beside the repository, present for developers and CI. They may not be distributed, so a clone
/// does not have them; then this reports so and returns `None`, or panics if `PINHOLE_REQUIRE_PHOTOS` is
/// set.
pub fn photos() -> Option<PathBuf> {
    let folder = repository().parent()?.join("shared").join("photos");
    if folder.join("article").is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var_os(PHOTOS_REQUIRED).is_none(),
        "{PHOTOS_REQUIRED} is set, and there are no real photos at {}",
        folder.display()
    );
    skipped(&format!("no real photos at {}", folder.display()));
    None
}

/// The training that made [`bundled_model`]: the bundled pictures, the default recipe, seed 1.
pub fn bundled_job() -> Job {
    Job {
        photos: synthetic("train"),
        validation: Some(synthetic("validation")),
        test: None,
        options: PhotoOptions::default(),
        recipe_name: DEFAULT.to_owned(),
        recipe: Recipe::find(DEFAULT).expect("the default recipe is there"),
        choice: None,
        from: None,
        seed: 1,
        bits: ActivationBits::default(),
        accelerator: Accelerator::Cpu,
        board: None,
    }
}

/// Returns a dense layer of a recipe, to change; `index` counts from 0.
pub fn dense_mut(recipe: &mut Recipe, index: usize) -> &mut DenseLayer {
    let RecipeLayer::Dense(layer) = &mut recipe.layers[index] else { panic!("layer {} is not dense", index + 1) };
    layer
}

/// A finished job and its photos.
pub struct TrainedJob {
    /// The loaded photos.
    pub data: JobData,
    /// The finished job.
    pub finished: FinishedTraining,
}

/// Runs a job to its end.
pub fn train(job: &Job) -> TrainedJob {
    let data = job.load().expect("the photos are usable");
    let finished = job.run(&data, |_| ControlFlow::Continue(())).expect("the training ends well");
    TrainedJob { data, finished }
}

/// Trains [`bundled_job`] once for all tests of a file.
pub fn trained() -> &'static TrainedJob {
    static TRAINED: OnceLock<TrainedJob> = OnceLock::new();
    TRAINED.get_or_init(|| train(&bundled_job()))
}

/// Writes a new run folder of [`trained`], as `pinhole train` does.
pub fn run_folder() -> TempDir {
    let folder = temporary();
    let TrainedJob { data, finished } = trained();
    finished.write(folder.path(), data).expect("a fresh folder can be written to");
    folder
}

/// Returns the last line of a proof without differences on an emulated board.
pub fn verdict(board: Board, values: usize, photos: usize) -> String {
    let firmware = Firmware::of(board).expect("there is firmware");
    let origin = if *firmware.origin() == FirmwareOrigin::Prebuilt { "prebuilt" } else { "built from source" };
    let digest = firmware.short_digest();
    format!("compared {values} values on {photos} photos: 0 mismatches (firmware {digest}, {origin})")
}

/// Returns the path of the `pinhole` program, built with the profile of these tests.
///
/// Cargo builds a program only for the tests of its own crate. So it is built here, once, into the same folder; cargo
/// does nothing if nothing changed.
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
        // With the features of the whole workspace, as `cargo test` has them: otherwise libraries would be built a
        // second time.
        cargo.args(["build", "--workspace", "--bin", "pinhole", "--profile", profile, "--target-dir"]).arg(target);
        let output = cargo.current_dir(repository()).output().expect("cargo can be started");
        assert!(output.status.success(), "pinhole was not built:\n{}", String::from_utf8_lossy(&output.stderr));
        profile_folder.join(format!("pinhole{}", std::env::consts::EXE_SUFFIX))
    })
}

/// Returns `pinhole` with these arguments, ready to run: without input and colors, whatever the caller's terminal.
pub fn pinhole<A: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(program());
    command.args(arguments).stdin(Stdio::null()).env("NO_COLOR", "1");
    command
}

/// Results of a finished program.
#[derive(Debug)]
pub struct Ran {
    /// Exit status; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Ran {
    /// Runs a command to its end. Output that is not UTF-8 fails the test.
    pub fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self::from(output)
    }

    /// Asserts success.
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Parses stdout as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in:\n{}", self.stdout))
    }

    /// Returns the last line of stdout.
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
