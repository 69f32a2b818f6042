//! `cargo xtask macos`.

use std::process::ExitCode;

use clap::Args;
use miette::Result;
use pinhole::firmware::checkout;

use super::cross;

const TARGET: &str = "aarch64-apple-darwin";

/// `cargo xtask macos`.
#[derive(Debug, Args)]
pub(super) struct Macos {}

impl Macos {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let mut cargo = cross::cargo(&checkout()?, "check", TARGET, "macos", (&[], ""))?;
        // Apple's libraries and linker are not available here. A check needs neither, nor the object files of C code.
        for tool in ["CC", "CXX", "AR"] {
            cargo.env(format!("{tool}_aarch64_apple_darwin"), "/bin/true");
        }
        cargo.env("SDKROOT", "/nonexistent");
        cross::run(cargo)?;
        Ok(ExitCode::SUCCESS)
    }
}
