//! All instructions of this machine against the scalar engine, on random networks.

use pinhole_shared::engine::Overrides as _;
use pinhole_shared::kernel::Scalar;
use pinhole_shared::layout::Layout;
use pinhole_shared::model::{Activation, Layer, Output};
use pinhole_shared::pixels::InputShape;
use pinhole_shared::policy::Policy;
use pinhole_shared::shape::{Padding, Shape, Window};

use super::{Instructions, SimdLayers};
use crate::model_file::portable::run_all;
use crate::model_file::{ModelFile, QuantizedLayer, QuantizedTensor, QuantizedWeights, encode};
use crate::random::Random;

/// Weights with all values that a file may have, the extreme ones often.
fn weights(random: &mut Random, inputs: usize, outputs: usize) -> QuantizedWeights {
    let (layout, most) = if random.chance(0.25) { (Layout::Rows4, 7) } else { (Layout::Rows8, 127) };
    let weight = |random: &mut Random| {
        (random.below(3 * most) as i32 - (3 * most / 2) as i32).clamp(-(most as i32), most as i32)
    };
    let weights: Vec<i8> = (0..inputs * outputs).map(|_| weight(random) as i8).collect();
    let biases: Vec<i32> = (0..outputs).map(|_| random.below(200_001) as i32 - 100_000).collect();
    let bound = |(row, bias): (&[i8], &i32)| {
        bias.unsigned_abs() + row.iter().map(|weight| 255 * u32::from(weight.unsigned_abs())).sum::<u32>()
    };
    let bound = weights.chunks(inputs).zip(&biases).map(bound).max().unwrap_or_default();
    let pre_shift = random.below(bound.leading_zeros() as usize) as u8;
    // Most sums become bytes inside the range, some do not.
    let largest = (1_u64 << 32) * 400 / (u64::from(bound) << pre_shift).max(1);
    let largest = largest.clamp(2, i32::MAX as u64) as usize;
    QuantizedWeights {
        inputs,
        weights,
        biases,
        multipliers: (0..outputs).map(|_| 1 + random.below(largest) as i32).collect(),
        pre_shift,
        accumulator_bound: bound,
        input_scale: 1.0,
        output_scale: 1.0,
        layout,
        chunk_columns: 0,
        band: None,
    }
}

/// A convolution of this input, and its output; `None` if the window does not fit.
fn conv(random: &mut Random, input: Shape) -> Option<(QuantizedLayer, Shape)> {
    let is_large = random.chance(0.15);
    let mut up_to = |most: usize, large: usize| 1 + random.below(if is_large { large } else { most }) as u8;
    let (height, width) = (up_to(5, 9), up_to(5, 20));
    let (stride_y, stride_x, pool) = (up_to(2, 7), up_to(2, 7), up_to(3, 5));
    let mut padding = |size: u8| random.below(size.into()) as u8;
    let padding =
        Padding { top: padding(height), left: padding(width), bottom: padding(height), right: padding(width) };
    let window = Window { height, width, stride_y, stride_x, padding };
    let (rows, columns) = window.output_size(input)?;
    let is_depthwise = random.chance(0.4);
    let channels = if is_depthwise { input.channels } else { 1 + random.below(40) as u16 };
    let shape = Shape { height: rows / u16::from(pool), width: columns / u16::from(pool), channels };
    let columns = window.area() * if is_depthwise { 1 } else { usize::from(input.channels) };
    let low = random.below(100) as u8;
    let range = if random.chance(0.5) { (0, u8::MAX) } else { (low, low + random.below(150) as u8) };
    let output = QuantizedTensor { shape, zero_point: random.below(256) as u8, scale: 1.0, range };
    let weighted = weights(random, columns, usize::from(channels));
    let layer = QuantizedLayer::Conv { weighted, is_depthwise, window, pool, output };
    (shape.elements() > 0).then_some((layer, shape))
}

fn dense(random: &mut Random, inputs: usize, outputs: usize, output: Output) -> QuantizedLayer {
    let activation = if output == Output::Logits { Activation::Linear } else { Activation::Relu };
    QuantizedLayer::Dense { weighted: weights(random, inputs, outputs), activation, output }
}

