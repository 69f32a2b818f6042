//! `cargo xtask windows`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Args;
use miette::{IntoDiagnostic as _, Result, WrapErr as _, miette};
use pinhole::firmware::{checkout, remapped_paths};

const TARGET: &str = "x86_64-pc-windows-gnu";
const LINKER: &str = "/usr/bin/x86_64-w64-mingw32-gcc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const STD_SOURCE: &str = "/usr/lib/rustlib/src/rust/library/std/src/lib.rs";
/// All of it from Debian.
const PACKAGES: &str = "rustc-web cargo-web rust-web-src gcc-mingw-w64-x86-64 wine64";

/// `cargo xtask windows`.
#[derive(Debug, Args)]
pub(super) struct Windows {
    /// Compile the program, but do not run it
    #[arg(long)]
    no_run: bool,
    /// A pinhole for this machine, of the same sources: trainings must give the same bytes in both
    #[arg(long, value_name = "FILE")]
    here: Option<PathBuf>,
}

impl Windows {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let checkout = checkout()?;
        if let Some(missing) =
            [LINKER, DEBIAN_CARGO, DEBIAN_RUSTC, STD_SOURCE].iter().find(|path| !Path::new(path).is_file())
        {
            return Err(miette!(
                help = format!("apt-get install --no-install-recommends --no-remove {PACKAGES}"),
                "a program for Windows cannot be compiled here: there is no {missing}"
            ));
        }
        let program = compile(&checkout)?;
        println!("{}", program.display());
        if self.no_run {
            return Ok(ExitCode::SUCCESS);
        }
        let mut test = Command::new(checkout.join("tests").join("windows").join("run"));
        test.arg(&program).args(&self.here);
        let status = test.status().into_diagnostic().wrap_err("the test cannot be started")?;
        Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Compiles the program by Debian's Rust, which has the standard library as source alone and builds it for Windows on the way.
fn compile(checkout: &Path) -> Result<PathBuf> {
    let target_dir = checkout.join("target").join("windows");
    let mut cargo = Command::new(DEBIAN_CARGO);
    cargo
        .args(["build", "--release", "--locked", "--package", "pinhole", "--target", TARGET, "--target-dir"])
        .arg(&target_dir)
        .env("RUSTC", DEBIAN_RUSTC)
        // Building the standard library is an unstable feature of cargo; Debian's is a stable release.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort")
        .env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER", LINKER)
        .env("CARGO_ENCODED_RUSTFLAGS", remapped_paths(checkout))
        .env("PINHOLE_DISTRIBUTED", "1")
        .current_dir(checkout);
    // They would send Debian's cargo back to the active toolchain, and to its libraries.
    for variable in ["RUSTUP_TOOLCHAIN", "CARGO", "RUSTDOC", "RUSTFLAGS", "LD_LIBRARY_PATH"] {
        cargo.env_remove(variable);
    }
    // The active toolchain's programs come first on the path of what cargo runs.
    let path = env::join_paths(["/usr/local/bin", "/usr/bin", "/bin"]).into_diagnostic()?;
    let status = cargo.env("PATH", path).status().into_diagnostic().wrap_err("cargo cannot be started")?;
    if !status.success() {
        return Err(miette!("{cargo:?} failed"));
    }
    Ok(target_dir.join(TARGET).join("release").join("pinhole.exe"))
}
