//! Facts about firmware, and about the toolchains that build it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use pinhole_boards::board::Board;
use pinhole_boards::firmware::prebuilt::FirmwareManifest;
use pinhole_boards::firmware::{Firmware, FirmwareError, checkout, source_digest, toolchain_facts};
use pinhole_boards::settings::ProcessSettings;
use serde::Serialize;

/// Facts about the boards' firmware.
#[derive(Clone, Debug, Serialize)]
pub struct FirmwareFacts {
    /// True if commands build it from source ([`ProcessSettings::build_firmware`]), false if they use the prebuilt
    /// firmware.
    pub from_source: bool,
    /// Digests of the prebuilt firmware, by board name.
    pub prebuilt: BTreeMap<&'static str, String>,
    /// Compiler of the prebuilt firmware.
    pub compiler: Option<String>,
    /// Digest of the sources of the prebuilt firmware.
    pub source_digest: Option<String>,
    /// Comparison of these sources with a checkout.
    pub sources: Sources,
    /// Reason why it cannot be used.
    pub problem: Option<String>,
}

/// Comparison of the prebuilt firmware's sources with those of a checkout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Sources {
    /// There is no checkout.
    NoCheckout,
    /// The sources are the same.
    Unchanged {
        /// The checkout.
        checkout: PathBuf,
    },
    /// The sources have changed since.
    Changed {
        /// The checkout.
        checkout: PathBuf,
    },
}

/// Facts about the toolchain for a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CompilerFacts {
    /// The target.
    pub target: &'static str,
    /// Version of the compiler; `None` if there is none.
    pub compiler: Option<String>,
    /// Command that installs one.
    pub command: Option<String>,
}

impl FirmwareFacts {
    pub(super) fn of_this_program() -> Self {
        let mut facts = Self {
            from_source: ProcessSettings::current().build_firmware,
            prebuilt: BTreeMap::new(),
            compiler: None,
            source_digest: None,
            sources: Sources::NoCheckout,
            problem: None,
        };
        for board in boards() {
            match Firmware::prebuilt(board) {
                Ok(firmware) => drop(facts.prebuilt.insert(board.name(), firmware.digest().to_owned())),
                Err(error) => facts.problem = Some(error.to_string()),
            }
        }
        match FirmwareManifest::inside() {
            None => {}
            Some(Err(error)) => facts.problem = Some(error),
            Some(Ok(manifest)) => {
                facts.sources = sources(&manifest);
                facts.compiler = Some(manifest.toolchain.rustc);
                facts.source_digest = Some(manifest.source_digest);
            }
        }
        facts
    }
}

fn boards() -> impl Iterator<Item = Board> {
    Board::ALL.into_iter().filter(|board| !board.is_test_equipment())
}

fn sources(manifest: &FirmwareManifest) -> Sources {
    let Ok(checkout) = checkout() else { return Sources::NoCheckout };
    match source_digest(&checkout, &manifest.toolchain) {
        Ok(digest) if digest == manifest.source_digest => Sources::Unchanged { checkout },
        Ok(_) => Sources::Changed { checkout },
        // Unreadable sources count as no checkout.
        Err(_) => Sources::NoCheckout,
    }
}

impl CompilerFacts {
    pub(super) fn of_this_machine() -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for board in boards() {
            let target = board.target();
            if all.iter().any(|facts| facts.target == target) {
                continue;
            }
            all.push(match toolchain_facts(board) {
                Ok(facts) => Self { target, compiler: Some(facts.rustc), command: None },
                Err(FirmwareError::NoToolchain { command, .. }) => {
                    Self { target, compiler: None, command: Some(command) }
                }
                Err(_) => Self { target, compiler: None, command: None },
            });
        }
        all
    }
}
