//! Augmentation: a new variation of every training photo in every epoch.
//!
//! It changes the network's input, not the photo. So the network trains on pixels that a camera with this pixel
//! pipeline could deliver, rounded to 8 bits in the same way. All random numbers are drawn in the order of the photos,
//! whatever the batches, and sines are `libm`'s: the same seed gives the same pixels everywhere.

use pinhole_core::photos::letterbox::change_inside;
use pinhole_core::random::{Purpose, Random};
use pinhole_core::recipe::Augmentation;
use pinhole_shared::pixels::InputShape;

use super::camera_noise::{CameraNoise, add_camera_noise};

/// Variation of one photo.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Variation {
    /// Shift of the content to the right and down, px.
    shift_x_px: f32,
    shift_y_px: f32,
    /// Factor by which the content grows.
    zoom: f32,
    /// Clockwise rotation of the content, radians.
    angle: f32,
    mirrored: bool,
    /// Factor that stretches gray levels about the middle gray.
    contrast: f32,
    /// Added after the contrast, gray levels.
    brightness: f32,
}

impl Variation {
    /// Draws a variation within the recipe's limits, for this input.
    pub(super) fn draw(settings: &Augmentation, input: InputShape, random: &mut Random) -> Self {
        // Every number is drawn whether or not it is used: a recipe without one setting gets the same values for the
        // others.
        let mut within = |limit: f32| limit * random.between(-1.0, 1.0);
        Self {
            shift_x_px: f32::from(input.width) * within(settings.shift),
            shift_y_px: f32::from(input.height) * within(settings.shift),
            zoom: 1.0 + within(settings.zoom),
            angle: within(settings.rotation).to_radians(),
            contrast: 1.0 + within(settings.contrast),
            brightness: 255.0 * within(settings.brightness),
            mirrored: random.chance(0.5) && settings.flip,
        }
    }

    fn moves(&self) -> bool {
        self.shift_x_px != 0.0 || self.shift_y_px != 0.0 || self.zoom != 1.0 || self.angle != 0.0 || self.mirrored
    }
}

/// Returns this variation of a photo's pixels, row by row, each channel alike.
///
/// The geometry is one affine map about the center, with bilinear interpolation. Outside the photo, the nearest border
/// pixel is used (as Keras' `fill_mode="nearest"`). Levels are rounded half up and saturate.
fn apply(variation: &Variation, pixels: &[u8], input: InputShape) -> Vec<u8> {
    let [height, width, channels] = [input.height, input.width, input.color.channels()].map(usize::from);
    let level = |gray: f32| {
        let gray = (gray - 127.5) * variation.contrast + 127.5 + variation.brightness;
        (gray + 0.5).floor().clamp(0.0, 255.0) as u8
    };
    if !variation.moves() {
        return pixels.iter().map(|&pixel| level(f32::from(pixel))).collect();
    }
    // Maps a pixel of the result to its source: rotated and scaled back about the center.
    let (sin, cos) = (libm::sinf(variation.angle), libm::cosf(variation.angle));
    let [center_x, center_y] = [width, height].map(|length| (length as f32 - 1.0) / 2.0);
    let mirror = if variation.mirrored { -1.0 } else { 1.0 };
    let mut result = Vec::with_capacity(pixels.len());
    for y in 0..height {
        let dy = y as f32 - center_y - variation.shift_y_px;
        for x in 0..width {
            let dx = x as f32 - center_x - variation.shift_x_px;
            let from_x = mirror * (cos * dx + sin * dy) / variation.zoom + center_x;
            let from_y = (cos * dy - sin * dx) / variation.zoom + center_y;
            let from = Bilinear::at(from_x, from_y, (width, height));
            result.extend((0..channels).map(|channel| level(from.read(|pixel| pixels[pixel * channels + channel]))));
        }
    }
    result
}

/// Returns a variation of an input with camera noise. The bars of a letterbox stay as they are, as on the device.
pub(super) fn varied(variation: Variation, noise: Option<CameraNoise>, pixels: &[u8], input: InputShape) -> Vec<u8> {
    change_inside(pixels, input, |inside, shape| {
        let mut varied = apply(&variation, inside, shape);
        if let Some(noise) = noise {
            add_camera_noise(noise, &mut varied, shape);
        }
        varied
    })
}

