//! Hostile files for every reader: a corpus of valid files, changed at random from a fixed seed.
//!
//! The readers' cases are a file each: a function that takes any bytes, and panics if a reader does, or if it accepts what does
//! not hold what an accepted file must. `tests/fuzz` has a target for cargo-fuzz with the same function. This driver needs no
//! other toolchain, and runs in every `cargo test`.
//!
//! | file | reader | an accepted file |
//! |---|---|---|
//! | `model` | model files | runs in every kernel, within the ranges of its layers |
//! | `link` | the link, both ways | is encoded again as the same message; the receiver goes on listening |
//! | `tflite` | TensorFlow Lite files | is a model that runs; if it can be exported, it can be imported again |
//! | `recipe` | recipes | is written and read back equal |
//! | `weights` | weights files | is finite, and written and read back equal; a small one classifies |
//! | `checkpoint` | checkpoints | is written and read back equal |
//! | `run` | summaries and metrics of runs | is written and read back equal |
//! | `study` | plans, records and showcases of studies | gives a report without scripts, within the folder |
//! | `list` | lists of photos | has classes for all its photos |
//! | `photo` | photos | has as many pixels as the network's input |

pub mod checkpoint;
pub mod link;
pub mod list;
pub mod model;
mod mutate;
pub mod photo;
pub mod recipe;
pub mod run;
pub mod study;
pub mod tflite;
pub mod weights;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Instant;

pub use self::mutate::Changes;

/// Environment variable with the number of cases for each reader.
const CASES: &str = "PINHOLE_FUZZ_CASES";

/// Environment variable with the number of the first case, to repeat one that failed.
const FIRST: &str = "PINHOLE_FUZZ_FIRST";

/// Default number of cases. `.ci/run` asks for more.
const DEFAULT_CASES: u64 = 2_000;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is {text}, which is no whole number")))
}

/// Runs a reader's case on changed files of the corpus.
/// `renew` makes a changed file whole again, such as by its checksum; it is done to half of the files. The case says whether the
/// reader accepted the file.
///
/// # Panics
/// If a case does, with the number of the case; if no file of the corpus itself is accepted; and if the process has needed more
/// memory than `MAX_MEMORY`.
pub fn run(name: &str, corpus: &[Vec<u8>], renew: fn(&mut Vec<u8>), case: impl Fn(&[u8]) -> bool) {
    work_in_memory();
    for (index, file) in corpus.iter().enumerate() {
        assert!(case(file), "{name}: file {index} of the corpus is refused");
    }
    let first = number(FIRST).unwrap_or(0);
    let cases = number(CASES).unwrap_or(DEFAULT_CASES);
    let (begun, mut accepted) = (Instant::now(), 0);
    for number in first..first + cases {
        let file = changed(name, number, corpus, renew);
        match catch_unwind(AssertUnwindSafe(|| case(&file))) {
            Ok(is_accepted) => accepted += u64::from(is_accepted),
            Err(_) => {
                let start: String = file.iter().take(64).map(|byte| format!("{byte:02x}")).collect();
                panic!(
                    "{name}: case {number} failed ({} bytes: {start}...); {FIRST}={number} {CASES}=1 repeats it",
                    file.len()
                );
            }
        }
    }
    let (time, memory) = (begun.elapsed().as_secs_f64(), largest_memory());
    println!("{name}: {cases} cases, {accepted} accepted, {time:.1} s, at most {} MiB", memory >> 20);
    assert!(memory <= MAX_MEMORY, "{name}: the process has taken {} MiB", memory >> 20);
}

/// Moves the temporary folders of this process to a file system in memory, where the system has one and the user names no other
/// place: readers that take a path get a file for every case, and some of them write files and wait until these are on the disk.
/// All of them together take less than a megabyte.
fn work_in_memory() {
    let memory = Path::new("/dev/shm");
    if std::env::var_os("TMPDIR").is_none() && memory.is_dir() && tempfile::tempdir_in(memory).is_ok() {
        // It fails only if another test has done it.
        let _ = tempfile::env::override_temp_dir(memory);
    }
}

/// Returns the file of a case, which depends on nothing but its arguments.
fn changed(name: &str, number: u64, corpus: &[Vec<u8>], renew: fn(&mut Vec<u8>)) -> Vec<u8> {
    let seed = name.bytes().fold(number, |seed, byte| seed.wrapping_mul(0x100_0000_01B3) ^ u64::from(byte));
    let mut changes = Changes::new(seed);
    let mut file = changes.one_of(corpus).clone();
    for _ in 0..=changes.below(4) {
        changes.change(&mut file, corpus);
    }
    if changes.below(2) == 0 {
        renew(&mut file);
    }
    file
}

/// Leaves a file as it is: its format has nothing to renew.
pub fn as_it_is(_: &mut Vec<u8>) {}

/// Most memory of the whole process, bytes: a single picture may take 400 MiB, and other readers run at the same time.
const MAX_MEMORY: u64 = 768 << 20;

/// Returns the largest memory of the process so far, bytes; 0 where the system does not say it.
fn largest_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let largest = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    largest.and_then(|text| text.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) << 10
}
