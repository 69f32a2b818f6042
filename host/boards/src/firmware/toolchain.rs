//! Toolchain that builds the firmware: the active Rust toolchain if it has the board's target, else Debian's.
//!
//! Detection ([`ToolchainFindings::of_this_machine`]) is separate from decision ([`plan`]), so that every decision can
//! be tested without touching the machine. rustup is never run; messages say how to run it.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pinhole_declaration::Core;

use super::FirmwareError;
use super::prebuilt::ToolchainFacts;
use super::system;

/// Debian's Rust. Its standard library is packaged as source (`rust-web-src`) and built for the target during the
/// build.
const DEBIAN_PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld"];
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_LLD: &str = "/usr/bin/ld.lld";

/// Environment variables for building firmware; they are part of the source digest. Line numbers are for debuggers
/// only, the log does not use them. Without `DEFMT_LOG`, only errors would be logged.
pub(super) const BUILD_ENVIRONMENT: [(&str, &str); 3] =
    [("CARGO_PROFILE_RELEASE_DEBUG", "0"), ("CARGO_PROFILE_RELEASE_STRIP", "debuginfo"), ("DEFMT_LOG", "info")];

/// Toolchains and programs found on a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ToolchainFindings {
    /// The active toolchain has libcore for the target.
    pub(super) active_has_target: bool,
    /// Debian's cargo and rustc are installed, with the source of their standard library.
    pub(super) debian_rust: bool,
    /// A linker for Debian's rustc: its own `ld.lld`, or the active toolchain's `rust-lld`.
    pub(super) linker: Option<PathBuf>,
    /// Debian's apt-get is installed.
    pub(super) debian: bool,
    /// rustup is installed.
    pub(super) rustup: bool,
    /// `RUSTUP_AUTO_INSTALL` is 0: nothing may be installed by rustup on this machine.
    pub(super) rustup_forbidden: bool,
}

/// Plan for building the firmware.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BuildPlan {
    /// With the active toolchain.
    Active,
    /// With Debian's Rust, building libcore too.
    Debian {
        /// The linker.
        linker: PathBuf,
    },
    /// Impossible until the user has done something.
    Stop {
        /// Command that would help.
        command: String,
    },
}

/// Decides, in this order: active toolchain, Debian's toolchain, advice. Nothing is installed.
pub(super) fn plan(findings: &ToolchainFindings, target: &str) -> BuildPlan {
    let apt = format!("apt-get install {}", DEBIAN_PACKAGES.join(" "));
    match findings {
        ToolchainFindings { active_has_target: true, .. } => BuildPlan::Active,
        ToolchainFindings { debian_rust: true, linker: Some(linker), .. } => {
            BuildPlan::Debian { linker: linker.clone() }
        }
        ToolchainFindings { rustup: true, rustup_forbidden: false, .. } => {
            BuildPlan::Stop { command: format!("rustup target add {target}") }
        }
        ToolchainFindings { debian: true, .. } => BuildPlan::Stop { command: format!("sudo {apt}") },
        _ => BuildPlan::Stop { command: format!("rustup target add {target}") },
    }
}

impl ToolchainFindings {
    /// Examines this machine. Runs at most `rustc --print` and changes nothing.
    pub(super) fn of_this_machine(target: &str) -> Self {
        let debian_lld = Path::new(DEBIAN_LLD);
        let debian_source = debian_sysroot().is_some_and(|root| has_source(&root));
        Self {
            active_has_target: active_has_target(target),
            debian_rust: debian_source && Path::new(DEBIAN_CARGO).is_file(),
            linker: if debian_lld.is_file() { Some(debian_lld.to_owned()) } else { active_rust_lld() },
            debian: system::has_apt(),
            rustup: system::find_program("rustup").is_some(),
            rustup_forbidden: env::var_os("RUSTUP_AUTO_INSTALL").is_some_and(|value| value == "0"),
        }
    }
}

/// A toolchain for firmware.
#[derive(Clone, Debug)]
pub(super) struct Toolchain {
    core: Core,
    /// Linker for Debian's Rust; `None` for the active toolchain.
    linker: Option<PathBuf>,
}

impl Toolchain {
    /// Finds a toolchain that builds for a core, without changing this machine.
    ///
    /// # Errors
    /// [`FirmwareError::NoToolchain`] with the command to run.
    pub(super) fn find(core: Core) -> Result<Self, FirmwareError> {
        let target = core.target();
        match plan(&ToolchainFindings::of_this_machine(target), target) {
            BuildPlan::Active => Ok(Self { core, linker: None }),
            BuildPlan::Debian { linker } => Ok(Self { core, linker: Some(linker) }),
            BuildPlan::Stop { command } => Err(FirmwareError::NoToolchain { target, command }),
        }
    }