/// Returns `count` variations of an input, for reports: as training draws them, with blur and noise, but with random numbers of
/// their own. Empty without augmentation.
pub fn augmented(settings: &Augmentation, pixels: &[u8], input: InputShape, seed: u64, count: usize) -> Vec<Vec<u8>> {
    if settings.is_none() {
        return Vec::new();
    }
    let mut variations = Random::stream(seed, Purpose::Augment);
    let mut noises = Random::stream(seed, Purpose::CameraNoise);
    let vary = |_| {
        let variation = Variation::draw(settings, input, &mut variations);
        let noise = settings.has_camera_noise().then(|| CameraNoise::draw(settings, &mut noises));
        varied(variation, noise, pixels, input)
    };
    (0..count).map(vary).collect()
}

/// A position between four pixels, for bilinear interpolation.
struct Bilinear {
    /// Indices of the pixels: above left, above right, below left, below right.
    corners: [usize; 4],
    across: f32,
    down: f32,
}

impl Bilinear {
    fn at(x: f32, y: f32, (width, height): (usize, usize)) -> Self {
        let (x, y) = (x.clamp(0.0, width as f32 - 1.0), y.clamp(0.0, height as f32 - 1.0));
        let (left, top) = (x as usize, y as usize);
        let (right, below) = ((left + 1).min(width - 1), (top + 1).min(height - 1));
        let corners = [(left, top), (right, top), (left, below), (right, below)].map(|(x, y)| y * width + x);
        Self { corners, across: x - left as f32, down: y - top as f32 }
    }

