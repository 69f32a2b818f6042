//! Debug probes, and the connection to the chip behind one.

use std::sync::LazyLock;

use probe_rs::architecture::arm::ArmError;
use probe_rs::config::Registry;
use probe_rs::probe::list::{Accessibility, Lister};
use probe_rs::probe::{DebugProbeInfo, DebugProbeSelector};
use probe_rs::{Error, MemoryInterface as _, Permissions, Session};

use super::{PluggedIn, ProbeError, Unlock};
use crate::board::{Board, ProbedChip};

/// Source of probes, and the known chips.
pub struct DebugProbes {
    /// Finds probes.
    pub lister: Lister,
    /// Chips known to probe-rs. Loaded on first use: this takes longer than most commands that do not need it.
    pub registry: LazyLock<Registry>,
}

impl DebugProbes {
    /// Returns all probes on USB, and the chips that probe-rs knows.
    pub fn usb() -> Self {
        Self { lister: Lister::new(), registry: LazyLock::new(Registry::from_builtin_families) }
    }
}

impl std::fmt::Debug for DebugProbes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DebugProbes").field("lister", &self.lister).finish_non_exhaustive()
    }
}

/// A board's chip, connected through a probe.
#[derive(Debug)]
pub struct Attachment {
    pub(super) board: Board,
    pub(super) chip: ProbedChip,
    pub(super) session: Session,
}

/// Parses a probe's name, as VENDOR:PRODUCT or VENDOR:PRODUCT:SERIAL.
///
/// # Errors
/// A message if it is neither.
pub fn parse_selector(text: &str) -> Result<DebugProbeSelector, String> {
    text.parse().map_err(|_| "give a probe as VENDOR:PRODUCT or VENDOR:PRODUCT:SERIAL, such as 2e8a:000c".to_owned())
}

/// Returns the connected probes.
///
/// # Errors
/// None here: [`ProbeError::NotBuilt`] in a build without probes.
pub fn probes(debug_probes: &DebugProbes) -> Result<Vec<PluggedIn>, ProbeError> {
    let all = debug_probes.lister.list_all_with_access().into_iter();
    let found = all.map(|item| PluggedIn { name: describe(&item.info), accessible: accessible(item.accessibility) });
    Ok(found.collect())
}

fn accessible(accessibility: Accessibility) -> bool {
    accessibility != Accessibility::PermissionDenied
}

/// Returns descriptions of the connected probes.
fn names(debug_probes: &DebugProbes) -> Vec<String> {
    debug_probes.lister.list_all().iter().map(describe).collect()
}

fn describe(probe: &DebugProbeInfo) -> String {
    format!("{} ({})", DebugProbeSelector::from(probe), probe.identifier)
}

impl Attachment {
    /// Attaches to a board's chip while it runs, and checks that it is the expected chip.
    ///
    /// # Errors
    /// [`ProbeError::NoChip`], [`ProbeError::NoProbe`], [`ProbeError::ManyProbes`], [`ProbeError::NotThatProbe`],
    /// [`ProbeError::NoAccess`], [`ProbeError::Open`], [`ProbeError::NoAnswer`], [`ProbeError::Locked`],
    /// [`ProbeError::WrongChip`].
    pub fn new(
        debug_probes: &DebugProbes,
        board: Board,
        wanted: Option<&DebugProbeSelector>,
        unlock: Unlock,
    ) -> Result<Self, ProbeError> {
        let chip = board.chip().ok_or(ProbeError::NoChip { board })?;
        let info = choose(debug_probes, wanted)?;
        let probe = info.open().map_err(|source| ProbeError::Open { probe: describe(&info), source: source.into() })?;
        let permissions = match unlock {
            Unlock::No => Permissions::new(),
            Unlock::EraseAll => Permissions::new().allow_erase_all(),
        };
        let session = probe
            .attach_with_registry(chip.name, permissions, &debug_probes.registry)
            .map_err(|error| refused(chip, error))?;
        let mut attachment = Self { board, chip, session };
        attachment.check_chip()?;
        Ok(attachment)
    }

    fn check_chip(&mut self) -> Result<(), ProbeError> {
        let chip = self.chip;
        let read = |session: &mut Session| {
            let mut core = session.core(0)?;
            let first = core.read_word_32(chip.id_address.into())? & chip.id_mask;
            let Some((address, value)) = chip.release.filter(|_| first != chip.id) else { return Ok(first) };
            core.write_word_32(address.into(), value)?;
            Ok(core.read_word_32(chip.id_address.into())? & chip.id_mask)
        };
        let got = read(&mut self.session).map_err(|error| refused(chip, error))?;
        if got == chip.id { Ok(()) } else { Err(ProbeError::WrongChip { board: self.board, chip, got }) }
    }

    /// Compares memory with the expected bytes.
    pub(super) fn holds(&mut self, address: u32, expected: &[u8]) -> Result<bool, ProbeError> {
        let mut found = vec![0; expected.len()];
        let read = self.session.core(0).and_then(|mut core| core.read(address.into(), &mut found));
        read.map_err(|error| self.lost(error))?;
        Ok(found == expected)
    }

    pub(super) fn lost(&self, error: Error) -> ProbeError {
        ProbeError::Lost { chip: self.chip.name, source: Box::new(error) }
    }
}

/// Returns the only probe, or the wanted one.
fn choose(debug_probes: &DebugProbes, wanted: Option<&DebugProbeSelector>) -> Result<DebugProbeInfo, ProbeError> {
    let mut found = debug_probes.lister.list_with_access(wanted);
    match (found.len(), wanted) {
        (0, None) => Err(ProbeError::NoProbe),
        (0, Some(wanted)) => Err(ProbeError::NotThatProbe { wanted: wanted.to_string(), probes: names(debug_probes) }),
        (1, _) => {
            let item = found.remove(0);
            if !accessible(item.accessibility) {
                return Err(ProbeError::NoAccess { probe: describe(&item.info) });
            }
            Ok(item.info)
        }
        _ => Err(ProbeError::ManyProbes { probes: found.iter().map(|item| describe(&item.info)).collect() }),
    }
}

/// Returns the error for a chip that refused to be attached to.
fn refused(chip: ProbedChip, error: Error) -> ProbeError {
    match error {
        Error::MissingPermissions(_) | Error::Arm(ArmError::MissingPermissions(_)) => {
            ProbeError::Locked { chip: chip.name }
        }
        error => ProbeError::NoAnswer { chip: chip.name, source: Box::new(error) },
    }
}
