//! Converts a model file back to floating point, as far as quantization allows.

use pinhole_core::recipe::{ActivationName, Recipe};
use pinhole_shared::model::{Model, Tensor, Weighted};

use crate::Pretrained;
use crate::layers::{self, Dequantized, Units};

/// Returns the float network that a model's integers stand for.
///
/// A weight becomes its integer value times its row's scale, which is part of the row's multiplier. The relative
/// precision is usually 2^-30 of the scale that quantization used. Where a relu or linear layer's scale comes from the
/// file, it is that of an `f32`. What rounding took away stays lost, and so does what was folded or clipped:
/// convolutions have no batch normalization, and a relu6 becomes a relu. The float network's logits differ from the
/// model's by no more than the roundings of activations and of the sigmoid table cause (a test checks this).
///
/// The file holds no training settings: they are taken from the recipe `training`. Dropout and penalties are 0.
pub fn dequantize(model: &Model<'_>, training: &Recipe) -> Pretrained {
    dequantize_with_units(model, training).0
}

/// Returns the float network, and the units of every layer's outputs.
pub(crate) fn dequantize_with_units(model: &Model<'_>, training: &Recipe) -> (Pretrained, Vec<Units>) {
    let (mut layers, mut recipes, mut units) = (Vec::new(), Vec::new(), Vec::new());
    for layer in model.layers() {
        let input = units.last().unwrap_or(&Units::PIXELS);
        let Dequantized { float, recipe, output } = layers::dequantize(&layer, input);
        layers.push(float);
        recipes.push(recipe);
        units.push(output);
    }
    // A recipe describes the last layer apart from the others.
    recipes.pop();
    let recipe = Recipe {
        input: model.input(),
        training: training.training.clone(),
        layers: recipes,
        output: Default::default(),
    };
    (Pretrained { recipe, classes: model.class_names().map(str::to_owned).collect(), layers }, units)
}

/// Returns the rows of weights, and the biases. A stored bias has the inputs' zero point times the row's weights
/// subtracted; this is added back.
pub(crate) fn real_rows(weighted: &Weighted<'_>, scales: &[f64], input: &Units) -> (Vec<Vec<f32>>, Vec<f32>) {
    let weights = &weighted.operands.weights;
    let row = |(row, &scale): (usize, &f64)| {
        let integers = (0..weights.inputs()).map(|column| f64::from(weights.get(row, column)));
        let bias = f64::from(weighted.bias(row)) + f64::from(input.zero_point) * integers.clone().sum::<f64>();
        (integers.map(|weight| (weight * scale / input.scale) as f32).collect(), (bias * scale) as f32)
    };
    scales.iter().enumerate().map(row).unzip()
}

/// Returns the activation function for this range of outputs: relu if it begins at the zero point.
pub(crate) fn activation_of(output: &Tensor, activation_min: u8) -> ActivationName {
    if activation_min == output.zero_point { ActivationName::Relu } else { ActivationName::Linear }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Network;
    use crate::quantize::{ActivationBits, quantize};
    use pinhole_core::testing;

    /// Largest distance of a logit of the dequantized network from that of the integer network, by the bits of
    /// activations. The integer network rounds activations to half of 2^-15 or of 1/255 of their range. Some dozens of
    /// such errors, times weights below 1, add up to this.
    const TOLERANCES: [(ActivationBits, f64); 2] = [(ActivationBits::Sixteen, 0.000_2), (ActivationBits::Eight, 0.01)];

    #[test]
    fn the_float_network_says_what_the_integers_say() {
        let all =
            ["sigmoid", "relu", "linear"].map(|hidden| TOLERANCES.map(|(bits, tolerance)| (hidden, bits, tolerance)));
        for (hidden, bits, tolerance) in all.into_iter().flatten() {
            let text = format!(
                "input_side = 12\n[training]\nepochs = 7\nbatch = 1\nlearning_rate = 1.0\n\
                 [[layer]]\noutputs = 20\nactivation = \"{hidden}\"\ndropout = 0.5\n\
                 [[layer]]\noutputs = 10\nactivation = \"sigmoid\"\n"
            );
            let recipe = testing::recipe(&text);
            let photos = testing::noise(recipe.input(), &["a", "b", "c"], [0; 20], 1);
            let network = Network::new(&recipe, &photos.classes, 3).unwrap();
            let model = quantize(&network, &photos, bits).unwrap();
            let back = dequantize(&model.model(), &recipe);
            assert_eq!((&back.classes, back.recipe.training.epochs), (&network.classes, 7));
            assert!(back.check(&recipe).is_ok());
            assert_eq!(back.recipe.layers[0].dropout(), 0.0);
            let float = Network::from_layers(&back.recipe, &back.classes, &back.layers).unwrap();

            let inputs: Vec<&[u8]> = photos.examples.iter().map(|example| &example.pixels[..]).collect();
            let mut engine = model.engine();
            let mut largest = 0.0_f64;
            for (logits, input) in float.logits(&inputs).unwrap().iter().zip(&inputs) {
                let integer = engine.run_all(input).stages.pop().unwrap();
                for (&float, integer) in logits.iter().zip(integer) {
                    largest = largest.max((f64::from(float) - f64::from(integer) / 65_536.0).abs());
                }
            }
            println!("{hidden}, {bits:?}: {largest}");
            assert!(largest <= tolerance, "{hidden}, {bits:?}: {largest}");
        }
    }
}
