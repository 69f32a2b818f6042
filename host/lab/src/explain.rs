//! Explains decisions by occlusion, with the device's integers.
//!
//! A patch of the photo is replaced by gray and the network runs again; the patch's contribution is the loss of the
//! decision's margin. Occlusion needs no gradients. So it explains the very network that runs on the device, rounding
//! included, and can be checked by hand: cover that part of the photo and run the network.
//!
//! # Source
//! M. Zeiler and R. Fergus, "Visualizing and understanding convolutional networks", ECCV 2014, section 4.2.

use std::ops::Range;

use pinhole_core::model_file::{HostEngine, ModelFile};
use pinhole_shared::decision::{Decision, decide};
use pinhole_shared::fixed::Q16_ONE;
use pinhole_shared::model::{Layer, Model};
use pinhole_shared::pixels::{InputShape, PictureSize};
use serde::Serialize;

/// Number of patches along the input's shorter side.
const PATCHES_A_SIDE: u16 = 10;

/// Contribution of each pixel to the decision on one photo.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// Height of the input, px.
    pub height: u16,
    /// Width of the input, px.
    pub width: u16,
    /// Side of the patches, px: a tenth of the input's shorter side, rounded down, at least 1.
    pub patch_side: u16,
    /// Replacement value, in every channel: the photo's mean, rounded half up.
    pub gray: u8,
    /// Decision on the unchanged photo.
    #[serde(skip)]
    pub decision: Decision,
    /// Margin of the decision: the decided class's logit less the largest other one, at least 0. One unit multiplies the odds
    /// by e.
    pub margin: f64,
    /// For each pixel, row-major, the mean loss of margin over all patches that cover it, in the margin's unit. Positive pixels
    /// support the decision, negative ones oppose it.
    pub contributions: Vec<f32>,
}

impl Explanation {
    /// Returns the size of the input.
    pub fn size(&self) -> PictureSize {
        PictureSize { width: self.width, height: self.height }
    }

    /// Returns the largest magnitude of a contribution; 0 if no patch changes the margin.
    pub fn largest(&self) -> f32 {
        self.contributions.iter().fold(0.0, |largest, value| largest.max(value.abs()))
    }
}

/// Explains the decision on one input.
///
/// The square patch is put at every position where it covers a part of the photo, clipped at the edges. There are
/// `height + patch_side - 1` by `width + patch_side - 1` positions, and every pixel is under exactly `patch_side^2` of
/// them. (If the first layer is not dense, each position costs a whole inference. Patches then lie side by side, and every
/// pixel is under one.)
///
/// Let `m(x)` be the margin of the photo's decided class, and `x/p` the photo with patch `p` gray. The contribution of pixel
/// `i` is the mean of `m(x) - m(x/p)` over the patches `p` on `i`. If a patch changes the decision, the class stays the
/// photo's own, and the margin is negative.
///
/// Margins are differences of the engine's Q16 logits, summed exactly; only the means are rounded, to `f32`. In the first
/// layer, only the pixels that a moving patch covers and uncovers are computed again, in integers. The sums are the same as
/// those of the whole layer. A 50x50 photo takes some hundredths of a second.
///
/// # Panics
/// If the input does not have the model's number of bytes.
pub fn explain(model: &ModelFile, input: &[u8]) -> Explanation {
    let mut engine = model.engine();
    let InputShape { height, width, color, .. } = engine.model().input();
    let patch_side = (height.min(width) / PATCHES_A_SIDE).max(1);
    let accumulators = engine.first_accumulators(input);
    // Empty if the first layer is not dense.
    let logits = if accumulators.is_empty() { engine.logits(input) } else { engine.logits_from(&accumulators) };
    let decision = decide(logits);
    let margin = margin(logits, usize::from(decision.class));
    let gray = mean(input);
    let [height_px, width_px, patch_px] = [height, width, patch_side].map(usize::from);
    let photo = ExplainedInput { input, height: height_px, width: width_px, channels: color.channels().into(), gray };

    // Positions are counted from the first one that covers a pixel: position k covers k + 1 - patch_px ..= k.
    let [positions_down, positions] = [height_px, width_px].map(|length| length + patch_px - 1);
    let class = usize::from(decision.class);
    let step = if accumulators.is_empty() { patch_px } else { 1 };
    let row_of_losses = |engine: &mut HostEngine<'_>, &top: &usize| -> Vec<i64> {
        if accumulators.is_empty() {
            let left = (0..positions).step_by(step);
            return left
                .map(|left| margin - self::margin(engine.logits(&photo.covered(patch_px, top, left)), class))
                .collect();
        }
        let rows = (top + 1).saturating_sub(patch_px)..(top + 1).min(height_px);
        let changes = photo.changes(engine.model(), rows);
        let neurons = accumulators.len();
        let change_of = |column: usize| changes.get(column * neurons..(column + 1) * neurons);
        let mut covered = accumulators.clone();
        // The patch moves to the right: it covers one column and uncovers another.
        let losses = (0..positions).map(|position| {
            let entering = change_of(position).into_iter().flatten();
            covered.iter_mut().zip(entering).for_each(|(sum, change)| *sum = sum.wrapping_add(*change));
            let leaving = position.checked_sub(patch_px).and_then(change_of).into_iter().flatten();
            covered.iter_mut().zip(leaving).for_each(|(sum, change)| *sum = sum.wrapping_sub(*change));
            margin - self::margin(engine.logits_from(&covered), class)
        });
        losses.collect()
    };
    let tops: Vec<usize> = (0..positions_down).step_by(step).collect();
    let losses: Vec<Vec<i64>> = engine.map(&tops, row_of_losses);

    let on = |pixel: usize| pixel.div_ceil(step)..(pixel + patch_px).div_ceil(step);
    let contributions = (0..height_px * width_px).map(|pixel| {
        let (row, column) = (on(pixel / width_px), on(pixel % width_px));
        let patches = (row.len() * column.len()) as f64;
        let sum: i64 = losses[row].iter().flat_map(|losses| &losses[column.clone()]).sum();
        (sum as f64 / (patches * Q16)) as f32
    });
    let contributions = contributions.collect();
    Explanation { height, width, patch_side, gray, decision, margin: margin as f64 / Q16, contributions }
}

