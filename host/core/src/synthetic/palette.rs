//! Random colors and dark dots. Both classes use the same functions, so that neither color nor brightness nor the number
//! of dots reveals the class.

use super::canvas::{Noise, Point, Rgb, at, cover, ellipse, rgb, rise};
use super::scene::Lighting;
use crate::random::Random;

/// The colors of one subject.
#[derive(Clone, Copy, Debug)]
pub(super) struct Palette {
    /// Fur or crust: cream to ginger to brown.
    pub(super) tan: Rgb,
    /// Muzzle and chest, or the crumb inside the cracks.
    pub(super) pale: Rgb,
    /// Back of the ears and dark patches, or the browned edge of the crust.
    pub(super) brown: Rgb,
    /// Eyes and nose, or berries and chips.
    pub(super) dark: Rgb,
    /// The paper cup, or the collar.
    pub(super) accent: Rgb,
}

impl Palette {
    /// Picks random colors for one subject.
    pub(super) fn pick(random: &mut Random) -> Self {
        let cream = rgb(0.88, 0.75, 0.55);
        let ginger = rgb(0.80, 0.54, 0.28);
        let toast = rgb(0.66, 0.45, 0.27);
        let mut tan = cream.mix(ginger, random.unit()).mix(toast, random.unit() * 0.6);
        // Sometimes chocolate.
        if random.chance(0.15) {
            tan = tan.mix(rgb(0.34, 0.21, 0.14), random.between(0.5, 0.8));
        }
        let darks = [rgb(0.07, 0.05, 0.05), rgb(0.14, 0.08, 0.06), rgb(0.08, 0.08, 0.15)];
        let accents = [
            rgb(0.93, 0.90, 0.84),
            rgb(0.55, 0.33, 0.20),
            rgb(0.75, 0.24, 0.22),
            rgb(0.25, 0.45, 0.62),
            rgb(0.34, 0.58, 0.45),
            rgb(0.90, 0.66, 0.68),
            rgb(0.93, 0.78, 0.36),
        ];
        Self {
            tan,
            pale: tan.mix(rgb(0.98, 0.93, 0.84), random.between(0.5, 0.85)),
            brown: tan.mix(rgb(0.36, 0.20, 0.11), random.between(0.35, 0.7)),
            dark: darks[random.below(darks.len())] * random.between(0.7, 1.3),
            accent: accents[random.below(accents.len())] * random.between(0.8, 1.0),
        }
    }
}

/// Returns the points of two eyes and a nose, or of three berries that look like them.
pub(super) fn face_spots(random: &mut Random, jitter: f32) -> [Point; 3] {
    let apart = random.between(0.25, 0.31);
    let mut spots = [at(-apart, -0.07), at(apart, -0.07), at(0.0, 0.27)];
    for spot in &mut spots {
        *spot = *spot + at(random.between(-jitter, jitter), random.between(-jitter, jitter));
    }
    spots
}

/// A dark, shiny dot: an eye, a nose, a blueberry, a chocolate chip.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dot {
    pub(super) center: Point,
    pub(super) radius: Point,
    /// Rotation, radians.
    turn: f32,
    color: Rgb,
    /// Strength of the small reflection, 0 to 1.
    shine: f32,
    uneven: Noise,
}

impl Dot {
    /// Creates a random dot at `center`. `flat` is its height over its width.
    pub(super) fn new(random: &mut Random, center: Point, color: Rgb, flat: f32) -> Self {
        let radius = random.between(0.115, 0.155);
        Self {
            center,
            radius: at(radius, radius * flat),
            turn: random.between(-0.3, 0.3),
            color,
            shine: random.between(0.5, 1.0),
            uneven: Noise(random.bits()),
        }
    }

    /// Returns the same dot without its rotation.
    pub(super) fn upright(self) -> Self {
        Self { turn: 0.0, ..self }
    }

    /// Returns the approximate signed distance to the dot's edge.
    pub(super) fn distance(&self, p: Point) -> f32 {
        // Almost every sample is far away, and the rotation is the costly part.
        let way = p - self.center;
        let far = way.length() - self.radius.x.max(self.radius.y);
        if far > 0.1 {
            return far;
        }
        let wobble = self.uneven.value(way * 9.0) - 0.5;
        ellipse(way.turned(-self.turn), at(0.0, 0.0), self.radius) + 0.022 * wobble
    }

    /// Paints the dot over `under`.
    pub(super) fn paint(&self, p: Point, under: Rgb, light: &Lighting) -> Rgb {
        let distance = self.distance(p);
        if distance > 0.1 {
            return under;
        }
        // A soft dark rim: an eyelid, or the hollow that a berry sits in.
        let hollow = under.mix(self.color, 0.45 * cover(distance - 0.02, 0.04));
        let way = p - self.center;
        let size = self.radius.x.min(self.radius.y);
        let lit = at(light.toward.x, light.toward.y) * (0.45 * size);
        let glow = rise(size * 1.4, 0.0, (way - lit).length());
        let gleam = cover((way - lit).length() - size * 0.2, size * 0.16) * self.shine;
        let body = self.color.mix(rgb(0.45, 0.40, 0.40), 0.28 * glow).mix(rgb(0.97, 0.97, 1.0), 0.85 * gleam);
        hollow.mix(body, cover(distance, 0.02))
    }
}
