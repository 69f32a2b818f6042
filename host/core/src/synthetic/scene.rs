//! Surroundings of a subject, the same for both classes: light, pose, background and camera.

use super::SIDE;
use super::canvas::{Noise, Point, Rgb, at, cover, rgb, rise};
use super::palette::Dot;
use crate::random::Random;

/// A subject in its own coordinates: the face is around the origin and about 1.2 wide.
pub(super) trait Subject {
    /// Returns the approximate signed distance to the subject's outline, for its shadow.
    fn outline(&self, p: Point) -> f32;

    /// Returns the color at `p`; `under` is the color behind the subject.
    fn paint(&self, p: Point, under: Rgb, light: &Lighting) -> Rgb;
}

/// One lamp, and ambient light.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lighting {
    /// Vector from the subject to the lamp, in the picture's plane; its length is below 1, the rest is toward the viewer.
    pub(super) toward: Point,
    /// Component of that vector toward the viewer.
    front: f32,
    /// Ambient light, 0 to 1.
    ambient: f32,
}

impl Lighting {
    fn pick(random: &mut Random) -> Self {
        // Mostly from above, like lamps and the sun.
        let toward = at(0.0, -1.0).turned(random.between(-1.3, 1.3)) * random.between(0.25, 0.75);
        let front = (1.0 - toward.x * toward.x - toward.y * toward.y).sqrt();
        Self { toward, front, ambient: random.between(0.4, 0.65) }
    }

    /// Returns the light in the coordinates of a subject that is rotated by `angle` radians.
    fn seen_turned(self, angle: f32) -> Self {
        Self { toward: self.toward.turned(-angle), ..self }
    }

    /// Returns the brightness of a surface with the slope (x, y): (0, 0) faces the viewer, length 1 is edge on.
    pub(super) fn on(&self, x: f32, y: f32) -> f32 {
        let front = (1.0 - x * x - y * y).max(0.0).sqrt();
        let facing = (x * self.toward.x + y * self.toward.y + front * self.front).max(0.0);
        self.ambient + (1.1 - self.ambient) * facing
    }
}

/// Position, size and rotation of the subject in the picture.
struct Pose {
    shift: Point,
    scale: f32,
    /// Rotation, radians.
    turn: f32,
}

impl Pose {
    fn pick(random: &mut Random) -> Self {
        // The difference of two random numbers makes small rotations and shifts more common than large ones.
        let mut around = |most: f32| (random.unit() - random.unit()) * most;
        let turn = around(0.436);
        let shift = at(around(0.22), around(0.18));
        // Sometimes the camera is too close, and part of the subject is cut off.
        if random.chance(0.2) {
            let shift = shift + at(random.between(-0.25, 0.25), random.between(-0.25, 0.25));
            return Self { shift, scale: random.between(1.05, 1.2), turn };
        }
        Self { shift, scale: random.between(0.75, 1.1), turn }
    }

    /// Converts the picture's coordinates to the subject's.
    fn to_subject(&self, p: Point, turn: (f32, f32)) -> Point {
        let (sin, cos) = turn;
        let way = (p - self.shift) * (1.0 / (0.9 * self.scale));
        at(way.x * cos + way.y * sin, way.y * cos - way.x * sin)
    }
}

/// Background of a picture.
struct Background {
    kind: BackgroundKind,
    near: Rgb,
    far: Rgb,
    /// Rotation of stripes and gradients, radians.
    turn: f32,
    /// Number of stripes or blotches in half of the picture.
    fine: f32,
    /// Height of the table's edge.
    edge: f32,
    /// Berries or kibble around the subject.
    litter: Vec<Dot>,
    noise: Noise,
}

#[derive(Clone, Copy)]
enum BackgroundKind {
    Plain,
    Gradient,
    Blotches,
    Stripes,
    Table,
}

