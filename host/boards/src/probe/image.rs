//! What probe-rs writes where.

use probe_rs::flashing::FlashLoader;

use super::{Bench, ProbeError};
use crate::firmware::FlashImage;

/// An image as probe-rs flashes it: checked against the chip's own memory map, without a probe.
///
/// # Errors
/// [`ProbeError::NoChip`], [`ProbeError::UnknownChip`], [`ProbeError::Place`].
pub fn loader(image: &FlashImage, bench: &Bench) -> Result<FlashLoader, ProbeError> {
    let chip = image.board.chip().ok_or(ProbeError::NoChip { board: image.board })?;
    let place = |what, source| ProbeError::Place { what, chip: chip.name, source: Box::new(source) };
    let target = bench.registry.get_target_by_name(chip.name);
    let mut loader =
        target.map_err(|source| ProbeError::UnknownChip { chip: chip.name, source: source.into() })?.flash_loader();
    for part in &image.parts {
        loader.add_data(part.address.into(), &part.bytes).map_err(|source| place(part.what, source))?;
    }
    Ok(loader)
}

/// Whether an image fits the chip's own memory map. Needs no probe.
///
/// # Errors
/// Those of [`loader`].
pub fn check_fits(image: &FlashImage, bench: &Bench) -> Result<(), ProbeError> {
    loader(image, bench).map(drop)
}
