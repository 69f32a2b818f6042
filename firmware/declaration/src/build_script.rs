//! Build script of a board: link arguments, memory map, budget and buffers.
//!
//! These are not in a cargo configuration: cargo searches that from the working directory, and a RUSTFLAGS variable
//! would replace it.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use super::{Declaration, DeclarationError};

/// Errors of a build script.
#[derive(Debug, thiserror::Error)]
pub enum BuildScriptError {
    /// Not run by cargo.
    #[error("{0} is not set: this is for cargo to run")]
    NotInCargo(&'static str),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Path of the file.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// The declaration was refused.
    #[error("{}: {source}", path.display())]
    Declaration {
        /// Path of the declaration.
        path: PathBuf,
        /// Cause.
        source: DeclarationError,
    },
}

/// Runs the build script of a board, with the declaration in this file of its crate.
///
/// Writes `declared.rs` to `OUT_DIR`, with these constants for the crate to include: `INPUT_BYTES`, `INPUT_ROW_BYTES`,
/// `ROW_BYTES`, `ACCUMULATORS`, `ACTIVATIONS`, `LANES`, `ARENA_BYTES`, `CLOCK_HZ`.
///
/// # Errors
/// [`BuildScriptError`].
pub fn run(declaration: &str) -> Result<(), BuildScriptError> {
    let variable = |name| env::var_os(name).map(PathBuf::from).ok_or(BuildScriptError::NotInCargo(name));
    let (out, folder) = (variable("OUT_DIR")?, variable("CARGO_MANIFEST_DIR")?);
    let path = folder.join(declaration);
    let text = fs::read_to_string(&path).map_err(|source| BuildScriptError::File { path: path.clone(), source })?;
    let declared = Declaration::parse(&text).map_err(|source| BuildScriptError::Declaration { path, source })?;
    write(&out.join("memory.x"), &declared.memory_x())?;
    write(&out.join("budget.x"), &declared.budget_x(declaration))?;
    write(&out.join("declared.rs"), &declared.constants_rs())?;
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rerun-if-changed={declaration}");
    // budget.x checks the sections that link.x makes.
    let boot2 = declared.boot2.map(|_| "-Tlink-rp.x");
    for argument in ["--nmagic", "-Tlink.x"].into_iter().chain(boot2).chain(["-Tdefmt.x", "-Tbudget.x"]) {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), BuildScriptError> {
    fs::write(path, text).map_err(|source| BuildScriptError::File { path: path.to_owned(), source })
}
