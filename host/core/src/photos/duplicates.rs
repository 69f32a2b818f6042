//! Near-duplicates: photos of nearly the same picture, saved again, resized, brightened, shifted a little, or mirrored.
//!
//! Collections from the web have many of them, and one photo on both sides of a split makes a network look better than
//! it is. The network's inputs are compared, so a pair that is found is one that the network would see twice.
//!
//! There are two steps, both in integers and so the same on every machine. A 64-bit difference hash of each input selects
//! candidate pairs cheaply; on its own it would call thousands of pairs duplicates. All pixels of a candidate are then
//! compared by the correlation of their details. Flat areas and overall shading are taken out first, since two photos of
//! anything small before a white wall correlate by the wall alone. [`super::search()`] finds the pairs.
//!
//! The hash is a dozen lines here, because libraries that have it (`image_hasher`) first resize to 8-bit pixels by floats, and
//! depend on a Fourier transform.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::Example;

/// Two inputs that show nearly the same picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NearDuplicate {
    /// Index of the first input.
    pub first: usize,
    /// Index of the second input, larger than `first`.
    pub second: usize,
    /// Bits in which their 64-bit hashes differ, 0..=[`MAX_DISTANCE`].
    pub distance: u32,
    /// True if one is the other's mirror image, left and right exchanged.
    pub mirrored: bool,
}

/// Two photos of nearly the same picture, for reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuplicatePhotos {
    /// First photo; the training photo when they are on both sides.
    pub first: PathBuf,
    /// Second photo; the validation photo when they are on both sides.
    pub second: PathBuf,
    /// True if one is the other's mirror image.
    pub mirrored: bool,
    /// True if one is a training photo and the other a validation photo.
    pub across: bool,
    /// Names of the classes of the first and the second photo, if they differ: one of the labels is wrong, or the picture shows
    /// both.
    /// `None` for mirror images, which may be of different classes (an arrow to the left, one to the right).
    pub contradiction: Option<[String; 2]>,
}

impl DuplicatePhotos {
    /// Returns the pairs among these examples. The first `training` examples are for training, the others for validation.
    ///
    /// # Panics
    /// If a pair has an index that is not below the number of examples, or an example a class without a name.
    pub fn of(pairs: &[NearDuplicate], examples: &[&Example], classes: &[String], training: usize) -> Vec<Self> {
        let class = |index: usize| usize::from(examples[index].class);
        let contradiction = |pair: &NearDuplicate| {
            let both = [class(pair.first), class(pair.second)];
            (both[0] != both[1] && !pair.mirrored).then(|| both.map(|class| classes[class].clone()))
        };
        pairs
            .iter()
            .map(|pair| Self {
                first: examples[pair.first].path.clone(),
                second: examples[pair.second].path.clone(),
                mirrored: pair.mirrored,
                across: pair.first < training && pair.second >= training,
                contradiction: contradiction(pair),
            })
            .collect()
    }

    /// Marks the pairs of which one photo is held out and the other is not, and puts the training photo first.
    pub fn mark_across(pairs: &mut [Self], held_out: &BTreeSet<&PathBuf>) {
        for pair in pairs {
            let [first, second] = [&pair.first, &pair.second].map(|path| held_out.contains(path));
            pair.across = first != second;
            if first && !second {
                std::mem::swap(&mut pair.first, &mut pair.second);
                if let Some(classes) = &mut pair.contradiction {
                    classes.reverse();
                }
            }
        }
    }
}

/// Largest distance between the hashes of near-duplicates, bits of 64. It is generous, since candidates are confirmed. Among
/// 4,733 photos from the web, 0.1 % of the copies saved at JPEG quality 10 differ by more. So do 4 % of those shifted by a
/// pixel and a third both ways. 0.7 % of all pairs are within it.
pub const MAX_DISTANCE: u32 = 16;

/// Least correlation of the details of near-duplicates. Among those photos, each of the 288 pairs that reach it shows one
/// picture; they were inspected one by one. From 0.83 down, pairs are for example two flavors of one brand's package. Of
/// copies made of these photos, more than 99 % are found if saved again, shrunk, brightened or mirrored. If shifted by a
/// pixel and a third both ways, 96 % are found; if 2 % is cropped from each side, 98 %.
pub const MIN_CORRELATION: f64 = 0.85;

