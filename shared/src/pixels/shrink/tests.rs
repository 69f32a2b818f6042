//! Shrinking by its definition.

use super::super::Fit;
use super::*;
use proptest::prelude::*;
use std::vec::Vec;
use std::{string::ToString, vec};

/// The definition, with a whole frame in memory: every overlap of a source and an output pixel, in units that both sides of
/// an axis are multiples of.
fn naive(size: PictureSize, input: InputShape, gray: &[u8]) -> Vec<u8> {
    let (seen, fitted) = input.fitted(size);
    let middle = |whole: u16, part: u16| usize::from((whole - part) / 2);
    let (left, top) = (middle(size.width, seen.width), middle(size.height, seen.height));
    let (out_left, out_top) = (middle(input.width, fitted.width), middle(input.height, fitted.height));
    let overlap = |source: u16, sources: u16, output: u16, outputs: u16| {
        let [source, sources, output, outputs] = [source, sources, output, outputs].map(u64::from);
        let start = (source * outputs).max(output * sources);
        ((source + 1) * outputs).min((output + 1) * sources).saturating_sub(start)
    };
    let mut result = vec![LETTERBOX_LEVEL; input.bytes()];
    let area = u64::from(seen.width) * u64::from(seen.height);
    for v in 0..fitted.height {
        for u in 0..fitted.width {
            let mut sum = 0;
            for y in 0..seen.height {
                for x in 0..seen.width {
                    let pixel = (top + usize::from(y)) * usize::from(size.width) + left + usize::from(x);
                    sum += overlap(x, seen.width, u, fitted.width)
                        * overlap(y, seen.height, v, fitted.height)
                        * u64::from(gray[pixel]);
                }
            }
            let pixel = (out_top + usize::from(v)) * usize::from(input.width) + out_left + usize::from(u);
            result[pixel] = ((sum * 2 + area) / (area * 2)) as u8;
        }
    }
    result
}

fn streamed(size: PictureSize, input: InputShape, gray: &[u8]) -> Vec<u8> {
    let (mut sums, mut output) = (vec![u64::MAX; input.row_bytes()], vec![0xAA; input.bytes()]);
    let mut shrink = Shrink::new(size, PixelFormat::Gray8, input, &mut sums, &mut output).unwrap();
    for row in gray.chunks_exact(usize::from(size.width)) {
        shrink.row(row).unwrap();
    }
    shrink.finish().unwrap();
    output
}

fn noise(count: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    (0..count).map(next).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn equals_the_definition(side in 1_u16..9, extra_w in 0_u16..20, extra_h in 0_u16..20, seed: u64) {
        let size = PictureSize { width: side + extra_w, height: side + extra_h };
        let gray = noise(size.width as usize * size.height as usize, seed);
        let input = InputShape::gray(side);
        prop_assert_eq!(streamed(size, input, &gray), naive(size, input, &gray));
    }

    #[test]
    fn equals_the_definition_in_rectangles(
        (height, width) in (1_u16..9, 1_u16..9),
        extra_w in 0_u16..20,
        extra_h in 0_u16..20,
        fit in 0_usize..3,
        seed: u64,
    ) {
        let input = InputShape { height, width, color: Color::Gray, fit: Fit::ALL[fit] };
        let size = PictureSize { width: width + extra_w, height: height + extra_h };
        let gray = noise(size.width as usize * size.height as usize, seed);
        prop_assert_eq!(streamed(size, input, &gray), naive(size, input, &gray));
    }
}

/// 4x3 pixels into 2x3: stretched, letterboxed and cropped.
#[test]
fn fits_by_hand() {
    let size = PictureSize { width: 4, height: 3 };
    let gray = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120];
    let input = |fit| InputShape { height: 3, width: 2, color: Color::Gray, fit };
    assert_eq!(streamed(size, input(Fit::Stretch), &gray), [15, 35, 55, 75, 95, 115]);
    // 2 across is 1.5 down, rounded to 1: the mean of everything on either side, in the middle row.
    assert_eq!(streamed(size, input(Fit::Letterbox), &gray), [0, 0, 55, 75, 0, 0]);
    assert_eq!(streamed(size, input(Fit::Crop), &gray), [20, 30, 60, 70, 100, 110]);
}

