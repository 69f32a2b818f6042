//! A chihuahua's face. Ears, pale muzzle and fur distinguish it from a muffin.

use super::canvas::{Noise, Point, Rgb, at, cover, ellipse, lerp, melted, rgb, rise, segment};
use super::palette::{Dot, Palette, face_spots};
use super::scene::{Lighting, Subject};
use crate::random::Random;

/// A chihuahua, seen from the front. The skull is about 1.2 wide.
pub(super) struct Chihuahua {
    colors: Palette,
    skull: Point,
    cheeks: Point,
    /// Center and radius of the pale muzzle.
    muzzle: (Point, Point),
    ears: [Ear; 2],
    eyes: [Eye; 2],
    nose: Dot,
    /// Center and radius of a dark patch.
    patch: Option<(Point, f32)>,
    /// Half the width of the pale stripe on the forehead.
    blaze: Option<f32>,
    tongue: bool,
    collar: bool,
    fur: Noise,
}

/// An eye, open or shut.
struct Eye {
    dot: Dot,
    open: bool,
}

/// A big ear.
struct Ear {
    base: Point,
    /// Unit vector from the base to the tip.
    axis: Point,
    length: f32,
    /// Half its width at the base.
    width: f32,
    /// The flap of a folded ear, an ear shape of its own.
    flap: Option<Box<Ear>>,
}

impl Ear {
    fn new(random: &mut Random, side: f32, lean: f32, folded: bool) -> Self {
        let base = at(side * random.between(0.36, 0.42), -0.36);
        let axis = at(0.0, -1.0).turned(side * lean);
        let (length, width) = (random.between(0.74, 0.95), random.between(0.33, 0.41));
        if !folded {
            return Self { base, axis, length, width, flap: None };
        }
        let flap = Self {
            base: base + axis * (length * 0.52),
            axis: at(0.0, -1.0).turned(side * (lean + random.between(1.5, 2.0))),
            length: length * 0.5,
            width: width * 0.62,
            flap: None,
        };
        Self { base, axis, length: length * 0.72, width, flap: Some(Box::new(flap)) }
    }

    /// Returns the approximate signed distance to the ear's edge, without the flap.
    fn distance(&self, p: Point) -> f32 {
        let way = p - self.base;
        let along = (way.x * self.axis.x + way.y * self.axis.y) / self.length;
        let across = (way.x * self.axis.y - way.y * self.axis.x).abs();
        let left = (1.0 - along).max(0.0);
        // Narrower again below the base, so that no corner protrudes from the cheek.
        let half = if along < 0.0 { 1.0 + 2.5 * along } else { 0.3 * left + 0.7 * left.sqrt() };
        let sides = (across - self.width * half) * 0.9;
        sides.max((along - 0.99) * self.length)
    }

    /// Returns the approximate signed distance to the edge of ear and flap.
    fn outline(&self, p: Point) -> f32 {
        let flap = self.flap.as_ref().map_or(f32::MAX, |flap| flap.distance(p));
        self.distance(p).min(flap)
    }
}

impl Chihuahua {
    /// Creates a random chihuahua.
    pub(super) fn new(random: &mut Random) -> Self {
        let colors = Palette::pick(random);
        let spots = face_spots(random, 0.025);
        let open = !random.chance(0.24);
        let shut = random.below(2);
        let eyes = [0, 1].map(|side| {
            let flat = random.between(0.85, 1.05);
            Eye { dot: Dot::new(random, spots[side], colors.dark, flat), open: open || side != shut }
        });
        let nose = Dot::new(random, spots[2], colors.dark, 0.74).upright();
        let lean = random.between(0.45, 0.95);
        let folded = if random.chance(0.16) { random.below(2) } else { 2 };
        let ears = [0, 1].map(|side| {
            let lean = lean + random.between(-0.12, 0.12);
            Ear::new(random, [-1.0, 1.0][side], lean, side == folded)
        });
        let patch = patch(random, &spots);
        Self {
            colors,
            skull: at(random.between(0.58, 0.66), random.between(0.49, 0.55)),
            cheeks: at(random.between(0.38, 0.46), random.between(0.31, 0.36)),
            muzzle: (spots[2] + at(0.0, 0.1), at(random.between(0.24, 0.30), random.between(0.20, 0.25))),
            ears,
            eyes,
            nose,
            patch,
            blaze: random.chance(0.4).then(|| random.between(0.04, 0.09)),
            tongue: random.chance(0.25),
            collar: random.chance(0.5),
            fur: Noise(random.bits()),
        }
    }