impl Background {
    fn pick(random: &mut Random) -> Self {
        let hues = [
            rgb(0.55, 0.62, 0.66),
            rgb(0.45, 0.55, 0.42),
            rgb(0.62, 0.48, 0.38),
            rgb(0.50, 0.42, 0.50),
            rgb(0.70, 0.66, 0.58),
            rgb(0.35, 0.42, 0.52),
        ];
        let kinds = [
            BackgroundKind::Plain,
            BackgroundKind::Gradient,
            BackgroundKind::Blotches,
            BackgroundKind::Stripes,
            BackgroundKind::Table,
        ];
        let near = hues[random.below(hues.len())] * random.between(0.3, 1.25);
        let other = hues[random.below(hues.len())] * random.between(0.3, 1.25);
        let kind = kinds[random.below(kinds.len())];
        let few = if random.chance(0.35) { 1 + random.below(3) } else { 0 };
        let litter = (0..few)
            .map(|_| {
                let side = [-1.0, 1.0][random.below(2)];
                let place = at(side * random.between(0.65, 0.95), random.between(-0.95, 0.95));
                Dot::new(random, place, rgb(0.10, 0.08, 0.09), 0.9)
            })
            .collect();
        Self {
            kind,
            near,
            far: near.mix(other, random.between(0.5, 1.0)),
            turn: random.between(0.0, std::f32::consts::TAU),
            fine: random.between(2.0, 6.0),
            edge: random.between(0.1, 0.7),
            litter,
            noise: Noise(random.bits()),
        }
    }

    fn color(&self, p: Point, light: &Lighting) -> Rgb {
        let along = || p.turned(self.turn).x;
        let grain = 0.97 + 0.06 * self.noise.value(p * 22.0);
        let color = match self.kind {
            BackgroundKind::Plain => self.near,
            BackgroundKind::Gradient => self.near.mix(self.far, rise(-1.0, 1.0, along())),
            BackgroundKind::Blotches => {
                self.near.mix(self.far, rise(0.2, 0.8, self.noise.rough(p * (0.6 * self.fine))))
            }
            BackgroundKind::Stripes => {
                self.near.mix(self.far, rise(-0.3, 0.3, libm::sinf(along() * self.fine * std::f32::consts::PI)))
            }
            BackgroundKind::Table => {
                let wood = self.far * (0.85 + 0.3 * self.noise.rough(p.stretched(2.0, 14.0)));
                self.near.mix(wood, rise(-0.015, 0.015, p.y - self.edge))
            }
        };
        let mut color = color * grain;
        for berry in &self.litter {
            color = berry.paint(p, color, light);
        }
        color
    }
}

/// Renders a subject and its surroundings: one color for each pixel, row by row, as a perfect camera would see it.
pub(super) fn shoot(random: &mut Random, subject: &dyn Subject) -> Vec<Rgb> {
    let (pose, light, background) = (Pose::pick(random), Lighting::pick(random), Background::pick(random));
    let turn = (libm::sinf(pose.turn), libm::cosf(pose.turn));
    let own_light = light.seen_turned(pose.turn);
    let shadow_way = light.toward * -0.22 + at(0.0, 0.04);
    let shadow_depth = random.between(0.15, 0.45);
    let color_at = |p: Point| {
        let place = pose.to_subject(p, turn);
        let shadow = shadow_depth * cover(subject.outline(pose.to_subject(p - shadow_way, turn)), 0.16);
        subject.paint(place, background.color(p, &light) * (1.0 - shadow), &own_light)
    };
    let half = SIDE as f32 / 2.0;
    // Two samples in each direction, for the textures: edges are soft already.
    let offsets = [0.25, 0.75];
    let mut colors = Vec::with_capacity((SIDE * SIDE) as usize);
    for row in 0..SIDE {
        for column in 0..SIDE {
            let mut sum = rgb(0.0, 0.0, 0.0);
            for (dx, dy) in offsets.iter().flat_map(|&dy| offsets.map(|dx| (dx, dy))) {
                sum = sum + color_at(at((column as f32 + dx) / half - 1.0, (row as f32 + dy) / half - 1.0));
            }
            colors.push(sum * 0.25);
        }
    }
    let (dim, fall) = (random.between(0.0, 0.25), light.toward * random.between(0.0, 0.18));
    for (index, color) in colors.iter_mut().enumerate() {
        let p = at((index as u32 % SIDE) as f32 / half - 1.0, (index as u32 / SIDE) as f32 / half - 1.0);
        let vignette = 1.0 - dim * rise(0.5, 1.5, p.length());
        *color = *color * (vignette * (1.0 + p.x * fall.x + p.y * fall.y));
    }
    colors
}
