//! Several files of a folder, put in place together.
//!
//! The files are first written to a temporary folder inside, so that a full disk changes nothing. Renaming that folder to
//! [`COMMITTED`] decides: before it the folder has its old files, after it the new ones. The files are then moved out of it one
//! by one. If the process is killed meanwhile, the next call of [`finish_files`] moves the rest; it comes before every reading
//! and writing of such a folder. This is a redo log with one entry (Gray and Reuter, "Transaction Processing", chapter 9).
//! Renaming the folder itself instead would not work where it is a mount point or, on Windows, a program's working folder or
//! the folder of an open file.

use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::temporary::{STAGING, TemporaryFolder};
use super::{WriteError, keep_permissions, sync_folder};

/// Name of the folder with files that are complete, and not yet in their places.
const COMMITTED: &str = ".pinhole-new";

/// Files written to a temporary folder inside the folder that they are for. Dropping them removes them.
#[derive(Debug)]
pub struct StagedFiles {
    folder: PathBuf,
    staging: TemporaryFolder,
}

impl StagedFiles {
    /// Writes files, by their names, for an existing folder. Nothing in the folder changes yet.
    ///
    /// # Errors
    /// [`WriteError::FolderInTheWay`], [`WriteError::Write`] or [`WriteError::Replace`], with the path.
    pub fn write<N: AsRef<Path>, B: AsRef<[u8]>>(folder: &Path, files: &[(N, B)]) -> Result<Self, WriteError> {
        finish_files(folder)?;
        for (name, _) in files {
            let path = folder.join(name);
            if path.is_dir() {
                return Err(WriteError::FolderInTheWay { path });
            }
        }
        let wrong = |path: PathBuf| move |reason| WriteError::Write { path, reason };
        let staging = TemporaryFolder::staging_in(folder)
            .map_err(|error| WriteError::Write { path: folder.to_owned(), reason: plain(folder, &error) })?;
        for (name, bytes) in files {
            let written = File::create_new(staging.path().join(name)).and_then(|mut file| {
                // Before the first byte: what is private is never readable for others.
                keep_permissions(&folder.join(name), &file)?;
                file.write_all(bytes.as_ref())?;
                file.sync_all()
            });
            written.map_err(wrong(folder.join(name)))?;
        }
        sync_folder(staging.path());
        Ok(Self { folder: folder.to_owned(), staging })
    }

    /// Puts all files in their places, where they replace earlier ones. Other files of the folder stay.
    ///
    /// # Errors
    /// [`WriteError::Write`] if nothing has changed. [`WriteError::Replace`] if a file could not be moved: the new files count, and
    /// the next [`finish_files`] moves the rest.
    pub fn commit(self) -> Result<(), WriteError> {
        let folder = self.folder.clone();
        self.decide().map_err(|reason| WriteError::Write { path: folder.clone(), reason })?;
        finish_files(&folder)
    }

    /// From here on, the new files count.
    fn decide(self) -> io::Result<()> {
        std::fs::rename(self.staging.path(), self.folder.join(COMMITTED))?;
        // It has another name now, so there is nothing to remove.
        let _ = self.staging.keep();
        sync_folder(&self.folder);
        Ok(())
    }
}

/// Writes files into an existing folder: all of them or, after an error or a crash, none; after [`WriteError::Replace`], or a crash
/// while they are moved, once [`finish_files`] has moved the rest. See [`StagedFiles`].
///
/// # Errors
/// Those of [`StagedFiles::write`] and [`StagedFiles::commit`].
pub fn write_files<N: AsRef<Path>, B: AsRef<[u8]>>(folder: &Path, files: &[(N, B)]) -> Result<(), WriteError> {
    StagedFiles::write(folder, files)?.commit()
}

/// Moves files to their places that a killed process had completed. Call it before reading a folder that [`write_files`] writes.
///
/// # Errors
/// [`WriteError::Replace`] with the path. Files that were not moved are kept.
pub fn finish_files(folder: &Path) -> Result<(), WriteError> {
    let pending = folder.join(COMMITTED);
    let Ok(entries) = std::fs::read_dir(&pending) else { return Ok(()) };
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    for name in names {
        let path = folder.join(&name);
        match std::fs::rename(pending.join(&name), &path) {
            // Another process was faster.
            Err(reason) if reason.kind() == ErrorKind::NotFound => {}
            Err(reason) => return Err(WriteError::Replace { path, pending, reason }),
            Ok(()) => {}
        }
    }
    sync_folder(folder);
    // It is empty, unless another process has put new files into it by now.
    let _ = std::fs::remove_dir(&pending);
    Ok(())
}