    /// Returns the strength of the fur's strokes, which run away from the nose, 0 to 1.
    fn strokes(&self, p: Point) -> f32 {
        let way = p - self.nose.center;
        // The angle from straight up, mirrored, so that there is no seam below. The symmetry is not visible.
        let angle = libm::atan2f(way.x.abs(), -way.y);
        let length = way.length();
        let bend = 2.5 * self.fur.value(p * 3.0);
        let long = self.fur.value(at(angle * 13.0 + bend + 40.0 * rise(-0.01, 0.01, way.x), length * 4.5));
        let short = self.fur.value(at(angle * 27.0 - bend, length * 9.0 + 31.0));
        0.55 * long + 0.45 * short
    }

    fn head(&self, p: Point) -> f32 {
        melted(ellipse(p, at(0.0, -0.12), self.skull), ellipse(p, at(0.0, 0.27), self.cheeks), 0.22)
    }

    /// Returns the approximate signed distance to neck and chest, which go on past the edge of the picture.
    fn chest(&self, p: Point) -> f32 {
        let half = lerp(0.36, 0.66, rise(0.4, 1.3, p.y));
        (p.x.abs() - half).max(0.35 - p.y)
    }

    fn paint_chest(&self, p: Point, under: Rgb, light: &Lighting, strokes: f32) -> Rgb {
        let distance = self.chest(p) + 0.05 * (strokes - 0.5);
        let across = (p.x / 0.75).clamp(-1.0, 1.0);
        let bib = cover(ellipse(p, at(0.0, 0.95), at(0.28, 0.42)) + 0.12 * (strokes - 0.5), 0.08);
        let fur = self.colors.tan.mix(self.colors.pale, 0.8 * bib) * (0.8 + 0.4 * strokes);
        let mut color = fur * light.on(across, 0.2);
        if self.collar {
            let band = (p.y - 0.74 + 0.35 * p.x * p.x).abs() - 0.07;
            let tag = ellipse(p, at(0.0, 0.86), at(0.07, 0.07));
            color = color.mix(self.colors.accent * light.on(across, 0.0), cover(band, 0.015));
            color = color.mix(rgb(0.95, 0.85, 0.5) * light.on(0.0, 0.0), cover(tag, 0.015));
        }
        // Shadow of the chin.
        let shadow = 1.0 - 0.45 * rise(0.3, 0.0, self.head(p));
        under.mix(color * shadow, cover(distance, 0.025))
    }

    fn paint_ear(&self, ear: &Ear, p: Point, under: Rgb, light: &Lighting, strokes: f32) -> Rgb {
        let distance = ear.outline(p) + 0.03 * (strokes - 0.5);
        if distance > 0.1 {
            return under;
        }
        let hair = 0.85 + 0.3 * strokes;
        let way = p - ear.base;
        let outer = self.colors.tan.mix(self.colors.brown, 0.35) * hair * light.on(way.x, way.y * 0.6);
        // The skin inside the ear is pink and darkest at the base; pale hair grows from the edge.
        let skin = self.colors.tan.mix(rgb(0.72, 0.42, 0.36), 0.7) * light.on(-way.x, 0.1);
        let deep = skin * lerp(0.62, 1.0, rise(0.1, 0.8, way.length()));
        let inner = deep.mix(self.colors.pale, 0.5 * rise(0.55, 0.8, strokes));
        let mut color = outer.mix(inner, cover(ear.distance(p) + 0.085 + 0.04 * (strokes - 0.5), 0.03));
        if let Some(flap) = &ear.flap {
            let edge = flap.distance(p);
            color = color * (1.0 - 0.35 * cover(edge - 0.05, 0.06));
            let back = self.colors.brown * hair * light.on(way.x, -0.5);
            color = color.mix(back, cover(edge + 0.02 * strokes, 0.02));
        }
        under.mix(color, cover(distance, 0.022))
    }

    fn fur_color(&self, p: Point, strokes: f32) -> Rgb {
        let ragged = 0.12 * (strokes - 0.5);
        let mut fur = self.colors.tan;
        // Darker toward the crown and around the eyes, as on most chihuahuas.
        fur = fur.mix(self.colors.brown, 0.35 * rise(-0.25, -0.65, p.y));
        if let Some((center, radius)) = self.patch {
            let edge = (p - center).length() - radius + ragged * (radius * 5.0).min(1.0);
            fur = fur.mix(self.colors.brown.mix(self.colors.dark, 0.65), cover(edge, 0.04));
        }
        if let Some(half) = self.blaze {
            let edge = p.x.abs() - half - 0.08 * rise(0.1, -0.5, p.y) + ragged * 0.6;
            fur = fur.mix(self.colors.pale, 0.85 * cover(edge, 0.04) * rise(0.3, 0.1, p.y));
        }
        for eye in &self.eyes {
            let brow = ellipse(p, eye.dot.center + at(0.0, -0.19), at(0.09, 0.05)) + ragged;
            fur = fur.mix(self.colors.pale, 0.5 * cover(brow, 0.05));
        }
        let (center, radius) = self.muzzle;
        let cheek = ellipse(p, at(0.0, 0.42), at(0.40, 0.22)) + ragged;
        fur = fur.mix(self.colors.pale, 0.45 * cover(cheek, 0.1));
        fur.mix(self.colors.pale, 0.9 * cover(ellipse(p, center, radius) + ragged, 0.06))
    }

