//! One process at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

/// Name of the file that is locked.
const FILE: &str = "lock";

/// Whether a lock keeps others out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It does.
    Alone,
    /// The file system has no locks (some network file systems): others may be at it.
    Unlocked,
}

/// A lock on a folder, for as long as this lives; the system releases it however the process ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
    taken: Taken,
}

impl Lock {
    /// Locks a folder that is there. When another process has the lock, calls `on_wait` and waits.
    pub(super) fn take(folder: &Path, on_wait: impl FnOnce()) -> io::Result<Self> {
        let file = open(folder)?;
        let taken = match file.try_lock() {
            Ok(()) => Taken::Alone,
            Err(TryLockError::WouldBlock) => {
                on_wait();
                file.lock()?;
                Taken::Alone
            }
            Err(TryLockError::Error(_)) => Taken::Unlocked,
        };
        Ok(Self { _file: file, taken })
    }

    /// Locks a folder that is there; `None` when another process has the lock.
    pub(super) fn try_take(folder: &Path) -> io::Result<Option<Self>> {
        let file = open(folder)?;
        let taken = match file.try_lock() {
            Ok(()) => Taken::Alone,
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(_)) => Taken::Unlocked,
        };
        Ok(Some(Self { _file: file, taken }))
    }

    pub(super) fn taken(&self) -> Taken {
        self.taken
    }
}

fn open(folder: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).open(folder.join(FILE))
}
