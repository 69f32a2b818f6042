//! A muffin. Pleated paper cup, dome and crumb distinguish it from a chihuahua.

use super::canvas::{Noise, Point, Rgb, at, cover, lerp, rgb, rise};
use super::palette::{Dot, Palette, face_spots};
use super::scene::{Lighting, Subject};
use crate::random::Random;

/// A muffin. Its top is about 1.5 wide.
pub(super) struct Muffin {
    colors: Palette,
    view: View,
    /// Half the width of the top; then its height above and below its widest line.
    half: f32,
    above: f32,
    below: f32,
    /// Lowest point of the cup.
    foot: f32,
    pleats: f32,
    /// Darkness of the paper's folds, 0 to 1.
    fold: f32,
    berries: Vec<Dot>,
    /// Amount of sugar on the crust, 0 (none) to 1.
    sugar: f32,
    crumb: Noise,
}

/// View of the muffin.
#[derive(Clone, Copy, PartialEq)]
enum View {
    Side,
    Above,
}

/// The middle of the top, at the middle of a chihuahua's face.
const MIDDLE: Point = at(0.0, 0.10);

impl Muffin {
    /// Creates a random muffin.
    pub(super) fn new(random: &mut Random) -> Self {
        let colors = Palette::pick(random);
        let view = if random.chance(0.2) { View::Above } else { View::Side };
        let half = random.between(0.68, 0.80);
        let (above, below) = match view {
            View::Side => (random.between(0.62, 0.76), random.between(0.34, 0.42)),
            View::Above => (half * 0.95, half * 0.9),
        };
        Self {
            colors,
            view,
            half,
            above,
            below,
            foot: random.between(0.98, 1.12),
            pleats: random.between(7.0, 11.0),
            fold: random.between(0.3, 0.55),
            berries: berries(random, &colors),
            sugar: if random.chance(0.3) { random.between(0.4, 0.9) } else { 0.0 },
            crumb: Noise(random.bits()),
        }
    }

    /// Returns the point relative to the top: length 1 is its edge.
    fn on_top(&self, p: Point) -> Point {
        let way = p - MIDDLE;
        let height = if way.y < 0.0 { self.above } else { self.below };
        way.stretched(1.0 / self.half, 1.0 / height)
    }

    fn top(&self, p: Point) -> f32 {
        let place = self.on_top(p);
        let lumps = self.crumb.value(p * 3.2 + at(9.0, 2.0)) - 0.5;
        (place.length() - 1.0) * self.below.min(0.5) + 0.11 * lumps
    }

    /// Returns half the width of the cup at this height.
    fn cup_half(&self, y: f32) -> f32 {
        self.half * lerp(0.86, 0.60, ((y - MIDDLE.y) / (self.foot - MIDDLE.y)).clamp(0.0, 1.2))
    }

    fn cup(&self, p: Point) -> f32 {
        match self.view {
            View::Side => {
                let half = self.cup_half(p.y);
                let across = (p.x / half).clamp(-1.0, 1.0);
                let foot = self.foot - 0.07 * across * across;
                (p.x.abs() - half).max(p.y - foot).max(MIDDLE.y - p.y)
            }
            View::Above => {
                let way = p - MIDDLE;
                let zigzag = 0.03 * libm::sinf(libm::atan2f(way.y, way.x) * (self.pleats * 3.0).floor());
                way.length() - self.half - 0.15 - zigzag
            }
        }
    }

    fn paint_cup(&self, p: Point, under: Rgb, light: &Lighting) -> Rgb {
        let distance = self.cup(p);
        if distance > 0.1 {
            return under;
        }
        let way = p - MIDDLE;
        let (turn, shade) = match self.view {
            View::Side => {
                let across = (p.x / self.cup_half(p.y)).clamp(-1.0, 1.0);
                (libm::asinf(across) * self.pleats, light.on(across * 0.95, 0.15))
            }
            View::Above => {
                let around = libm::atan2f(way.y, way.x);
                (around * (self.pleats * 3.0).floor(), light.on(way.x * 0.4, way.y * 0.4))
            }
        };
        let pleat = rise(-0.8, 0.8, libm::sinf(turn));
        let grain = 0.94 + 0.12 * self.crumb.value(p * 24.0);
        // Shadow of the top on the paper.
        let shadow = 1.0 - 0.5 * rise(0.22, 0.0, self.top(p));
        let paper = self.colors.accent * (lerp(1.0 - self.fold, 1.06, pleat) * grain * shade * shadow);
        under.mix(paper, cover(distance, 0.02))
    }

