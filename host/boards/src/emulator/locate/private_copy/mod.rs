//! Private copy of the emulator: packages of Debian's archives, unpacked into the cache folder. Nothing is installed or
//! removed, no rights are required but to write there, and nothing else is written.
//!
//! | module | contents |
//! |---|---|
//! | `apt` | downloading packages from this system's sources, verified, and unpacking them |
//! | `listing` | parsing the output of apt |
//!
//! A copy is a folder with the packages' files in `root` and a [`CopyManifest`]. It is made in a temporary folder
//! beside its final location and renamed as the last step, so that it never exists incomplete.

mod apt;
mod listing;

use std::env;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use pinhole_core::artifacts::{FileLock, LockState};
use serde::{Deserialize, Serialize};

use self::apt::Apt;
use self::listing::SystemPackage;
use super::error::CopyTrouble;
use super::{EmulatorOrigin, EmulatorProgram, PROGRAM, Unusable, check, system};

use crate::cache;
use crate::platform::free_space;

pub(super) use apt::has_tools;

/// Folder of all copies, in the cache folder.
const FOLDER: &str = "emulator";
/// File in it whose lock lets one process at a time make a copy.
const LOCK: &str = "lock";
/// File name of the [`CopyManifest`] in a copy.
const MANIFEST: &str = "copy.toml";
/// Folder of the packages' files in a copy.
const ROOT: &str = "root";
/// Folder of programs, in `ROOT`.
const PROGRAMS: &str = "usr/bin";
/// Folders in `ROOT` that have a folder of libraries for each kind of machine.
const LIBRARIES: [&str; 2] = ["usr/lib", "lib"];
/// Part of the name of a library folder for a kind of machine. Source: Debian policy, 9.1.1 (multiarch).
const MULTIARCH: &str = "-linux-gnu";
/// Free space for making a copy, bytes. 175 MB were measured on a minimal Debian 12 (lists 19, packages 28, their files
/// 127). More package sources take more, more installed libraries take less.
const SPACE: u64 = 200_000_000;
/// Prefix of temporary folders' names.
const TEMPORARY: &str = ".making-";

/// Manifest of a complete copy. It is written last.
#[derive(Debug, Serialize, Deserialize)]
struct CopyManifest {
    /// The emulator, relative to the copy.
    program: PathBuf,
    /// Folders of its libraries, relative to the copy.
    libraries: Vec<PathBuf>,
    /// The unpacked packages.
    packages: Vec<SystemPackage>,
}

/// Step of making a private copy; displayed to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyStep {
    /// The copy begins.
    Begin {
        /// Folder for the copy.
        folder: PathBuf,
        /// Installed emulators that do not work.
        unusable: Vec<Unusable>,
    },
    /// Waiting for another process that is making the copy.
    Wait,
    /// Downloading the lists of this system's package sources.
    Lists,
    /// Downloading packages.
    Packages {
        /// Number of packages.
        count: usize,
        /// Size, bytes, as apt reports it.
        bytes: u64,
    },
    /// The copy is complete and works.
    Done {
        /// Size on disk, bytes.
        bytes: u64,
    },
}

impl fmt::Display for CopyStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begin { folder, unusable } => {
                for unusable in unusable {
                    writeln!(f, "emulator: not usable: {unusable}")?;
                }
                writeln!(f, "emulator: no {PROGRAM} is installed; making a private copy in {}", folder.display())?;
                write!(f, "emulator: nothing is installed on the system, and nothing is removed")
            }
            Self::Wait => write!(f, "emulator: another process is making the copy; waiting for it"),
            Self::Lists => write!(f, "emulator: downloading the lists of this system's package sources"),
            Self::Packages { count, bytes } => {
                write!(f, "emulator: downloading {count} packages, {}", megabytes(*bytes))
            }
            Self::Done { bytes } => write!(f, "emulator: the copy works and takes {}", megabytes(*bytes)),
        }
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// Returns the folder of this system's copy in a cache folder, whether or not it exists. Libraries differ by release,
/// so releases that share a home folder have a copy each.
pub(super) fn folder(cache: Option<&Path>) -> Option<PathBuf> {
    Some(cache?.join(FOLDER).join(system::release()))
}

/// Returns the copy in this folder, if it is complete and works.
pub(super) fn find(folder: &Path) -> Option<EmulatorProgram> {
    let manifest: CopyManifest = toml::from_str(&fs::read_to_string(folder.join(MANIFEST)).ok()?).ok()?;
    emulator(folder, &manifest).ok()
}

fn emulator(folder: &Path, manifest: &CopyManifest) -> Result<EmulatorProgram, String> {
    let path = folder.join(&manifest.program);
    let libraries: Vec<PathBuf> = manifest.libraries.iter().map(|libraries| folder.join(libraries)).collect();
    check::works(&path, &libraries)?;
    Ok(EmulatorProgram { path, origin: EmulatorOrigin::PrivateCopy, libraries })
}

