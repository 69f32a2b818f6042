//! Small pictures for HTML pages, as PNG data URIs.

use std::io::Cursor;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use image::{ColorType, ImageFormat, Rgb};
use pinhole_shared::pixels::{InputShape, PictureSize};
use pinhole_train::layers::{FloatDense, FloatLayer};

use crate::explain::Explanation;

/// Color of positive values: support for the decision, or a weight above 0. With [`AGAINST`] it is one of the two pairs of
/// colors that every common kind of color blindness can distinguish.
///
/// # Source
/// M. Okabe and K. Ito, "Color universal design", 2002, table "Set of colors": vermilion and blue.
const FOR: Rgb<u8> = Rgb([213, 94, 0]);
/// Color of negative values.
const AGAINST: Rgb<u8> = Rgb([0, 114, 178]);

/// Opacity of the strongest tint over the photo.
const STRONGEST_TINT: f32 = 0.85;

/// Encodes a network's input of this size, row by row: gray, or red, green and blue of each pixel together.
///
/// # Panics
/// If the number of bytes fits neither.
pub fn input(pixels: &[u8], size: PictureSize) -> String {
    let color = match channels(pixels, usize::from(size.width) * usize::from(size.height)) {
        1 => ColorType::L8,
        _ => ColorType::Rgb8,
    };
    encoded(pixels, size.width.into(), size.height.into(), color)
}

/// Returns the bytes of a pixel, 1 or 3, from the number of pixels.
fn channels(bytes: &[u8], pixels: usize) -> usize {
    let channels = bytes.len() / pixels;
    assert!(bytes.len() == channels * pixels && matches!(channels, 1 | 3), "{} bytes of {pixels} pixels", bytes.len());
    channels
}

/// Encodes a photo as the network sees it, tinted orange where it supports the decision and blue where it opposes it. The
/// pixel of the largest magnitude has the strongest tint, the others one in proportion.
///
/// # Panics
/// If the photo's number of pixels is not the explanation's.
pub fn overlay(pixels: &[u8], explanation: &Explanation) -> String {
    let channels = channels(pixels, explanation.contributions.len());
    let largest = explanation.largest();
    let tinted = pixels.chunks_exact(channels).zip(&explanation.contributions).flat_map(|(pixel, &contribution)| {
        let share = if largest > 0.0 { STRONGEST_TINT * contribution / largest } else { 0.0 };
        diverging(Rgb([0, 1, 2].map(|channel| pixel[channel % channels])), share).0
    });
    let tinted: Vec<u8> = tinted.collect();
    encoded(&tinted, explanation.width.into(), explanation.height.into(), ColorType::Rgb8)
}

/// Most neurons that [`weights`] shows.
pub const TILES_LIMIT: usize = 64;
/// Most pixels of all tiles together, at up to a byte each: large inputs have fewer tiles.
const PIXELS_LIMIT: usize = 1_000_000;
/// Tiles in a row.
const TILES_ACROSS: usize = 8;
/// Transparent pixels between tiles.
const GAP: usize = 2;
/// Steps from white to either full color. Weights are almost noise, which does not compress. With a palette and steps that
/// are just visible, 64 tiles take a seventh of their size in full color.
const LEVELS: u8 = 20;
/// Palette index of transparent pixels.
const BETWEEN: u8 = 2 * LEVELS + 1;

/// Pictures of a first layer's weights.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightTiles {
    /// All tiles in one PNG, as a data URI: row by row, at most 8 in a row, transparent between them.
    pub picture: String,
    /// Neurons shown, in the order of the tiles: the largest outgoing weights first; of equal ones, the lower index first.
    pub shown: Vec<usize>,
    /// Number of neurons of the layer.
    pub neurons: usize,
    /// Magnitude of the full color: the largest of all weights shown.
    pub largest: f32,
}

