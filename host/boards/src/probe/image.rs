//! Images in the form that probe-rs writes.

use probe_rs::flashing::FlashLoader;

use super::{DebugProbes, ProbeError};
use crate::firmware::FlashImage;

/// Returns an image as probe-rs flashes it, checked against the chip's memory map. Requirements no probe.
///
/// # Errors
/// [`ProbeError::NoChip`], [`ProbeError::UnknownChip`], [`ProbeError::Place`].
pub fn loader(image: &FlashImage, debug_probes: &DebugProbes) -> Result<FlashLoader, ProbeError> {
    let chip = image.board.chip().ok_or(ProbeError::NoChip { board: image.board })?;
    let place = |what, source| ProbeError::Place { what, chip: chip.name, source: Box::new(source) };
    let target = debug_probes.registry.get_target_by_name(chip.name);
    let mut loader =
        target.map_err(|source| ProbeError::UnknownChip { chip: chip.name, source: source.into() })?.flash_loader();
    for part in &image.parts {
        loader.add_data(part.address.into(), &part.bytes).map_err(|source| place(part.what, source))?;
    }
    Ok(loader)
}

/// Checks that an image fits the chip's memory map. Requirements no probe.
///
/// # Errors
/// The errors of [`loader`].
pub fn check_fits(image: &FlashImage, debug_probes: &DebugProbes) -> Result<(), ProbeError> {
    loader(image, debug_probes).map(drop)
}