/// Makes the copy, unless another process has made it meanwhile. A copy that does not work is replaced.
///
/// May be called by several processes at once, and may be killed at any time.
pub(super) fn make(folder: &Path, tell: &mut impl FnMut(&CopyStep)) -> Result<EmulatorProgram, CopyTrouble> {
    let parent = folder.parent().unwrap_or(folder);
    if env::join_paths([folder]).is_err() {
        return Err(CopyTrouble::Colon { folder: folder.to_owned() });
    }
    let create = |path: &Path| fs::create_dir_all(path).map_err(unwritable(path));
    create(parent)?;
    let lock = FileLock::wait(&parent.join(LOCK), || tell(&CopyStep::Wait)).map_err(unwritable(parent))?;
    if let Some(emulator) = find(folder) {
        return Ok(emulator);
    }
    if lock.state() == LockState::Exclusive {
        remove_leftovers(parent).map_err(|(path, source)| CopyTrouble::Write { path, source })?;
    }
    // apt does not end if the disk fills up while it downloads lists (observed with 2.6).
    if let Some(free) = free_space(parent).filter(|&free| free < SPACE) {
        return Err(CopyTrouble::NoSpace { folder: parent.to_owned(), free, needed: SPACE });
    }
    let work = tempfile::Builder::new().prefix(TEMPORARY).tempdir_in(parent).map_err(unwritable(parent))?;
    let mut apt = Apt::new(work.path())?;
    tell(&CopyStep::Lists);
    apt.update()?;
    let packages = apt.packages_for(PROGRAM)?;
    tell(&CopyStep::Packages { count: packages.len(), bytes: apt.download_bytes(&packages)? });
    apt.download(&packages)?;
    // A folder of its own: the temporary one is readable for this user only.
    let copy = work.path().join("copy");
    let root = copy.join(ROOT);
    create(&root)?;
    apt.unpack(&root)?;
    let program = Path::new(PROGRAMS).join(PROGRAM);
    keep_one_program(&root, PROGRAM).map_err(unwritable(&root))?;
    let relative = |path: PathBuf| path.strip_prefix(&copy).map(Path::to_owned).unwrap_or(path);
    let libraries = libraries_in(&root).into_iter().map(relative).collect();
    let manifest = CopyManifest { program: Path::new(ROOT).join(program), libraries, packages };
    emulator(&copy, &manifest).map_err(|reason| CopyTrouble::Broken { reason })?;
    let text = toml::to_string(&manifest).map_err(|error| CopyTrouble::Broken { reason: error.to_string() })?;
    fs::write(copy.join(MANIFEST), text).map_err(unwritable(&copy.join(MANIFEST)))?;
    let bytes = cache::size(&copy);
    put_in_place(&copy, folder, &work.path().join("old")).map_err(unwritable(folder))?;
    tell(&CopyStep::Done { bytes });
    drop(lock);
    find(folder).ok_or_else(|| CopyTrouble::Broken { reason: format!("{} disappeared", folder.display()) })
}

fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> CopyTrouble {
    move |source| CopyTrouble::Write { path: path.to_owned(), source }
}

/// Renames a new copy to its final location; an existing one is moved to `old` first.
fn put_in_place(copy: &Path, folder: &Path, old: &Path) -> io::Result<()> {
    if folder.symlink_metadata().is_ok() {
        fs::rename(folder, old)?;
    }
    match fs::rename(copy, folder) {
        // Without locks, another process may have been faster.
        Err(_) if find(folder).is_some() => Ok(()),
        result => result,
    }
}

/// Removes the packages' other programs, more than half of what they unpack.
fn keep_one_program(root: &Path, program: &str) -> io::Result<()> {
    for entry in fs::read_dir(root.join(PROGRAMS))? {
        let entry = entry?;
        if entry.file_name() != program {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Returns the folders with libraries below `root`, sorted.
fn libraries_in(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for base in LIBRARIES.map(|folder| root.join(folder)) {
        let entries = fs::read_dir(&base).into_iter().flatten().flatten().map(|entry| entry.path());
        let is_multiarch =
            |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().contains(MULTIARCH));
        found.extend(entries.filter(is_multiarch).filter(|path| path.is_dir()));
    }
    found.sort();
    found
}

/// Returns temporary folders of interrupted downloads in a cache folder. A running process may be using them.
pub fn leftovers(cache: &Path) -> Vec<PathBuf> {
    leftovers_in(&cache.join(FOLDER))
}

/// Removes the temporary folders of interrupted downloads in a cache folder and returns their number, unless a process
/// is using them.
///
/// # Errors
/// The path and the reason why it cannot be removed.
pub fn clean(cache: &Path) -> Result<usize, (PathBuf, io::Error)> {
    let parent = cache.join(FOLDER);
    if leftovers_in(&parent).is_empty() {
        return Ok(0);
    }
    match FileLock::try_take(&parent.join(LOCK)).map_err(|error| (parent.clone(), error))? {
        Some(lock) if lock.state() == LockState::Exclusive => remove_leftovers(&parent),
        _ => Ok(0),
    }
}

fn leftovers_in(parent: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let is_temporary =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(TEMPORARY));
    entries.map(|entry| entry.path()).filter(is_temporary).collect()
}

fn remove_leftovers(parent: &Path) -> Result<usize, (PathBuf, io::Error)> {
    let leftovers = leftovers_in(parent);
    for path in &leftovers {
        fs::remove_dir_all(path).map_err(|error| (path.clone(), error))?;
    }
    Ok(leftovers.len())
}

#[cfg(test)]
mod tests;