    /// Returns the facts about this toolchain.
    ///
    /// # Errors
    /// [`FirmwareError::Program`] if its compiler does not tell its version.
    pub(super) fn facts(&self) -> Result<ToolchainFacts, FirmwareError> {
        let mut rustc = if self.linker.is_some() { debian_rustc() } else { active_rustc() };
        let program = rustc.get_program().to_string_lossy().into_owned();
        let output = rustc.arg("--version").stdin(Stdio::null()).output();
        let output = output.map_err(|source| FirmwareError::Program { program, source })?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok(ToolchainFacts { rustc: version, builds_core: self.linker.is_some() })
    }

    /// Returns a `cargo` command whose environment builds a checkout's sources for the target, whatever the caller's
    /// environment is. The result has the same bytes in every folder.
    pub(super) fn cargo(&self, checkout: &Path) -> Command {
        let mut command = match &self.linker {
            None => Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"))),
            Some(linker) => {
                let mut command = Command::new(DEBIAN_CARGO);
                command
                    .env("RUSTC", DEBIAN_RUSTC)
                    // Building libcore is an unstable feature of cargo; `RUSTC_BOOTSTRAP` allows it in Debian's stable
                    // release.
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("CARGO_UNSTABLE_BUILD_STD", "core")
                    .env(
                        format!("CARGO_TARGET_{}_LINKER", self.core.target().to_uppercase().replace(['-', '.'], "_")),
                        linker,
                    );
                // These would lead Debian's cargo back to the active toolchain and its libraries.
                for variable in ["RUSTUP_TOOLCHAIN", "CARGO", "RUSTDOC", "LD_LIBRARY_PATH"] {
                    command.env_remove(variable);
                }
                command
            }
        };
        // Flags for the host's build (coverage, sanitizers, another linker, another folder) break the firmware's. A
        // list of flags, even an empty one, overrides those of cargo's configuration files.
        let mut flags = remapped_paths(checkout);
        if let Some(cpu) = self.core.target_cpu() {
            flags.push(format!("\x1f-Ctarget-cpu={cpu}"));
        }
        command.env("CARGO_ENCODED_RUSTFLAGS", flags);
        command.envs(BUILD_ENVIRONMENT);
        for variable in [
            "CARGO_BUILD_TARGET",
            "CARGO_BUILD_TARGET_DIR",
            "CARGO_TARGET_DIR",
            "RUSTC_WORKSPACE_WRAPPER",
            "RUSTC_WRAPPER",
            "RUSTFLAGS",
        ] {
            command.env_remove(variable);
        }
        command.stdin(Stdio::null());
        command
    }
}

/// Returns flags for rustc, as a value of `CARGO_ENCODED_RUSTFLAGS`, that keep names of this machine's folders out of
/// the binary: panic messages contain names of source files.
pub fn remapped_paths(checkout: &Path) -> OsString {
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(dirs::home_dir()?.join(".cargo")));
    let registries = cargo_home.and_then(|home| home.join("registry").join("src").read_dir().ok());
    let registries = registries.into_iter().flatten().flatten().map(|entry| (entry.path(), "/registry"));
    let mut flags = OsString::new();
    for (folder, name) in registries.chain([(checkout.to_owned(), "/pinhole")]) {
        if !flags.is_empty() {
            flags.push("\x1f");
        }
        flags.push("--remap-path-prefix=");
        flags.push(folder);
        flags.push("=");
        flags.push(name);
    }
    flags
}

/// Returns the first line that a rustc prints; `None` if it fails.
fn rustc_prints(rustc: Command, arguments: &[&str]) -> Option<PathBuf> {
    let mut rustc = rustc;
    let output = rustc.args(arguments).stdin(Stdio::null()).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(text.lines().next()?))
}

