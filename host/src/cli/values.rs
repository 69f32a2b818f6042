//! Parsers of numeric arguments, with errors in words.

use std::num::{IntErrorKind, ParseIntError};

use pinhole_shared::pixels::PictureSize;

/// Returns a parser of whole numbers from `least` on.
pub(super) fn at_least<N: TryFrom<u64>>(least: u64) -> impl Fn(&str) -> Result<N, String> + Clone {
    move |text| {
        let number = text.parse::<u64>().map_err(|error: ParseIntError| match error.kind() {
            IntErrorKind::PosOverflow => "the number is too large".to_owned(),
            _ => format!("give a whole number, {least} or more"),
        })?;
        if number < least {
            return Err(format!("give a whole number, {least} or more"));
        }
        N::try_from(number).map_err(|_| "the number is too large".to_owned())
    }
}

/// Returns a parser of whole numbers from `least` to `most`.
pub(super) fn between<N: TryFrom<u64>>(least: u64, most: u64) -> impl Fn(&str) -> Result<N, String> + Clone {
    move |text| {
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        number
            .and_then(|number: u64| N::try_from(number).ok())
            .ok_or_else(|| format!("give a whole number from {least} to {most}"))
    }
}

/// Parses a positive number, such as a learning rate or a time.
pub(super) fn positive(text: &str) -> Result<f32, String> {
    let number = text.parse().ok().filter(|number: &f32| *number > 0.0 && number.is_finite());
    number.ok_or_else(|| "give a positive number, such as 250 or 0.0001".to_owned())
}

/// Parses the side of a square, or width and height, in pixels.
pub(super) fn picture_size(text: &str) -> Result<PictureSize, String> {
    let (width, height) = text.split_once('x').unwrap_or((text, text));
    let side = |text: &str| text.parse().ok().filter(|side: &u16| *side > 0);
    let size = side(width).zip(side(height)).map(|(width, height)| PictureSize { width, height });
    size.ok_or_else(|| "give the side of a square in pixels, such as 96, or width and height, such as 46x28".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_such_number_is_said_in_words() {
        let seed = at_least::<u64>(0);
        assert_eq!(seed("18446744073709551615"), Ok(u64::MAX));
        for wrong in ["-1", "ten", "", "1.5", "1e3", " 1"] {
            assert_eq!(seed(wrong), Err("give a whole number, 0 or more".to_owned()), "{wrong}");
        }
        assert_eq!(seed("18446744073709551616"), Err("the number is too large".to_owned()));
        let epochs = at_least::<u32>(1);
        assert_eq!(epochs("1"), Ok(1));
        assert_eq!(epochs("0"), Err("give a whole number, 1 or more".to_owned()));
        assert_eq!(epochs("4294967296"), Err("the number is too large".to_owned()));
        let size = |width, height| Ok(PictureSize { width, height });
        assert_eq!((picture_size("96"), picture_size("46x28")), (size(96, 96), size(46, 28)));
        for wrong in ["0", "46x0", "x", "46x", "46x28x3", "46 x 28", "-1", "65536"] {
            assert!(picture_size(wrong).unwrap_err().contains("46x28"), "{wrong}");
        }
        let rounds = between::<u32>(1, 8);
        assert_eq!((rounds("1"), rounds("8")), (Ok(1), Ok(8)));
        for wrong in ["0", "9", "ten", "99999999999999999999"] {
            assert_eq!(rounds(wrong), Err("give a whole number from 1 to 8".to_owned()), "{wrong}");
        }
    }
}
