//! Errors of finding an emulator.

use std::io;
use std::path::PathBuf;

use super::{OperatingSystem, PROGRAM, Unusable};

/// Error: there is no emulator to run.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LocateError {
    /// The emulator that the user named cannot be used.
    #[error("the emulator {} cannot be used: {reason}", path.display())]
    #[diagnostic(help(
        "give --emulator (or PINHOLE_EMULATOR) the path of a qemu-system-arm, or leave it out \
         so that Pinhole searches for one"
    ))]
    Named {
        /// The named path.
        path: PathBuf,
        /// Reason, in words.
        reason: String,
    },
    /// No emulator is installed, and no private copy can be made.
    #[error("the emulator ({PROGRAM}) is not installed{}", listed(unusable))]
    #[diagnostic(help("{advice}"))]
    Missing {
        /// Installed emulators that do not work.
        unusable: Vec<Unusable>,
        /// Advice.
        advice: String,
    },
    /// A private copy could not be made.
    #[error("no private copy of the emulator ({PROGRAM}) could be made in {}", folder.display())]
    #[diagnostic(help("{}; or install one: {command}; or give one with --emulator", trouble.advice()))]
    Copy {
        /// Folder for the copy.
        folder: PathBuf,
        /// The error.
        #[source]
        trouble: CopyTrouble,
        /// Command that installs an emulator instead.
        command: &'static str,
    },
}

/// Reason why no private copy can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Copy {
    /// Impossible on this system.
    Never,
    /// The user has no cache folder.
    NoFolder,
    /// Downloads are forbidden.
    ForbiddenOffline {
        /// Folder for the copy.
        folder: PathBuf,
    },
}

impl LocateError {
    pub(super) fn missing(unusable: Vec<Unusable>, system: OperatingSystem, copy: Copy) -> Self {
        let name = "give one with --emulator PATH (or PINHOLE_EMULATOR)";
        let install = system.install_advice();
        let advice = match copy {
            Copy::Never => format!("{install}; or {name}"),
            Copy::NoFolder => {
                format!(
                    "set PINHOLE_CACHE to a folder, so that Pinhole makes a private copy there; or {install}; or {name}"
                )
            }
            Copy::ForbiddenOffline { folder } => format!(
                "leave out --offline (and PINHOLE_OFFLINE) once, so that Pinhole downloads a private copy into {}; \
                 or {install}; or {name}",
                folder.display()
            ),
        };
        Self::Missing { unusable, advice }
    }
}

fn listed(unusable: &[Unusable]) -> String {
    unusable.iter().map(|unusable| format!("; {unusable}")).collect()
}

/// Error of making a private copy.
#[derive(Debug, thiserror::Error)]
pub enum CopyTrouble {
    /// A file or folder could not be written.
    #[error("{} cannot be written", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// The folder's path cannot be part of a list of library folders.
    #[error("the path {} has a colon, which separates the paths in a list of library folders", folder.display())]
    Colon {
        /// The folder.
        folder: PathBuf,
    },
    /// There is not enough free space.
    #[error(
        "the disk of {} has {:.0} MB free, and {:.0} MB are needed",
        folder.display(), *free as f64 / 1e6, *needed as f64 / 1e6
    )]
    NoSpace {
        /// The folder.
        folder: PathBuf,
        /// Free space, bytes.
        free: u64,
        /// Required space, bytes.
        needed: u64,
    },
    /// A program could not be started.
    #[error("{program} could not be started")]
    Program {
        /// The program.
        program: &'static str,
        /// Error of the operating system.
        source: io::Error,
    },
    /// A step failed.
    #[error("{} ({doing}); the output:\n{said}", cause.words())]
    Step {
        /// Description of the step.
        doing: &'static str,
        /// Probable cause.
        cause: FailureCause,
        /// Last lines of the failed program's output.
        said: String,
    },
    /// The unpacked emulator does not work.
    #[error("the emulator was unpacked but does not work: {reason}")]
    Broken {
        /// Reason, in words.
        reason: String,
    },
}

/// Cause of a failure, according to a program's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureCause {
    /// The disk is full.
    NoSpace,
    /// A signature of the archive is missing or wrong.
    Signature,
    /// The archive cannot be reached.
    Network,
    /// The archives of this system's sources do not have the package.
    NoPackage,
    /// Any other cause.
    Other,
}

