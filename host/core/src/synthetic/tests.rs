//! The synthetic pictures must be neither trivial nor impossible to classify. Rules that ignore shapes must fail, within
//! what the best of many rules reaches by chance.

use super::*;
use std::sync::LazyLock;

/// Not the seed of the bundled pictures: results on these 400 hold for the generator, not for lucky pictures.
const OTHER_SEED: u64 = 24301;
const MANY: usize = 200;
/// Drawn once: three tests use them, and drawing takes most of the time.
static UNSEEN: LazyLock<Vec<Drawing>> = LazyLock::new(|| drawings(OTHER_SEED, MANY, Set::Validation));
/// Highest accuracy that a rule without regard to shapes may reach.
const CHEAP: f32 = 0.62;

fn is_muffin(drawing: &Drawing) -> bool {
    drawing.file_name.starts_with("muffin")
}

/// Returns the luma of every pixel, 0 to 255.
fn luma(picture: &image::RgbImage) -> Vec<f32> {
    let weigh = |p: &image::Rgb<u8>| 0.299 * f32::from(p[0]) + 0.587 * f32::from(p[1]) + 0.114 * f32::from(p[2]);
    picture.pixels().map(weigh).collect()
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len() as f32
}

fn spread(values: &[f32]) -> f32 {
    let middle = mean(values);
    (values.iter().map(|value| (value - middle) * (value - middle)).sum::<f32>() / values.len() as f32).sqrt()
}

/// Returns the accuracy of the rule or of its opposite, whichever is better.
fn accuracy(drawings: &[Drawing], says_muffin: impl Fn(usize) -> bool) -> f32 {
    let hits = drawings.iter().enumerate().filter(|(index, drawing)| says_muffin(*index) == is_muffin(drawing));
    let share = hits.count() as f32 / drawings.len() as f32;
    share.max(1.0 - share)
}

/// Returns the accuracy of the best threshold on one number for each picture.
fn best_threshold(drawings: &[Drawing], numbers: &[f32]) -> f32 {
    numbers.iter().map(|&limit| accuracy(drawings, |index| numbers[index] > limit)).fold(0.0, f32::max)
}

/// Counts connected areas below `limit` that could be an eye, a nose or a berry. They are neither specks nor shadows, about as
/// wide as high, and not cut off by the edge of the picture.
fn dark_dots(luma: &[f32], limit: f32) -> usize {
    let side = SIDE as usize;
    let mut left: Vec<bool> = luma.iter().map(|&value| value < limit).collect();
    let mut dots = 0;
    for start in 0..left.len() {
        let (mut area, mut waiting) = (0, vec![start]);
        let (mut low, mut high) = ((side, side), (0, 0));
        while let Some(place) = waiting.pop() {
            if !std::mem::take(&mut left[place]) {
                continue;
            }
            let (x, y) = (place % side, place / side);
            area += 1;
            (low, high) = ((x.min(low.0), y.min(low.1)), (x.max(high.0), y.max(high.1)));
            waiting.extend((x > 0).then(|| place - 1));
            waiting.extend((x + 1 < side).then(|| place + 1));
            waiting.extend((y > 0).then(|| place - side));
            waiting.extend((y + 1 < side).then(|| place + side));
        }
        if (25..=350).contains(&area) && low.0 > 0 && low.1 > 0 && high.0 + 1 < side && high.1 + 1 < side {
            let (width, height) = (high.0 - low.0 + 1, high.1 - low.1 + 1);
            let full = area as f32 / (width * height) as f32;
            dots += usize::from(width <= 2 * height && height <= 2 * width && full > 0.5);
        }
    }
    dots
}

/// Returns the accuracy of the best rule "exactly / at most this many dots" over these counts.
fn best_count(drawings: &[Drawing], counts: &[usize]) -> f32 {
    let rules = (0..10).flat_map(|k| [accuracy(drawings, |i| counts[i] == k), accuracy(drawings, |i| counts[i] <= k)]);
    rules.fold(0.0, f32::max)
}

