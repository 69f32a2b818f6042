//! Converts a model file back to floating point, as far as quantization allows.

use pinhole_core::model_file::scales::{accumulator_scales, output_scale, row_scales};
use pinhole_core::recipe::{
    ActivationName, AddLayer, ConvLayer, DenseLayer, FilterLayer, GlobalAverageLayer, Layer as RecipeLayer, PoolLayer,
    Recipe,
};
use pinhole_shared::model::{Conv, Layer, Model, Tensor, Weighted};

use crate::{FloatConv, FloatLayer, Pretrained};

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
    let (mut scale, mut zero_point) = (1.0 / 255.0, 0);
    let (mut layers, mut recipes) = (Vec::new(), Vec::new());
    for layer in model.layers() {
        layers.push(float_layer(&layer, scale, zero_point));
        recipes.push(recipe_layer(&layer));
        (scale, zero_point) = match &layer {
            Layer::Dense(dense) => (output_scale(dense), 0),
            other => other.tensor().map_or((1.0, 0), |tensor| (f64::from(tensor.scale), tensor.zero_point)),
        };
    }
    // A recipe describes the last layer apart from the others.
    recipes.pop();
    let recipe = Recipe {
        input_side: model.input().side,
        color: model.input().color,
        training: training.training.clone(),
        layers: recipes,
        output: Default::default(),
    };
    Pretrained { recipe, classes: model.class_names().map(str::to_owned).collect(), layers }
}

/// Converts a layer whose inputs have this scale and zero point.
fn float_layer(layer: &Layer<'_>, input_scale: f64, zero_point: u8) -> FloatLayer {
    match layer {
        Layer::Dense(dense) => {
            let (rows, biases) = real_rows(&dense.weighted, &row_scales(dense), input_scale, zero_point);
            let inputs = dense.weighted.operands.weights.inputs();
            let weights = (0..inputs).flat_map(|column| rows.iter().map(move |row| row[column])).collect();
            FloatLayer::Dense { weights, biases, activation: dense.activation }
        }
        Layer::Conv(conv) => FloatLayer::Conv(float_conv(conv, input_scale, zero_point)),
        Layer::Depthwise(conv) => FloatLayer::Depthwise(float_conv(conv, input_scale, zero_point)),
        Layer::MaxPool(pool) => FloatLayer::MaxPool(pool.window),
        Layer::AveragePool(pool) => FloatLayer::AveragePool(pool.window),
        Layer::GlobalAverage(_) => FloatLayer::GlobalAverage,
        Layer::Add(add) => {
            FloatLayer::Add { from: add.from.into(), activation: activation(&add.output, add.activation_min) }
        }
    }
}

fn float_conv(conv: &Conv<'_>, input_scale: f64, zero_point: u8) -> FloatConv {
    let scales = accumulator_scales(&conv.weighted, f64::from(conv.output.scale));
    let (rows, biases) = real_rows(&conv.weighted, &scales, input_scale, zero_point);
    FloatConv {
        window: conv.window,
        input: conv.input.shape,
        outputs: biases.len(),
        weights: rows.concat(),
        biases,
        norm: None,
        activation: activation(&conv.output, conv.activation_min),
        pool: conv.pool,
    }
}

/// Returns the rows of weights, and the biases. A stored bias has the inputs' zero point times the row's weights
/// subtracted; this is added back.
fn real_rows(weighted: &Weighted<'_>, scales: &[f64], input_scale: f64, zero_point: u8) -> (Vec<Vec<f32>>, Vec<f32>) {
    let weights = &weighted.operands.weights;
    let row = |(row, &scale): (usize, &f64)| {
        let integers = (0..weights.inputs()).map(|column| f64::from(weights.get(row, column)));
        let bias = f64::from(weighted.bias(row)) + f64::from(zero_point) * integers.clone().sum::<f64>();
        (integers.map(|weight| (weight * scale / input_scale) as f32).collect(), (bias * scale) as f32)
    };
    scales.iter().enumerate().map(row).unzip()
}

/// Returns the activation function for this range of outputs: relu if it begins at the zero point.
fn activation(output: &Tensor, activation_min: u8) -> ActivationName {
    if activation_min == output.zero_point { ActivationName::Relu } else { ActivationName::Linear }
}

fn recipe_layer(layer: &Layer<'_>) -> RecipeLayer {
    let filter = |conv: &Conv<'_>| FilterLayer {
        window: conv.window,
        batch_norm: false,
        activation: activation(&conv.output, conv.activation_min),
        pool: conv.pool,
        dropout: 0.0,
        l1: 0.0,
        l2: 0.0,
        weight_bits: 8,
    };
    match layer {
        Layer::Dense(dense) => RecipeLayer::Dense(DenseLayer {
            outputs: layer.outputs(),
            activation: dense.activation.into(),
            dropout: 0.0,
            l1: 0.0,
            l2: 0.0,
            weight_bits: 8,
        }),
        Layer::Conv(conv) => {
            RecipeLayer::Conv(ConvLayer { channels: conv.output.shape.channels, filter: filter(conv) })
        }
        Layer::Depthwise(conv) => RecipeLayer::Depthwise(filter(conv)),
        Layer::MaxPool(pool) => RecipeLayer::MaxPool(PoolLayer { window: pool.window }),
        Layer::AveragePool(pool) => RecipeLayer::AveragePool(PoolLayer { window: pool.window }),
        Layer::GlobalAverage(_) => RecipeLayer::GlobalAverage(GlobalAverageLayer { dropout: 0.0 }),
        Layer::Add(add) => RecipeLayer::Add(AddLayer {
            from: usize::from(add.from) + 1,
            activation: activation(&add.output, add.activation_min),
        }),
    }
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
