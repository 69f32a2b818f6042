//! Inputs of any shape and color as gray squares, in which near-duplicates are searched.

use std::borrow::Cow;

use pinhole_shared::pixels::{Color, Fit, InputShape, PixelFormat};

use super::Picture;
use super::letterbox::without_bars;

/// Returns an input's luma.
fn luma(pixels: &[u8], color: Color) -> Cow<'_, [u8]> {
    match color {
        Color::Gray => Cow::Borrowed(pixels),
        Color::Rgb => pixels.chunks_exact(3).map(|pixel| PixelFormat::Rgb888.luma(pixel)).collect(),
    }
}

/// Returns the side of the squares that inputs of this shape are compared as, px: as many pixels as the input has.
pub(super) fn square_side(input: InputShape) -> u16 {
    // At most the longer side, so it fits.
    input.side().unwrap_or_else(|| (u32::from(input.width) * u32::from(input.height)).isqrt().max(1) as u16)
}

/// Returns an input's luma as a square of [`square_side`], without the bars of a letterbox: these are alike in all photos of
/// one shape.
pub(super) fn square(pixels: &[u8], input: InputShape) -> Cow<'_, [u8]> {
    if input.fit == Fit::Letterbox {
        let (part, shape) = without_bars(pixels, input);
        if shape != input {
            return Cow::Owned(stretched(luma(&part, input.color).into_owned(), shape, square_side(input)));
        }
    }
    let luma = luma(pixels, input.color);
    if input.side().is_some() { luma } else { Cow::Owned(stretched(luma.into_owned(), input, square_side(input))) }
}

/// Returns gray pixels of this shape as a square.
fn stretched(luma: Vec<u8>, shape: InputShape, side: u16) -> Vec<u8> {
    let square = InputShape { fit: Fit::Stretch, ..InputShape::gray(side) };
    let picture = Picture::new(shape.size(), PixelFormat::Gray8, luma);
    let picture = picture.expect("as many bytes as the shape has pixels");
    let picture = picture.enlarged_for(square).unwrap_or(picture);
    picture.shrink(square).expect("it is as large as the square")
}
