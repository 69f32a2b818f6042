//! Search for near-duplicates among all pairs of inputs.
//!
//! Comparing the pixels of every pair would take hours for 60,000 photos. So each pair passes three tests, each slower than the one
//! before. The first two leave out only pairs that the last would reject:
//!
//! 1. The distance of the hashes ([`MAX_DISTANCE`](super::MAX_DISTANCE)): nanoseconds.
//! 2. An upper bound of the correlation, from coarse details: tens of nanoseconds.
//! 3. The correlation of the details at every shift: microseconds.
//!
//! Two limits keep the work proportional to the number of inputs, however much they resemble each other. No web collection reaches
//! them; a fixed camera's pictures do, of which the pairs that are listed are then enough to form one group.

use std::cell::LazyCell;

use pinhole_shared::pixels::InputShape;
use rayon::prelude::*;

use super::Example;
use super::coarse::{Coarse, CoarseDetails};
use super::duplicates::{MAX_DISTANCE, NearDuplicate, Print};
use super::square::{square, square_side};

/// Most pairs of an input with later ones, of each of four kinds: of the same class or not, and on the same side of a split or not.
pub const MAX_PARTNERS: usize = 50;

/// Most later inputs that an input's pixels are compared with.
pub const MAX_CONFIRMED: usize = 2000;

/// Limits of a search.
#[derive(Clone, Copy)]
struct Limits {
    partners: usize,
    confirmed: usize,
}

const LIMITS: Limits = Limits { partners: MAX_PARTNERS, confirmed: MAX_CONFIRMED };

/// Pairs of near-duplicates, as far as they were searched for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundDuplicates {
    /// The pairs, sorted.
    pub pairs: Vec<NearDuplicate>,
    /// Number of inputs whose search ended at [`MAX_CONFIRMED`], with others left.
    pub unfinished: usize,
}

/// Finds all pairs of near-duplicates among inputs by their luma, except those beyond [`MAX_PARTNERS`] and [`MAX_CONFIRMED`]. The
/// result does not depend on the number of threads. Copies rotated or cropped by more than a few percent are not found.
///
/// The first `training` inputs are on one side of a split, the others on the other. `progress` is called on any thread with the
/// number of further pairs that are done, of `n * (n - 1) / 2`.
///
/// # Panics
/// If an example's number of pixels differs from the input's, or the input has none.
///
/// # Source
/// N. Krawetz, "Kind of like that" (2013), for the difference hash; J. P. Lewis, "Fast normalized cross-correlation"
/// (1995), for the confirmation, here of a difference of box filters.
pub fn search(
    examples: &[&Example],
    input: InputShape,
    training: usize,
    progress: &(dyn Fn(u64) + Sync),
) -> FoundDuplicates {
    search_within(LIMITS, examples, input, training, progress)
}

fn search_within(
    limits: Limits,
    examples: &[&Example],
    input: InputShape,
    training: usize,
    progress: &(dyn Fn(u64) + Sync),
) -> FoundDuplicates {
    let side = usize::from(square_side(input));
    let gray: Vec<_> = examples.par_iter().map(|example| square(&example.pixels, input)).collect();
    let prints: Vec<Print<'_>> = gray.par_iter().map(|pixels| Print::of(pixels, side)).collect();
    let coarse = CoarseDetails::of(&prints, side);
    let kind = |index: usize| (examples[index].class, index < training);
    let of_first = |first: usize| {
        let pairs = Pairs { prints: &prints, coarse: &coarse, side, limits }.of(first, kind);
        progress((prints.len() - 1 - first) as u64);
        pairs
    };
    let found: Vec<FoundDuplicates> = (0..prints.len()).into_par_iter().map(of_first).collect();
    let unfinished = found.iter().map(|found| found.unfinished).sum();
    FoundDuplicates { pairs: found.into_iter().flat_map(|found| found.pairs).collect(), unfinished }
}

/// Finds all pairs of near-duplicates, without a split and without reports of progress: see [`search()`].
///
/// # Panics
/// Those of [`search()`].
pub fn near_duplicates(examples: &[&Example], input: InputShape) -> Vec<NearDuplicate> {
    search(examples, input, examples.len(), &|_| ()).pairs
}

/// All inputs, and their coarse details.
struct Pairs<'a> {
    prints: &'a [Print<'a>],
    coarse: &'a CoarseDetails,
    side: usize,
    limits: Limits,
}

