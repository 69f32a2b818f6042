//! Memory that decoding a photo takes, by its header.

use image::metadata::Orientation;
use image::{ColorType, ImageDecoder, ImageFormat};

use super::jpeg;

/// Returns the most memory that a picture takes while it is decoded, turned and converted to RGB, without its file, bytes.
/// `file` are the file's bytes, which have this format.
pub(super) fn needed(
    decoder: &impl ImageDecoder,
    orientation: Orientation,
    format: Option<ImageFormat>,
    file: &[u8],
) -> u64 {
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    let decoded = decoder.total_bytes();
    // What decoders keep beside the picture, as measured with files of 50 to 100 million pixels.
    let working = match format {
        // The decoder has a copy of the file, and the search for a cut one has another.
        Some(ImageFormat::Jpeg) => jpeg::coefficient_bytes(file).saturating_add(2 * file.len() as u64),
        // The rows that are compressed together may be all.
        Some(ImageFormat::Tiff) => decoded,
        // Pixels with transparency, and a copy of their colors.
        Some(ImageFormat::WebP) => 5 * pixels,
        _ => 0,
    };
    let turned = if orientation == Orientation::NoTransforms { 0 } else { decoded };
    let color = decoder.color_type();
    let rgba = if color.has_alpha() && color != ColorType::Rgba8 { 4 } else { 0 };
    let rgb = if color == ColorType::Rgb8 { 0 } else { 3 };
    decoded.saturating_add(working.max(turned.saturating_add(pixels * (rgba + rgb))))
}
