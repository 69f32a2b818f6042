//! Contrast by hand.

use super::*;

#[test]
fn flat_pictures_have_no_contrast() {
    for value in [0, 1, 200, 255] {
        assert_eq!(light(&[value; 100]), Light { brightness: value, contrast: 0 });
    }
    assert_eq!(light(&[]), Light { brightness: 0, contrast: 0 });
}

#[test]
fn by_hand() {
    assert_eq!(light(&[0, 255]).brightness, 128);
    let halves = light(&[0, 255, 0, 255]);
    // The exact value is 127.5; micromath's root is up to 6 % off.
    assert!((120..=128).contains(&halves.contrast), "{halves:?}");
    let Light { brightness, contrast } = light(&[10, 10, 10, 30]);
    assert_eq!(brightness, 15);
    assert!((8..=9).contains(&contrast), "sqrt(75) = 8.7, got {contrast}");
}
