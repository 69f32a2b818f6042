//! Cross-compilation with Debian's Rust: it has the standard library as source, and builds it for any target.

use std::env;
use std::path::Path;
use std::process::Command;

use miette::{IntoDiagnostic as _, Result, WrapErr as _, miette};
use pinhole::firmware::remapped_paths;

const CARGO: &str = "/usr/bin/cargo";
const RUSTC: &str = "/usr/bin/rustc";
const STD_SOURCE: &str = "/usr/lib/rustlib/src/rust/library/std/src/lib.rs";
/// Debian's packages of these programs.
const PACKAGES: &str = "rustc-web cargo-web rust-web-src";

/// Returns `cargo VERB` of the program for a target, with output in `target/NAME`.
///
/// # Errors
/// If a program is missing; the error lists Debian's packages of all needed ones. `more` lists further needed files,
/// and their packages.
pub(super) fn cargo(checkout: &Path, verb: &str, target: &str, name: &str, more: (&[&str], &str)) -> Result<Command> {
    let (files, packages) = more;
    let mut needed = [CARGO, RUSTC, STD_SOURCE].iter().chain(files);
    if let Some(missing) = needed.find(|path| !Path::new(path).is_file()) {
        return Err(miette!(
            help = format!("apt-get install --no-install-recommends --no-remove {PACKAGES} {packages}"),
            "this machine cannot compile for {target}: {missing} is missing"
        ));
    }
    let mut cargo = Command::new(CARGO);
    cargo
        .args([verb, "--locked", "--package", "pinhole", "--target", target, "--target-dir"])
        .arg(checkout.join("target").join(name))
        .env("RUSTC", RUSTC)
        // Building the standard library is an unstable feature of cargo; Debian's is a stable release.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort")
        .env("CARGO_ENCODED_RUSTFLAGS", remapped_paths(checkout))
        .env("PINHOLE_DISTRIBUTED", "1")
        // The active toolchain's programs come first in the search path of cargo's child processes.
        .env("PATH", env::join_paths(["/usr/local/bin", "/usr/bin", "/bin"]).into_diagnostic()?)
        .current_dir(checkout);
    // These variables would redirect Debian's cargo to the active toolchain and its libraries.
    for variable in ["RUSTUP_TOOLCHAIN", "CARGO", "RUSTDOC", "RUSTFLAGS", "LD_LIBRARY_PATH"] {
        cargo.env_remove(variable);
    }
    Ok(cargo)
}

/// Runs the command.
///
/// # Errors
/// If it fails.
pub(super) fn run(mut cargo: Command) -> Result<()> {
    let status = cargo.status().into_diagnostic().wrap_err("cargo cannot be started")?;
    if status.success() { Ok(()) } else { Err(miette!("{cargo:?} failed")) }
}
