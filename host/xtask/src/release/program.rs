//! The program, and the files that it generates.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use miette::{IntoDiagnostic as _, Result, WrapErr as _, miette};
use pinhole::firmware::remapped_paths;

use super::archive::{ArchiveFile, Files};

/// Shells, and the conventional names of their completion files.
const COMPLETIONS: [(&str, &str); 4] =
    [("bash", "pinhole.bash"), ("fish", "pinhole.fish"), ("zsh", "_pinhole"), ("powershell", "pinhole.ps1")];

/// A `pinhole` program file.
#[derive(Clone, Debug)]
pub(super) struct Program {
    path: PathBuf,
}

impl Program {
    /// Uses a program that has been compiled.
    pub(super) fn of(path: PathBuf) -> Self {
        Self { path }
    }

    /// Compiles a program that contains no folder names of this machine, so that it is the same from every checkout.
    ///
    /// # Errors
    /// If cargo fails, or the program contains such a name.
    pub(super) fn compile(checkout: &Path, target: &str) -> Result<Self> {
        // A separate folder: cargo recompiles everything when flags change.
        let target_dir = checkout.join("target").join("distributed");
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
        cargo
            .args(["build", "--release", "--locked", "--package", "pinhole", "--target", target, "--target-dir"])
            .arg(&target_dir)
            .env("CARGO_ENCODED_RUSTFLAGS", remapped_paths(checkout))
            .env("PINHOLE_DISTRIBUTED", "1")
            .env_remove("RUSTFLAGS")
            .current_dir(checkout);
        let status = cargo.status().into_diagnostic().wrap_err("cargo cannot be started")?;
        if !status.success() {
            return Err(miette!("{cargo:?} failed"));
        }
        let name = if target.contains("windows") { "pinhole.exe" } else { "pinhole" };
        let program = Self { path: target_dir.join(target).join("release").join(name) };
        program.names_no_folder_of(checkout)?;
        Ok(program)
    }

    fn names_no_folder_of(&self, checkout: &Path) -> Result<()> {
        let bytes = self.read()?;
        let home = env::home_dir().unwrap_or_default();
        for folder in [checkout, &home] {
            let name = folder.to_string_lossy();
            if name.len() > 1 && bytes.windows(name.len()).any(|window| window == name.as_bytes()) {
                return Err(miette!("{} names a folder of this machine: {name}", self.path.display()));
            }
        }
        Ok(())
    }

    /// Reads the program's bytes.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn read(&self) -> Result<Vec<u8>> {
        super::read(&self.path)
    }

    /// Returns the file name.
    pub(super) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Returns the completions for each shell.
    ///
    /// # Errors
    /// If the program fails.
    pub(super) fn completions(&self) -> Result<Files> {
        let mut files = Files::new();
        for (shell, name) in COMPLETIONS {
            files.insert(format!("completions/{name}"), ArchiveFile::plain(self.run(&["completions", shell])?));
        }
        Ok(files)
    }

    /// Returns the manual pages.
    ///
    /// # Errors
    /// If the program fails.
    pub(super) fn man_pages(&self) -> Result<Files> {
        let folder = tempfile::tempdir().into_diagnostic()?;
        self.run(&["man", "--out", &folder.path().to_string_lossy()])?;
        let mut files = Files::new();
        for entry in folder.path().read_dir().into_diagnostic()? {
            let entry = entry.into_diagnostic()?;
            let name = format!("man/{}", entry.file_name().to_string_lossy());
            files.insert(name, ArchiveFile::plain(super::read(&entry.path())?));
        }
        Ok(files)
    }

    fn run(&self, arguments: &[&str]) -> Result<Vec<u8>> {
        let output = Command::new(&self.path).args(arguments).output();
        let output = output.into_diagnostic().wrap_err_with(|| self.path.display().to_string())?;
        if !output.status.success() {
            let complaint = String::from_utf8_lossy(&output.stderr);
            return Err(miette!("{} {} failed:\n{complaint}", self.path.display(), arguments.join(" ")));
        }
        Ok(output.stdout)
    }
}