fn active_rustc() -> Command {
    Command::new(env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc")))
}

fn active_has_target(target: &str) -> bool {
    // rustc prints the folder even if it does not exist.
    rustc_prints(active_rustc(), &["--print", "target-libdir", "--target", target]).is_some_and(|folder| {
        folder.read_dir().is_ok_and(|entries| {
            entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
        })
    })
}

fn active_rust_lld() -> Option<PathBuf> {
    let libraries = rustc_prints(active_rustc(), &["--print", "target-libdir"])?;
    Some(libraries.parent()?.join("bin").join("rust-lld")).filter(|linker| linker.is_file())
}

fn debian_rustc() -> Command {
    let mut rustc = Command::new(DEBIAN_RUSTC);
    rustc.env_remove("RUSTUP_TOOLCHAIN").env_remove("LD_LIBRARY_PATH");
    rustc
}

fn debian_sysroot() -> Option<PathBuf> {
    rustc_prints(debian_rustc(), &["--print", "sysroot"])
}

fn has_source(sysroot: &Path) -> bool {
    sysroot.join("lib/rustlib/src/rust/library/core/src/lib.rs").is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: &str = "thumbv6m-none-eabi";

    fn bare() -> ToolchainFindings {
        ToolchainFindings::default()
    }

    #[test]
    fn the_active_toolchain_comes_first() {
        let all = ToolchainFindings {
            active_has_target: true,
            debian_rust: true,
            linker: Some(PathBuf::from("ld.lld")),
            debian: true,
            rustup: true,
            rustup_forbidden: true,
        };
        assert_eq!(plan(&all, TARGET), BuildPlan::Active);
        let without = ToolchainFindings { active_has_target: false, ..all };
        assert_eq!(plan(&without, TARGET), BuildPlan::Debian { linker: PathBuf::from("ld.lld") });
    }

    #[test]
    fn half_of_debians_toolchain_is_not_enough() {
        let found = ToolchainFindings { debian: true, rustup_forbidden: true, ..bare() };
        for half in [
            ToolchainFindings { debian_rust: true, ..found.clone() },
            ToolchainFindings { linker: Some(PathBuf::from("ld.lld")), ..found.clone() },
        ] {
            assert!(matches!(plan(&half, TARGET), BuildPlan::Stop { .. }), "{half:?}");
        }
    }

    #[test]
    fn rustup_is_offered_only_where_it_is_allowed() {
        let found = ToolchainFindings { rustup: true, debian: true, ..bare() };
        let BuildPlan::Stop { command } = plan(&found, TARGET) else { panic!("nothing to build with") };
        assert_eq!(command, "rustup target add thumbv6m-none-eabi");
        let BuildPlan::Stop { command } = plan(&ToolchainFindings { rustup_forbidden: true, ..found }, TARGET) else {
            panic!("nothing to build with")
        };
        assert_eq!(command, "sudo apt-get install rustc-web cargo-web rust-web-src lld");
    }

    #[test]
    fn elsewhere_the_target_is_named() {
        let BuildPlan::Stop { command } = plan(&bare(), TARGET) else { panic!("nothing to build with") };
        assert!(command.contains(TARGET), "{command}");
    }

    #[test]
    fn debian_cargo_hears_nothing_of_the_callers_toolchain() {
        let toolchain = Toolchain { core: Core::CortexM0Plus, linker: Some(PathBuf::from("/usr/bin/ld.lld")) };
        let command = toolchain.cargo(Path::new("/home/someone/pinhole"));
        let set = |name: &str| command.get_envs().find(|(key, _)| *key == name).map(|(_, value)| value.is_some());
        assert_eq!(set("CARGO_TARGET_THUMBV6M_NONE_EABI_LINKER"), Some(true));
        assert_eq!(set("CARGO_UNSTABLE_BUILD_STD"), Some(true));
        let flags = command.get_envs().find(|(key, _)| *key == "CARGO_ENCODED_RUSTFLAGS").and_then(|(_, value)| value);
        let flags = flags.unwrap().to_string_lossy();
        assert!(flags.ends_with("--remap-path-prefix=/home/someone/pinhole=/pinhole"), "{flags}");
        for removed in ["RUSTUP_TOOLCHAIN", "CARGO", "RUSTFLAGS", "CARGO_TARGET_DIR"] {
            assert_eq!(set(removed), Some(false), "{removed}");
        }
    }

    /// The target's name has a dot, and not all of its cores have the DSP extension.
    #[test]
    fn a_cortex_m33_is_named_to_the_compiler() {
        for linker in [None, Some(PathBuf::from("/usr/bin/ld.lld"))] {
            let is_debian = linker.is_some();
            let command = Toolchain { core: Core::CortexM33, linker }.cargo(Path::new("/home/someone/pinhole"));
            let value = |name: &str| command.get_envs().find(|(key, _)| *key == name).and_then(|(_, value)| value);
            assert_eq!(value("CARGO_TARGET_THUMBV8M_MAIN_NONE_EABIHF_LINKER").is_some(), is_debian);
            let flags = value("CARGO_ENCODED_RUSTFLAGS").unwrap().to_string_lossy();
            assert!(flags.ends_with("=/pinhole\x1f-Ctarget-cpu=cortex-m33"), "{flags}");
        }
    }
}