    fn paint_top(&self, p: Point, under: Rgb, light: &Lighting) -> Rgb {
        let distance = self.top(p);
        if distance > 0.1 {
            return under;
        }
        let place = self.on_top(p);
        let lumps = |p: Point| self.crumb.rough(p * 4.3);
        let here = lumps(p);
        let slope = at(lumps(p + at(0.04, 0.0)) - here, lumps(p + at(0.0, 0.04)) - here);
        let shade = light.on(place.x * 0.9 - slope.x * 1.6, place.y * 0.9 - slope.y * 1.6);

        let grain = self.crumb.value(p * 21.0 + at(3.0, 8.0));
        let mut crust = self.colors.tan.mix(self.colors.brown, 0.75 * rise(0.6, 1.02, place.length()));
        crust = crust.mix(self.colors.brown, 0.35 * rise(0.5, 0.8, here)) * (0.82 + 0.36 * grain);

        // Cracks are where a smooth random value is near its middle; only the crown splits.
        let wander = self.crumb.rough(p.stretched(1.9, 2.6) + at(31.0, 13.0)) - 0.5;
        let split = rise(0.075, 0.015, wander.abs()) * rise(0.95, 0.55, place.length());
        let inside = self.colors.pale * lerp(0.72, 1.02, self.crumb.value(p * 30.0));
        crust = crust.mix(inside, 0.65 * split);
        let lip = rise(0.035, 0.0, (wander.abs() - 0.085).abs()) * rise(0.95, 0.55, place.length());
        crust = crust * (1.0 - 0.22 * lip);

        let hole = rise(0.80, 0.9, self.crumb.value(p * 13.0 + at(70.0, 1.0)));
        crust = crust * (1.0 - 0.35 * hole);
        let crystal = rise(0.78, 0.9, self.crumb.value(p * 26.0 + at(7.0, 51.0)));
        crust = crust.mix(rgb(1.0, 0.98, 0.94), self.sugar * crystal);

        let mut color = crust * shade;
        for berry in &self.berries {
            color = berry.paint(p, color, light);
        }
        under.mix(color, cover(distance, 0.02))
    }
}

/// Returns the berries: mostly three, like eyes and a nose; sometimes fewer, more, or upside down.
fn berries(random: &mut Random, colors: &Palette) -> Vec<Dot> {
    let mut spots = face_spots(random, 0.045).map(|spot| spot + at(0.0, -0.03)).to_vec();
    if random.chance(0.12) {
        for spot in &mut spots {
            *spot = at(spot.x, 0.17 - spot.y);
        }
    }
    if random.chance(0.06) {
        spots.remove(random.below(3));
    }
    if random.chance(0.2) {
        let side = [-1.0, 1.0][random.below(2)];
        spots.push(at(side * random.between(0.36, 0.5), random.between(0.1, 0.25)));
        if random.chance(0.3) {
            spots.push(at(random.between(-0.1, 0.1), random.between(-0.45, -0.35)));
        }
    }
    spots
        .into_iter()
        .map(|spot| {
            let flat = random.between(0.75, 1.05);
            Dot::new(random, spot, colors.dark, flat)
        })
        .collect()
}

impl Subject for Muffin {
    fn outline(&self, p: Point) -> f32 {
        self.top(p).min(self.cup(p))
    }

    fn paint(&self, p: Point, under: Rgb, light: &Lighting) -> Rgb {
        let cup = self.paint_cup(p, under, light);
        self.paint_top(p, cup, light)
    }
}