/// Returns 50 by 50 means of 2 by 2 pixels.
fn thumbnail(picture: &image::RgbImage) -> Vec<f32> {
    let (side, luma) = (SIDE as usize, luma(picture));
    let corners = (0..side / 2).flat_map(|row| (0..side / 2).map(move |column| 2 * row * side + 2 * column));
    corners.map(|at| (luma[at] + luma[at + 1] + luma[at + side] + luma[at + side + 1]) / 4.0).collect()
}

/// Returns the CRC-32 of zip and PNG, computed bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
    !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}

#[test]
fn a_seed_means_these_pictures_for_ever() {
    let pictures = drawings(SHIPPED_SEED, 1, Set::Train);
    let sums: Vec<u32> = pictures.iter().map(|drawing| crc32(drawing.picture.as_raw())).collect();
    assert_eq!(sums, [0xFE47_8E7B, 0xF8AD_3A7B], "every shipped model was trained on the old pictures");
}

#[test]
fn the_same_seed_gives_the_same_files_and_another_seed_others() {
    let files = |seed, set| -> Vec<Vec<u8>> {
        drawings(seed, 3, set).iter().map(|drawing| encode_jpeg(&drawing.picture)).collect()
    };
    assert_eq!(files(7, Set::Train), files(7, Set::Train));
    for (one, other) in files(7, Set::Train).iter().zip(&files(8, Set::Train)) {
        assert_ne!(one, other);
    }
    for (one, other) in files(7, Set::Train).iter().zip(&files(7, Set::Validation)) {
        assert_ne!(one, other);
    }
}

#[test]
fn asking_for_more_keeps_the_first_ones() {
    let (few, more) = (drawings(5, 2, Set::Train), drawings(5, 3, Set::Train));
    for drawing in few {
        let same = more.iter().find(|other| other.file_name == drawing.file_name).expect("same name");
        assert_eq!(same.picture.as_raw(), drawing.picture.as_raw());
    }
}

#[test]
fn files_are_named_after_class_and_set() {
    let names = |set| drawings(1, 2, set).into_iter().map(|drawing| drawing.file_name).collect::<Vec<_>>();
    assert_eq!(names(Set::Train), ["chihuahua-1.jpg", "chihuahua-2.jpg", "muffin-1.jpg", "muffin-2.jpg"]);
    assert_eq!(names(Set::Validation)[1..3], ["chihuahua-unseen-2.jpg", "muffin-unseen-1.jpg"]);
}

#[test]
fn a_jpeg_shows_what_was_drawn() {
    for drawing in drawings(SHIPPED_SEED, 2, Set::Train) {
        let file = encode_jpeg(&drawing.picture);
        let read = image::load_from_memory_with_format(&file, image::ImageFormat::Jpeg).expect("JPEG").to_rgb8();
        assert_eq!(read.dimensions(), (SIDE, SIDE));
        let (old, new) = (luma(&drawing.picture), luma(&read));
        let apart = old.iter().zip(&new).map(|(a, b)| (a - b).abs()).sum::<f32>() / old.len() as f32;
        assert!(apart < 6.0, "{apart}");
    }
}

#[test]
fn no_two_shipped_pictures_are_alike() {
    let mut shipped = drawings(SHIPPED_SEED, 13, Set::Train);
    shipped.extend(drawings(SHIPPED_SEED, 7, Set::Validation));
    let small: Vec<Vec<f32>> = shipped.iter().map(|drawing| thumbnail(&drawing.picture)).collect();
    for (index, one) in small.iter().enumerate() {
        for other in &small[..index] {
            let apart = mean(&one.iter().zip(other).map(|(a, b)| (a - b).abs()).collect::<Vec<_>>());
            assert!(apart > 10.0, "{} is {apart} from an earlier one", shipped[index].file_name);
        }
    }
}

