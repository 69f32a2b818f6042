//! Facts about this machine.

use std::env;
use std::path::{Path, PathBuf};

use pinhole_boards::cache;
use pinhole_boards::emulator::locate;
use pinhole_boards::platform::may_write;
use pinhole_boards::probe::DebugProbes;
use serde::Serialize;

use super::devices::{self, ProbeFacts, SerialFacts};
use super::firmware::{CompilerFacts, FirmwareFacts};

/// Facts about this machine. In JSON, its fields keep their names; others may be added.
#[derive(Clone, Debug, Serialize)]
pub struct Facts {
    /// Facts about this program.
    pub program: ProgramFacts,
    /// Facts about the boards' firmware.
    pub firmware: FirmwareFacts,
    /// Facts about the emulator.
    pub emulator: EmulatorFacts,
    /// The cache folder; `None` for a user without a home folder.
    pub cache: Option<CacheFacts>,
    /// Toolchains for building firmware, one for each target of the boards.
    pub compilers: Vec<CompilerFacts>,
    /// Debug probes.
    pub probes: ProbeFacts,
    /// Serial ports.
    pub serial_ports: SerialFacts,
}

/// Facts about this program.
#[derive(Clone, Debug, Serialize)]
pub struct ProgramFacts {
    /// Version of Pinhole.
    pub version: &'static str,
    /// Path of the program file; `None` if the system does not report it.
    pub path: Option<PathBuf>,
    /// Operating system, as Rust names it.
    pub os: &'static str,
    /// Processor architecture, as Rust names it.
    pub architecture: &'static str,
    /// Kinds of graphics cards that it can train on.
    pub gpu: Vec<&'static str>,
    /// Formats of photos that it reads, by file name extension.
    pub photo_formats: Vec<&'static str>,
}

/// Facts about the emulator.
#[derive(Clone, Debug, Serialize)]
pub struct EmulatorFacts {
    /// The emulator that is used; `None` if there is none.
    pub found: Option<FoundEmulator>,
    /// Folder in which a private copy will be made when needed; `None` if it is not needed or cannot be made.
    pub will_be_copied_to: Option<PathBuf>,
    /// Reason why there is no emulator and no copy can be made.
    pub problem: Option<String>,
    /// Advice on the problem.
    pub advice: Option<String>,
    /// Installed emulators that do not work: path and reason.
    pub unusable: Vec<String>,
}

/// An emulator that works.
#[derive(Clone, Debug, Serialize)]
pub struct FoundEmulator {
    /// Path of the program file.
    pub path: PathBuf,
    /// Version of QEMU; `None` if it does not report one.
    pub version: Option<String>,
    /// `named by the user`, `installed` or `private copy`.
    pub origin: String,
}

/// Facts about the cache folder.
#[derive(Clone, Debug, Serialize)]
pub struct CacheFacts {
    /// Its path.
    pub path: PathBuf,
    /// True if it exists.
    pub exists: bool,
    /// True if this user can write to it or create it.
    pub writable: bool,
    /// Total size of its files, bytes.
    pub bytes: u64,
    /// Number of folders left by interrupted downloads.
    pub leftovers: usize,
}

impl Facts {
    /// Collects the facts: starts programs to ask for their versions, lists devices, changes nothing.
    pub fn of_this_machine(debug_probes: &DebugProbes) -> Self {
        Self {
            program: ProgramFacts::of_this_one(),
            firmware: FirmwareFacts::of_this_program(),
            emulator: EmulatorFacts::of_this_machine(),
            cache: cache::folder().map(CacheFacts::of),
            compilers: CompilerFacts::of_this_machine(),
            probes: devices::probes(debug_probes),
            serial_ports: devices::serial_ports(),
        }
    }
}

impl ProgramFacts {
    fn of_this_one() -> Self {
        let gpu = [("CUDA", cfg!(feature = "cuda")), ("Metal", cfg!(feature = "metal"))];
        let formats = image::ImageFormat::all().filter(image::ImageFormat::reading_enabled);
        let mut photo_formats: Vec<&str> =
            formats.filter_map(|format| format.extensions_str().first().copied()).collect();
        photo_formats.sort_unstable();
        Self {
            version: env!("CARGO_PKG_VERSION"),
            path: env::current_exe().ok(),
            os: env::consts::OS,
            architecture: env::consts::ARCH,
            gpu: gpu.into_iter().filter_map(|(name, is_in)| is_in.then_some(name)).collect(),
            photo_formats,
        }
    }
}

impl EmulatorFacts {
    fn of_this_machine() -> Self {
        let survey = locate::survey();
        let unusable = survey.unusable.iter().map(ToString::to_string).collect();
        let none = Self { found: None, will_be_copied_to: None, problem: None, advice: None, unusable };
        match survey.emulator {
            Ok(emulator) => {
                let found = FoundEmulator {
                    path: emulator.path().to_owned(),
                    version: emulator.version(),
                    origin: emulator.origin().to_string(),
                };
                Self { found: Some(found), ..none }
            }
            Err(None) => Self { will_be_copied_to: survey.folder, ..none },
            Err(Some(error)) => {
                let advice = miette::Diagnostic::help(&error).map(|help| help.to_string());
                Self { problem: Some(error.to_string()), advice, ..none }
            }
        }
    }
}

impl CacheFacts {
    fn of(path: PathBuf) -> Self {
        let exists = path.is_dir();
        let leftovers = locate::leftovers(&path).len();
        Self { exists, writable: can_be_written(&path), bytes: cache::size(&path), leftovers, path }
    }
}

/// Returns true if this user can write to a folder or create it.
fn can_be_written(folder: &Path) -> bool {
    let there = folder.ancestors().find(|path| path.symlink_metadata().is_ok());
    there.is_some_and(|path| path.is_dir() && may_write(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_can_be_written_where_it_can_be_created() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(can_be_written(place.path()));
        assert!(can_be_written(&place.path().join("a/b")));
        assert!(!can_be_written(&file) && !can_be_written(&file.join("b")));
    }

    #[test]
    fn looking_at_a_cache_folder_changes_nothing() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("cache");
        let facts = CacheFacts::of(path.clone());
        assert_eq!((facts.exists, facts.writable, facts.bytes, facts.leftovers), (false, true, 0, 0));
        assert!(!path.exists());
        std::fs::create_dir_all(path.join("emulator/.making-x")).unwrap();
        std::fs::write(path.join("emulator/.making-x/part"), [0; 100]).unwrap();
        let facts = CacheFacts::of(path);
        assert_eq!((facts.exists, facts.bytes, facts.leftovers), (true, 100, 1));
    }

    #[test]
    fn this_program_reads_what_people_have() {
        let formats = ProgramFacts::of_this_one().photo_formats;
        for format in ["jpg", "png", "gif", "bmp", "tiff", "webp"] {
            assert!(formats.contains(&format), "{formats:?}");
        }
    }
}
