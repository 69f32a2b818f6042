//! Building blocks of the synthetic pictures: points, colors, distances to shapes, and noise.
//!
//! Only `+ - * /`, `sqrt`, rounding and `libm` are used. The standard library's `sin` and similar functions differ between
//! platforms in the last bit, and a seed must give the same bytes everywhere.

use std::ops::{Add, Mul, Sub};

/// A point, or the vector between two points. x grows to the right, y grows down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) x: f32,
    pub(super) y: f32,
}

/// Returns the point (x, y).
pub(super) const fn at(x: f32, y: f32) -> Point {
    Point { x, y }
}

impl Point {
    /// Returns the distance from the origin.
    pub(super) fn length(self) -> f32 {
        (self.x * self.x + self.y * self.y).sqrt()
    }

    /// Returns the point rotated around the origin by `angle` radians, clockwise on the screen.
    pub(super) fn turned(self, angle: f32) -> Self {
        let (sin, cos) = (libm::sinf(angle), libm::cosf(angle));
        at(self.x * cos - self.y * sin, self.x * sin + self.y * cos)
    }

    /// Returns the point scaled by a factor for each axis.
    pub(super) fn stretched(self, x: f32, y: f32) -> Self {
        at(self.x * x, self.y * y)
    }
}

impl Add for Point {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        at(self.x + other.x, self.y + other.y)
    }
}

impl Sub for Point {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        at(self.x - other.x, self.y - other.y)
    }
}

impl Mul<f32> for Point {
    type Output = Self;
    fn mul(self, factor: f32) -> Self {
        at(self.x * factor, self.y * factor)
    }
}

/// Red, green and blue, 0 (none) to 1 (full). Values outside are allowed until the camera clamps them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rgb(pub(super) [f32; 3]);

/// Returns the color with these three parts.
pub(super) const fn rgb(red: f32, green: f32, blue: f32) -> Rgb {
    Rgb([red, green, blue])
}

impl Rgb {
    /// Returns a mix: `self` at a share of 0, `other` at 1.
    pub(super) fn mix(self, other: Self, share: f32) -> Self {
        let mut mixed = self.0;
        for (part, target) in mixed.iter_mut().zip(other.0) {
            *part += (target - *part) * share;
        }
        Self(mixed)
    }

    /// Returns the luma, with the weights of ITU-R BT.601.
    pub(super) fn luma(self) -> f32 {
        0.299 * self.0[0] + 0.587 * self.0[1] + 0.114 * self.0[2]
    }
}

impl Mul<f32> for Rgb {
    type Output = Self;
    fn mul(self, factor: f32) -> Self {
        Self(self.0.map(|part| part * factor))
    }
}

impl Add for Rgb {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        rgb(self.0[0] + other.0[0], self.0[1] + other.0[1], self.0[2] + other.0[2])
    }
}

/// Interpolates linearly from `a` (share 0) to `b` (share 1).
pub(super) fn lerp(a: f32, b: f32, share: f32) -> f32 {
    a + (b - a) * share
}

/// Smooth step: 0 below `low`, 1 above `high`, an S-shaped rise between.
pub(super) fn rise(low: f32, high: f32, value: f32) -> f32 {
    let share = ((value - low) / (high - low)).clamp(0.0, 1.0);
    share * share * (3.0 - 2.0 * share)
}

/// Returns the coverage of a shape at this signed distance from its edge; negative is inside. It is 1 inside, 0 outside, and
/// a smooth step over `softness` on either side of the edge.
pub(super) fn cover(distance: f32, softness: f32) -> f32 {
    1.0 - rise(-softness, softness, distance)
}

/// Returns the approximate signed distance to an upright ellipse; it is exact on the edge, where it matters.
pub(super) fn ellipse(p: Point, center: Point, radius: Point) -> f32 {
    let scaled = (p - center).stretched(1.0 / radius.x, 1.0 / radius.y);
    let steep = scaled.stretched(1.0 / radius.x, 1.0 / radius.y).length();
    let length = scaled.length();
    if steep < 1e-6 { -radius.x.min(radius.y) } else { length * (length - 1.0) / steep }
}

/// Returns the distance to the line segment from `a` to `b`.
pub(super) fn segment(p: Point, a: Point, b: Point) -> f32 {
    let (way, from) = (b - a, p - a);
    let share = ((from.x * way.x + from.y * way.y) / (way.x * way.x + way.y * way.y)).clamp(0.0, 1.0);
    (from - way * share).length()
}

/// Returns the distance to the smooth union of two shapes, blended over about `melt`.
pub(super) fn melted(a: f32, b: f32, melt: f32) -> f32 {
    let share = (0.5 + 0.5 * (b - a) / melt).clamp(0.0, 1.0);
    lerp(b, a, share) - melt * share * (1.0 - share)
}

/// Smooth random values over the plane; the same seed gives the same values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noise(pub(super) u32);

impl Noise {
    /// Returns a value of 0 to 1, which changes over a distance of about 1.
    pub(super) fn value(self, p: Point) -> f32 {
        let (left, top) = (p.x.floor(), p.y.floor());
        let (x, y) = (rise(0.0, 1.0, p.x - left), rise(0.0, 1.0, p.y - top));
        let (column, row) = (left as i32, top as i32);
        let upper = lerp(self.corner(column, row), self.corner(column + 1, row), x);
        let lower = lerp(self.corner(column, row + 1), self.corner(column + 1, row + 1), x);
        lerp(upper, lower, y)
    }

    /// Returns a value of 0 to 1 with coarse and fine changes.
    pub(super) fn rough(self, p: Point) -> f32 {
        let finer = at(p.x * 2.1 + 17.3, p.y * 2.1 + 5.9);
        0.6 * self.value(p) + 0.4 * self.value(finer)
    }

    /// Returns the random value at a corner of the unit grid.
    fn corner(self, column: i32, row: i32) -> f32 {
        let mut bits = (column as u32).wrapping_mul(0x9E37_79B1)
            ^ (row as u32).wrapping_mul(0x85EB_CA77)
            ^ self.0.wrapping_mul(0xC2B2_AE3D);
        bits = (bits ^ (bits >> 15)).wrapping_mul(0x2C1B_3C6D);
        bits = (bits ^ (bits >> 12)).wrapping_mul(0x297A_2D39);
        bits ^= bits >> 15;
        (bits >> 8) as f32 * (1.0 / (1 << 24) as f32)
    }
}
