//! `cargo xtask windows`.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use clap::Args;
use miette::{IntoDiagnostic as _, Result, WrapErr as _};
use pinhole::firmware::checkout;

use super::cross;

const TARGET: &str = "x86_64-pc-windows-gnu";
const LINKER: &str = "/usr/bin/x86_64-w64-mingw32-gcc";
/// Debian's packages of the linker and of wine.
const PACKAGES: &str = "gcc-mingw-w64-x86-64 wine64";

/// `cargo xtask windows`.
#[derive(Debug, Args)]
pub(super) struct Windows {
    /// Compile the program, but do not run it
    #[arg(long)]
    no_run: bool,
    /// Program of the same sources for this machine, whose trainings must give the same bytes
    #[arg(long, value_name = "FILE")]
    here: Option<PathBuf>,
}

impl Windows {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let checkout = checkout()?;
        let mut cargo = cross::cargo(&checkout, "build", TARGET, "windows", (&[LINKER], PACKAGES))?;
        cargo.arg("--release").env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER", LINKER);
        cross::run(cargo)?;
        let program = checkout.join("target/windows").join(TARGET).join("release/pinhole.exe");
        println!("{}", program.display());
        if self.no_run {
            return Ok(ExitCode::SUCCESS);
        }
        let mut test = Command::new(checkout.join("tests/windows/run"));
        let status = test.arg(&program).args(&self.here).status();
        let status = status.into_diagnostic().wrap_err("the test cannot be started")?;
        Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
