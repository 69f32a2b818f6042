//! Finds the emulator: one that the user names, one that is installed, or a private copy in the cache folder.
//!
//! | module | contents |
//! |---|---|
//! | `places` | files on the search path and in the usual locations that may be an emulator |
//! | `check` | checks if such a file starts, is new enough, and has the emulated boards' machines |
//! | `system` | this operating system, and its command for installing the emulator |
//! | `private_copy` | an emulator in the cache folder, from packages of Debian's archives; nothing is installed |
//! | `error` | errors of finding an emulator |
//!
//! Detection (`EmulatorFindings`) is separate from decision (`plan`), so that every decision can be tested without
//! touching the machine.

mod check;
mod error;
mod places;
mod private_copy;
mod system;

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::cache;
use crate::settings::ProcessSettings;

pub use error::{CopyTrouble, FailureCause, LocateError};
pub use private_copy::{CopyStep, clean, leftovers};

use system::OperatingSystem;

/// Name of the emulator's program.
pub const PROGRAM: &str = "qemu-system-arm";

/// Environment variable of Linux' dynamic loader: folders in which libraries are looked for first.
const LIBRARY_PATH: &str = "LD_LIBRARY_PATH";

/// An emulator that was found to work: it starts, and has the machines of the emulated boards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmulatorProgram {
    path: PathBuf,
    origin: EmulatorOrigin,
    libraries: Vec<PathBuf>,
}

/// Origin of an emulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmulatorOrigin {
    /// The user named it ([`ProcessSettings::emulator`]).
    Named,
    /// It is installed: on the search path or in one of the usual locations.
    Installed,
    /// It is the private copy in the cache folder.
    PrivateCopy,
}

impl fmt::Display for EmulatorOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Named => "named by the user",
            Self::Installed => "installed",
            Self::PrivateCopy => "private copy",
        })
    }
}

impl EmulatorProgram {
    /// Returns the program file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the origin.
    pub fn origin(&self) -> EmulatorOrigin {
        self.origin
    }

    /// Returns the folders of its own libraries; empty unless it is a private copy.
    pub fn libraries(&self) -> &[PathBuf] {
        &self.libraries
    }

    /// Returns a command that starts it, without arguments. Its libraries are set for this process only.
    pub fn command(&self) -> Command {
        command(&self.path, &self.libraries)
    }

    /// Returns its version, such as `7.2.22`; `None` if it does not report one. Starts it for a moment.
    pub fn version(&self) -> Option<String> {
        check::version(&self.path, &self.libraries)
    }
}

fn command(path: &Path, libraries: &[PathBuf]) -> Command {
    let mut command = Command::new(path);
    if !libraries.is_empty() {
        let inherited = env::var_os(LIBRARY_PATH).filter(|paths| !paths.is_empty());
        let inherited: Vec<PathBuf> = inherited.iter().flat_map(env::split_paths).collect();
        // A path with a colon cannot be in this list; no copy is made in such a folder.
        let paths = env::join_paths(libraries.iter().chain(&inherited)).unwrap_or_else(|_| OsString::new());
        command.env(LIBRARY_PATH, paths);
    }
    command
}

/// A file that looks like an emulator but cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// The file.
    pub path: PathBuf,
    /// Reason, in words.
    pub reason: String,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

/// Findings on a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct EmulatorFindings {
    /// The emulator that the user named, if any.
    named: Option<Result<EmulatorProgram, Unusable>>,
    /// The first installed emulator that works.
    installed: Option<EmulatorProgram>,
    /// Installed emulators that do not work.
    unusable: Vec<Unusable>,
    /// The private copy, if it is complete and works. Not looked for if an installed emulator works.
    private_copy: Option<EmulatorProgram>,
    /// Folder of a private copy, whether or not it exists; `None` without a cache folder.
    folder: Option<PathBuf>,
    /// The operating system.
    system: OperatingSystem,
    /// apt-get and dpkg-deb are installed.
    has_apt: bool,
    /// Nothing may be downloaded.
    offline: bool,
}

/// Plan for getting an emulator.
#[derive(Debug)]
enum EmulatorPlan {
    /// Use an existing one.
    Use(EmulatorProgram),
    /// Make a private copy in this folder.
    MakeCopy(PathBuf),
    /// Impossible until the user has done something.
    Stop(LocateError),
}

