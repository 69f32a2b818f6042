//! Writes firmware and model into the chip's flash.

use std::time::Duration;

use probe_rs::MemoryInterface as _;
use probe_rs::flashing::{DownloadOptions, FlashError, FlashProgress, ProgressEvent};

use super::image::loader;
use super::{Attachment, DebugProbes, FlashStep, ProbeError};
use crate::firmware::FlashImage;

/// Longest time from the reset to a halted core.
const HALT_TIMEOUT: Duration = Duration::from_secs(10);

/// Writes an image, has probe-rs verify it, and resets the chip, which then runs it.
///
/// Flash outside the image's sectors stays unchanged.
///
/// # Errors
/// [`ProbeError::UnknownChip`], [`ProbeError::Place`], [`ProbeError::Flash`], [`ProbeError::Verify`],
/// [`ProbeError::Lost`].
pub fn flash(
    debug_probes: &DebugProbes,
    attachment: &mut Attachment,
    image: &FlashImage,
    mut on_step: impl FnMut(FlashStep),
) -> Result<(), ProbeError> {
    let chip = attachment.chip.name;
    let loader = loader(image, debug_probes)?;
    let mut options = DownloadOptions::default();
    options.verify = true;
    options.progress = FlashProgress::new(move |event| match event {
        ProgressEvent::AddProgressBar { total: Some(bytes), .. } => on_step(FlashStep::Total(bytes)),
        ProgressEvent::Progress { size, .. } => on_step(FlashStep::Done(size)),
        _ => {}
    });
    loader.commit(&mut attachment.session, options).map_err(|error| match error {
        FlashError::Verify => ProbeError::Verify { chip },
        error => ProbeError::Flash { chip, source: Box::new(error) },
    })?;
    restart(attachment)
}

/// Resets the chip and lets it run, after clearing the old link's buffers in its memory.
fn restart(attachment: &mut Attachment) -> Result<(), ProbeError> {
    let declared = attachment.board.declaration();
    let (variables, length) = (declared.ram.origin, declared.budget.static_ram_bytes as usize);
    let restarted = (|| {
        let mut core = attachment.session.core(0)?;
        core.reset_and_halt(HALT_TIMEOUT)?;
        // Buffers of the last program would be found before the new one has started.
        core.write(variables.into(), &vec![0; length])?;
        core.run()
    })();
    restarted.map_err(|error| attachment.lost(error))
}
