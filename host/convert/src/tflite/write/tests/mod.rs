//! Reads written files back, by a separate reader (FlatBuffers are simple to read), and runs them.

mod evaluate;
mod read;
pub(crate) mod run;

use pinhole_core::model_file::scales::{HEADROOM, row_scales};
use pinhole_core::model_file::{QuantizedLayer, QuantizedWeights, encode as encode_model};
use pinhole_shared::layout::Layout;
use pinhole_shared::model::{Activation, Output};
use pinhole_shared::pixels::InputShape;
use pinhole_shared::policy::Policy;
use pinhole_train::runs;

use self::read::WrittenFile;
use super::*;
use crate::tflite::schema::{
    BuiltinOperator, FUSED_ACTIVATION_FUNCTION, FusedActivation, TensorType, buffer, metadata, model, operator,
    options_type, quantization, tensor,
};

const RESHAPE: u32 = BuiltinOperator::Reshape as u32;
const DENSE: u32 = BuiltinOperator::FullyConnected as u32;
const LOGISTIC: u32 = BuiltinOperator::Logistic as u32;

#[test]
fn the_shipped_model_read_back() {
    let trained = runs::open("drawn".as_ref()).unwrap();
    let network = trained.model.model();
    let file = tflite(&network, None).unwrap();
    assert_eq!(file, tflite(&network, None).unwrap());
    let read = WrittenFile::of(&file);
    assert_eq!(read.run(), [RESHAPE, DENSE, LOGISTIC, DENSE, LOGISTIC, DENSE]);
    assert!(read.buffers[0].place(buffer::DATA).is_none(), "buffer 0 is empty");

    assert_eq!(read.tensor("input").words(tensor::SHAPE), [1, 50, 50, 1]);
    assert_eq!(read.int8("input"), (1.0 / 255.0, -128));
    for layer in [0, 1] {
        assert_eq!(read.int8(&format!("sigmoid_{layer}")), (1.0 / 256.0, -128));
    }
    assert_eq!(read.tensor("logits").words(tensor::SHAPE), [1, 2]);
    let scales = |name: &str| read.tensor(name).table(tensor::QUANTIZATION).floats(quantization::SCALE);
    let inputs = [1.0 / 255.0_f32, 1.0 / 256.0, 1.0 / 256.0];
    for ((index, layer), input) in network.layers().enumerate().zip(inputs) {
        let Layer::Dense(dense) = &layer else { panic!("{}", layer.kind()) };
        let (rows, columns) = (dense.weighted.operands.weights.outputs(), dense.weighted.operands.weights.inputs());
        let weights = read.tensor(&format!("weights_{index}"));
        assert_eq!(weights.words(tensor::SHAPE), [rows as u32, columns as u32]);
        assert_eq!(read.data(weights), dense.weighted.operands.weights.bytes(), "the model's own, which lie in rows");
        let own = weights.table(tensor::QUANTIZATION);
        assert_eq!(own.word(quantization::QUANTIZED_DIMENSION), 0);
        assert_eq!(own.longs(quantization::ZERO_POINT), vec![0; rows]);

        let biases = read.tensor(&format!("biases_{index}"));
        assert_eq!(biases.byte(tensor::TYPE), TensorType::Int32 as u8);
        let data: Vec<i32> =
            read.data(biases).chunks_exact(4).map(|word| i32::from_le_bytes(word.try_into().unwrap())).collect();
        for (row, unit) in row_scales(dense).into_iter().enumerate() {
            let scale = scales(&format!("biases_{index}"))[row];
            assert_eq!(scale, scales(&format!("weights_{index}"))[row] * input);
            let (real, here) = (f64::from(dense.weighted.bias(row)) * unit, f64::from(data[row]) * f64::from(scale));
            assert!((real - here).abs() <= 0.5 * f64::from(scale) + 1e-6 * real.abs(), "{index}, {row}: {real} {here}");
        }
        if index == 0 {
            assert!(data.iter().enumerate().all(|(row, &bias)| bias == dense.weighted.bias(row)), "pixels are pixels");
        }
    }
    let notes = read.root.tables(model::METADATA);
    assert_eq!(notes[0].bytes(metadata::NAME), CLASSES_METADATA.as_bytes());
    let names = read.buffers[notes[0].word(metadata::BUFFER) as usize].bytes(buffer::DATA);
    assert_eq!(names, br#"["chihuahua","muffin"]"#);
}

fn parts(inputs: usize, activation: Activation, output: Output, layout: Layout) -> QuantizedLayer {
    let outputs = 3;
    let weights = (0..inputs * outputs).map(|place| (place % 15) as i8 - 7).collect();
    let weighted = QuantizedWeights {
        inputs,
        weights,
        biases: vec![100, -200, 300],
        multipliers: vec![1 << 28, 1 << 29, 1 << 30],
        pre_shift: 0,
        accumulator_bound: 300 + 7 * 32_768 * inputs as u32,
        input_scale: 1.0,
        output_scale: 1.0 / 1024.0,
        layout,
        chunk_columns: 0,
        band: None,
    };
    QuantizedLayer::Dense { weighted, activation, output }
}

/// All kinds of dense layers, and weights of 4 bits, which take a byte each in the file.
#[test]
fn other_layers_read_back() {
    let layers = |bits| {
        let mut layers = vec![
            parts(4, Activation::Relu, Output::U8, Layout::Rows4),
            parts(3, Activation::Relu, Output::I16, Layout::Rows8),
            parts(3, Activation::Linear, Output::I16, Layout::Rows8),
            parts(3, Activation::Sigmoid, Output::U8, Layout::Rows8),
            parts(3, Activation::Linear, Output::Logits, bits),
        ];
        let mut largest = 255;
        for layer in &mut layers {
            let QuantizedLayer::Dense { weighted: layer, output, .. } = layer else { unreachable!("all are dense") };
            let sum = |row: &[i8]| row.iter().map(|weight| u32::from(weight.unsigned_abs())).sum::<u32>();
            let rows = layer.weights.chunks_exact(layer.inputs).zip(&layer.biases);
            layer.accumulator_bound = rows.map(|(row, bias)| bias.unsigned_abs() + sum(row) * largest).max().unwrap();
            largest = output.max_magnitude();
        }
        layers
    };
    let classes = ["a", "b", "c"].map(str::to_owned);
    let [four, eight] = [Layout::Rows4, Layout::Rows8].map(|layout| {
        let bytes = encode_model(InputShape::gray(2), &classes, Policy::NONE, &layers(layout)).unwrap();
        ModelFile::from_bytes(&bytes).unwrap()
    });
    let file = tflite(&four.model(), None).unwrap();
    let read = WrittenFile::of(&file);
    assert_eq!(read.run(), [RESHAPE, DENSE, DENSE, DENSE, DENSE, LOGISTIC, DENSE]);
    let fused: Vec<u8> = read.operators[1..]
        .iter()
        .filter(|run| run.byte(operator::BUILTIN_OPTIONS_TYPE) == options_type::FULLY_CONNECTED)
        .map(|run| run.table(operator::BUILTIN_OPTIONS).byte(FUSED_ACTIVATION_FUNCTION))
        .collect();
    assert_eq!(fused, [FusedActivation::Relu as u8, FusedActivation::Relu as u8, 0, 0, 0]);
    assert_eq!(read.int8("dense_0"), (1.0 / 1024.0, -128));
    let (scale, zero_point) = read.int8("dense_1");
    assert!((scale * 255.0 * HEADROOM as f32 - 32_767.0 / 1024.0).abs() < 1e-3 && zero_point == -128);
    let (scale, zero_point) = read.int8("dense_2");
    assert!((scale * 128.0 * HEADROOM as f32 - 32_767.0 / 1024.0).abs() < 1e-3 && zero_point == 0);
    let expected: Vec<u8> = (0..12).map(|place| ((place % 15) as i8 - 7) as u8).collect();
    assert_eq!(read.data(read.tensor("weights_0")), expected);
    let other = tflite(&eight.model(), None).unwrap();
    let (here, there) = (read.tensor("weights_4"), WrittenFile::of(&other).tensor("weights_4"));
    assert_eq!(read.data(here), WrittenFile::of(&other).data(there));
}

/// Subnormal 32-bit scales are refused.
#[test]
fn scales_too_small() {
    let mut first = parts(4, Activation::Relu, Output::U8, Layout::Rows8);
    first.weighted_mut().unwrap().output_scale = f32::from_bits(1);
    let mut last = parts(3, Activation::Linear, Output::Logits, Layout::Rows8);
    for (layer, largest) in [(&mut first, 255), (&mut last, 255)] {
        let layer = layer.weighted_mut().unwrap();
        let sum = |row: &[i8]| row.iter().map(|weight| u32::from(weight.unsigned_abs())).sum::<u32>();
        let rows = layer.weights.chunks_exact(layer.inputs).zip(&layer.biases);
        layer.accumulator_bound = rows.map(|(row, bias)| bias.unsigned_abs() + sum(row) * largest).max().unwrap();
    }
    let bytes =
        encode_model(InputShape::gray(2), &["a", "b", "c"].map(str::to_owned), Policy::NONE, &[first, last]).unwrap();
    let model = ModelFile::from_bytes(&bytes).unwrap();
    assert!(matches!(tflite(&model.model(), None), Err(ExportError::Scale { layer: 0 })));
}

/// With inputs, the logits' range is that of the inputs' logits, and a quarter more at either end.
#[test]
fn logits_as_seen() {
    let trained = runs::open("drawn".as_ref()).unwrap();
    let inputs: Vec<Vec<u8>> = [0, 90, 255].iter().map(|&gray| vec![gray; 2500]).collect();
    let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    assert_eq!(logits_range(&trained.model, &[]), None);
    let (low, high) = logits_range(&trained.model, &inputs).unwrap();
    let mut engine = trained.model.engine();
    let seen: Vec<i32> = inputs.iter().flat_map(|input| engine.run_all(input).stages.pop().unwrap()).collect();
    let (least, most) = (seen.iter().min().unwrap(), seen.iter().max().unwrap());
    assert!(((high - low) * 65_536.0 - 1.5 * f64::from(most - least)).abs() < 1.0);
    let network = trained.model.model();
    let scale = |range| WrittenFile::of(&tflite(&network, range).unwrap()).int8("logits").0;
    let (narrow, all) = (scale(Some((-0.1, 0.2))), scale(None));
    assert!((narrow - 0.3 / 255.0).abs() < 1e-6 && narrow < all, "{narrow} {all}");
    // No wider than the range of all possible values.
    assert_eq!(scale(Some((-1e9, 1e9))), all);
}