/// Draws the first layer's weights, a tile for each neuron. A pixel is white where its weight is 0, orange where it is
/// positive, and blue where it is negative. All tiles have the same scale.
///
/// At most [`TILES_LIMIT`] neurons are shown; fewer for inputs over 125x125, so that all tiles together have about a
/// million pixels at most. Those with the largest outgoing weights, by their Euclidean norm, come first. In a network of
/// one layer all neurons are classes, in their order.
///
/// Returns `None` if the first layer is not dense. `layers` are those of a network with this input.
///
/// # Panics
/// If the first layer does not have one weight for each byte of the input and each output.
pub fn weights(layers: &[FloatLayer], input: InputShape) -> Option<WeightTiles> {
    let Some(FloatLayer::Dense(FloatDense { weights: first, biases, .. })) = layers.first() else { return None };
    let neurons = biases.len();
    let [height, width, channels] = [input.height, input.width, input.color.channels()].map(usize::from);
    let pixels = height * width;
    assert_eq!(first.len(), input.bytes() * neurons, "weights of the first layer");
    // The next layer has one row of weights for each hidden neuron.
    let outgoing = |neuron: usize| -> f64 {
        let Some(FloatLayer::Dense(FloatDense { weights: next, biases, .. })) = layers.get(1) else { return 0.0 };
        let row = next.chunks_exact(biases.len()).nth(neuron).unwrap_or_default();
        row.iter().map(|&weight| f64::from(weight) * f64::from(weight)).sum()
    };
    let mut by_norm: Vec<(usize, f64)> = (0..neurons).map(|neuron| (neuron, outgoing(neuron))).collect();
    by_norm.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let limit = (PIXELS_LIMIT / pixels).clamp(1, TILES_LIMIT);
    let shown: Vec<usize> = by_norm.into_iter().take(limit).map(|(neuron, _)| neuron).collect();

    // For a color pixel, the sum over its channels: the response to white light.
    let weight = |neuron: usize, pixel: usize| -> f32 {
        (0..channels).map(|channel| first[(pixel * channels + channel) * neurons + neuron]).sum()
    };
    let all = shown.iter().flat_map(|&neuron| (0..pixels).map(move |pixel| weight(neuron, pixel)));
    let largest = all.fold(0.0_f32, |largest, weight| largest.max(weight.abs()));

    let across = shown.len().min(TILES_ACROSS);
    let down = shown.len().div_ceil(TILES_ACROSS);
    let length = |tiles: usize, tile: usize| tiles * (tile + GAP) - GAP;
    let (all_width, all_height) = (length(across, width), length(down, height));
    let mut picture = vec![BETWEEN; all_width * all_height];
    for (tile, &neuron) in shown.iter().enumerate() {
        let (left, top) = ((tile % across) * (width + GAP), (tile / across) * (height + GAP));
        for pixel in 0..pixels {
            let share = if largest > 0.0 { weight(neuron, pixel) / largest } else { 0.0 };
            let level = (f32::from(LEVELS) * (1.0 + share)).round() as u8;
            picture[(top + pixel / width) * all_width + left + pixel % width] = level;
        }
    }
    let picture = levels(&picture, all_width as u32, all_height as u32);
    Some(WeightTiles { picture, shown, neurons, largest })
}

/// Returns `from` at a share of 0, [`FOR`] at 1, [`AGAINST`] at -1, and proportional mixes between.
fn diverging(from: Rgb<u8>, share: f32) -> Rgb<u8> {
    let to = if share < 0.0 { AGAINST } else { FOR };
    let part = share.abs().min(1.0);
    let mix = |from: u8, to: u8| (f32::from(from) + (f32::from(to) - f32::from(from)) * part).round() as u8;
    Rgb([0, 1, 2].map(|channel| mix(from.0[channel], to.0[channel])))
}

/// Encodes a picture of palette indices: 0 is the full negative color, [`LEVELS`] white, twice [`LEVELS`] the full positive
/// color.
fn levels(places: &[u8], width: u32, height: u32) -> String {
    let share = |place: u8| (f32::from(place) - f32::from(LEVELS)) / f32::from(LEVELS);
    let palette: Vec<u8> = (0..=BETWEEN).flat_map(|place| diverging(Rgb([255; 3]), share(place)).0).collect();
    let mut opacity = vec![255; usize::from(BETWEEN)];
    opacity.push(0);
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(palette);
    encoder.set_trns(opacity);
    encoder.set_compression(png::Compression::High);
    // Neighboring indices are unrelated, so predicting one from another would only add noise.
    encoder.set_filter(png::Filter::NoFilter);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(places));
    uri(written.is_ok().then_some(file))
}

/// Encodes these pixels as a PNG.
fn encoded(bytes: &[u8], width: u32, height: u32, color: ColorType) -> String {
    let mut file = Cursor::new(Vec::new());
    let written = image::write_buffer_with_format(&mut file, bytes, width, height, color, ImageFormat::Png);
    uri(written.is_ok().then_some(file.into_inner()))
}

/// Beginning of the data URI of a PNG.
const PNG: &str = "data:image/png;base64,";

/// Returns the data URI of a JPEG file.
pub(super) fn jpeg_uri(jpeg: &[u8]) -> String {
    format!("data:image/jpeg;base64,{}", BASE64_STANDARD.encode(jpeg))
}

/// Returns a data URI. Encoding into memory cannot fail; if it does, a page without that picture is better than no page.
fn uri(png: Option<Vec<u8>>) -> String {
    png.map_or_else(String::new, |png| format!("{PNG}{}", BASE64_STANDARD.encode(png)))
}

/// Returns true for a data URI of a PNG as this module makes them, from a file that may be anybody's.
pub(crate) fn is_picture(uri: &str) -> bool {
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    uri.is_empty() || uri.strip_prefix(PNG).is_some_and(|base64| base64.bytes().all(is_base64))
}

