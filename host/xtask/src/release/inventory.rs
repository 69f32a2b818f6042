//! Inventory of the program: its linked packages, and its boards' firmware with their packages.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use miette::{IntoDiagnostic as _, Result, WrapErr as _, miette};
use pinhole::board::Board;
use pinhole::firmware::Firmware;
use pinhole::firmware::prebuilt::FirmwareManifest;

use super::packages::{CargoPackage, Packages, Query};

/// License of Rust's standard library, and of Pinhole, as an SPDX expression.
pub(super) const RUST_LICENSE: &str = "MIT OR Apache-2.0";

/// Name of the program's package.
const PROGRAM: &str = "pinhole";

/// Inventory of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Inventory {
    /// Packages of the program and of the firmware.
    pub(super) packages: Packages,
    /// SHA-256 of the program file.
    pub(super) program_sha256: String,
    /// Standard library linked into the program.
    pub(super) rust: RustLibrary,
    /// Firmware of each board.
    pub(super) firmware: Vec<BoardFirmware>,
}

/// A version of Rust's standard library.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RustLibrary {
    pub(super) version: String,
}

impl RustLibrary {
    /// Name in the list.
    pub(super) const NAME: &str = "rust-std";

    /// Name and version, in the format of [`CargoPackage::id`].
    pub(super) fn id(&self) -> String {
        format!("{}@{}", Self::NAME, self.version)
    }

    /// Parses the output of `rustc --version`: `rustc 1.95.0 (...)`.
    fn of_rustc(said: &str) -> Result<Self> {
        let version = said.split(' ').nth(1).ok_or_else(|| miette!("the version of rustc cannot be read: {said:?}"))?;
        Ok(Self { version: version.to_owned() })
    }
}

/// Firmware of one board, bundled with the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BoardFirmware {
    pub(super) board: &'static str,
    /// [`CargoPackage::id`] of its package.
    pub(super) package: String,
    /// SHA-256 of its ELF file.
    pub(super) sha256: String,
    /// Standard library linked into it.
    pub(super) rust: RustLibrary,
}

impl BoardFirmware {
    /// Name in the list.
    pub(super) fn name(&self) -> String {
        format!("firmware-{}", self.board)
    }
}

impl Inventory {
    /// Reads the inventory of a program that was compiled from this checkout for a target.
    ///
    /// # Errors
    /// If cargo or rustc fails, or the prebuilt firmware cannot be read.
    pub(super) fn read(checkout: &Path, target: &str, program_sha256: String) -> Result<Self> {
        let mut inventory =
            Self::of_program(Query { workspace: checkout, package: PROGRAM, target }.read()?, program_sha256)?;
        let manifest = FirmwareManifest::inside()
            .ok_or_else(|| miette!("this checkout has no prebuilt firmware: run `cargo xtask firmware`"))?;
        let manifest =
            manifest.map_err(|reason| miette!("the manifest of the prebuilt firmware cannot be read: {reason}"))?;
        let rust = RustLibrary::of_rustc(&manifest.toolchain.rustc)?;
        for board in Board::ALL {
            let (package, _) = board.firmware();
            let query = Query { workspace: &checkout.join("firmware"), package, target: board.target() };
            let of_board = query.read()?;
            let root = of_board.values().find(|found| found.name == package);
            let root = root.ok_or_else(|| miette!("`cargo tree` does not list {package}"))?.id();
            let sha256 = Firmware::prebuilt(board)?.digest().to_owned();
            inventory.firmware.push(BoardFirmware { board: board.name(), package: root, sha256, rust: rust.clone() });
            merge(&mut inventory.packages, of_board);
        }
        Ok(inventory)
    }

    /// Returns the inventory of a program without firmware, by its packages.
    ///
    /// # Errors
    /// If rustc fails.
    pub(super) fn of_program(packages: Packages, program_sha256: String) -> Result<Self> {
        let rust = RustLibrary::of_rustc(&rustc(&["--version"])?)?;
        Ok(Self { packages, program_sha256, rust, firmware: Vec::new() })
    }

    /// Returns the versions of Rust's standard library in the program and its firmware.
    pub(super) fn rust(&self) -> BTreeSet<&RustLibrary> {
        self.firmware.iter().map(|firmware| &firmware.rust).chain([&self.rust]).collect()
    }

    /// Returns the program's own package.
    pub(super) fn root(&self) -> &CargoPackage {
        self.packages.values().find(|package| package.name == PROGRAM).expect("the program is of this package")
    }
}

/// Merges packages; a package may have more dependencies in firmware than in the program.
fn merge(packages: &mut Packages, more: Packages) {
    for (id, package) in more {
        match packages.get_mut(&id) {
            Some(known) => known.dependencies.extend(package.dependencies),
            None => drop(packages.insert(id, package)),
        }
    }
}

/// Returns the target triple of this machine.
pub(super) fn host_target() -> Result<String> {
    rustc(&["--print", "host-tuple"])
}

fn rustc(arguments: &[&str]) -> Result<String> {
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc")));
    let output = rustc.args(arguments).output().into_diagnostic().wrap_err("rustc cannot be started")?;
    if !output.status.success() {
        return Err(miette!("{rustc:?} failed:\n{}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
