//! Worst-case durations of the driver, from its waits and the bytes it transfers.

use super::bring_up::{
    CPLD_RESET_MS, FRAME_MS, ID_TRIES, ID_WAIT_MS, MOST_FRAMES, PROBE_TRIES, PROBE_WAIT_MS, SENSOR_RESET_MS, WAKE_MS,
};
use super::chip::{DONE_LOOKS, POLL_MS, POLLS, VSYNC_LOOK_US, VSYNC_LOOKS};
use super::{CAPTURE_TRIES, Config};
use crate::ov2640::{BASE, NACK_WAIT_MS, RETRIES_TOGETHER, WINDOW_WRITES, YUV422, writes_in};
use crate::picture::PEEK_BYTES;
use crate::time::{TRANSACTION_US, ms, spi_us};

/// Bus clocks, Hz.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BusClocks {
    /// SPI.
    pub spi_hz: u32,
    /// I2C.
    pub i2c_hz: u32,
}

/// One access takes at most three transactions (bank, address, value), 7 bytes with their acknowledge bits.
const fn sensor_us(clocks: BusClocks, accesses: u64) -> u64 {
    accesses * 3 * TRANSACTION_US + (accesses * 7 * 9 * 1_000_000).div_ceil(clocks.i2c_hz as u64)
}

/// Maximum duration of [`Camera::start`], ms, rounded up. It assumes exact delays and at most 50 us per transaction
/// besides its bits.
///
/// It covers one failed attempt at a picture, one bring-up, its dropped picture, and a second attempt, each with the
/// maximum of tries and waits. Without a fault, a start takes 70 to 140 ms (the sensor's frame period is 67 ms), and
/// about 1 s the first time.
///
/// [`Camera::start`]: pinhole_app::camera::Camera::start
///
/// ```
/// use pinhole_cameras::arducam_mini::{BusClocks, worst_start_ms};
/// assert!(worst_start_ms(BusClocks { spi_hz: 1_000_000, i2c_hz: 100_000 }) < 7_000);
/// ```
pub const fn worst_start_ms(clocks: BusClocks) -> u32 {
    let retries = RETRIES_TOGETHER as u64;
    let stamp = sensor_us(clocks, 4 + retries) + retries * ms(NACK_WAIT_MS);
    // Clear, start, length and peek take 7 more transactions.
    let polls_looks = POLLS as u64 * DONE_LOOKS as u64;
    let polls = POLLS as u64 * ms(POLL_MS) + spi_us(clocks.spi_hz, polls_looks, polls_looks * 2);
    let capture = polls + spi_us(clocks.spi_hz, 8, 2 * 7 + PEEK_BYTES as u64 + 1);
    // Only a capture without another try checks VSYNC.
    let looks = VSYNC_LOOKS as u64;
    let vsync = looks * VSYNC_LOOK_US as u64 + spi_us(clocks.spi_hz, looks + 1, 2 * looks + 2);
    let picture = stamp + CAPTURE_TRIES as u64 * capture + vsync;

    let probes = PROBE_TRIES as u64 * (spi_us(clocks.spi_hz, 12, 24) + ms(PROBE_WAIT_MS));
    let wake = spi_us(clocks.spi_hz, 9, 18) + ms(WAKE_MS);
    let ids = ID_TRIES as u64 * (sensor_us(clocks, 4) + ms(ID_WAIT_MS));
    let table_writes = (writes_in(BASE) + writes_in(YUV422) + WINDOW_WRITES) as u64;
    // The soft reset, orientation, and five writes that make the chroma constant.
    let tables = sensor_us(clocks, table_writes + 7 + retries) + retries * ms(NACK_WAIT_MS);
    let settle = MOST_FRAMES as u64 * ms(FRAME_MS) + sensor_us(clocks, MOST_FRAMES as u64 + 1);
    let resets = spi_us(clocks.spi_hz, 2, 4) + 2 * ms(CPLD_RESET_MS) + ms(SENSOR_RESET_MS);
    let bring_up = resets + probes + wake + ids + tables + settle;

    (3 * picture + bring_up).div_ceil(1000) as u32
}

/// Maximum duration of [`Camera::read_row`], us, rounded up. It assumes at most 50 us per transaction besides its bits.
///
/// [`Camera::read_row`]: pinhole_app::camera::Camera::read_row
///
/// ```
/// use pinhole_cameras::arducam_mini::{BusClocks, Config, worst_read_row_us};
/// let config = Config::square(100)?;
/// // The command, a dummy byte, 200 bytes, and three looks at the done flag, of 2 us a byte at 4 MHz.
/// assert_eq!(worst_read_row_us(BusClocks { spi_hz: 4_000_000, i2c_hz: 100_000 }, &config), 4 * 50 + 208 * 2);
/// # Ok::<(), pinhole_cameras::ov2640::WindowError>(())
/// ```
pub const fn worst_read_row_us(clocks: BusClocks, config: &Config) -> u32 {
    row_us(clocks, config.frame().row_bytes() as u64) as u32
}

/// Maximum duration of a whole picture, ms, rounded up: [`worst_start_ms`] plus all rows. The picture has
/// `row_bytes` bytes per row, two per pixel, and as many rows as a square one. (Pictures of the whole field, 4:3, have fewer.)
/// A watchdog must allow this time.
///
/// ```
/// use pinhole_cameras::arducam_mini::{BusClocks, worst_picture_ms, worst_start_ms};
/// let clocks = BusClocks { spi_hz: 4_000_000, i2c_hz: 100_000 };
/// // 100 rows of 616 us, as above.
/// assert_eq!(worst_picture_ms(clocks, 200), worst_start_ms(clocks) + 62);
/// ```
pub const fn worst_picture_ms(clocks: BusClocks, row_bytes: usize) -> u32 {
    let rows = row_bytes as u64 / 2;
    worst_start_ms(clocks) + (rows * row_us(clocks, row_bytes as u64)).div_ceil(1000) as u32
}

const fn row_us(clocks: BusClocks, row_bytes: u64) -> u64 {
    spi_us(clocks.spi_hz, 1 + DONE_LOOKS as u64, 2 + row_bytes + 2 * DONE_LOOKS as u64)
}
