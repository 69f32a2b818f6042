//! Brightness and contrast of an input.

use micromath::F32Ext;

/// Brightness and contrast of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Light {
    /// Mean, 0..=255, rounded.
    pub(crate) brightness: u8,
    /// Standard deviation, 0..=128. For display only: micromath's square root is a few percent off.
    pub(crate) contrast: u8,
}

/// Returns the mean and standard deviation of an input's bytes, over all channels; 0 for an empty input.
pub(crate) fn light(pixels: &[u8]) -> Light {
    let count = pixels.len() as u64;
    let sum: u64 = pixels.iter().map(|&pixel| u64::from(pixel)).sum();
    let squares: u64 = pixels.iter().map(|&pixel| u64::from(pixel) * u64::from(pixel)).sum();
    let brightness = (sum + count / 2).checked_div(count).unwrap_or(0) as u8;
    // count^2 * variance, exact and never negative. At most 2^8 * 2^8 * count^2, which fits for any picture in memory.
    let scatter = count * squares - sum * sum;
    let variance = scatter.checked_div(count * count).unwrap_or(0);
    // Fully qualified, so that tests on the host use micromath's root instead of the standard library's.
    let deviation = F32Ext::sqrt(variance as f32);
    Light { brightness, contrast: (deviation + 0.5).min(128.0) as u8 }
}

#[cfg(test)]
mod tests;