/// Q16 units of a logit of 1.
const Q16: f64 = Q16_ONE as f64;

/// The photo that is explained.
struct ExplainedInput<'a> {
    input: &'a [u8],
    height: usize,
    width: usize,
    channels: usize,
    gray: u8,
}

impl ExplainedInput<'_> {
    /// Returns the photo with a gray patch whose last row and column are these.
    fn covered(&self, patch_px: usize, bottom: usize, right: usize) -> Vec<u8> {
        let under = |last: usize, length: usize| (last + 1).saturating_sub(patch_px)..(last + 1).min(length);
        let mut input = self.input.to_vec();
        for row in under(bottom, self.height) {
            let Range { start, end } = under(right, self.width);
            let row = &mut input[row * self.width * self.channels..];
            row[start * self.channels..end * self.channels].fill(self.gray);
        }
        input
    }

    /// Returns the changes of the first layer's accumulators when a column of these rows becomes gray: for each column, one
    /// number a neuron. A single change may not fit 32 bits and wraps. Added to the photo's accumulators, changes give those of
    /// another photo, which fit.
    fn changes(&self, model: &Model<'_>, rows: Range<usize>) -> Vec<i32> {
        let Some(Layer::Dense(first)) = model.layers().next() else { return Vec::new() };
        let weights = first.weighted.operands.weights;
        let neurons = weights.outputs();
        let mut changes = vec![0_i32; self.width * neurons];
        for neuron in 0..neurons {
            for row in rows.clone() {
                for column in 0..self.width {
                    let pixel = (row * self.width + column) * self.channels;
                    let sum = &mut changes[column * neurons + neuron];
                    for byte in pixel..pixel + self.channels {
                        let change = i32::from(self.gray) - i32::from(self.input[byte]);
                        *sum = sum.wrapping_add(i32::from(weights.get(neuron, byte)) * change);
                    }
                }
            }
        }
        changes
    }
}

/// Returns a class's logit less the largest other one, Q16.
fn margin(logits: &[i32], class: usize) -> i64 {
    let others = logits.iter().enumerate().filter(|(other, _)| *other != class);
    let largest = others.map(|(_, &logit)| logit).max().unwrap_or(i32::MIN);
    i64::from(logits[class]) - i64::from(largest)
}

