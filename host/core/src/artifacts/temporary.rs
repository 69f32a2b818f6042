//! Temporary files and folders, and those that killed processes have left.
//!
//! Whoever makes one locks it at once, and the system releases the lock however the process ends. So one that can be locked has
//! no owner any more. The next process that makes one in the same folder removes it. Where there are no locks (some network
//! file systems; folders on Windows) nothing is removed.

use std::collections::BTreeSet;
use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tempfile::{Builder, NamedTempFile, TempDir};

use super::lock::is_at;

/// Start of the names of files that are being written, beside the files that they will replace.
const FILE: &str = ".pinhole-tmp-";

/// Start of the names of folders with files that are being written.
pub(super) const STAGING: &str = ".pinhole-writing-";

/// Start of the names of [`ScratchFolder`]s. Nobody else gives such a name: what has it and no owner is removed, and the folder may be
/// the system's, where users have folders such as `pinhole-photos`.
const SCRATCH: &str = ".pinhole-scratch-";

/// Most tries to make one: each fails only if another process removes it between its making and its locking.
const TRIES: usize = 100;

/// Creates a temporary file in a folder, for a file there that it will replace. Its permissions are those that the umask leaves.
/// Unlike the `tempfile` crate's own files, its errors do not name it: users cannot do anything with that name.
///
/// # Errors
/// It cannot be created.
pub(super) fn file_in(folder: &Path) -> io::Result<NamedTempFile<File>> {
    for _ in 0..TRIES {
        let file = Builder::new().prefix(FILE).make_in(folder, |path| File::create_new(path))?;
        if is_held(file.as_file(), file.path()) {
            remove_stale_once(folder, &[FILE, STAGING], file.path());
            return Ok(file);
        }
    }
    Err(io::ErrorKind::ResourceBusy.into())
}

/// A temporary folder, removed when dropped.
#[derive(Debug)]
pub(super) struct TemporaryFolder {
    /// Locked, where folders can be. Closed first: Windows removes no folder with an open file.
    _lock: Option<File>,
    folder: TempDir,
}

impl TemporaryFolder {
    /// Creates a folder to write files in that belong into `parent`.
    ///
    /// # Errors
    /// It cannot be created.
    pub(super) fn staging_in(parent: &Path) -> io::Result<Self> {
        Self::make(parent, Builder::new().prefix(STAGING), &[FILE, STAGING])
    }

    fn make(parent: &Path, builder: &Builder<'_, '_>, stale: &[&str]) -> io::Result<Self> {
        for _ in 0..TRIES {
            let folder = builder.tempdir_in(parent)?;
            let lock = match open_folder(folder.path()) {
                Ok(lock) => lock,
                // Another process took it for one without an owner.
                Err(reason) if reason.kind() == io::ErrorKind::NotFound => continue,
                Err(reason) => return Err(reason),
            };
            if lock.as_ref().is_none_or(|lock| is_held(lock, folder.path())) {
                remove_stale_once(parent, stale, folder.path());
                return Ok(Self { _lock: lock, folder });
            }
        }
        Err(io::ErrorKind::ResourceBusy.into())
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the path. From here on the folder is not removed.
    pub(super) fn keep(self) -> PathBuf {
        self.folder.keep()
    }
}

/// A folder for temporary files of this process, which only this user may enter. It is removed with all its files when dropped.
/// If the process is killed, the next `ScratchFolder` in the same place removes it.
#[derive(Debug)]
pub struct ScratchFolder(TemporaryFolder);

impl ScratchFolder {
    /// Creates a folder in an existing one.
    ///
    /// # Errors
    /// It cannot be created.
    pub fn new_in(parent: &Path) -> io::Result<Self> {
        let mut builder = Builder::new();
        builder.prefix(SCRATCH);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        TemporaryFolder::make(parent, &builder, &[SCRATCH]).map(Self)
    }

    /// Returns the path.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file, and returns its path.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let path = self.path().join(name);
        std::fs::write(&path, bytes).map(|()| path)
    }
}

/// Locks a file or folder that this process has just made. Returns false if another process has removed it, or is about to.
fn is_held(file: &File, path: &Path) -> bool {
    match file.try_lock() {
        Ok(()) => is_at(file, path),
        Err(TryLockError::WouldBlock) => false,
        // There are no locks here: nobody removes it.
        Err(TryLockError::Error(_)) => true,
    }
}