impl FailureCause {
    /// Returns the cause, according to a program's messages in English.
    pub(super) fn of(said: &str) -> Self {
        // The order matters: after one of the first causes, apt often reports consequences of it.
        let tells: [(Self, &[&str]); 4] = [
            (Self::NoSpace, &["No space left on device", "enough free space", "Disk quota exceeded"]),
            (
                Self::Signature,
                &[
                    "NO_PUBKEY",
                    "is not signed",
                    "does not have a Release file",
                    "signatures were invalid",
                    "couldn't be verified",
                    "GPG error",
                    "OpenPGP",
                    "cannot be authenticated",
                    "is not valid yet",
                    "is expired",
                    "Hash Sum mismatch",
                ],
            ),
            (
                Self::Network,
                &[
                    "Temporary failure resolving",
                    "Could not resolve",
                    "Could not connect",
                    "Unable to connect",
                    "Connection failed",
                    "connection timed out",
                    "Network is unreachable",
                    "Failed to fetch",
                ],
            ),
            (Self::NoPackage, &["Unable to locate package", "has no installation candidate"]),
        ];
        let told = tells.into_iter().find(|(_, words)| words.iter().any(|word| said.contains(word)));
        told.map_or(Self::Other, |(cause, _)| cause)
    }

    /// Returns this cause, unless it says little and an earlier one explains it: packages are missing because lists
    /// are.
    pub(super) fn or_earlier(self, earlier: Self) -> Self {
        match self {
            Self::NoPackage | Self::Other if earlier != Self::Other => earlier,
            cause => cause,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::NoSpace => "the disk is full",
            Self::Signature => "the packages cannot be verified, so they are not used",
            Self::Network => "the packages cannot be downloaded",
            Self::NoPackage => "this system's package sources do not have the emulator",
            Self::Other => "apt failed",
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Self::NoSpace => "free space on the disk, or set PINHOLE_CACHE to a folder on another disk",
            Self::Signature => "check the clock and the keys of the sources in /etc/apt (`apt-get update` shows them)",
            Self::Network => "check the network, and apt's proxy settings if there is a proxy; then try again",
            Self::NoPackage => {
                "check that /etc/apt names the distribution's own sources (on Ubuntu, the component universe)"
            }
            Self::Other => "try again",
        }
    }
}

impl CopyTrouble {
    fn advice(&self) -> &'static str {
        match self {
            Self::Colon { .. } => "set PINHOLE_CACHE to a folder without a colon in its path",
            Self::NoSpace { .. } => FailureCause::NoSpace.advice(),
            Self::Write { source, .. } if source.kind() == io::ErrorKind::StorageFull => FailureCause::NoSpace.advice(),
            Self::Write { .. } => "set PINHOLE_CACHE to a writable folder",
            Self::Step { cause, .. } => cause.advice(),
            Self::Program { .. } | Self::Broken { .. } => "try again",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apts_messages_tell_the_cause() {
        for (said, cause) in [
            ("E: Write error - write (28: No space left on device)\nE: Failed to fetch x", FailureCause::NoSpace),
            (
                "W: GPG error: file:/x ./ InRelease: The following signatures couldn't be verified because the public \
                 key is not available: NO_PUBKEY 6ED0E7B82643E131\nE: The repository 'file:/x ./' is not signed.",
                FailureCause::Signature,
            ),
            (
                "W: Failed to fetch x  Temporary failure resolving 'host'\nE: Unable to locate package y",
                FailureCause::Network,
            ),
            ("E: The repository 'file:/x ./ Release' does not have a Release file.", FailureCause::Signature),
            ("E: Unable to locate package qemu-system-arm", FailureCause::NoPackage),
            ("E: dpkg was interrupted", FailureCause::Other),
        ] {
            assert_eq!(FailureCause::of(said), cause, "{said}");
        }
    }

    #[test]
    fn what_the_update_said_matters_only_where_nothing_else_is_known() {
        assert_eq!(FailureCause::NoPackage.or_earlier(FailureCause::Network), FailureCause::Network);
        assert_eq!(FailureCause::NoPackage.or_earlier(FailureCause::Other), FailureCause::NoPackage);
        // A missing key of another source does not explain a full disk.
        assert_eq!(FailureCause::NoSpace.or_earlier(FailureCause::Signature), FailureCause::NoSpace);
    }
}
