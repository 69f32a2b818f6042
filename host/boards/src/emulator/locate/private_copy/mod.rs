//! A private copy of the emulator: packages of Debian's archives, unpacked into the cache folder. Nothing is installed or
//! removed, no other rights are needed than to write there, and nothing else is written.
//!
//! | module | what happens there |
//! |---|---|
//! | `apt` | this system's package sources -> packages, verified and unpacked |
//! | `listing` | what apt prints -> packages and sizes |
//! | `lock` | one process at a time |
//!
//! A copy is a folder with the packages' files in `root` and a [`Manifest`]. It is made in a temporary folder beside its place
//! and renamed as the last step, so that it is there whole or not at all.

mod apt;
mod listing;
mod lock;

use std::env;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use self::apt::Apt;
use self::listing::Package;
use self::lock::{Lock, Taken};
use super::error::CopyTrouble;
use super::{Emulator, Origin, PROGRAM, Unusable, check, system};

use crate::cache;
use crate::platform::free_space;

pub(super) use apt::has_tools;

/// Folder of the copies in the cache folder.
const FOLDER: &str = "emulator";
/// Name of the [`Manifest`] in a copy.
const MANIFEST: &str = "copy.toml";
/// Folder of the packages' files in a copy.
const ROOT: &str = "root";
/// Folder of programs in `ROOT`.
const PROGRAMS: &str = "usr/bin";
/// Folders with libraries, or with a folder of them for each kind of machine, in `ROOT`.
const LIBRARIES: [&str; 2] = ["usr/lib", "lib"];
/// What a folder of libraries for a kind of machine has in its name.
/// Source: Debian policy, 9.1.1 (multiarch).
const MULTIARCH: &str = "-linux-gnu";
/// Free space that making a copy takes, bytes. 175 MB were measured on a minimal Debian 12 (lists 19, packages 28, their files
/// 127); a machine with more sources needs more, one with more libraries less.
const SPACE: u64 = 200_000_000;
/// How names of temporary folders begin.
const TEMPORARY: &str = ".making-";

/// What a complete copy says of itself. Written last.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    /// The emulator, relative to the copy.
    program: PathBuf,
    /// Folders of its libraries, relative to the copy.
    libraries: Vec<PathBuf>,
    /// What it was made of.
    packages: Vec<Package>,
}