/// Decides, in this order: named emulator, installed emulator, private copy, new private copy, advice.
fn plan(findings: EmulatorFindings) -> EmulatorPlan {
    let EmulatorFindings { named, installed, unusable, private_copy, folder, system, has_apt, offline } = findings;
    match named {
        Some(Ok(emulator)) => return EmulatorPlan::Use(emulator),
        Some(Err(named)) => return EmulatorPlan::Stop(LocateError::Named { path: named.path, reason: named.reason }),
        None => {}
    }
    if let Some(emulator) = installed.or(private_copy) {
        return EmulatorPlan::Use(emulator);
    }
    let can_copy = system == OperatingSystem::Debian && has_apt;
    match folder {
        Some(folder) if can_copy && !offline => EmulatorPlan::MakeCopy(folder),
        folder => {
            let could = match folder {
                Some(folder) if can_copy => error::Copy::ForbiddenOffline { folder },
                None if can_copy => error::Copy::NoFolder,
                _ => error::Copy::Never,
            };
            EmulatorPlan::Stop(LocateError::missing(unusable, system, could))
        }
    }
}

impl EmulatorFindings {
    /// Examines this machine. Starts each candidate for a moment until one works; changes nothing.
    fn of_this_machine(settings: &ProcessSettings) -> Self {
        let named = settings.emulator.as_deref().map(check::named);
        let (installed, unusable) = match named {
            Some(_) => (None, Vec::new()),
            None => first_that_works(places::candidates()),
        };
        let system = OperatingSystem::of_this_machine();
        let folder = private_copy::folder(cache::folder().as_deref());
        let private_copy = match (&named, &installed, &folder) {
            (None, None, Some(folder)) => private_copy::find(folder),
            _ => None,
        };
        let has_apt = private_copy::has_tools();
        Self { named, installed, unusable, private_copy, folder, system, has_apt, offline: settings.offline }
    }
}

fn first_that_works(candidates: impl IntoIterator<Item = PathBuf>) -> (Option<EmulatorProgram>, Vec<Unusable>) {
    let mut unusable = Vec::new();
    for path in candidates {
        match check::works(&path, &[]) {
            Ok(()) => {
                return (
                    Some(EmulatorProgram { path, origin: EmulatorOrigin::Installed, libraries: Vec::new() }),
                    unusable,
                );
            }
            Err(reason) => unusable.push(Unusable { path, reason }),
        }
    }
    (None, unusable)
}

/// Result of [`survey`].
#[derive(Debug)]
pub struct Survey {
    /// The emulator; else the error, or `None` if [`find`] would make a private copy.
    pub emulator: Result<EmulatorProgram, Option<LocateError>>,
    /// Installed emulators that do not work.
    pub unusable: Vec<Unusable>,
    /// Folder of a private copy, whether or not it exists; `None` without a cache folder.
    pub folder: Option<PathBuf>,
}

/// Looks for an emulator without changing anything.
pub fn survey() -> Survey {
    let findings = EmulatorFindings::of_this_machine(ProcessSettings::current());
    let (unusable, folder) = (findings.unusable.clone(), findings.folder.clone());
    let emulator = match plan(findings) {
        EmulatorPlan::Use(emulator) => Ok(emulator),
        EmulatorPlan::MakeCopy(_) => Err(None),
        EmulatorPlan::Stop(error) => Err(Some(error)),
    };
    Survey { emulator, unusable, folder }
}

/// Returns the emulator of this machine. If none is installed, a private copy is made on Debian and its relatives;
/// `tell` gets each step before it happens. The search runs once per process.
///
/// # Errors
/// Any [`LocateError`].
pub fn find(mut tell: impl FnMut(&CopyStep)) -> Result<EmulatorProgram, LocateError> {
    static FOUND: Mutex<Option<EmulatorProgram>> = Mutex::new(None);
    let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(emulator) = &*found {
        return Ok(emulator.clone());
    }
    let findings = EmulatorFindings::of_this_machine(ProcessSettings::current());
    let (unusable, system) = (findings.unusable.clone(), findings.system);
    let emulator = match plan(findings) {
        EmulatorPlan::Use(emulator) => emulator,
        EmulatorPlan::MakeCopy(folder) => {
            tell(&CopyStep::Begin { folder: folder.clone(), unusable });
            private_copy::make(&folder, &mut tell).map_err(|trouble| LocateError::Copy {
                folder,
                trouble,
                command: system.install_command(),
            })?
        }
        EmulatorPlan::Stop(error) => return Err(error),
    };
    Ok(found.insert(emulator).clone())
}

#[cfg(test)]
mod tests;