/// A random network: up to three convolutions, up to one hidden dense layer.
fn network(random: &mut Random) -> ModelFile {
    let (height, width) = (8 + random.below(17) as u16, 8 + random.below(17) as u16);
    let input = if random.chance(0.5) { InputShape::gray(8) } else { InputShape::rgb(8) };
    let input = InputShape { height, width, ..input };
    let mut shape = Shape { height, width, channels: input.color.channels() };
    let mut layers = Vec::new();
    for _ in 0..random.below(4) {
        if let Some((layer, output)) = conv(random, shape) {
            layers.push(layer);
            shape = output;
        }
    }
    let mut inputs = shape.elements();
    if random.chance(0.5) {
        let outputs = 1 + random.below(50);
        layers.push(dense(random, inputs, outputs, Output::U8));
        inputs = outputs;
    }
    let classes = 2 + random.below(7);
    layers.push(dense(random, inputs, classes, Output::Logits));
    let names: Vec<String> = (0..classes).map(|class| format!("c{class}")).collect();
    let bytes = encode(input, &names, Policy::NONE, &layers).expect("row-major weights always fit");
    ModelFile::from_bytes(&bytes).expect("the network is sound")
}

#[test]
fn all_instructions_give_the_scalar_integers() {
    let mut random = Random::seeded(1);
    let all = Instructions::available();
    assert_eq!(all[0], Instructions::Portable);
    assert_eq!(all.last(), Some(&Instructions::detect()));
    let (mut convolutions, mut unlike) = (0, 0);
    for case in 0..400 {
        let file = network(&mut random);
        let model = file.model();
        convolutions += model.layers().count() - 1;
        let mut engines: Vec<_> = all.iter().map(|&one| file.engine_with(one)).collect();
        for kind in 0..3 {
            let pixel = |random: &mut Random| if kind == 0 { 255 } else { random.below(256) as u8 };
            let input: Vec<u8> = (0..model.inputs()).map(|_| pixel(&mut random)).collect();
            let expected = run_all::<Scalar>(&model, &input).expect("rows");
            let tensors = &expected.stages[1..];
            unlike += tensors.iter().filter(|stage| stage.iter().any(|value| *value != stage[0])).count();
            for engine in &mut engines {
                assert_eq!(engine.run_all(&input), expected, "{:?}, case {case}", engine.instructions());
            }
        }
    }
    assert!(convolutions > 500 && unlike > 1_000, "{convolutions} convolutions, {unlike} stages with unlike values");
}

/// A fallback to the scalar engine would give the same integers, slowly.
#[test]
fn vector_instructions_compute_every_convolution_and_the_first_dense_layer() {
    let file = crate::data::file("models/conv-96/model.pinhole").expect("it is bundled");
    let file = ModelFile::from_bytes(file).expect("it is sound");
    let model = file.model();
    for instructions in Instructions::available() {
        let mut simd = SimdLayers::new(&model, instructions);
        for (index, layer) in model.layers().enumerate() {
            let input = vec![0; layer.inputs()];
            let computes = match &layer {
                Layer::Dense(dense) => simd.dense(index, dense, &input, &mut vec![0; layer.outputs()]),
                _ => simd.tensor(index, &layer, &input, &mut vec![0; layer.outputs()]),
            };
            let expected = match &layer {
                Layer::Conv(_) | Layer::Depthwise(_) => instructions != Instructions::Portable,
                other => matches!(other, Layer::Dense(_)),
            };
            assert_eq!(computes, expected, "layer {index} by {instructions}");
        }
    }
}

