//! Sizes by hand, and numbers of pipelines.

use super::super::InputShape;
use super::*;

const fn size(width: u16, height: u16) -> PictureSize {
    PictureSize { width, height }
}

#[test]
fn inputs_are_written_with_color_and_fit() {
    let input = |color, fit| InputShape { width: 46, height: 28, color, fit };
    let texts = [input(Color::Gray, Fit::Crop), input(Color::Rgb, Fit::Stretch), input(Color::Gray, Fit::Letterbox)]
        .map(|input| std::format!("{input}"));
    assert_eq!(texts, ["46x28 gray", "46x28 rgb, stretch", "46x28 gray, letterbox"]);
    assert_eq!(std::format!("{:>8}|{:<9}|", Color::Rgb, Fit::Crop), "     rgb|crop     |");
}

#[test]
fn sizes_by_hand() {
    for (fit, picture, input, seen, fitted) in [
        (Fit::Crop, size(160, 120), size(96, 96), size(120, 120), size(96, 96)),
        (Fit::Crop, size(160, 120), size(32, 20), size(160, 100), size(32, 20)),
        (Fit::Crop, size(100, 300), size(32, 20), size(100, 62), size(32, 20)),
        (Fit::Crop, size(3, 1000), size(96, 8), size(3, 1), size(96, 8)),
        (Fit::Stretch, size(160, 120), size(46, 28), size(160, 120), size(46, 28)),
        (Fit::Letterbox, size(160, 120), size(96, 96), size(160, 120), size(96, 72)),
        (Fit::Letterbox, size(120, 160), size(96, 96), size(120, 160), size(72, 96)),
        (Fit::Letterbox, size(460, 280), size(96, 96), size(460, 280), size(96, 58)),
        (Fit::Letterbox, size(60_000, 2), size(96, 96), size(60_000, 2), size(96, 1)),
    ] {
        assert_eq!(fit.sizes(picture, input), (seen, fitted), "{fit}, {picture:?} into {input:?}");
    }
}

/// A picture that has been fitted is fitted as it is.
#[test]
fn fitting_twice_changes_nothing() {
    for fit in Fit::ALL {
        for (width, height) in [(1, 1), (7, 300), (300, 7), (65_535, 1), (1, 65_535), (65_535, 65_535), (46, 28)] {
            for input in [size(96, 96), size(20, 32), size(32, 20), size(8, 1024), size(1024, 8)] {
                let (_, fitted) = fit.sizes(size(width, height), input);
                assert_eq!(fit.sizes(fitted, input), (fitted, fitted), "{fit}, {width}x{height} into {input:?}");
            }
        }
    }
}

#[test]
fn each_pipeline_is_of_one_fit_and_color() {
    for color in Color::ALL {
        for fit in Fit::ALL {
            let id = fit.pipeline_id(color);
            assert_eq!(Fit::of_pipeline(id, color), Some(fit));
            let others = Color::ALL.into_iter().filter(|&other| other != color);
            assert!(others.into_iter().all(|other| Fit::of_pipeline(id, other).is_none()));
        }
    }
}
