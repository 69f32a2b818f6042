//! Durations of transfers.

/// Overhead per transaction besides its bits, us: chip select, DMA setup, start and stop.
pub(crate) const TRANSACTION_US: u64 = 50;

/// Returns the duration of SPI transactions with this number of bytes in total, us, rounded up.
pub(crate) const fn spi_us(spi_hz: u32, transactions: u64, bytes: u64) -> u64 {
    transactions * TRANSACTION_US + (bytes * 8 * 1_000_000).div_ceil(spi_hz as u64)
}

/// Converts milliseconds to microseconds.
pub(crate) const fn ms(ms: u32) -> u64 {
    ms as u64 * 1000
}