/// A small file whose padding is many times its input: nothing is allocated for it, and the shared engine computes the layer.
#[test]
fn padding_without_end_is_not_copied() {
    let mut random = Random::seeded(2);
    let mut convolution = |inputs: usize, channels: u16, window: Window, height: u16, width: u16| {
        let shape = Shape { height, width, channels };
        let output = QuantizedTensor { shape, zero_point: 7, scale: 1.0, range: (0, u8::MAX) };
        let weighted = weights(&mut random, inputs, channels.into());
        QuantizedLayer::Conv { weighted, is_depthwise: false, window, pool: 1, output }
    };
    let no = Padding { top: 0, left: 0, bottom: 0, right: 0 };
    let point = Window { height: 1, width: 1, stride_y: 1, stride_x: 1, padding: no };
    let padding = Padding { top: 0, left: 254, bottom: 0, right: 254 };
    let line = Window { height: 1, width: 255, stride_y: 255, stride_x: 255, padding };
    let layers = [
        convolution(1, 64, point, 65_535, 1),
        convolution(255 * 64, 1, line, 257, 1),
        dense(&mut Random::seeded(3), 257, 2, Output::Logits),
    ];
    let input = InputShape { height: 65_535, width: 1, ..InputShape::gray(1) };
    let bytes = encode(input, &["cat", "dog"].map(str::to_owned), Policy::NONE, &layers).expect("it fits");
    let file = ModelFile::from_bytes(&bytes).expect("it is sound");
    let pixels: Vec<u8> = (0..65_535).map(|place| (place % 251) as u8).collect();
    let expected = run_all::<Scalar>(&file.model(), &pixels).expect("rows");
    for instructions in Instructions::available() {
        let mut engine = file.engine_with(instructions);
        assert_eq!(engine.run_all(&pixels), expected, "{instructions}");
        let mut simd = SimdLayers::new(&file.model(), instructions);
        let padded = file.model().layers().nth(1).expect("three layers");
        assert!(!simd.tensor(1, &padded, &vec![0; padded.inputs()], &mut vec![0; padded.outputs()]), "{instructions}");
    }
}

/// As many weights as take more than the limit, in a dense first layer: the shared engine has them.
#[test]
fn layers_beyond_the_limit_are_left_to_the_shared_engine() {
    let inputs = 2048 * 2048;
    // Within 1, so that the sums of so many fit.
    let ones: Vec<i8> = (0..2 * inputs).map(|place| if place % inputs % 251 < 125 { 0 } else { 1 }).collect();
    let bound = |row: &[i8]| 255 * row.iter().filter(|&&weight| weight != 0).count() as u32;
    let bound = ones.chunks(inputs).map(bound).max().unwrap_or_default();
    let small = weights(&mut Random::seeded(4), 1, 2);
    let weighted = QuantizedWeights {
        inputs,
        weights: ones,
        biases: vec![0; 2],
        multipliers: vec![1 << 20; 2],
        pre_shift: 0,
        accumulator_bound: bound,
        layout: Layout::Rows8,
        ..small
    };
    let layers = [QuantizedLayer::Dense { weighted, activation: Activation::Linear, output: Output::Logits }];
    let input = InputShape::gray(2048);
    let bytes = encode(input, &["cat", "dog"].map(str::to_owned), Policy::NONE, &layers).expect("it fits");
    let file = ModelFile::from_bytes(&bytes).expect("it is sound");
    let pixels: Vec<u8> = (0..inputs).map(|place| (place % 251) as u8).collect();
    let expected = run_all::<Scalar>(&file.model(), &pixels).expect("rows");
    for instructions in Instructions::available() {
        let mut engine = file.engine_with(instructions);
        let sums = engine.first_accumulators(&pixels);
        assert!(sums.len() == 2 && sums.iter().all(|&sum| sum > 1 << 20), "{sums:?}");
        assert_eq!(engine.logits_from(&sums), expected.stages[1], "{instructions}");
        assert_eq!(engine.run_all(&pixels), expected, "{instructions}");
        let Some(Layer::Dense(first)) = file.model().layers().next() else { panic!("a dense layer") };
        let is_computed = SimdLayers::new(&file.model(), instructions).dense(0, &first, &pixels, &mut [0; 2]);
        // Two bytes a weight: 16 MiB. Sixteen rows, most of them empty: more.
        assert_eq!(is_computed, instructions == Instructions::Portable, "{instructions}");
    }
}