#[cfg(test)]
mod tests {
    use image::RgbaImage;
    use pinhole_shared::decision::{Decision, Probability};
    use pinhole_shared::model::Activation;

    use super::*;

    fn decoded(uri: &str) -> RgbaImage {
        let png = BASE64_STANDARD.decode(uri.strip_prefix("data:image/png;base64,").unwrap()).unwrap();
        image::load_from_memory(&png).unwrap().into_rgba8()
    }

    #[test]
    fn gray_pixels_stay_what_they_are() {
        for (width, height) in [(2, 2), (4, 1)] {
            let picture = decoded(&input(&[0, 10, 200, 255], PictureSize { width, height }));
            assert_eq!(picture.dimensions(), (width.into(), height.into()));
            let pixels: Vec<_> = picture.pixels().map(|pixel| pixel.0).collect();
            assert_eq!(pixels, [[0, 0, 0, 255], [10, 10, 10, 255], [200, 200, 200, 255], [255; 4]]);
        }
    }

    #[test]
    fn colors_stay_what_they_are() {
        let picture = decoded(&input(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], PictureSize { width: 2, height: 2 }));
        let pixels: Vec<_> = picture.pixels().map(|pixel| pixel.0).collect();
        assert_eq!(pixels, [[1, 2, 3, 255], [4, 5, 6, 255], [7, 8, 9, 255], [10, 11, 12, 255]]);
    }

    #[test]
    fn an_overlay_is_orange_for_blue_against_and_gray_where_nothing_speaks() {
        let decision = Decision { class: 0, probability: Probability(65_536) };
        let mut explanation = Explanation {
            height: 2,
            width: 2,
            patch_side: 1,
            gray: 0,
            decision,
            margin: 1.0,
            contributions: vec![0.5, -0.25, 0.0, 0.0],
        };
        let picture = decoded(&overlay(&[100; 4], &explanation));
        // 0.85 of the difference to orange, 0.425 of that to blue.
        assert_eq!(picture.get_pixel(0, 0).0, [196, 95, 15, 255]);
        assert_eq!(picture.get_pixel(1, 0).0, [58, 106, 133, 255]);
        assert_eq!(picture.get_pixel(0, 1).0, [100, 100, 100, 255]);
        let picture = decoded(&overlay(&[10, 20, 30, 40, 50, 60, 70, 80, 90, 1, 2, 3], &explanation));
        assert_eq!((picture.get_pixel(0, 1).0, picture.get_pixel(1, 1).0), ([70, 80, 90, 255], [1, 2, 3, 255]));
        explanation.contributions = vec![0.0; 4];
        assert_eq!(overlay(&[100; 4], &explanation).len(), decoded_gray_as_rgb_length());
    }

    /// Returns the length of a picture without tint, encoded like an overlay.
    fn decoded_gray_as_rgb_length() -> usize {
        encoded(&[100; 12], 2, 2, ColorType::Rgb8).len()
    }

    fn layer(weights: Vec<f32>, outputs: usize) -> FloatLayer {
        FloatLayer::Dense(FloatDense { weights, biases: vec![0.0; outputs], activation: Activation::Linear })
    }

    #[test]
    fn tiles_come_by_outgoing_weight_on_one_scale() {
        // One pixel, three neurons with weights 1, -2 and 0; their outgoing weights are 1, -3 and 2.
        let layers = [layer(vec![1.0, -2.0, 0.0], 3), layer(vec![1.0, 0.0, -3.0, 0.0, 2.0, 0.0], 2)];
        let tiles = weights(&layers, InputShape::gray(1)).unwrap();
        assert_eq!((&tiles.shown[..], tiles.neurons, tiles.largest), (&[1, 2, 0][..], 3, 2.0));
        let picture = decoded(&tiles.picture);
        assert_eq!(picture.dimensions(), (7, 1));
        let white = [255; 4];
        assert_eq!([0, 3, 6].map(|x| picture.get_pixel(x, 0).0), [[0, 114, 178, 255], white, [234, 175, 128, 255]]);
        assert!([1, 2, 4, 5].iter().all(|&x| picture.get_pixel(x, 0).0[3] == 0), "tiles touch");
    }

    #[test]
    fn many_neurons_are_cut_to_a_grid_of_64() {
        let outgoing = (0..100).map(|neuron| neuron as f32).collect();
        let tiles = weights(&[layer(vec![0.5; 400], 100), layer(outgoing, 1)], InputShape::gray(2)).unwrap();
        assert_eq!((tiles.shown.len(), tiles.shown[0], tiles.shown[63], tiles.neurons), (64, 99, 36, 100));
        assert_eq!(decoded(&tiles.picture).dimensions(), (30, 30));
        // Tiles of a large input must not make a page of many megabytes.
        assert_eq!(weights(&[layer(vec![0.5; 600 * 600 * 4], 4)], InputShape::gray(600)).unwrap().shown, [0, 1]);
    }
}
