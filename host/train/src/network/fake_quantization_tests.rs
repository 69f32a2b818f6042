//! Tests of quantization-aware training: the outputs of a batch, and the values that its gradients belong to.

use candle_core::Tensor;
use pinhole_core::photos::Dataset;
use pinhole_shared::model::Activation;

use super::tests::{ALL_KINDS, trained};
use super::*;
use crate::FakeQuantization;
use crate::finetune::IntegerModel;
use crate::quantize::{ActivationBits, Calibration};

/// Hidden dense layers with all activation functions.
const DENSE: &str = "input_side = 11\n[training]\nepochs = 3\nbatch = 5\nlearning_rate = 0.01\n\
     [[layer]]\noutputs = 20\nactivation = \"relu\"\ndropout = 0.25\n\
     [[layer]]\noutputs = 12\nactivation = \"sigmoid\"\n[[layer]]\noutputs = 9\nactivation = \"linear\"\n";

/// Returns trained networks with weights of 4 and 8 bits, folded, with their integers and the photos. The networks'
/// parameters are changed after calibration.
fn networks() -> Vec<(Network, Calibration, IntegerModel, Dataset)> {
    let mut all = Vec::new();
    for text in [ALL_KINDS, DENSE] {
        for (bits, activations) in [(4, ActivationBits::Sixteen), (8, ActivationBits::Eight)] {
            let (mut network, data, _) = trained(text, 11);
            network.recipe.set_weight_bits(&[bits]).unwrap();
            let calibration = Calibration::of(&network, &data, activations).unwrap();
            let network = network.folded().unwrap();
            let mut integers = IntegerModel::new(calibration.clone(), &network).unwrap();
            let mut layers = network.float_layers().unwrap();
            for (_, values) in layers.iter_mut().flat_map(FloatLayer::values_mut) {
                // Some activations leave the calibrated range.
                values.iter_mut().for_each(|value| *value *= 1.1);
            }
            network.restore(layers).unwrap();
            assert!(integers.take(&network).unwrap());
            all.push((network, calibration, integers, data));
        }
    }
    all
}

#[test]
fn a_batch_gives_the_engines_logits_to_the_last_bit() {
    for (network, calibration, integers, data) in networks() {
        let inputs: Vec<&[u8]> = data.examples.iter().map(|example| &example.pixels[..]).collect();
        let model = calibration.quantize(&network).unwrap();
        network.restore(integers.layers()).unwrap();
        let mut random = Random::seeded(1);
        let forward = network
            .learn(&batch(&inputs, network.recipe.input.color).unwrap(), &mut random, &integers.stages(&inputs))
            .unwrap();
        let mut engine = model.engine();
        for (logits, input) in forward.logits.to_vec2::<f32>().unwrap().iter().zip(&inputs) {
            let integers: Vec<f32> = engine.logits(input).iter().map(|&logit| logit as f32 / 65_536.0).collect();
            assert_eq!(*logits, integers);
        }
    }
}

/// Largest distance of a quantized value from the float layer's, in units: half a unit, but more for a sigmoid from a
/// table of integers. The rest is due to f32 and to multipliers of 31 bits.
const UNITS: f32 = 0.51;
const UNITS_OF_SIGMOID: f32 = 2.0;
const REST: f32 = 2e-6;

/// Each float layer with the quantized weights, given the quantized values before it, computes the quantized values
/// except for rounding and clipping. So its gradients are those of the device's computation.
#[test]
fn gradients_are_of_what_the_device_computes() {
    for (network, _, integers, data) in networks() {
        let inputs: Vec<&[u8]> = data.examples.iter().map(|example| &example.pixels[..]).collect();
        network.restore(integers.layers()).unwrap();
        let mut values = batch(&inputs, network.recipe.input.color).unwrap();
        let mut earlier = Vec::new();
        let numbers = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let mut cut = 0;
        for (index, (layer, stage)) in network.layers.iter().zip(integers.stages(&inputs)).enumerate() {
            let float = layer.kind.infer(&values, &earlier).unwrap();
            values = stage.values(&float, layer.shape.output).unwrap();
            earlier.push(network.is_read_again(index).then(|| values.clone()));
            let (low, high) = stage.limits.unwrap_or((f32::MIN, f32::MAX));
            let is_sigmoid = match layer.kind.float().unwrap() {
                FloatLayer::Dense(dense) => dense.activation == Activation::Sigmoid,
                _ => false,
            };
            let units = if is_sigmoid { UNITS_OF_SIGMOID } else { UNITS };
            for (float, quantized) in numbers(&float).into_iter().zip(numbers(&values)) {
                let distance = (float.clamp(low, high) - quantized).abs();
                assert!(distance <= units * stage.unit + REST, "layer {index}: {quantized}, not {float}");
                cut += usize::from(float > high + stage.unit);
            }
        }
        let has_tensors = integers.layers().iter().any(|layer| !layer.is_dense());
        assert!(cut > 0 || !has_tensors, "nothing left the range of a tensor");
    }
}