/// Returns the mean, rounded half up.
fn mean(pixels: &[u8]) -> u8 {
    let count = pixels.len() as u64;
    let sum: u64 = pixels.iter().map(|&pixel| u64::from(pixel)).sum();
    ((2 * sum + count) / (2 * count)) as u8
}

#[cfg(test)]
mod tests {
    use pinhole_shared::model::Activation;

    use super::*;
    use pinhole_core::random::Random;
    use pinhole_core::testing;
    use pinhole_shared::pixels::InputShape;
    use pinhole_train::Network;
    use pinhole_train::layers::{FloatDense, FloatLayer};
    use pinhole_train::quantize::{ActivationBits, quantize};

    fn quantized(network: &Network, input: &[u8]) -> ModelFile {
        let photos = testing::dataset(network.recipe.input(), &["a"], [(0, input.to_vec())]);
        quantize(network, &photos, ActivationBits::default()).unwrap()
    }

    /// Returns a network of one layer and two classes. The first class's logit is the weights times the pixels, the second's 0.
    fn linear(side: u16, weights: &[(usize, f32)], input: &[u8]) -> ModelFile {
        let mut all = vec![0.0; 2 * input.len()];
        weights.iter().for_each(|&(pixel, weight)| all[2 * pixel] = weight);
        let layer = FloatDense { weights: all, biases: vec![0.0; 2], activation: Activation::Linear };
        let layer = FloatLayer::Dense(layer);
        let classes = ["a".to_owned(), "b".to_owned()];
        let recipe = testing::untrained(InputShape::gray(side), "");
        let network = Network::from_layers(&recipe, &classes, &[layer]).unwrap();
        quantized(&network, input)
    }

    /// Largest distance between contributions computed by hand and by an integer network: logits are in steps of 2^-16, and
    /// a row's largest weight is exact to about 2^-24 of itself.
    const TOLERANCE: f64 = 2.0 / 65_536.0;

    fn assert_near(got: f32, expected: f64) {
        assert!((f64::from(got) - expected).abs() <= TOLERANCE, "{got}, not {expected}");
    }

    /// A 40x40 network whose first layer is not dense: patches of 4 pixels lie side by side. One pixel's patch is checked.
    #[test]
    fn a_convolution_by_its_definition() {
        let layer = "[[layer]]\nkind = \"conv\"\nchannels = 3\nkernel = 5\nstride = 5\nactivation = \"relu\"\n";
        let classes = ["a".to_owned(), "b".to_owned()];
        let network = Network::new(&testing::untrained(InputShape::gray(40), layer), &classes, 1).unwrap();
        let mut random = Random::seeded(2);
        let input: Vec<u8> = (0..1600).map(|_| random.below(256) as u8).collect();
        let model = quantized(&network, &input);
        let explanation = explain(&model, &input);
        assert_eq!(explanation.patch_side, 4);
        let class = usize::from(explanation.decision.class);
        let mut engine = model.engine();
        let mut margin = |input: &[u8]| super::margin(engine.logits(input), class);
        let whole = margin(&input);
        for (row, column) in [(0, 0), (13, 22), (39, 38)] {
            // Last row and column of the only patch on the pixel. The patches begin at the photo's first row and column.
            let [bottom, right] = [row, column].map(|at: usize| at.next_multiple_of(4));
            let mut covered = input.clone();
            for y in (bottom + 1).saturating_sub(4)..(bottom + 1).min(40) {
                for x in (right + 1).saturating_sub(4)..(right + 1).min(40) {
                    covered[y * 40 + x] = explanation.gray;
                }
            }
            let expected = ((whole - margin(&covered)) as f64 / Q16) as f32;
            assert_eq!(explanation.contributions[row * 40 + column], expected, "row {row}, column {column}");
        }
    }

    #[test]
    fn a_weight_on_one_pixel_by_hand() {
        // 4x4: patches of one pixel. The mean is 255 / 16, rounded to 16.
        let mut input = vec![0; 16];
        input[6] = 255;
        let explanation = explain(&linear(4, &[(6, 1.0)], &input), &input);
        assert_eq!((explanation.patch_side, explanation.gray, explanation.decision.class), (1, 16, 0));
        assert!((explanation.margin - 1.0).abs() < TOLERANCE);
        for (pixel, &contribution) in explanation.contributions.iter().enumerate() {
            assert_near(contribution, if pixel == 6 { f64::from(255 - 16) / 255.0 } else { 0.0 });
        }
    }

