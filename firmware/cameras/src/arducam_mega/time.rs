//! Worst-case durations of the driver, from its waits and the bytes it transfers.

use super::chip::{BRING_UP_POLLS, DONE_LOOKS, DONE_POLLS, PICTURE_POLLS, POLL_MS};
use super::{
    CAPTURE_TRIES, Config, EXPOSURE_POLL_MS, EXPOSURE_POLLS, PROBE_TRIES, PROBE_WAIT_MS, PROBE_WRITE_MS, RESET_MS,
    SETTLE_PICTURES,
};
use crate::picture::PEEK_BYTES;
use crate::time::{ms, spi_us};

/// Reads take three bytes, writes two.
const fn reads_us(spi_hz: u32, reads: u64) -> u64 {
    spi_us(spi_hz, reads, 3 * reads)
}

/// Maximum duration of [`Camera::start`], ms, rounded up. It assumes exact delays and at most 50 us per transaction
/// besides its bits.
///
/// It covers one failed attempt at a picture, one bring-up, and a second attempt, each with the maximum of tries and
/// waits.
///
/// [`Camera::start`]: pinhole_app::camera::Camera::start
///
/// ```
/// use pinhole_cameras::arducam_mega::worst_start_ms;
/// assert!(worst_start_ms(1_000_000) < 7_000);
/// ```
pub const fn worst_start_ms(spi_hz: u32) -> u32 {
    let done = DONE_POLLS as u64 * ms(POLL_MS) + reads_us(spi_hz, DONE_LOOKS as u64 * DONE_POLLS as u64);
    // Clear, its idle poll, reads of the flag, start.
    let capture = done + reads_us(spi_hz, 3 + DONE_LOOKS as u64);
    let picture_idle = PICTURE_POLLS as u64 * ms(POLL_MS) + reads_us(spi_hz, PICTURE_POLLS as u64);
    let peek = spi_us(spi_hz, 1, 1 + PEEK_BYTES as u64);
    let picture = picture_idle + CAPTURE_TRIES as u64 * (capture + reads_us(spi_hz, 3) + peek);

    let probe = reads_us(spi_hz, 12) + 4 * ms(PROBE_WRITE_MS) + ms(PROBE_WAIT_MS);
    let bring_up_idle = BRING_UP_POLLS as u64 * ms(POLL_MS) + reads_us(spi_hz, BRING_UP_POLLS as u64);
    let exposure = EXPOSURE_POLLS as u64 * ms(EXPOSURE_POLL_MS) + reads_us(spi_hz, EXPOSURE_POLLS as u64 + 1);
    let settle = SETTLE_PICTURES as u64 * (picture_idle + capture);
    // The reset, one idle poll, and four settings, each with its idle poll.
    let settings = ms(RESET_MS) + reads_us(spi_hz, 1 + 1 + 4 * 2);
    let bring_up = settings + PROBE_TRIES as u64 * probe + bring_up_idle + exposure + settle;

    (2 * picture + bring_up).div_ceil(1000) as u32
}

/// Maximum duration of [`Camera::read_row`], us, rounded up. It assumes at most 50 us per transaction besides its bits.
///
/// [`Camera::read_row`]: pinhole_app::camera::Camera::read_row
pub const fn worst_read_row_us(spi_hz: u32, config: &Config) -> u32 {
    (spi_us(spi_hz, 1, 2 + config.frame().row_bytes() as u64) + reads_us(spi_hz, DONE_LOOKS as u64)) as u32
}
