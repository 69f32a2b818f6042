//! Locks, so that one process at a time writes into a folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use same_file::Handle;

use super::WriteError;
use super::group::remove_staged;

/// Name of the locked file in a folder with [`ClaimedFolder`].
const FILE: &str = ".pinhole-lock";

/// Result of taking a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockState {
    /// Other processes are excluded.
    Exclusive,
    /// The file system has no locks (some network file systems): other processes may be running.
    Unlocked,
}

/// A lock on a file, held until dropped. The system releases it however the process ends.
#[derive(Debug)]
pub struct FileLock {
    file: File,
    state: LockState,
}

impl FileLock {
    /// Locks a file, which is created if it does not exist. If another process has the lock, calls `on_wait` and waits.
    ///
    /// # Errors
    /// The file cannot be opened, or waiting for it fails.
    pub fn wait(path: &Path, on_wait: impl FnOnce()) -> io::Result<Self> {
        let file = open(path)?;
        let state = match file.try_lock() {
            Ok(()) => LockState::Exclusive,
            Err(TryLockError::WouldBlock) => {
                on_wait();
                file.lock()?;
                LockState::Exclusive
            }
            Err(TryLockError::Error(_)) => LockState::Unlocked,
        };
        Ok(Self { file, state })
    }

    /// Locks a file, which is created if it does not exist. Returns `None` if another process has the lock.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn try_take(path: &Path) -> io::Result<Option<Self>> {
        let file = open(path)?;
        let state = match file.try_lock() {
            Ok(()) => LockState::Exclusive,
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(_)) => LockState::Unlocked,
        };
        Ok(Some(Self { file, state }))
    }

    /// Returns whether other processes are excluded.
    pub fn state(&self) -> LockState {
        self.state
    }

    /// Returns true if the path still leads to the locked file, and not to a newer one or none.
    fn is_at(&self, path: &Path) -> bool {
        is_at(&self.file, path)
    }
}

/// Returns true if a path leads to an open file or folder, and not to a newer one or none.
pub(super) fn is_at(file: &File, path: &Path) -> bool {
    let open = file.try_clone().and_then(Handle::from_file);
    open.is_ok_and(|open| Handle::from_path(path).is_ok_and(|there| there == open))
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).open(path)
}

/// A folder that only this process writes into, until the claim is dropped. A claim of a dead process does not count.
#[derive(Debug)]
pub struct ClaimedFolder {
    /// The locked file. It is removed with the claim.
    path: PathBuf,
    _lock: FileLock,
}

impl ClaimedFolder {
    /// Claims an existing folder, and removes what killed processes left half-written there. On a file system without locks
    /// ([`LockState::Unlocked`]), any number of processes can claim it, so nothing is removed: another may be writing it.
    ///
    /// # Errors
    /// [`WriteError::InUse`] if another process has it, [`WriteError::Write`] if the folder cannot be written to.
    pub fn take(folder: &Path) -> Result<Self, WriteError> {
        let path = folder.join(FILE);
        loop {
            let lock = FileLock::try_take(&path)
                .map_err(|reason| WriteError::Write { path: folder.to_owned(), reason })?
                .ok_or_else(|| WriteError::InUse { folder: folder.to_owned() })?;
            // The process that had it before may have removed the file after it was opened here.
            if lock.is_at(&path) {
                return Ok(Self::with(lock, path, folder));
            }
        }
    }

    /// Claims a folder by the lock on its file.
    fn with(lock: FileLock, path: PathBuf, folder: &Path) -> Self {
        if lock.state == LockState::Exclusive {
            remove_staged(folder);
        }
        Self { path, _lock: lock }
    }
}

impl Drop for ClaimedFolder {
    fn drop(&mut self) {
        // Removed while it is locked: nobody else has it then. What cannot be removed does no harm.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::super::StagedFiles;
    use super::*;

    #[test]
    fn a_folder_is_claimed_once_at_a_time() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path();
        let claim = ClaimedFolder::take(folder).unwrap();
        let second = ClaimedFolder::take(folder).unwrap_err();
        assert!(matches!(&second, WriteError::InUse { folder: named } if named == folder), "{second}");
        drop(claim);
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0, "the file is left");
        ClaimedFolder::take(folder).unwrap();
        // The file of a dead process: nobody holds its lock.
        std::fs::write(folder.join(FILE), "").unwrap();
        let claim = ClaimedFolder::take(folder).unwrap();
        assert!(ClaimedFolder::take(folder).is_err());
        drop(claim);
        assert!(!folder.join(FILE).exists());
    }

    /// A file system without locks cannot be had in a test: its lock is made up.
    #[test]
    fn files_in_work_are_removed_only_if_nobody_else_can_be_writing_them() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path();
        std::mem::forget(StagedFiles::write(folder, &[("a.txt", "a")]).unwrap());
        for (state, left) in [(LockState::Unlocked, 1), (LockState::Exclusive, 0)] {
            let path = folder.join(FILE);
            let lock = FileLock { file: open(&path).unwrap(), state };
            drop(ClaimedFolder::with(lock, path, folder));
            assert_eq!(std::fs::read_dir(folder).unwrap().count(), left, "{state:?}");
        }
    }

    /// A lock on a file that was removed excludes nobody: only the file at the path counts.
    #[test]
    fn a_removed_file_is_not_the_one_at_its_path() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join(FILE);
        let lock = FileLock::try_take(&path).unwrap().unwrap();
        assert!(lock.is_at(&path));
        std::fs::remove_file(&path).unwrap();
        assert!(!lock.is_at(&path));
        let newer = FileLock::try_take(&path).unwrap().unwrap();
        assert!(newer.is_at(&path) && !lock.is_at(&path));
    }
}
