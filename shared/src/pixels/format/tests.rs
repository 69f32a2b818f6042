//! Colors by hand.

use super::*;

#[test]
fn gray_stays_itself_in_every_format() {
    for value in 0..=255_u8 {
        assert_eq!(PixelFormat::Gray8.luma(&[value]), value);
        assert_eq!(PixelFormat::Yuv422.luma(&[value, 77]), value);
        assert_eq!(PixelFormat::Rgb888.luma(&[value; 3]), value);
    }
    assert_eq!(PixelFormat::Rgb565.luma(&[0xFF, 0xFF]), 255);
    assert_eq!(PixelFormat::Rgb565.luma(&[0, 0]), 0);
}

#[test]
fn colors_by_hand() {
    assert_eq!(PixelFormat::Rgb888.rgb(&[1, 2, 3]), [1, 2, 3]);
    assert_eq!(PixelFormat::Rgb565.rgb(&[0xF8, 0x00]), [255, 0, 0]);
    assert_eq!(PixelFormat::Rgb565.rgb(&[0x07, 0xE0]), [0, 255, 0]);
    assert_eq!(PixelFormat::Rgb565.rgb(&[0x00, 0x1F]), [0, 0, 255]);
    // 16 of 31, 33 of 63, 1 of 31: 131.6, 133.6 and 8.2 of 255.
    assert_eq!(PixelFormat::Rgb565.rgb(&[0b1000_0100, 0b0010_0001]), [132, 134, 8]);
    assert_eq!(PixelFormat::Yuv422.rgb(&[9, 77]), [9; 3]);
    assert_eq!(PixelFormat::Rgb888.rgb(&[1, 2]), [0; 3]);
}

#[test]
fn primaries_by_hand() {
    assert_eq!(PixelFormat::Rgb888.luma(&[255, 0, 0]), 76); // 76.2
    assert_eq!(PixelFormat::Rgb888.luma(&[0, 255, 0]), 150); // 149.7
    assert_eq!(PixelFormat::Rgb888.luma(&[0, 0, 255]), 29); // 29.1
    assert_eq!(PixelFormat::Rgb565.luma(&[0xF8, 0x00]), 76);
    assert_eq!(PixelFormat::Rgb565.luma(&[0x07, 0xE0]), 150);
    assert_eq!(PixelFormat::Rgb565.luma(&[0x00, 0x1F]), 29);
}
