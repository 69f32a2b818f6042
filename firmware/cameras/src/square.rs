//! How large a picture to take.

use crate::arducam_mega::Size;

/// The side of the square picture to take for a network's input of so many pixels a side: twice that for small ones, so
/// that each of its pixels is the average of four; as much for large ones. The modules want a multiple of 4, and 40 at
/// least.
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

/// The smallest of an ArduCAM Mega's sizes that a network's input of so many pixels a side can be made of; `None` where
/// the largest is too small.
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