/// Returns the groups that pairs form, directly or through others: for each of `count` inputs the smallest index of its
/// group. It is the input's own index if the input is in no pair.
///
/// # Panics
/// If a pair's index is not below `count`.
pub fn groups(count: usize, pairs: &[NearDuplicate]) -> Vec<usize> {
    let mut parent: Vec<usize> = (0..count).collect();
    let root = |parent: &[usize], mut index: usize| {
        while parent[index] != index {
            index = parent[index];
        }
        index
    };
    for pair in pairs {
        let (a, b) = (root(&parent, pair.first), root(&parent, pair.second));
        parent[a.max(b)] = a.min(b);
    }
    // A parent is never larger than its child, so those before are final.
    for index in 0..count {
        parent[index] = parent[parent[index]];
    }
    parent
}

/// Fingerprint that inputs are compared by.
pub(super) struct Print<'a> {
    pixels: &'a [u8],
    pub(super) hash: u64,
    pub(super) mirrored_hash: u64,
    pub(super) detail: Vec<i16>,
    /// Sum of the squares of `detail`.
    pub(super) energy: i64,
}

impl<'a> Print<'a> {
    pub(super) fn of(pixels: &'a [u8], side: usize) -> Self {
        assert!(side > 0 && pixels.len() == side * side, "{} pixels are no square of side {side}", pixels.len());
        let detail = detail(pixels, side);
        let energy = product(&detail, &detail);
        let mirrored_hash = hash(&mirror(pixels, side), side);
        Self { pixels, hash: hash(pixels, side), mirrored_hash, detail, energy }
    }

    /// Returns true if the picture has no details.
    pub(super) fn is_plain(&self) -> bool {
        self.energy == 0
    }

    /// Returns true if the details of two inputs correlate as those of near-duplicates do.
    pub(super) fn confirms(&self, other: &Self, side: usize) -> bool {
        self.correlates(other.pixels, &other.detail, other.energy, side)
    }

    /// Like [`Self::confirms`], with the mirror image of the other input.
    pub(super) fn confirms_mirrored(&self, other: &Self, side: usize) -> bool {
        // Computed when needed: stored for all inputs, they would be most of the memory.
        let (pixels, detail) = (mirror(other.pixels, side), mirror(&other.detail, side));
        self.correlates(&pixels, &detail, other.energy, side)
    }

    fn correlates(&self, pixels: &[u8], detail: &[i16], energy: i64, side: usize) -> bool {
        if self.energy == 0 || energy == 0 {
            // Without detail there is no correlation, and different gray cards are different pictures.
            return self.pixels == pixels;
        }
        let needed = MIN_CORRELATION * (self.energy as f64 * energy as f64).sqrt();
        shifts(side).any(|(down, right)| shifted_product(&self.detail, detail, side, down, right) as f64 >= needed)
    }
}

/// Returns the shifts at which two pictures are compared, down and right.
pub(super) fn shifts(side: usize) -> impl Iterator<Item = (isize, isize)> {
    let reach = at_50(1, side) as isize;
    (-reach..=reach).flat_map(move |down| (-reach..=reach).map(move |right| (down, right)))
}

/// Scales a length from inputs of 50 px, for which the thresholds were found, to another side; at least 1.
pub(super) fn at_50(length: usize, side: usize) -> usize {
    (length * side / 50).max(1)
}

/// Rows of the hash, and bits in a row; each bit compares two columns.
const HASH_SIDE: usize = 8;

/// Computes the difference hash. The picture is averaged to 9 columns and 8 rows; each bit is 1 if the right one of two
/// neighbors is brighter. All in integers: a pixel counts by the part of it that lies in the cell.
fn hash(pixels: &[u8], side: usize) -> u64 {
    const COLUMNS: usize = HASH_SIDE + 1;
    let parts = |cell: usize, cells: usize| {
        // In units of 1/cells px, a pixel is `cells` wide and a cell `side`.
        let (from, to) = (cell * side, (cell + 1) * side);
        (from / cells..to.div_ceil(cells)).map(move |at| (at, (to.min((at + 1) * cells) - from.max(at * cells)) as u64))
    };
    let mut hash = 0;
    for row in 0..HASH_SIDE {
        let mut columns = [0_u64; COLUMNS];
        for (y, height) in parts(row, HASH_SIDE) {
            for (column, sum) in columns.iter_mut().enumerate() {
                let line = &pixels[y * side..(y + 1) * side];
                *sum += height * parts(column, COLUMNS).map(|(x, width)| width * u64::from(line[x])).sum::<u64>();
            }
        }
        for pair in columns.windows(2) {
            hash = hash << 1 | u64::from(pair[1] > pair[0]);
        }
    }
    hash
}

