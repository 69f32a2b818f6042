//! A model file back to floating point: what is left of the network it was made from.

use pinhole_shared::model::{Activation, Dense, Layer, Model, Output};

use crate::recipe::{DenseLayer, Layer as RecipeLayer, Recipe};
use crate::train::{FloatLayer, Pretrained};

/// The float network that a model's integers stand for.
///
/// A weight becomes its int8 value times its row's scale, which is in the row's multiplier: relative precision 2^-30
/// of what quantization used, usually, and that of an `f32` where a relu or linear layer's scale comes from the file.
/// What rounding to int8 took away stays lost. The float network's logits differ from the model's by no more than the
/// roundings of activations and of the sigmoid table make (a test holds them together).
///
/// The file holds no training settings: `training` gives the recipe whose own are taken. Dropout and penalties are 0.
pub fn dequantize(model: &Model<'_>, training: &Recipe) -> Pretrained {
    let mut input_scale = 1.0 / 255.0;
    let mut layers = Vec::with_capacity(model.layers().len());
    for Layer::Dense(dense) in model.layers() {
        layers.push(float_layer(dense, input_scale));
        input_scale = output_scale(dense);
    }
    let hidden = model.layers().iter().take(layers.len().saturating_sub(1)).map(|Layer::Dense(dense)| {
        RecipeLayer::Dense(DenseLayer {
            outputs: dense.operands.weights.outputs(),
            activation: dense.activation.into(),
            dropout: 0.0,
            l1: 0.0,
            l2: 0.0,
            weight_bits: 8,
        })
    });
    let recipe = Recipe {
        input_side: model.input_side(),
        training: training.training.clone(),
        layers: hidden.collect(),
        output: Default::default(),
    };
    Pretrained { recipe, classes: model.class_names().map(str::to_owned).collect(), layers }
}

/// Real value of one output unit. The file's is for reports, an `f32`; where the format itself says it, it is exact.
pub(crate) fn output_scale(dense: &Dense<'_>) -> f64 {
    match (dense.output, dense.activation) {
        (Output::Logits, _) => 1.0 / 65_536.0,
        (Output::U8, Activation::Sigmoid) => 1.0 / 255.0,
        (Output::I16, Activation::Sigmoid) => 1.0 / 32_768.0,
        _ => f64::from(dense.output_scale),
    }
}

/// Real value of one accumulator unit, for each row.
pub(crate) fn row_scales(dense: &Dense<'_>) -> Vec<f64> {
    // What requantization gives: Q16 before a sigmoid, output units otherwise.
    let result_scale = if dense.activation == Activation::Sigmoid { 1.0 / 65_536.0 } else { output_scale(dense) };
    let units = (1_u64 << (32 - dense.pre_shift)) as f64;
    dense.multipliers.iter().map(|&multiplier| f64::from(multiplier) / units * result_scale).collect()
}

fn float_layer(dense: &Dense<'_>, input_scale: f64) -> FloatLayer {
    let (inputs, outputs) = (dense.operands.weights.inputs(), dense.operands.weights.outputs());
    let scales = row_scales(dense);
    let mut weights = vec![0.0; inputs * outputs];
    for (row, &scale) in scales.iter().enumerate() {
        for column in 0..inputs {
            let value = f64::from(dense.operands.weights.get(row, column));
            weights[column * outputs + row] = (value * scale / input_scale) as f32;
        }
    }
    let biases = scales.iter().enumerate().map(|(row, &scale)| (f64::from(dense.bias(row)) * scale) as f32);
    FloatLayer::Dense { weights, biases: biases.collect(), activation: dense.activation }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photos::{Dataset, Example};
    use crate::quantize::{ActivationBits, quantize};
    use crate::random::Random;
    use crate::train::Network;

    /// Largest distance of a logit of the dequantized network from the integer one's, by the bits of activations. These
    /// are rounded, which the float network does not do, to half of 2^-15 or of 1/255 of their range; some dozens of
    /// such errors, times weights below 1, leave this.
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
            let recipe = Recipe::parse(&text, "test").unwrap();
            let network = Network::new(&recipe, &["a", "b", "c"].map(str::to_owned), 3).unwrap();
            let mut random = Random::seeded(1);
            let mut photo = || (0..144).map(|_| random.below(256) as u8).collect::<Vec<u8>>();
            let examples = (0..20).map(|i| Example { path: i.to_string().into(), class: 0, pixels: photo() });
            let photos = Dataset {
                side: 12,
                classes: network.classes.clone(),
                examples: examples.collect(),
                warnings: Vec::new(),
            };
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