/// Opens a folder to lock it; `None` where folders cannot be opened.
fn open_folder(folder: &Path) -> io::Result<Option<File>> {
    if cfg!(unix) { File::open(folder).map(Some) } else { Ok(None) }
}

/// Removes what killed processes left in a folder, the first time that this process makes something there.
fn remove_stale_once(folder: &Path, prefixes: &[&str], own: &Path) {
    static DONE: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    if DONE.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.to_owned()) {
        remove_stale(folder, prefixes, own);
    }
}

/// Removes temporary files and folders without an owner. Those of other users stay: in a folder for everybody, they may be
/// anything. `own` is one that this user has made.
fn remove_stale(folder: &Path, prefixes: &[&str], own: &Path) {
    let Ok(own) = own.symlink_metadata() else { return };
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if !prefixes.iter().any(|prefix| name.as_encoded_bytes().starts_with(prefix.as_bytes())) {
            continue;
        }
        let path = entry.path();
        // Not of what a link leads to.
        let Ok(there) = path.symlink_metadata() else { continue };
        if !same_user(&there, &own) {
            continue;
        }
        let opened = match () {
            () if there.is_dir() => open_folder(&path).ok().flatten(),
            () if there.is_file() => File::open(&path).or_else(|_| OpenOptions::new().write(true).open(&path)).ok(),
            () => None,
        };
        if opened.is_some_and(|file| file.try_lock().is_ok() && is_at(&file, &path)) {
            // What cannot be removed does no harm.
            let _ = if there.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        }
    }
}

#[cfg(unix)]
fn same_user(there: &Metadata, own: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    there.uid() == own.uid()
}

/// The folders for temporary files are each user's own here.
#[cfg(not(unix))]
fn same_user(_there: &Metadata, _own: &Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::super::testing::names;
    use super::*;

    #[test]
    fn what_dead_processes_left_is_removed_and_what_living_ones_use_stays() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path();
        // Nobody holds their locks. The last ones are not temporary.
        let left = [".pinhole-tmp-dead", ".pinhole-tmp-", "pinhole-notes.txt", "notes.pinhole-tmp-1"];
        for name in left {
            std::fs::write(folder.join(name), "x").unwrap();
        }
        // One that was to replace a read-only file.
        let dead = folder.join(".pinhole-tmp-dead");
        let mut read_only = dead.metadata().unwrap().permissions();
        read_only.set_readonly(true);
        std::fs::set_permissions(&dead, read_only).unwrap();
        let in_use = File::create(folder.join(".pinhole-tmp-alive")).unwrap();
        in_use.lock().unwrap();
        std::fs::create_dir(folder.join(".pinhole-writing-dead")).unwrap();
        std::fs::write(folder.join(".pinhole-writing-dead/model.pinhole"), "x").unwrap();
        drop(file_in(folder).unwrap());
        let mut kept = vec![".pinhole-tmp-alive", "notes.pinhole-tmp-1", "pinhole-notes.txt"];
        if !cfg!(unix) {
            kept.insert(1, ".pinhole-writing-dead");
        }
        assert_eq!(names(folder), kept);
        // Once in a process: a folder of thousands is not listed for each file.
        drop(in_use);
        drop(file_in(folder).unwrap());
        assert_eq!(names(folder), kept);
    }

    #[cfg(unix)]
    #[test]
    fn scratch_folders_are_private_and_removed_by_the_next_one() {
        use std::os::unix::fs::PermissionsExt as _;
        let temp = tempfile::tempdir().unwrap();
        let first = ScratchFolder::new_in(temp.path()).unwrap();
        assert_eq!(first.path().metadata().unwrap().permissions().mode() & 0o777, 0o700);
        first.write("model", b"x").unwrap();
        // A killed process: its lock is gone, and its folder is still there.
        let dead = temp.path().join(".pinhole-scratch-dead");
        // A user's own folder, which nobody locks.
        let photos = temp.path().join("pinhole-photos");
        for folder in [&dead, &photos] {
            std::fs::create_dir(folder).unwrap();
            std::fs::write(folder.join("model"), "x").unwrap();
        }
        let outside = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(outside.path(), temp.path().join(".pinhole-scratch-link")).unwrap();
        remove_stale(temp.path(), &[SCRATCH], first.path());
        assert!(photos.join("model").exists(), "a user's folder was removed");
        assert!(!dead.exists() && first.path().join("model").exists() && outside.path().exists());
        assert!(temp.path().join(".pinhole-scratch-link").is_symlink());
        let path = first.path().to_owned();
        drop(first);
        assert!(!path.exists());
    }
}