/// Computes the details: the mean over 3x3 pixels less the mean over 9x9 (at 50 px), with the edge repeated outward. They are
/// in eighths of a gray level, -2040..=2040. The small mean evens out what compression and a shift by part of a pixel change.
fn detail(pixels: &[u8], side: usize) -> Vec<i16> {
    let means = |radius: usize| {
        let area = (2 * radius as i64 + 1).pow(2);
        box_sums(pixels, side, radius).into_iter().map(move |sum| (8 * sum + area / 2) / area)
    };
    let (near, wide) = (means(at_50(1, side)), means(at_50(4, side)));
    near.zip(wide).map(|(near, wide)| (near - wide) as i16).collect()
}

/// Returns the sum over the square of `2 * radius + 1` pixels around each pixel.
fn box_sums(pixels: &[u8], side: usize, radius: usize) -> Vec<i64> {
    let window = |at: usize| (0..=2 * radius).map(move |step| (at + step).saturating_sub(radius).min(side - 1));
    let pixel = |y: usize, x: usize| i64::from(pixels[y * side + x]);
    let rows: Vec<i64> = (0..side * side).map(|i| window(i % side).map(|x| pixel(i / side, x)).sum()).collect();
    (0..side * side).map(|i| window(i / side).map(|y| rows[y * side + i % side]).sum()).collect()
}

/// Returns the dot product of two pictures' details over their overlap, with the second picture moved.
pub(super) fn shifted_product(a: &[i16], b: &[i16], side: usize, down: isize, right: isize) -> i64 {
    // Start of the overlap in the first and in the second picture.
    let starts = |shift: isize| (shift.max(0) as usize, (-shift).max(0) as usize);
    let ((a_top, b_top), (a_left, b_left)) = (starts(down), starts(right));
    let (height, width) = (side - a_top.max(b_top), side - a_left.max(b_left));
    let line = |top: usize, left: usize, row: usize| (top + row) * side + left;
    (0..height)
        .map(|row| {
            let (a_at, b_at) = (line(a_top, a_left, row), line(b_top, b_left, row));
            product(&a[a_at..a_at + width], &b[b_at..b_at + width])
        })
        .sum()
}

/// Returns the dot product. Blocks of 256 are summed in 32 bits, which is several times faster: 256 * 2040^2 is half of
/// their range.
fn product(a: &[i16], b: &[i16]) -> i64 {
    let block = |(a, b): (&[i16], &[i16])| a.iter().zip(b).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum::<i32>();
    a.chunks(256).zip(b.chunks(256)).map(|blocks| i64::from(block(blocks))).sum()
}

pub(super) fn mirror<T: Copy>(pixels: &[T], side: usize) -> Vec<T> {
    pixels.chunks_exact(side).flat_map(|row| row.iter().rev().copied()).collect()
}

#[cfg(test)]
mod tests {
    use image::{RgbImage, imageops};
    use pinhole_shared::pixels::{Fit, InputShape, PictureSize, PixelFormat};

    use super::*;
    use crate::photos::{Picture, near_duplicates};
    use crate::synthetic::{Set, drawings};

    const SIDE: u16 = 50;

    fn input(picture: &RgbImage) -> Example {
        let size = PictureSize { width: picture.width() as u16, height: picture.height() as u16 };
        let picture = Picture::new(size, PixelFormat::Rgb888, picture.as_raw().clone()).unwrap();
        Example { path: "".into(), class: 0, pixels: picture.shrink(InputShape::gray(SIDE)).unwrap() }
    }

    /// Returns the 40 synthetic pictures of `data/`, before they are saved.
    fn drawn() -> Vec<RgbImage> {
        let sets = [(13, Set::Train), (7, Set::Validation)];
        sets.into_iter().flat_map(|(each, set)| drawings(1, each, set)).map(|drawing| drawing.picture).collect()
    }

    fn found(examples: &[Example]) -> Vec<NearDuplicate> {
        near_duplicates(&examples.iter().collect::<Vec<_>>(), InputShape::gray(SIDE))
    }

    fn each_channel(picture: &RgbImage, change: impl Fn(u8) -> u8) -> RgbImage {
        let mut changed = picture.clone();
        changed.iter_mut().for_each(|channel| *channel = change(*channel));
        changed
    }