    #[test]
    fn support_and_opposition_have_their_signs() {
        // The light pixel 0 and the dark pixel 10 support the class, the light pixel 5 opposes it.
        let mut input = vec![128; 16];
        (input[0], input[5], input[10]) = (255, 255, 0);
        let explanation = explain(&linear(4, &[(0, 2.0), (5, -0.5), (10, -1.0)], &input), &input);
        assert_eq!((explanation.gray, explanation.decision.class), (136, 0));
        // The smaller weights are rounded to 127ths of the largest, half up: -31.75 to -32 and -63.5 to -63 of them.
        let unit = 2.0 / 127.0 / 255.0;
        assert_near(explanation.contributions[0], 127.0 * unit * f64::from(255 - 136));
        assert_near(explanation.contributions[5], -32.0 * unit * f64::from(255 - 136));
        assert_near(explanation.contributions[10], -63.0 * unit * f64::from(0 - 136));
        assert_eq!(explanation.contributions.iter().filter(|value| **value != 0.0).count(), 3);
    }

    #[test]
    fn patches_spread_a_pixel_evenly_up_to_the_corner() {
        // 20x20: patches of 2x2. A pixel shares four patches with itself, two with a neighbor, one with a diagonal neighbor.
        let mut input = vec![0; 400];
        input[0] = 200;
        let explanation = explain(&linear(20, &[(0, 1.0)], &input), &input);
        assert_eq!((explanation.patch_side, explanation.gray), (2, 1));
        let whole = f64::from(200 - 1) / 255.0;
        for (pixel, &contribution) in explanation.contributions.iter().enumerate() {
            let share = match pixel {
                0 => 1.0,
                1 | 20 => 0.5,
                21 => 0.25,
                _ => 0.0,
            };
            assert_near(contribution, share * whole);
        }
    }

    /// Slow reference: puts every patch into a copy of the photo and runs the whole engine on each copy.
    fn plainly(model: &ModelFile, input: &[u8]) -> Vec<f32> {
        let mut engine = model.engine();
        let whole = engine.run_all(input);
        let class = usize::from(whole.decision.class);
        let InputShape { height, width, .. } = model.model().input();
        let [height, width] = [height, width].map(i32::from);
        let patch = (height.min(width) / 10).max(1);
        let (mut sums, mut counts) = (vec![0_i64; input.len()], vec![0_u32; input.len()]);
        for top in 1 - patch..height {
            for left in 1 - patch..width {
                let pixels: Vec<usize> = (top.max(0)..(top + patch).min(height))
                    .flat_map(|y| (left.max(0)..(left + patch).min(width)).map(move |x| (y * width + x) as usize))
                    .collect();
                let mut covered = input.to_vec();
                pixels.iter().for_each(|&pixel| covered[pixel] = mean(input));
                let logits = engine.run_all(&covered).stages.pop().unwrap();
                let loss = margin(whole.stages.last().unwrap(), class) - margin(&logits, class);
                pixels.iter().for_each(|&pixel| {
                    sums[pixel] += loss;
                    counts[pixel] += 1;
                });
            }
        }
        assert!(counts.iter().all(|&count| count == (patch * patch) as u32), "{counts:?}");
        sums.iter().zip(counts).map(|(&sum, count)| (sum as f64 / (f64::from(count) * Q16)) as f32).collect()
    }

    #[test]
    fn the_shortcut_through_the_first_layer_changes_nothing() {
        for input in [InputShape::gray(23), InputShape { height: 29, width: 21, ..InputShape::gray(1) }] {
            shortcut(input);
        }
    }

    fn shortcut(shape: InputShape) {
        let recipe = testing::untrained(
            shape,
            "[[layer]]\noutputs = 9\nactivation = \"sigmoid\"\n[[layer]]\noutputs = 5\nactivation = \"relu\"\n",
        );
        let network = Network::new(&recipe, &["a", "b", "c"].map(str::to_owned), 4).unwrap();
        let mut random = Random::seeded(2);
        let input: Vec<u8> = (0..shape.bytes()).map(|_| random.below(256) as u8).collect();
        let model = quantized(&network, &input);
        let explanation = explain(&model, &input);
        assert_eq!(explanation.decision, model.engine().run(&input));
        assert_eq!(explanation.contributions, plainly(&model, &input));
        assert!(explanation.largest() > 0.0);
    }
}
