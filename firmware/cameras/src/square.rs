//! Picture sizes for a network's input.

use crate::arducam_mega::Size;

/// Returns the side of the square picture for a network's input side, px. It is twice the input side for inputs up to
/// 50, so that each input pixel is the average of four, else the input side. The modules require a multiple of 4, at
/// least 40.
///
/// ```
/// use pinhole_cameras::square_for;
/// assert_eq!([square_for(50), square_for(96), square_for(28), square_for(12)], [100, 96, 56, 40]);
/// ```
pub const fn square_for(input_side: u16) -> u16 {
    let wanted = if input_side <= 50 { input_side * 2 } else { input_side };
    let wanted = if wanted < 40 { 40 } else { wanted };
    wanted.next_multiple_of(4)
}

/// Returns the smallest ArduCAM Mega size for a network's input side, px; `None` if the largest is too small.
///
/// ```
/// use pinhole_cameras::arducam_mega::Size;
/// use pinhole_cameras::mega_size_for;
/// assert_eq!([50, 96, 97, 321].map(mega_size_for), [Some(Size::Px96), Some(Size::Px96), Some(Size::Px128), None]);
/// ```
pub const fn mega_size_for(input_side: u16) -> Option<Size> {
    match input_side {
        0..=96 => Some(Size::Px96),
        97..=128 => Some(Size::Px128),
        129..=320 => Some(Size::Px320),
        _ => None,
    }
}