    fn paint_head(&self, p: Point, under: Rgb, light: &Lighting, strokes: f32) -> Rgb {
        let distance = self.head(p) + 0.045 * (strokes - 0.5);
        if distance > 0.1 {
            return under;
        }
        let (center, radius) = self.muzzle;
        let round = (p - at(0.0, 0.02)).stretched(1.0 / 0.68, 1.0 / 0.72);
        let bump = (p - center).stretched(1.0 / radius.x, 1.0 / radius.y);
        let snout = cover(bump.length() - 1.0, 0.25);
        let shade = lerp(light.on(round.x, round.y), light.on(bump.x * 0.9, bump.y * 0.9), 0.75 * snout);
        let mut color = self.fur_color(p, strokes) * (0.78 + 0.44 * strokes) * shade;
        color = self.paint_mouth(p, color);
        for eye in &self.eyes {
            color = if eye.open { eye.dot.paint(p, color, light) } else { self.paint_lid(eye, p, color) };
        }
        color = self.nose.paint(p, color, light);
        under.mix(color, cover(distance, 0.022))
    }

    fn paint_mouth(&self, p: Point, under: Rgb) -> Rgb {
        let from = self.nose.center;
        let lip = from + at(0.0, 0.16);
        let mut color = under;
        if self.tongue {
            let tongue = ellipse(p, lip + at(0.0, 0.07), at(0.075, 0.1));
            let groove = 1.0 - 0.25 * cover((p.x - lip.x).abs() - 0.008, 0.012);
            color = color.mix(rgb(0.88, 0.48, 0.50) * groove, cover(tongue, 0.015));
        }
        // The mouth: down from the lip, then up to the corners.
        let corner = |side: f32| {
            let low = lip + at(side * 0.08, 0.025);
            segment(p, lip, low).min(segment(p, low, lip + at(side * 0.15, -0.02)))
        };
        let line = segment(p, from, lip).min(corner(-1.0)).min(corner(1.0)) - 0.012;
        color.mix(self.colors.dark.mix(self.colors.brown, 0.4), 0.75 * cover(line, 0.014))
    }

    /// Paints a shut eye: one dark curve.
    fn paint_lid(&self, eye: &Eye, p: Point, under: Rgb) -> Rgb {
        let way = p - eye.dot.center;
        let curve = way.y - 0.03 + 3.0 * way.x * way.x;
        let line = (curve.abs() - 0.014).max(way.x.abs() - 0.12);
        under.mix(self.colors.dark.mix(self.colors.brown, 0.3), 0.85 * cover(line, 0.016))
    }
}

/// Returns a random dark patch, around an eye or elsewhere, or none.
fn patch(random: &mut Random, spots: &[Point; 3]) -> Option<(Point, f32)> {
    let side = random.below(2);
    let away = [-1.0, 1.0][side];
    match random.unit() {
        ..0.17 => Some((spots[side] + at(away * 0.06, -0.04), random.between(0.2, 0.27))),
        ..0.30 => Some((at(away * random.between(0.37, 0.44), random.between(0.13, 0.22)), random.between(0.08, 0.11))),
        ..0.40 => Some((at(away * random.between(0.05, 0.2), random.between(-0.48, -0.4)), random.between(0.09, 0.12))),
        _ => None,
    }
}

impl Subject for Chihuahua {
    fn outline(&self, p: Point) -> f32 {
        let ears = self.ears[0].outline(p).min(self.ears[1].outline(p));
        self.head(p).min(self.chest(p)).min(ears)
    }

    fn paint(&self, p: Point, under: Rgb, light: &Lighting) -> Rgb {
        let strokes = self.strokes(p);
        let mut color = self.paint_chest(p, under, light, strokes);
        for ear in &self.ears {
            color = self.paint_ear(ear, p, color, light, strokes);
        }
        self.paint_head(p, color, light, strokes)
    }
}
