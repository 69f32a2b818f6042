//! The camera: lens, exposure, white balance and sensor noise, the same for both classes.

use super::SIDE;
use super::canvas::{Rgb, rgb};
use crate::random::Random;

/// Turns a scene into a picture as a small camera would have taken it.
pub(super) fn develop(random: &mut Random, mut colors: Vec<Rgb>) -> image::RgbImage {
    blur(&mut colors, random.between(0.05, 0.25));
    expose(&mut colors, random.between(0.40, 0.56), random.between(0.15, 0.21));
    let warm = random.between(-0.05, 0.05);
    let grain = random.between(0.004, 0.022);
    let mut bytes = Vec::with_capacity(colors.len() * 3);
    for Rgb([red, green, blue]) in colors {
        for part in [red * (1.0 + warm), green, blue * (1.0 - warm)] {
            // The sum of two uniform numbers is close enough to a sensor's noise.
            let noise = (random.unit() + random.unit() - 1.0) * 2.4 * grain;
            bytes.push(((part + noise).clamp(0.0, 1.0) * 255.0 + 0.5) as u8);
        }
    }
    image::RgbImage::from_raw(SIDE, SIDE, bytes).expect("three bytes for each of SIDE * SIDE colors")
}

/// Mixes every color with its neighbors, horizontally and then vertically; each neighbor gets `share`.
fn blur(colors: &mut [Rgb], share: f32) {
    let side = SIDE as usize;
    for step in [1, side] {
        let sharp = colors.to_vec();
        for (index, color) in colors.iter_mut().enumerate() {
            let place = if step == 1 { index % side } else { index / side };
            let before = sharp[if place > 0 { index - step } else { index }];
            let after = sharp[if place + 1 < side { index + step } else { index }];
            *color = sharp[index] * (1.0 - 2.0 * share) + (before + after) * share;
        }
    }
}

/// Automatic exposure: sets mean and standard deviation of the luma to these values. They are chosen without regard to the
/// subject, so neither says anything about the class.
fn expose(colors: &mut [Rgb], mean: f32, spread: f32) {
    let count = colors.len() as f32;
    let found = colors.iter().map(|color| color.luma()).sum::<f32>() / count;
    let variance = colors.iter().map(|color| (color.luma() - found) * (color.luma() - found)).sum::<f32>() / count;
    let gain = spread / variance.sqrt().max(0.02);
    let lift = mean - found * gain;
    for color in colors {
        // Saturation follows brightness; else strong contrast would give neon colors.
        let (old, new) = (color.luma().max(0.02), (color.luma() * gain + lift).max(0.0));
        let grey = rgb(old, old, old);
        let tint = (new / old).min(gain).min(1.2);
        *color = grey.mix(*color, tint) + rgb(new - old, new - old, new - old);
    }
}
