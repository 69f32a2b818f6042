//! Lock that lets one process at a time make a copy.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

/// Name of the locked file.
const FILE: &str = "lock";

/// Result of taking a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LockState {
    /// Other processes are excluded.
    Exclusive,
    /// The file system has no locks (some network file systems): other processes may be running.
    Unlocked,
}

/// A lock on a folder, held until dropped. The system releases it however the process ends.
#[derive(Debug)]
pub(super) struct FolderLock {
    _file: File,
    taken: LockState,
}

impl FolderLock {
    /// Locks an existing folder. If another process has the lock, calls `on_wait` and waits.
    pub(super) fn take(folder: &Path, on_wait: impl FnOnce()) -> io::Result<Self> {
        let file = open(folder)?;
        let taken = match file.try_lock() {
            Ok(()) => LockState::Exclusive,
            Err(TryLockError::WouldBlock) => {
                on_wait();
                file.lock()?;
                LockState::Exclusive
            }
            Err(TryLockError::Error(_)) => LockState::Unlocked,
        };
        Ok(Self { _file: file, taken })
    }

    /// Locks an existing folder; `None` if another process has the lock.
    pub(super) fn try_take(folder: &Path) -> io::Result<Option<Self>> {
        let file = open(folder)?;
        let taken = match file.try_lock() {
            Ok(()) => LockState::Exclusive,
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(_)) => LockState::Unlocked,
        };
        Ok(Some(Self { _file: file, taken }))
    }

    pub(super) fn taken(&self) -> LockState {
        self.taken
    }
}

fn open(folder: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).open(folder.join(FILE))
}
