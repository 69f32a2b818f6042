//! Earlier files, kept beside the new ones.

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::WriteError;

/// Keeps files of a folder in a new folder beside it: those of these names that exist. For `run` the new folder is `run-1`, then
/// `run-2` and so on. Returns its path, or `None` if none of the files exists.
///
/// The files also stay in `folder`. Where the file system has hard links, both share their bytes: so do not write into the
/// files, but replace them by renaming others over them.
///
/// If the new folder cannot be beside `folder`, or is on another disk there (`folder` is a mount point), it is inside `folder`.
///
/// # Errors
/// [`WriteError::Write`] with the path of a new folder inside `folder`, if it cannot be there either.
pub fn keep_aside(folder: &Path, names: &[&str]) -> Result<Option<PathBuf>, WriteError> {
    let names: Vec<&str> = names.iter().copied().filter(|name| folder.join(name).is_file()).collect();
    if names.is_empty() {
        return Ok(None);
    }
    let (parent, name) = beside(folder);
    let kept = keep_beside_or_inside(folder, &names, &parent, &name);
    kept.map(Some).map_err(|reason| WriteError::Write { path: folder.join(numbered(&name, 1)), reason })
}

/// Keeps files in a new folder in `parent` or, if that fails, in `folder`.
fn keep_beside_or_inside(folder: &Path, names: &[&str], parent: &Path, name: &OsStr) -> io::Result<PathBuf> {
    keep(folder, names, parent, name).or_else(|_| keep(folder, names, folder, name))
}

/// Returns the folder that a folder is in, and its name there. A link is followed, so that both are on the same disk.
fn beside(folder: &Path) -> (PathBuf, OsString) {
    let canonical = || folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let folder = if folder.file_name().is_none() || folder.is_symlink() { canonical() } else { folder.to_owned() };
    let name = folder.file_name().unwrap_or(OsStr::new("run")).to_owned();
    (super::folder_of(&folder).to_owned(), name)
}

fn numbered(name: &OsStr, number: u64) -> OsString {
    let mut numbered = name.to_owned();
    numbered.push(format!("-{number}"));
    numbered
}

/// Keeps files in a new folder inside `parent`, and removes it again if that fails.
fn keep(folder: &Path, names: &[&str], parent: &Path, name: &OsStr) -> io::Result<PathBuf> {
    let mut number = last_number(parent, name);
    let aside = loop {
        number += 1;
        // `parent` is "." for a plain name, and users do not write that.
        let path =
            if parent == Path::new(".") { numbered(name, number).into() } else { parent.join(numbered(name, number)) };
        match std::fs::create_dir(&path) {
            Err(reason) if reason.kind() == ErrorKind::AlreadyExists => {}
            Err(reason) => return Err(reason),
            Ok(()) => break path,
        }
    };
    for name in names {
        let (from, to) = (folder.join(name), aside.join(name));
        let linked = match std::fs::hard_link(&from, &to) {
            Err(reason) if reason.kind() == ErrorKind::CrossesDevices => Err(reason),
            Err(_) => {
                std::fs::copy(&from, &to).and_then(|_| std::fs::OpenOptions::new().append(true).open(&to)?.sync_all())
            }
            Ok(()) => Ok(()),
        };
        if let Err(reason) = linked {
            let _ = std::fs::remove_dir_all(&aside);
            return Err(reason);
        }
    }
    // The earlier files are replaced next: they must be safe before.
    super::sync_folder(&aside);
    super::sync_folder(parent);
    Ok(aside)
}

/// Returns the highest number below a million of a file or folder `name-NUMBER`; 0 if there is none. A later folder then never
/// has a lower number than an earlier one.
fn last_number(parent: &Path, name: &OsStr) -> u64 {
    let start = format!("{}-", name.to_string_lossy());
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_string_lossy().strip_prefix(&start)?.parse().ok());
    // Far larger numbers are names of something else, such as a date.
    numbers.filter(|&number: &u64| number < 1_000_000).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::write_files;
    use super::*;

    const NAMES: [&str; 3] = ["a.txt", "b.txt", "c.txt"];

    fn text(path: PathBuf) -> String {
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn earlier_files_are_kept_under_the_next_number() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("run");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("foreign.txt"), "foreign").unwrap();
        assert_eq!(keep_aside(&folder, &NAMES).unwrap(), None);
        for (round, expected) in [(1, "run-1"), (2, "run-2"), (3, "run-8")] {
            write_files(&folder, &[("a.txt", format!("a {round}")), ("b.txt", format!("b {round}"))]).unwrap();
            if round == 3 {
                for other in ["run-7", "run-20261130", "run-x", "runs-9"] {
                    std::fs::create_dir(temp.path().join(other)).unwrap();
                }
            }
            let aside = keep_aside(&folder, &NAMES).unwrap().unwrap();
            assert_eq!(aside, temp.path().join(expected));
            write_files(&folder, &[("a.txt", "newer"), ("c.txt", "newer")]).unwrap();
            assert_eq!(text(aside.join("a.txt")), format!("a {round}"));
            assert_eq!(text(aside.join("b.txt")), format!("b {round}"));
            assert!(!aside.join("foreign.txt").exists());
            std::fs::remove_file(folder.join("c.txt")).unwrap();
        }
        assert_eq!(text(folder.join("foreign.txt")), "foreign");
    }

    /// A folder whose neighbors cannot be written to, such as a mount point. (These tests may run as root, whom permissions do not
    /// stop: so the folder that it seems to be in does not exist.)
    #[test]
    fn without_a_place_beside_it_is_inside() {
        let temp = tempfile::tempdir().unwrap();
        write_files(temp.path(), &[("a.txt", "a")]).unwrap();
        let keep =
            |names: &[&str]| keep_beside_or_inside(temp.path(), names, &temp.path().join("missing"), OsStr::new("run"));
        let inside = keep(&["a.txt"]).unwrap();
        assert_eq!((inside.clone(), text(inside.join("a.txt"))), (temp.path().join("run-1"), "a".to_owned()));
        // What cannot be kept whole is not kept in part.
        assert_eq!(keep(&["a.txt", "missing.txt"]).unwrap_err().kind(), ErrorKind::NotFound);
        assert!(!temp.path().join("run-2").exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_folder_is_followed() {
        let temp = tempfile::tempdir().unwrap();
        let (disk, link) = (temp.path().join("disk"), temp.path().join("run"));
        std::fs::create_dir_all(disk.join("big")).unwrap();
        write_files(&disk.join("big"), &[("a.txt", "a")]).unwrap();
        std::os::unix::fs::symlink(disk.join("big"), &link).unwrap();
        let aside = keep_aside(&link, &NAMES).unwrap().unwrap();
        assert_eq!(aside, disk.canonicalize().unwrap().join("big-1"));
    }
}