    fn recompressed(picture: &RgbImage) -> RgbImage {
        let mut file = Vec::new();
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, 20).encode_image(picture).unwrap();
        image::load_from_memory(&file).unwrap().into_rgb8()
    }

    /// Moves a picture right and down by a pixel of the network's input, with the edge repeated.
    fn shifted(picture: &RgbImage) -> RgbImage {
        let (width, height) = picture.dimensions();
        let pixel = width.min(height) / u32::from(SIDE);
        RgbImage::from_fn(width, height, |x, y| *picture.get_pixel(x.saturating_sub(pixel), y.saturating_sub(pixel)))
    }

    fn shrunk(picture: &RgbImage) -> RgbImage {
        let (width, height) = picture.dimensions();
        imageops::resize(picture, width * 3 / 5, height * 3 / 5, imageops::FilterType::Triangle)
    }

    #[test]
    fn different_drawings_are_no_duplicates() {
        let inputs: Vec<Example> = drawn().iter().map(input).collect();
        assert_eq!(inputs.len(), 40);
        assert_eq!(found(&inputs), []);
    }

    #[test]
    fn changed_copies_are_found_and_only_they() {
        type Change = fn(&RgbImage) -> RgbImage;
        let changes: [(&str, Change, bool); 7] = [
            ("the same", RgbImage::clone, false),
            ("recompressed", recompressed, false),
            ("shrunk", shrunk, false),
            ("brightened", |picture| each_channel(picture, |channel| channel.saturating_add(20)), false),
            ("shifted", shifted, false),
            ("mirrored", imageops::flip_horizontal, true),
            ("mirrored and recompressed", |picture| recompressed(&imageops::flip_horizontal(picture)), true),
        ];
        let pictures = drawn();
        for (name, change, mirrored) in changes {
            let copies = pictures.iter().map(|picture| input(&change(picture)));
            let all: Vec<Example> = pictures.iter().map(input).chain(copies).collect();
            let found = found(&all);
            let pairs: Vec<_> = found.iter().map(|pair| (pair.first, pair.second)).collect();
            assert_eq!(pairs, (0..40).map(|i| (i, i + 40)).collect::<Vec<_>>(), "{name}");
            assert!(found.iter().all(|pair| pair.mirrored == mirrored && pair.distance <= MAX_DISTANCE), "{name}");
        }
    }

    #[test]
    fn gray_cards_are_duplicates_only_of_their_like() {
        let card = |gray| Example { path: "".into(), class: 0, pixels: vec![gray; 2500] };
        let pair = NearDuplicate { first: 0, second: 2, distance: 0, mirrored: false };
        assert_eq!(found(&[card(9), card(10), card(9)]), [pair]);
    }

    #[test]
    fn inputs_of_any_side() {
        for side in [1_u16, 2, 7, 96] {
            let noise = |seed: u32| {
                let pixels = (0..u32::from(side).pow(2)).map(|i| ((i + seed).wrapping_mul(2_654_435_761) >> 24) as u8);
                Example { path: "".into(), class: 0, pixels: pixels.collect() }
            };
            let (a, b) = (noise(1), noise(500_000));
            let same = near_duplicates(&[&a, &b, &a], InputShape::gray(side));
            assert!(same.iter().any(|pair| (pair.first, pair.second) == (0, 2)), "{side}: {same:?}");
        }
        assert_eq!(near_duplicates(&[], InputShape::gray(50)), []);
    }

    #[test]
    fn inputs_that_are_not_square() {
        for input in [
            InputShape { height: 28, width: 46, ..InputShape::gray(1) },
            InputShape { height: 32, width: 20, ..InputShape::rgb(1) },
        ] {
            let of = |picture: &RgbImage| {
                let size = PictureSize { width: picture.width() as u16, height: picture.height() as u16 };
                let picture = Picture::new(size, PixelFormat::Rgb888, picture.as_raw().clone()).unwrap();
                Example { path: "".into(), class: 0, pixels: picture.shrink(input).unwrap() }
            };
            let pictures = &drawn()[..12];
            let copies = pictures.iter().map(|picture| of(&recompressed(&imageops::flip_horizontal(picture))));
            let all: Vec<Example> = pictures.iter().map(of).chain(copies).collect();
            let found = near_duplicates(&all.iter().collect::<Vec<_>>(), input);
            let pairs: Vec<_> = found.iter().map(|pair| (pair.first, pair.second, pair.mirrored)).collect();
            assert_eq!(pairs, (0..12).map(|i| (i, i + 12, true)).collect::<Vec<_>>(), "{input}");
        }
    }

    /// The bars of a letterbox are the same in all photos of one shape. Bright photos beside them differ all the same.
    #[test]
    fn bars_make_no_near_duplicates() {
        let input = InputShape { fit: Fit::Letterbox, ..InputShape::gray(SIDE) };
        let bright = |picture: &RgbImage| {
            let pale = imageops::resize(picture, 100, 50, imageops::FilterType::Triangle);
            let rows = pale.as_raw().iter().map(|level| 225 + level / 12).collect();
            let picture = Picture::new(PictureSize { width: 100, height: 50 }, PixelFormat::Rgb888, rows).unwrap();
            Example { path: "".into(), class: 0, pixels: picture.shrink(input).unwrap() }
        };
        let photos: Vec<Example> = drawn().iter().take(16).map(bright).collect();
        let mut all: Vec<&Example> = photos.iter().collect();
        assert_eq!(near_duplicates(&all, input), []);
        all.push(&photos[3]);
        let found = near_duplicates(&all, input);
        assert_eq!(found.iter().map(|pair| (pair.first, pair.second)).collect::<Vec<_>>(), [(3, 16)]);
    }

    /// The hash's cells are 8x9 px here.
    #[test]
    fn the_hash_compares_neighbors_in_a_row() {
        let side = 72;
        let stairs: Vec<u8> = (0..side * side).map(|i| (i % side / 8 * 10) as u8).collect();
        assert_eq!(hash(&stairs, side), u64::MAX);
        assert_eq!(hash(&mirror(&stairs, side), side), 0);
        // Only the top eighth rises, there from the first column to the second.
        let step: Vec<u8> = (0..side * side).map(|i| u8::from(i / side < 9 && i % side >= 8)).collect();
        assert_eq!(hash(&step, side), 1 << 63);
    }

    #[test]
    fn groups_join_chains() {
        let pair = |first, second| NearDuplicate { first, second, distance: 0, mirrored: false };
        assert_eq!(groups(7, &[pair(1, 4), pair(2, 6), pair(4, 5)]), [0, 1, 2, 3, 1, 1, 2]);
        assert_eq!(groups(6, &[pair(3, 5), pair(4, 5), pair(0, 4)]), [0, 1, 2, 0, 0, 0]);
        assert_eq!(groups(3, &[]), [0, 1, 2]);
    }

    #[test]
    fn one_picture_with_two_labels_is_a_contradiction() {
        let photo = |path: &str, class| Example { path: path.into(), class, pixels: vec![7; 2500] };
        let photos = [photo("a", 0), photo("b", 1), photo("c", 0)];
        let examples: Vec<&Example> = photos.iter().collect();
        let classes = ["cat", "dog"].map(str::to_owned);
        let mut pairs = DuplicatePhotos::of(&found(&photos), &examples, &classes, 2);
        let names = |pair: &DuplicatePhotos| pair.contradiction.clone().map(|classes| classes.join(" "));
        let said: Vec<_> = pairs.iter().map(|pair| (pair.first.to_str().unwrap(), pair.across, names(pair))).collect();
        let (cat_dog, dog_cat) = (Some("cat dog".to_owned()), Some("dog cat".to_owned()));
        assert_eq!(said, [("a", false, cat_dog.clone()), ("a", true, None), ("b", true, dog_cat.clone())]);
        // With the first photo held out, the second comes first.
        DuplicatePhotos::mark_across(&mut pairs, &[&PathBuf::from("a")].into());
        assert_eq!((pairs[0].first.to_str().unwrap(), names(&pairs[0])), ("b", dog_cat));
        assert_eq!(pairs.iter().map(|pair| pair.across).collect::<Vec<_>>(), [true, true, false]);
    }

    #[test]
    fn a_mirror_image_in_another_class_is_no_contradiction() {
        let arrow = &drawn()[0];
        let photos = [input(arrow), Example { class: 1, ..input(&imageops::flip_horizontal(arrow)) }];
        let found = found(&photos);
        assert!(matches!(found[..], [NearDuplicate { mirrored: true, .. }]), "{found:?}");
        let classes = ["left", "right"].map(str::to_owned);
        let pairs = DuplicatePhotos::of(&found, &photos.iter().collect::<Vec<_>>(), &classes, 2);
        assert_eq!((pairs[0].mirrored, &pairs[0].contradiction), (true, &None));
    }
}
