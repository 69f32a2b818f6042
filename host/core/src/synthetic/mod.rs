//! Synthetic pictures of chihuahuas and muffins, bundled with Pinhole in place of photos.
//!
//! Both classes are tan blobs with mostly three dark dots, after the well-known joke. Colors, dots, light, pose, background
//! and camera come from the same functions for both. Only shape and texture distinguish them: ears, muzzle and fur against
//! cup, dome and crumb.

mod camera;
mod canvas;
mod chihuahua;
mod muffin;
mod palette;
mod scene;
#[cfg(test)]
mod tests;

use crate::random::{Purpose, Random};
use chihuahua::Chihuahua;
use muffin::Muffin;
use scene::Subject;

/// Seed of the bundled pictures.
pub const SHIPPED_SEED: u64 = 28;

/// Width and height of every synthetic picture, px.
pub const SIDE: u32 = 100;

/// A synthetic picture and its file name.
#[derive(Clone, Debug)]
pub struct Drawing {
    /// File name: `chihuahua-1.jpg`, `muffin-1.jpg` and so on; for validation `chihuahua-unseen-1.jpg`.
    pub file_name: String,
    /// The picture, [`SIDE`] by [`SIDE`] pixels.
    pub picture: image::RgbImage,
}

/// Set of pictures: no picture of one set is in the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// Pictures for training.
    Train,
    /// Pictures for validation, which training does not see.
    Validation,
}

/// Draws `count_per_class` pictures of each class from `seed`: all chihuahuas, then all muffins, each numbered from 1.
/// A picture depends only on `seed`, `set`, its class and its number, so a larger count does not change the first ones.
/// The same arguments give the same pictures on every machine.
pub fn drawings(seed: u64, count_per_class: usize, set: Set) -> Vec<Drawing> {
    let draw = |class: Class| (1..=count_per_class).map(move |number| drawing(seed, number, set, class));
    draw(Class::Chihuahua).chain(draw(Class::Muffin)).collect()
}

/// Encodes a picture as a JPEG file of quality 85. The same picture gives the same bytes.
///
/// # Panics
/// If `picture` is wider or higher than 65535 pixels, or empty: JPEG does not support that.
pub fn encode_jpeg(picture: &image::RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 85)
        .encode_image(picture)
        .expect("the picture's size fits a JPEG file, and memory does not refuse to be written to");
    bytes
}

#[derive(Clone, Copy)]
enum Class {
    Chihuahua,
    Muffin,
}

fn drawing(seed: u64, number: usize, set: Set, class: Class) -> Drawing {
    let mut random = Random::stream(picture_seed(seed, number, set, class), Purpose::Draw);
    let subject: Box<dyn Subject> = match class {
        Class::Chihuahua => Box::new(Chihuahua::new(&mut random)),
        Class::Muffin => Box::new(Muffin::new(&mut random)),
    };
    let colors = scene::shoot(&mut random, subject.as_ref());
    let name = match class {
        Class::Chihuahua => "chihuahua",
        Class::Muffin => "muffin",
    };
    let unseen = match set {
        Set::Train => "",
        Set::Validation => "-unseen",
    };
    Drawing { file_name: format!("{name}{unseen}-{number}.jpg"), picture: camera::develop(&mut random, colors) }
}

/// Returns the seed of one picture. Every step is invertible, so two pictures of one seed never have the same.
fn picture_seed(seed: u64, number: usize, set: Set, class: Class) -> u64 {
    let place = ((number as u64) << 2) | (u64::from(set == Set::Validation) << 1) | class as u64;
    let mut bits = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29) ^ place;
    bits = (bits ^ (bits >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    bits ^ (bits >> 32)
}
