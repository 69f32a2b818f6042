//! How large a picture to take.

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