    fn read(&self, level: impl Fn(usize) -> u8) -> f32 {
        let mix = |from: f32, to: f32, share: f32| from + (to - from) * share;
        let [above_left, above_right, left, right] = self.corners.map(|pixel| f32::from(level(pixel)));
        mix(mix(above_left, above_right, self.across), mix(left, right, self.across), self.down)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STILL: Variation = Variation {
        shift_x_px: 0.0,
        shift_y_px: 0.0,
        zoom: 1.0,
        angle: 0.0,
        mirrored: false,
        contrast: 1.0,
        brightness: 0.0,
    };
    const PHOTO: [u8; 9] = [10, 20, 30, 40, 50, 60, 70, 80, 90];

    /// The bars beside a picture are black on every device, however bright its pictures are.
    #[test]
    fn bars_of_a_letterbox_stay_black() {
        let letterbox = InputShape { fit: pinhole_shared::pixels::Fit::Letterbox, ..InputShape::gray(4) };
        let pixels = [[0; 4], [10, 20, 30, 40], [50, 60, 70, 80], [0; 4]].concat();
        let variation = Variation { mirrored: true, brightness: 100.0, shift_y_px: 1.0, ..STILL };
        let noise = CameraNoise::draw(&Augmentation { noise: 0.1, ..Augmentation::default() }, &mut Random::seeded(1));
        let result = varied(variation, None, &pixels, letterbox);
        assert_eq!(result, [[0; 4], [140, 130, 120, 110], [140, 130, 120, 110], [0; 4]].concat());
        let noisy = varied(variation, Some(noise), &pixels, letterbox);
        assert!(noisy != result && noisy[..4] == [0; 4] && noisy[12..] == [0; 4], "{noisy:?}");
    }

    /// Four columns and two rows.
    #[test]
    fn rectangles_by_hand() {
        let input = InputShape { height: 2, width: 4, ..InputShape::gray(1) };
        let photo = [10, 20, 30, 40, 50, 60, 70, 80];
        let half_turn = Variation { angle: std::f32::consts::PI, ..STILL };
        for (variation, expected) in [
            (Variation { shift_x_px: 1.0, ..STILL }, [10, 10, 20, 30, 50, 50, 60, 70]),
            (Variation { shift_y_px: 1.0, ..STILL }, [10, 20, 30, 40, 10, 20, 30, 40]),
            (Variation { mirrored: true, ..STILL }, [40, 30, 20, 10, 80, 70, 60, 50]),
            (half_turn, [80, 70, 60, 50, 40, 30, 20, 10]),
        ] {
            assert_eq!(apply(&variation, &photo, input), expected, "{variation:?}");
        }
        let settings = Augmentation { shift: 0.5, ..Augmentation::default() };
        let mut random = Random::seeded(5);
        let drawn: Vec<_> = (0..200).map(|_| Variation::draw(&settings, input, &mut random)).collect();
        let largest = |of: fn(&Variation) -> f32| drawn.iter().map(|one| of(one).abs()).fold(0.0, f32::max);
        let (x, y) = (largest(|one| one.shift_x_px), largest(|one| one.shift_y_px));
        assert!((1.8..=2.0).contains(&x) && (0.9..=1.0).contains(&y), "half of each side: {x}, {y}");
    }

    #[test]
    fn each_change_by_hand() {
        let cases = [
            (STILL, PHOTO),
            (Variation { shift_x_px: 1.0, ..STILL }, [10, 10, 20, 40, 40, 50, 70, 70, 80]),
            (Variation { shift_y_px: -1.0, ..STILL }, [40, 50, 60, 70, 80, 90, 70, 80, 90]),
            (Variation { shift_x_px: 0.5, ..STILL }, [10, 15, 25, 40, 45, 55, 70, 75, 85]),
            (Variation { mirrored: true, ..STILL }, [30, 20, 10, 60, 50, 40, 90, 80, 70]),
            // A quarter turn clockwise: the left column, read upward, becomes the top row.
            (Variation { angle: std::f32::consts::FRAC_PI_2, ..STILL }, [70, 40, 10, 80, 50, 20, 90, 60, 30]),
            // Twice as large: the corners come from half-way between the center and the original corners.
            (Variation { zoom: 2.0, ..STILL }, [30, 35, 40, 45, 50, 55, 60, 65, 70]),
            (Variation { brightness: 200.0, ..STILL }, [210, 220, 230, 240, 250, 255, 255, 255, 255]),
            (Variation { contrast: 0.0, ..STILL }, [128; 9]),
            (Variation { contrast: 2.0, ..STILL }, [0, 0, 0, 0, 0, 0, 13, 33, 53]),
        ];
        for (variation, expected) in cases {
            assert_eq!(apply(&variation, &PHOTO, InputShape::gray(3)), expected, "{variation:?}");
        }
    }

    #[test]
    fn channels_vary_alike() {
        let color: Vec<u8> = PHOTO.iter().flat_map(|&level| [level, 255 - level, 7]).collect();
        let variation = Variation { shift_x_px: 0.5, angle: 0.3, zoom: 1.1, mirrored: true, ..STILL };
        let varied = apply(&variation, &color, InputShape::rgb(3));
        let channel = |channel: usize| varied.iter().skip(channel).step_by(3).copied().collect::<Vec<u8>>();
        assert_eq!(channel(0), apply(&variation, &PHOTO, InputShape::gray(3)));
        assert_eq!(channel(1), apply(&variation, &PHOTO.map(|level| 255 - level), InputShape::gray(3)));
        assert_eq!(channel(2), [7; 9]);
    }

    #[test]
    fn variations_stay_within_the_settings_and_reach_for_them() {
        let none = Augmentation::default();
        let settings =
            Augmentation { shift: 0.1, zoom: 0.2, rotation: 10.0, flip: true, brightness: 0.3, contrast: 0.4, ..none };
        let mut random = Random::seeded(1);
        let all: Vec<Variation> =
            (0..2000).map(|_| Variation::draw(&settings, InputShape::gray(50), &mut random)).collect();
        let check = |name: &str, limit: f32, value: fn(&Variation) -> f32| {
            let largest = all.iter().map(|variation| value(variation).abs()).fold(0.0, f32::max);
            assert!(largest <= limit * 1.0001 && largest > 0.95 * limit, "{name}: {largest} of {limit}");
        };
        check("shift x", 5.0, |v| v.shift_x_px);
        check("shift y", 5.0, |v| v.shift_y_px);
        check("zoom", 0.2, |v| v.zoom - 1.0);
        check("rotation", 10.0_f32.to_radians(), |v| v.angle);
        check("brightness", 76.5, |v| v.brightness);
        check("contrast", 0.4, |v| v.contrast - 1.0);
        let mirrored = all.iter().filter(|variation| variation.mirrored).count();
        assert!((900..1100).contains(&mirrored), "{mirrored} of 2000 mirrored");
        let without = Augmentation { flip: false, ..settings };
        let mut random = Random::seeded(1);
        let (with, without) = (all[0], Variation::draw(&without, InputShape::gray(50), &mut random));
        assert_eq!(Variation { mirrored: false, ..with }, without, "one setting changes the others");
    }

    #[test]
    fn nothing_asked_for_changes_nothing() {
        let variation = Variation::draw(&Augmentation::default(), InputShape::gray(3), &mut Random::seeded(5));
        assert_eq!(apply(&variation, &PHOTO, InputShape::gray(3)), PHOTO);
    }

    #[test]
    fn variations_to_look_at_are_reproducible_and_differ() {
        let settings = Augmentation { shift: 0.3, flip: true, noise: 0.1, ..Augmentation::default() };
        let of = |seed| augmented(&settings, &PHOTO, InputShape::gray(3), seed, 4);
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        assert!(of(1).iter().all(|varied| varied.len() == 9 && varied != &PHOTO));
        assert_ne!(of(1)[0], of(1)[1]);
        assert!(augmented(&Augmentation::default(), &PHOTO, InputShape::gray(3), 1, 4).is_empty());
    }
}