impl Pairs<'_> {
    /// Returns the near-duplicates of an input among later ones.
    fn of(&self, first: usize, kind: impl Fn(usize) -> (u16, bool)) -> FoundDuplicates {
        let print = &self.prints[first];
        let shifted = |mirrored: bool| move || Coarse::shifted(print, self.side, mirrored);
        let (straight, mirrored) = (LazyCell::new(shifted(false)), LazyCell::new(shifted(true)));
        let mut found = FoundDuplicates::default();
        let (mut confirmed, mut partners) = (0, [0; 4]);
        for (second, other) in self.prints.iter().enumerate().skip(first + 1) {
            let distance = (print.hash ^ other.hash).count_ones();
            let mirrored_distance = (print.hash ^ other.mirrored_hash).count_ones();
            if distance.min(mirrored_distance) > MAX_DISTANCE {
                continue;
            }
            let ((class, side), (other_class, other_side)) = (kind(first), kind(second));
            let partners = &mut partners[usize::from(class != other_class) + 2 * usize::from(side != other_side)];
            if *partners == self.limits.partners {
                continue;
            }
            let is_possible = |shifted: &[Coarse]| {
                let is_plain = print.is_plain() || other.is_plain();
                is_plain || shifted.iter().any(|shifted| self.coarse.may_correlate(second, shifted))
            };
            let straight = distance <= MAX_DISTANCE && is_possible(&straight);
            let mirrored = mirrored_distance <= MAX_DISTANCE && is_possible(&mirrored);
            if !straight && !mirrored {
                continue;
            }
            if confirmed == self.limits.confirmed {
                found.unfinished = 1;
                break;
            }
            confirmed += 1;
            let pair = |distance, mirrored| NearDuplicate { first, second, distance, mirrored };
            if straight && print.confirms(other, self.side) {
                found.pairs.push(pair(distance, false));
                *partners += 1;
            } else if mirrored && print.confirms_mirrored(other, self.side) {
                found.pairs.push(pair(mirrored_distance, true));
                *partners += 1;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use image::{RgbImage, imageops};
    use pinhole_shared::pixels::{PictureSize, PixelFormat};

    use super::*;
    use crate::photos::{Picture, groups};
    use crate::synthetic::{Set, drawings};

    /// Returns all pairs by comparing the pixels of each, as the definition of near-duplicates says.
    fn all_pairs(examples: &[&Example], input: InputShape) -> Vec<NearDuplicate> {
        let side = usize::from(input.width);
        let prints: Vec<Print<'_>> = examples.iter().map(|example| Print::of(&example.pixels, side)).collect();
        let compare = |first: usize, second: usize| {
            let (one, other) = (&prints[first], &prints[second]);
            let distance = (one.hash ^ other.hash).count_ones();
            let mirrored_distance = (one.hash ^ other.mirrored_hash).count_ones();
            let pair = |distance, mirrored| Some(NearDuplicate { first, second, distance, mirrored });
            if distance <= MAX_DISTANCE && one.confirms(other, side) {
                pair(distance, false)
            } else if mirrored_distance <= MAX_DISTANCE && one.confirms_mirrored(other, side) {
                pair(mirrored_distance, true)
            } else {
                None
            }
        };
        let all = 0..prints.len();
        all.clone()
            .flat_map(|first| (first + 1..prints.len()).filter_map(move |second| compare(first, second)))
            .collect()
    }

    fn inputs(pictures: &[RgbImage], input: InputShape) -> Vec<Example> {
        let shrunk = |picture: &RgbImage| {
            let size = PictureSize { width: picture.width() as u16, height: picture.height() as u16 };
            Picture::new(size, PixelFormat::Rgb888, picture.as_raw().clone()).unwrap().shrink(input).unwrap()
        };
        pictures.iter().map(|picture| Example { path: "".into(), class: 0, pixels: shrunk(picture) }).collect()
    }

    /// Drawings, copies of them that are near-duplicates, copies that are more or less so, and plain cards.
    fn pictures() -> Vec<RgbImage> {
        let drawn: Vec<RgbImage> = drawings(5, 12, Set::Train).into_iter().map(|drawing| drawing.picture).collect();
        let moved = |picture: &RgbImage, by: u32| {
            RgbImage::from_fn(picture.width(), picture.height(), |x, y| *picture.get_pixel(x.saturating_sub(by), y))
        };
        let blended = |a: &RgbImage, b: &RgbImage, part: u32| {
            let b = imageops::resize(b, a.width(), a.height(), imageops::FilterType::Triangle);
            RgbImage::from_fn(a.width(), a.height(), |x, y| {
                let (a, b) = (a.get_pixel(x, y).0, b.get_pixel(x, y).0);
                image::Rgb([0, 1, 2].map(|c| ((u32::from(a[c]) * (10 - part) + u32::from(b[c]) * part) / 10) as u8))
            })
        };
        let mut all = drawn.clone();
        for (index, picture) in drawn.iter().enumerate() {
            all.push(imageops::flip_horizontal(picture));
            all.push(moved(picture, 1 + index as u32));
            let other = &drawn[(index + 1) % drawn.len()];
            all.extend((1..6).map(|part| blended(picture, other, part)));
        }
        all.extend([7, 8, 7].map(|gray| RgbImage::from_pixel(100, 100, image::Rgb([gray; 3]))));
        all
    }

    #[test]
    fn the_result_is_that_of_comparing_all_pixels_of_all_pairs() {
        for side in [2, 7, 33, 50, 96] {
            let input = InputShape::gray(side);
            let inputs = inputs(&pictures(), input);
            let examples: Vec<&Example> = inputs.iter().collect();
            let expected = all_pairs(&examples, input);
            assert!(expected.len() > 20, "{side}: {}", expected.len());
            assert!(expected.iter().any(|pair| pair.mirrored), "{side}");
            // Neither limit is reached by so few.
            assert_eq!(
                search(&examples, input, examples.len(), &|_| ()),
                FoundDuplicates { pairs: expected, unfinished: 0 }
            );
        }
    }

    /// Pictures of a fixed camera: each with noise of its own.
    fn frames(count: usize, input: InputShape) -> Vec<Example> {
        let drawing = &drawings(5, 1, Set::Train)[0].picture;
        let [view] = &inputs(std::slice::from_ref(drawing), input)[..] else { panic!("one picture, one input") };
        let noisy = |frame: usize| {
            let noise = |i: usize| ((i * 31 + frame * 17) % 7) as u8;
            view.pixels.iter().enumerate().map(|(i, &pixel)| pixel.saturating_add(noise(i))).collect()
        };
        (0..count).map(|frame| Example { path: "".into(), class: 0, pixels: noisy(frame) }).collect()
    }

    #[test]
    fn a_fixed_camera_has_as_many_pairs_as_its_limit_of_each_kind_and_one_group() {
        let input = InputShape::gray(50);
        let mut frames = frames(40, input);
        frames[20..].iter_mut().for_each(|frame| frame.class = 1);
        let examples: Vec<&Example> = frames.iter().collect();
        let limits = Limits { partners: 3, confirmed: 100 };
        // The first 30 are trained on.
        let found = search_within(limits, &examples, input, 30, &|_| ());
        assert_eq!(found.unfinished, 0);
        assert_eq!(groups(40, &found.pairs), [0; 40]);
        let partners = |first: usize| -> Vec<usize> {
            found.pairs.iter().filter(|pair| pair.first == first).map(|pair| pair.second).collect()
        };
        // Of the own class; of the other; of the other on the other side.
        assert_eq!(partners(0), [1, 2, 3, 20, 21, 22, 30, 31, 32]);
        assert_eq!(partners(25), [26, 27, 28, 30, 31, 32]);
        assert!(partners(39).is_empty());
    }

    #[test]
    fn inputs_with_too_many_candidates_are_counted() {
        let input = InputShape::gray(50);
        let frames = frames(10, input);
        let examples: Vec<&Example> = frames.iter().collect();
        let found = search_within(Limits { partners: 100, confirmed: 6 }, &examples, input, 10, &|_| ());
        // The first three have more than six later ones.
        assert_eq!((found.unfinished, found.pairs.len()), (3, 6 + 6 + 6 + 6 + 5 + 4 + 3 + 2 + 1));
    }

    #[test]
    fn progress_adds_up_to_all_pairs() {
        let input = InputShape::gray(50);
        let frames = frames(9, input);
        let done = std::sync::atomic::AtomicU64::new(0);
        let add = |more: u64| _ = done.fetch_add(more, std::sync::atomic::Ordering::Relaxed);
        search(&frames.iter().collect::<Vec<_>>(), input, 9, &add);
        assert_eq!(done.into_inner(), 9 * 8 / 2);
    }
}
