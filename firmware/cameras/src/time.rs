//! What transfers take.

/// What is allowed for a transaction besides its bits, microseconds: chip select, setting up DMA, start and stop.
pub(crate) const TRANSACTION_US: u64 = 50;

/// So many SPI transactions with so many bytes in all, microseconds, rounded up.
pub(crate) const fn spi_us(spi_hz: u32, transactions: u64, bytes: u64) -> u64 {
    transactions * TRANSACTION_US + (bytes * 8 * 1_000_000).div_ceil(spi_hz as u64)
}

/// Milliseconds in microseconds.
pub(crate) const fn ms(ms: u32) -> u64 {
    ms as u64 * 1000
}
