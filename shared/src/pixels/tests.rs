//! The pixel pipeline's arithmetic, which its id stands for.

use super::*;
use std::vec::Vec;

#[test]
fn the_square_of_a_picture_is_its_shorter_side() {
    assert_eq!([(46, 28), (20, 32), (9, 9)].map(|(width, height)| PictureSize { width, height }.square()), [28, 20, 9]);
}

/// Sizes that divide, that do not, that are cropped either way, and the identity.
const CASES: [(u16, u16, u16); 7] =
    [(100, 100, 50), (96, 96, 50), (131, 112, 50), (112, 150, 50), (320, 240, 96), (61, 77, 60), (50, 50, 50)];
/// Width and height of pictures and inputs, for the fits that are newer than inputs that are not square.
const RECTANGLES: [(u16, u16, u16, u16); 6] = [
    (100, 100, 46, 28),
    (131, 112, 20, 32),
    (112, 150, 46, 28),
    (320, 240, 96, 96),
    (46, 28, 46, 28),
    (97, 33, 32, 20),
];
const FORMATS: [PixelFormat; 4] = [PixelFormat::Gray8, PixelFormat::Yuv422, PixelFormat::Rgb565, PixelFormat::Rgb888];

/// Returns the checksum of the pipeline's outputs for one color of input. `cases` are width and height of pictures and inputs.
fn checksum(color: Color, fit: Fit, cases: &[(u16, u16, u16, u16)], formats: &[PixelFormat]) -> u32 {
    let mut outputs = Vec::new();
    let mut noise = 1_u32;
    for &(width, height, input_width, input_height) in cases {
        for &format in formats {
            let input = InputShape { height: input_height, width: input_width, color, fit };
            let mut sums = std::vec![0; input.row_bytes()];
            let mut output = std::vec![0; input.bytes()];
            let size = PictureSize { width, height };
            let mut shrink = Shrink::new(size, format, input, &mut sums, &mut output).unwrap();
            for y in 0..u32::from(height) {
                let row: Vec<u8> = (0..format.row_bytes(width) as u32)
                    .map(|x| {
                        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        // A gradient with noise, reaching both ends of the range.
                        (((x + y) % 256) ^ (noise >> 27)) as u8
                    })
                    .collect();
                shrink.row(&row).unwrap();
            }
            shrink.finish().unwrap();
            outputs.extend(output);
        }
    }
    crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&outputs)
}

fn formats_in_color() -> Vec<PixelFormat> {
    FORMATS.into_iter().filter(|format| format.has_color()).collect()
}

/// The ids of cropping are older than rectangles, and know only squares.
#[test]
fn pictures_are_cropped_for_rectangles_as_ever() {
    assert_eq!(checksum(Color::Gray, Fit::Crop, &RECTANGLES, &FORMATS), 0xcb36_8e6d);
    assert_eq!(checksum(Color::Rgb, Fit::Crop, &RECTANGLES, &formats_in_color()), 0x0238_5406);
}

#[test]
fn the_id_is_the_arithmetic() {
    let of_color = formats_in_color();
    let squares = CASES.map(|(width, height, side)| (width, height, side, side));
    let (mut computed, mut stated) = (Vec::new(), Vec::new());
    for fit in Fit::ALL {
        let cases = if fit == Fit::Crop { &squares[..] } else { &RECTANGLES };
        for (color, formats) in [(Color::Gray, &FORMATS[..]), (Color::Rgb, &of_color)] {
            let id = fit.pipeline_id(color);
            computed.push((fit, color, std::format!("{:#010x}", checksum(color, fit, cases, formats))));
            stated.push((fit, color, std::format!("{id:#010x}")));
            let input = InputShape { height: 28, width: 46, color, fit };
            assert_eq!(InputShape::of_pipeline(id, 28, 46), Some(input));
        }
    }
    assert_eq!(computed, stated, "the pixels are other ones than the ids say");
    assert_eq!(InputShape::of_pipeline(0, 28, 46), None);
}
