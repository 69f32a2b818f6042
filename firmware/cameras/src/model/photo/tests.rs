//! Photos as the modeled sensor sees them, by hand.

use super::*;
use crate::ov2640::Array;

#[test]
fn a_photo_of_the_arrays_size_is_averaged_in_blocks() {
    let photo = Photo::from_fn(1600, 1200, |x, y| ((x / 7) ^ (y / 3)) as u8);
    let seen = photo.through(&Window::centered_square(Array::Uxga, 100).unwrap(), false, false);
    for (y, x) in [(0, 0), (3, 71), (99, 99), (50, 1)] {
        let block = (0..144).map(|i| (200 + x * 12 + i % 12, y * 12 + i / 12));
        let sum: u32 = block.map(|(x, y)| u32::from(photo.pixels()[y * 1600 + x])).sum();
        assert_eq!(seen[y * 100 + x], ((sum + 72) / 144) as u8, "row {y}, column {x}");
    }
}

#[test]
fn mirrored_and_flipped() {
    let photo = Photo::from_fn(3, 3, |x, y| (x + 3 * y) as u8 * 20);
    let window = Window::centered_square(Array::Svga, 60).unwrap();
    let pixels = |mirror, flip| photo.through(&window, mirror, flip);
    let at = |pixels: &[u8], x: usize, y: usize| pixels[(10 + 20 * y) * 60 + 10 + 20 * x];
    assert_eq!(at(&pixels(false, false), 0, 0), 0);
    assert_eq!(at(&pixels(true, false), 0, 0), 40);
    assert_eq!(at(&pixels(false, true), 0, 0), 120);
    assert_eq!(at(&pixels(true, true), 0, 1), 100);
}

#[test]
fn beside_a_square_photo_its_border_goes_on() {
    let photo = Photo::from_fn(4, 4, |x, _| x as u8 * 50);
    let whole = Window { x: 0, width: 1600, ..Window::centered_square(Array::Uxga, 60).unwrap() };
    let seen = photo.through(&Window { out_width: 80, ..whole }, false, false);
    assert_eq!(seen[..80], [[0; 10].as_slice(), &[0; 15], &[50; 15], &[100; 15], &[150; 15], &[150; 10]].concat());
}