#[test]
fn neither_dots_nor_brightness_nor_contrast_give_a_class_away() {
    let many = &*UNSEEN;
    let lumas: Vec<Vec<f32>> = many.iter().map(|drawing| luma(&drawing.picture)).collect();
    let means: Vec<f32> = lumas.iter().map(|luma| mean(luma)).collect();
    let spreads: Vec<f32> = lumas.iter().map(|luma| spread(luma)).collect();
    let (by_mean, by_spread) = (best_threshold(many, &means), best_threshold(many, &spreads));

    // A fixed limit, and one that follows the picture's exposure: the rule may use whichever is best.
    let fixed = (1..=9).map(|step| lumas.iter().map(|luma| dark_dots(luma, 12.0 * step as f32)).collect());
    let following = (2..=8).map(|step| {
        let limit = |index: usize| means[index] - 0.3 * step as f32 * spreads[index];
        lumas.iter().enumerate().map(|(index, luma)| dark_dots(luma, limit(index))).collect()
    });
    let counts: Vec<Vec<usize>> = fixed.chain(following).collect();
    let by_count = counts.iter().map(|counts| best_count(many, counts)).fold(0.0, f32::max);
    assert!(by_count <= CHEAP, "counting dots tells {by_count:.3}");
    assert!(by_mean <= CHEAP, "brightness tells {by_mean:.3}");
    assert!(by_spread <= CHEAP, "contrast tells {by_spread:.3}");
}

#[test]
fn the_most_similar_shipped_picture_is_not_always_of_the_same_class() {
    let small = |drawings: &[Drawing]| -> Vec<Vec<f32>> { drawings.iter().map(|d| thumbnail(&d.picture)).collect() };
    let (shipped, many) = (drawings(SHIPPED_SEED, 13, Set::Train), &*UNSEEN);
    let (known, asked) = (small(&shipped), small(many));
    let nearest = |index: usize| {
        let apart = |other: &[f32]| asked[index].iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
        let best = (0..known.len()).min_by(|&a, &b| apart(&known[a]).total_cmp(&apart(&known[b])));
        is_muffin(&shipped[best.expect("there are shipped pictures")])
    };
    let found = accuracy(many, nearest);
    assert!(found <= 0.80, "the nearest neighbor tells {found:.3}");
}

/// Returns a linear classifier's probability of "muffin", 0 to 1; the last weight is the bias.
fn muffin_by(weights: &[f32], picture: &[f32]) -> f32 {
    let (bias, weights) = weights.split_last().expect("a bias");
    let sum = picture.iter().zip(weights).map(|(value, weight)| value * weight).sum::<f32>();
    1.0 / (1.0 + libm::expf(-(sum + bias)))
}

#[test]
fn many_pictures_teach_even_a_linear_classifier() {
    // Brightness and contrast are normalized, so that only the shape can be learned.
    let prepared = |drawings: &[Drawing]| -> Vec<Vec<f32>> {
        let even = |values: Vec<f32>| {
            let (middle, spread) = (mean(&values), spread(&values));
            values.iter().map(|value| (value - middle) / spread).collect()
        };
        drawings.iter().map(|drawing| even(thumbnail(&drawing.picture))).collect()
    };
    let (taught, asked) = (drawings(OTHER_SEED, MANY, Set::Train), &*UNSEEN);
    let (known, unknown) = (prepared(&taught), prepared(asked));
    let mut weights = vec![0.0; known[0].len() + 1];
    for _ in 0..60 {
        let mut slope = vec![0.0; weights.len()];
        for (picture, drawing) in known.iter().zip(&taught) {
            let error = muffin_by(&weights, picture) - f32::from(u8::from(is_muffin(drawing)));
            for (part, value) in slope.iter_mut().zip(picture.iter().chain([&1.0])) {
                *part += error * value / known.len() as f32;
            }
        }
        for (weight, part) in weights.iter_mut().zip(slope) {
            *weight -= 0.01 * part;
        }
    }
    let found = accuracy(asked, |index| muffin_by(&weights, &unknown[index]) > 0.5);
    assert!(found >= 0.80, "a linear classifier learned only {found:.3}");
}