/// Each channel equals the result for a gray picture of that channel alone.
#[test]
fn channels_do_not_meet() {
    for (width, height, side) in [(20, 17, 5), (9, 13, 9), (31, 31, 4)] {
        let size = PictureSize { width, height };
        let bytes = 3 * usize::from(width) * usize::from(height);
        let rows: Vec<u8> = (0..bytes as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let input = InputShape::rgb(side);
        let (mut sums, mut output) = (vec![u64::MAX; input.row_bytes()], vec![0xAA; input.bytes()]);
        let mut shrink = Shrink::new(size, PixelFormat::Rgb888, input, &mut sums, &mut output).unwrap();
        for row in rows.chunks_exact(3 * usize::from(width)) {
            shrink.row(row).unwrap();
        }
        shrink.finish().unwrap();
        for channel in 0..3 {
            let of = |pixels: &[u8]| pixels.iter().skip(channel).step_by(3).copied().collect::<Vec<u8>>();
            assert_eq!(
                of(&output),
                streamed(size, InputShape::gray(side), &of(&rows)),
                "channel {channel} of {width}x{height}"
            );
        }
    }
}

#[test]
fn flat_pictures_stay_flat_at_any_size() {
    for (width, height, side) in [(640, 480, 50), (4032, 3024, 50), (65_535, 51, 50), (4105, 4105, 96)] {
        for value in [0, 1, 127, 254, 255] {
            let size = PictureSize { width, height };
            let gray = vec![value; usize::from(width)];
            let mut sums = vec![0; usize::from(side)];
            let mut output = vec![0; usize::from(side) * usize::from(side)];
            let mut shrink =
                Shrink::new(size, PixelFormat::Gray8, InputShape::gray(side), &mut sums, &mut output).unwrap();
            for _ in 0..height {
                shrink.row(&gray).unwrap();
            }
            shrink.finish().unwrap();
            assert!(output.iter().all(|&pixel| pixel == value), "{width}x{height} -> {side}");
        }
    }
}

#[test]
fn wide_sums_equal_narrow_ones() {
    for area in [1_u64, 9, 4104 * 4104] {
        for sum in [0, area / 2, area * 255, area * 254 + area / 2] {
            assert_eq!(divide_rounded(sum, area), ((sum + area / 2) / area) as u8);
        }
    }
}

#[test]
fn refusals() {
    let size = PictureSize { width: 4, height: 3 };
    let (mut sums, mut output) = ([0; 2], [0; 4]);
    let too_small = Shrink::new(size, PixelFormat::Gray8, InputShape::gray(4), &mut [0; 4], &mut [0; 16]).unwrap_err();
    let of = |width, height| PictureSize { width, height };
    assert_eq!(too_small, PixelError::TooSmall { seen: of(3, 3), needed: of(4, 4) });
    let flat = InputShape { height: 28, width: 46, color: Color::Gray, fit: Fit::Stretch };
    let too_small = Shrink::new(of(32, 20), PixelFormat::Gray8, flat, &mut [0; 46], &mut [0; 46 * 28]).unwrap_err();
    assert_eq!(too_small, PixelError::TooSmall { seen: of(32, 20), needed: of(46, 28) });
    let texts = [
        PixelError::NoColor { format: PixelFormat::Gray8 },
        PixelError::Buffer { expected: 9, got: 8 },
        PixelError::RowBytes { expected: 7, got: 6 },
        PixelError::RowCount { expected: 5, got: 4 },
    ]
    .map(|error| error.to_string());
    assert_eq!(
        texts,
        [
            "the network sees colors, the picture (Gray8) has none",
            "a buffer of 9 elements is needed, got 8",
            "a row has 7 bytes, got 6",
            "the picture has 5 rows, got 4",
        ]
    );
    assert_eq!(too_small.to_string(), "the network sees 32x20 pixels of the picture, and needs at least 46x28");
    // The device logs it, so it is no larger than its largest variant was before: two words and a tag.
    assert_eq!(size_of::<PixelError>(), 3 * size_of::<usize>());
    assert!(Shrink::new(size, PixelFormat::Gray8, InputShape::gray(0), &mut [], &mut []).is_err());
    assert_eq!(
        Shrink::new(size, PixelFormat::Gray8, InputShape::gray(2), &mut [0; 3], &mut output).unwrap_err(),
        PixelError::Buffer { expected: 2, got: 3 }
    );
    for format in [PixelFormat::Gray8, PixelFormat::Yuv422] {
        let error = Shrink::new(size, format, InputShape::rgb(2), &mut [0; 6], &mut [0; 12]).unwrap_err();
        assert_eq!(error, PixelError::NoColor { format });
    }
    let error = Shrink::new(size, PixelFormat::Rgb888, InputShape::rgb(2), &mut [0; 2], &mut [0; 12]).unwrap_err();
    assert_eq!(error, PixelError::Buffer { expected: 6, got: 2 });
    let mut shrink = Shrink::new(size, PixelFormat::Yuv422, InputShape::gray(2), &mut sums, &mut output).unwrap();
    assert_eq!(shrink.row(&[0; 4]), Err(PixelError::RowBytes { expected: 8, got: 4 }));
    for _ in 0..3 {
        shrink.row(&[0; 8]).unwrap();
    }
    assert_eq!(shrink.row(&[0; 8]), Err(PixelError::RowCount { expected: 3, got: 4 }));
    shrink.finish().unwrap();
    let shrink = Shrink::new(size, PixelFormat::Gray8, InputShape::gray(2), &mut sums, &mut output).unwrap();
    assert_eq!(shrink.finish(), Err(PixelError::RowCount { expected: 3, got: 0 }));
}