/// A step of making a private copy; its text is for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It begins.
    Begin {
        /// Where the copy will be.
        folder: PathBuf,
        /// Installed emulators that do not work.
        unusable: Vec<Unusable>,
    },
    /// Another process makes one; it is waited for.
    Wait,
    /// The lists of this system's package sources are downloaded.
    Lists,
    /// Packages are downloaded.
    Packages {
        /// How many.
        count: usize,
        /// Their size, bytes; by apt.
        bytes: u64,
    },
    /// It is there, and works.
    Done {
        /// What it takes on the disk, bytes.
        bytes: u64,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begin { folder, unusable } => {
                for unusable in unusable {
                    writeln!(f, "emulator: not usable: {unusable}")?;
                }
                writeln!(f, "emulator: no {PROGRAM} is installed; making a private copy in {}", folder.display())?;
                write!(f, "emulator: nothing is installed into the system, nothing is removed")
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

/// Where the copy for this system is, or would be, in a cache folder. Libraries differ by release, so releases that share a
/// home folder have a copy each.
pub(super) fn folder(cache: Option<&Path>) -> Option<PathBuf> {
    Some(cache?.join(FOLDER).join(system::release()))
}

/// The copy in this folder, if it is complete and works.
pub(super) fn find(folder: &Path) -> Option<Emulator> {
    let manifest: Manifest = toml::from_str(&fs::read_to_string(folder.join(MANIFEST)).ok()?).ok()?;
    emulator(folder, &manifest).ok()
}

fn emulator(folder: &Path, manifest: &Manifest) -> Result<Emulator, String> {
    let path = folder.join(&manifest.program);
    let libraries: Vec<PathBuf> = manifest.libraries.iter().map(|libraries| folder.join(libraries)).collect();
    check::works(&path, &libraries)?;
    Ok(Emulator { path, origin: Origin::PrivateCopy, libraries })
}

/// Makes the copy, unless another process has made it meanwhile. What was there and did not work is replaced.
///
/// Safe to be called by several processes at once, and to be killed.
pub(super) fn make(folder: &Path, tell: &mut impl FnMut(&Step)) -> Result<Emulator, CopyTrouble> {
    let parent = folder.parent().unwrap_or(folder);
    if env::join_paths([folder]).is_err() {
        return Err(CopyTrouble::Colon { folder: folder.to_owned() });
    }
    let create = |path: &Path| fs::create_dir_all(path).map_err(unwritable(path));
    create(parent)?;
    let lock = Lock::take(parent, || tell(&Step::Wait)).map_err(unwritable(parent))?;
    if let Some(emulator) = find(folder) {
        return Ok(emulator);
    }
    if lock.taken() == Taken::Alone {
        remove_leftovers(parent).map_err(|(path, source)| CopyTrouble::Write { path, source })?;
    }
    // apt does not end when the disk is full while it downloads lists (2.6 was seen to hang).
    if let Some(free) = free_space(parent).filter(|&free| free < SPACE) {
        return Err(CopyTrouble::NoSpace { folder: parent.to_owned(), free, needed: SPACE });
    }
    let work = tempfile::Builder::new().prefix(TEMPORARY).tempdir_in(parent).map_err(unwritable(parent))?;
    let mut apt = Apt::new(work.path())?;
    tell(&Step::Lists);
    apt.update()?;
    let packages = apt.packages_for(PROGRAM)?;
    tell(&Step::Packages { count: packages.len(), bytes: apt.download_bytes(&packages)? });
    apt.download(&packages)?;
    // A folder of its own: the temporary one is for this user's eyes only.
    let copy = work.path().join("copy");
    let root = copy.join(ROOT);
    create(&root)?;
    apt.unpack(&root)?;
    let program = Path::new(PROGRAMS).join(PROGRAM);
    keep_one_program(&root, PROGRAM).map_err(unwritable(&root))?;
    let relative = |path: PathBuf| path.strip_prefix(&copy).map(Path::to_owned).unwrap_or(path);
    let libraries = libraries_in(&root).into_iter().map(relative).collect();
    let manifest = Manifest { program: Path::new(ROOT).join(program), libraries, packages };
    emulator(&copy, &manifest).map_err(|reason| CopyTrouble::Broken { reason })?;
    let text = toml::to_string(&manifest).map_err(|error| CopyTrouble::Broken { reason: error.to_string() })?;
    fs::write(copy.join(MANIFEST), text).map_err(unwritable(&copy.join(MANIFEST)))?;
    let bytes = cache::size(&copy);
    put_in_place(&copy, folder, &work.path().join("old")).map_err(unwritable(folder))?;
    tell(&Step::Done { bytes });
    drop(lock);
    find(folder).ok_or_else(|| CopyTrouble::Broken { reason: format!("{} went away", folder.display()) })
}

fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> CopyTrouble {
    move |source| CopyTrouble::Write { path: path.to_owned(), source }
}

/// Renames a new copy to its place; what is in its place goes to `old` first.
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

/// Removes the packages' other programs: more than half of what they unpack.
fn keep_one_program(root: &Path, program: &str) -> io::Result<()> {
    for entry in fs::read_dir(root.join(PROGRAMS))? {
        let entry = entry?;
        if entry.file_name() != program {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Folders with libraries below `root`, sorted.
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

/// Temporary folders of interrupted downloads in a cache folder. They may also be those of a process that is at it.
pub fn leftovers(cache: &Path) -> Vec<PathBuf> {
    leftovers_in(&cache.join(FOLDER))
}

/// Removes the temporary folders of interrupted downloads in a cache folder, unless another process is at it; returns how many.
///
/// # Errors
/// The path, and why it cannot be removed.
pub fn clean(cache: &Path) -> Result<usize, (PathBuf, io::Error)> {
    let parent = cache.join(FOLDER);
    if leftovers_in(&parent).is_empty() {
        return Ok(0);
    }
    match Lock::try_take(&parent).map_err(|error| (parent.clone(), error))? {
        Some(lock) if lock.taken() == Taken::Alone => remove_leftovers(&parent),
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
