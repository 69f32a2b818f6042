//! The network's input in the automatic choice, by the sizes of the photos.

use pinhole_core::photos::Survey;
use pinhole_shared::pixels::{Fit, InputShape, PictureSize};

/// Smallest side of an input, px: half of it four times is 2.
const LEAST_SIDE: u16 = 32;

/// Sides of an input are multiples of this, px.
const SIDE_STEP: u16 = 16;

/// Longest side of photos that are seen whole, px: those of microcontrollers' cameras and parts cut out of pictures. Larger
/// photos are from other cameras than the board's, whose pictures have another shape; the middle of both is alike.
const WHOLE_SIDE: u16 = 320;

/// Width by height, or height by width, up to which a photo is nearly a square.
const NEARLY_SQUARE: f64 = 1.125;

/// An input that is not the network's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InputChoice {
    /// Width and height.
    pub size: PictureSize,
    /// True if the whole photo is seen, false if its middle.
    pub is_whole: bool,
}

impl InputChoice {
    /// Returns an input for photos that are smaller than the network's own one, or that are small and not square; `None` if the
    /// own one suits, or is not a square that pictures are cropped for: somebody has chosen that. `fit` is the fit that the
    /// user asked for.
    pub(super) fn of(survey: &Survey, own: InputShape, fit: Option<Fit>) -> Option<Self> {
        if own.fit != Fit::Crop || own.side().is_none() {
            return None;
        }
        let (longest, photo) = (own.longer_side(), survey.median_size()?);
        let (width, height) = (f64::from(photo.width), f64::from(photo.height));
        let is_small = photo.width.max(photo.height) <= WHOLE_SIDE;
        let is_square = width.max(height) <= NEARLY_SQUARE * width.min(height);
        if fit.is_none() && is_small && !is_square && survey.is_one_shape() {
            let longer = side_for(photo.width.max(photo.height), longest);
            let shorter = f64::from(longer) * width.min(height) / width.max(height);
            let steps = (shorter / f64::from(SIDE_STEP)).round() as u16;
            let shorter = (steps * SIDE_STEP).max(LEAST_SIDE).min(longer);
            let (width, height) = if width > height { (longer, shorter) } else { (shorter, longer) };
            return Some(Self { size: PictureSize { width, height }, is_whole: true });
        }
        let side = match fit {
            None | Some(Fit::Crop) => survey.median_side()?,
            Some(Fit::Stretch | Fit::Letterbox) => photo.width.max(photo.height),
        };
        let side = side_for(side, longest);
        (side < longest).then_some(Self { size: PictureSize { width: side, height: side }, is_whole: false })
    }

    /// Returns the network's own input with this size and fit.
    pub(super) fn applied(self, own: InputShape) -> InputShape {
        let PictureSize { width, height } = self.size;
        InputShape { width, height, fit: if self.is_whole { Fit::Stretch } else { own.fit }, ..own }
    }
}

/// Returns the smallest side of an input that shows all pixels of a photo's side, but at most the longest.
fn side_for(photo: u16, longest: u16) -> u16 {
    photo.checked_next_multiple_of(SIDE_STEP).map_or(longest, |side| side.max(LEAST_SIDE)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: InputShape = InputShape::gray(96);

    fn choice(sizes: &[(u16, u16)], fit: Option<Fit>) -> Option<(u16, u16, bool)> {
        let sizes = sizes.iter().map(|&(width, height)| PictureSize { width, height }).collect();
        let survey = Survey { classes: Vec::new(), sizes, colored: 0 };
        InputChoice::of(&survey, OWN, fit).map(|InputChoice { size, is_whole }| (size.width, size.height, is_whole))
    }

    #[test]
    fn small_square_photos_take_a_small_input() {
        for (side, expected) in
            [(5, Some(32)), (28, Some(32)), (32, Some(32)), (33, Some(48)), (80, Some(80)), (81, None), (65_535, None)]
        {
            assert_eq!(choice(&[(side, side)], None), expected.map(|side| (side, side, false)), "{side}");
        }
        assert_eq!(choice(&[], None), None, "no photo can be read");
    }

    #[test]
    fn small_photos_of_one_shape_are_seen_whole() {
        for (photo, expected) in [
            ((160, 120), (96, 80)),
            ((120, 160), (80, 96)),
            ((320, 240), (96, 80)),
            ((46, 28), (48, 32)),
            ((28, 46), (32, 48)),
            ((20, 32), (32, 32)),
            ((300, 20), (96, 32)),
        ] {
            assert_eq!(choice(&[photo], None), Some((expected.0, expected.1, true)), "{photo:?}");
        }
        for photos in [&[(321, 240)][..], &[(160, 143)], &[(160, 120), (120, 160)]] {
            assert_eq!(choice(photos, None), None, "{photos:?}: the middle is seen");
        }
    }

    #[test]
    fn a_fit_that_was_asked_for_is_kept() {
        assert_eq!(choice(&[(160, 120)], Some(Fit::Stretch)), None);
        assert_eq!(choice(&[(46, 28)], Some(Fit::Crop)), Some((32, 32, false)));
        assert_eq!(choice(&[(46, 28)], Some(Fit::Letterbox)), Some((48, 48, false)));
        let letterbox = InputShape { fit: Fit::Letterbox, ..OWN };
        for own in [letterbox, InputShape { height: 28, ..OWN }] {
            let sizes = vec![PictureSize { width: 46, height: 28 }];
            let survey = Survey { classes: Vec::new(), sizes, colored: 0 };
            assert_eq!(InputChoice::of(&survey, own, None), None, "{own}");
        }
        let size = PictureSize { width: 96, height: 80 };
        let applied = |is_whole| InputChoice { size, is_whole }.applied(letterbox);
        assert_eq!((applied(true).fit, applied(false).fit), (Fit::Stretch, Fit::Letterbox));
        assert_eq!(applied(true).size(), size);
    }
}