/// Removes the temporary folders of killed processes. Call it only when nothing else writes into the folder.
pub fn remove_staged(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(STAGING) {
            // What cannot be removed does no harm.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Returns the reason why no temporary folder can be created. The `tempfile` crate's own error names that folder, which users
/// cannot do anything with.
fn plain(folder: &Path, error: &io::Error) -> io::Error {
    super::temporary::file_in(folder).err().unwrap_or_else(|| error.kind().into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tempfile::TempDir;

    use super::*;

    const OLD: [(&str, &str); 2] = [("a.txt", "old a"), ("b.txt", "old b")];
    const NEW: [(&str, &str); 3] = [("a.txt", "new a"), ("b.txt", "new b"), ("c.txt", "new c")];

    /// Visible files by name.
    fn read(folder: &Path) -> BTreeMap<String, String> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        let visible = entries.filter(|entry| !entry.file_name().to_str().unwrap().starts_with('.'));
        let named = visible
            .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap()));
        named.collect()
    }

    fn with_foreign(files: &[(&str, &str)]) -> BTreeMap<String, String> {
        let all = files.iter().chain(&[("foreign.txt", "kept")]);
        all.map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    fn folder() -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("foreign.txt"), "kept").unwrap();
        write_files(folder.path(), &OLD).unwrap();
        folder
    }

    fn number_of_entries(folder: &Path) -> usize {
        std::fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn all_files_are_replaced_and_others_stay() {
        let folder = folder();
        assert_eq!(read(folder.path()), with_foreign(&OLD));
        write_files(folder.path(), &NEW).unwrap();
        assert_eq!(read(folder.path()), with_foreign(&NEW));
        assert_eq!(number_of_entries(folder.path()), 4, "nothing temporary is left");
    }

    /// A process may be killed after every step: the files are then the old ones or, once the folder is opened, the new ones.
    #[test]
    fn a_crash_leaves_the_old_files_or_the_new_ones() {
        let before = folder();
        // Killed while it writes.
        std::mem::forget(StagedFiles::write(before.path(), &NEW).unwrap());
        finish_files(before.path()).unwrap();
        assert_eq!(read(before.path()), with_foreign(&OLD));
        remove_staged(before.path());
        assert_eq!(number_of_entries(before.path()), 3);
        // Killed after it has moved none, some, all of the files.
        for moved in 0..=NEW.len() {
            let folder = folder();
            StagedFiles::write(folder.path(), &NEW).unwrap().decide().unwrap();
            for (name, _) in &NEW[..moved] {
                std::fs::rename(folder.path().join(COMMITTED).join(name), folder.path().join(name)).unwrap();
            }
            finish_files(folder.path()).unwrap();
            assert_eq!(read(folder.path()), with_foreign(&NEW), "{moved} moved");
            assert_eq!(number_of_entries(folder.path()), 4);
            // The next files are not mixed with those.
            let folder = self::folder();
            StagedFiles::write(folder.path(), &NEW).unwrap().decide().unwrap();
            write_files(folder.path(), &OLD).unwrap();
            assert_eq!(read(folder.path()), with_foreign(&[OLD[0], OLD[1], NEW[2]]));
        }
    }

    #[test]
    fn what_cannot_be_written_changes_nothing() {
        let folder = folder();
        std::fs::create_dir(folder.path().join("c.txt")).unwrap();
        let error = write_files(folder.path(), &NEW).unwrap_err();
        assert!(matches!(&error, WriteError::FolderInTheWay { path } if path.ends_with("c.txt")), "{error}");
        std::fs::remove_dir(folder.path().join("c.txt")).unwrap();
        // The second file cannot be created.
        let error = write_files(folder.path(), &[("a.txt", "new"), ("no/such/b.txt", "new")]).unwrap_err();
        assert!(error.to_string().contains("b.txt cannot be written: "), "{error}");
        assert_eq!(read(folder.path()), with_foreign(&OLD));
        assert_eq!(number_of_entries(folder.path()), 3, "no temporary folder is left");
        let missing = folder.path().join("missing");
        let error = write_files(&missing, &NEW).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{} cannot be written: ", missing.display())), "{error}");
        assert!(error.contains("os error 2") && !error.contains("writing-"), "{error}");
    }
}
