//! TensorFlow Lite's reference rules for the operators that are written.
//!
//! # Source
//! TensorFlow Lite's 8-bit quantization specification; TensorFlow 2.21, `tensorflow/lite/kernels/internal/common.h`
//! (`MultiplyByQuantizedMultiplier`) and the reference kernels beside it.

use std::collections::HashMap;

use super::read::{WrittenFile, WrittenTable};
use crate::tflite::schema::{
    BuiltinOperator, FUSED_ACTIVATION_FUNCTION, FusedActivation, TensorType, TflitePadding, conv_options,
    depthwise_options, operator, pool_options, quantization, subgraph, tensor,
};

/// A tensor's integers, row by row.
#[derive(Clone, Debug)]
pub(super) struct TensorValue {
    pub(super) shape: Vec<usize>,
    pub(super) integers: Vec<i64>,
    scales: Vec<f64>,
    zero_point: i64,
    kind: u8,
}

/// A factor in TensorFlow Lite's form: 31 bits and a power of two.
#[derive(Clone, Copy)]
struct Factor(i64, i32);

impl Factor {
    fn of(factor: f64) -> Self {
        let exponent = factor.log2().floor() as i32 + 1;
        let multiplier = (factor * 2_f64.powi(31 - exponent)).round() as i64;
        if multiplier == 1 << 31 { Self(1 << 30, exponent + 1) } else { Self(multiplier, exponent) }
    }

    /// Multiplies a 32-bit sum: rounded after a shift by 31 bits, and again after the remaining shift.
    fn times(self, sum: i64) -> i64 {
        let Self(multiplier, exponent) = self;
        let product = (sum << exponent.max(0)) * multiplier;
        let nudge = if product >= 0 { 1 << 30 } else { 1 - (1 << 30) };
        divide_by_power((product + nudge) / (1 << 31), (-exponent).max(0))
    }

    /// Multiplies a sum over int16: with 15 bits of the multiplier, rounded once, halves up.
    fn times_wide(self, sum: i64) -> i64 {
        let Self(multiplier, exponent) = self;
        let (multiplier, shift) = ((multiplier + (1 << 15)) >> 16, 15 - exponent);
        (sum * multiplier + (1 << (shift - 1))) >> shift
    }
}

/// Divides by a power of two, rounded, halves away from 0.
fn divide_by_power(number: i64, exponent: i32) -> i64 {
    let half = if exponent == 0 { 0 } else { 1 << (exponent - 1) };
    ((number.abs() + half) >> exponent) * number.signum()
}

/// Runs a file on an input and returns all tensors written, by name. Values in `given` replace the written ones for the
/// following operators, so that errors do not add up.
pub(super) fn evaluate(
    file: &WrittenFile<'_>,
    input: &[i8],
    given: &HashMap<String, Vec<i64>>,
) -> HashMap<String, TensorValue> {
    let mut written = HashMap::new();
    let name = |index: u32| String::from_utf8(file.tensors[index as usize].bytes(tensor::NAME).to_vec()).unwrap();
    let mut values: HashMap<u32, TensorValue> = HashMap::new();
    let graph = file.root.tables(crate::tflite::schema::model::SUBGRAPHS)[0];
    let first = graph.words(subgraph::INPUTS)[0];
    let mut pixels = declared(file.tensors[first as usize]);
    pixels.integers = input.iter().map(|&pixel| pixel.into()).collect();
    values.insert(first, pixels);
    for (run, code) in file.operators.iter().zip(file.run()) {
        let inputs: Vec<TensorValue> = run
            .words(operator::INPUTS)
            .into_iter()
            .map(|index| values.get(&index).cloned().unwrap_or_else(|| constant(file, index)))
            .collect();
        let to = run.words(operator::OUTPUTS)[0];
        let output = declared(file.tensors[to as usize]);
        let options = run.place(operator::BUILTIN_OPTIONS).map(|_| run.table(operator::BUILTIN_OPTIONS));
        let output = operate(code, &inputs, output, options);
        assert_eq!(output.integers.len(), output.shape.iter().product::<usize>(), "{}", name(to));
        let integers = given.get(&name(to)).unwrap_or(&output.integers).clone();
        values.insert(to, TensorValue { integers, ..output.clone() });
        written.insert(name(to), output);
    }
    written
}

/// Returns a tensor's shape, type, scales and zero point, without integers.
fn declared(tensor: WrittenTable<'_>) -> TensorValue {
    let shape = tensor.words(tensor::SHAPE).into_iter().map(|side| side as usize).collect();
    let (mut scales, mut zero_point) = (Vec::new(), 0);
    if tensor.place(tensor::QUANTIZATION).is_some() {
        let quantization = tensor.table(tensor::QUANTIZATION);
        scales = quantization.floats(quantization::SCALE).into_iter().map(f64::from).collect();
        zero_point = quantization.longs(quantization::ZERO_POINT)[0];
    }
    TensorValue { shape, integers: Vec::new(), scales, zero_point, kind: tensor.byte(tensor::TYPE) }
}

fn constant(file: &WrittenFile<'_>, index: u32) -> TensorValue {
    let tensor = file.tensors[index as usize];
    let mut value = declared(tensor);
    let data = file.data(tensor);
    let bytes = [(TensorType::Int8, 1), (TensorType::Int16, 2), (TensorType::Int32, 4), (TensorType::Int64, 8)]
        .into_iter()
        .find_map(|(kind, bytes)| (kind as u8 == value.kind).then_some(bytes))
        .unwrap();
    let integer = |bytes: &[u8]| {
        let mut long = [if bytes.last().unwrap() >> 7 == 1 { 0xFF } else { 0 }; 8];
        long[..bytes.len()].copy_from_slice(bytes);
        i64::from_le_bytes(long)
    };
    value.integers = data.chunks_exact(bytes).map(integer).collect();
    value
}

/// Returns the range of a type's integers.
fn range(kind: u8) -> (i64, i64) {
    if kind == TensorType::Int8 as u8 { (-128, 127) } else { (-32_768, 32_767) }
}

fn operate(
    code: u32,
    inputs: &[TensorValue],
    mut output: TensorValue,
    options: Option<WrittenTable<'_>>,
) -> TensorValue {
    let is = |builtin: BuiltinOperator| code == builtin as u32;
    let byte = |slot| options.map_or(0, |options| options.byte(slot));
    let from = &inputs[0];
    let (mut low, high) = range(output.kind);
    let mut relu = |slot| {
        if byte(slot) == FusedActivation::Relu as u8 {
            low = low.max(output.zero_point);
        }
    };
    output.integers = if is(BuiltinOperator::Reshape) || is(BuiltinOperator::Cast) {
        from.integers.clone()
    } else if is(BuiltinOperator::Maximum) {
        from.integers.iter().map(|&value| value.max(inputs[1].integers[0])).collect()
    } else if is(BuiltinOperator::Minimum) {
        from.integers.iter().map(|&value| value.min(inputs[1].integers[0])).collect()
    } else if is(BuiltinOperator::Pad) || is(BuiltinOperator::PadV2) {
        padded(from, &output, inputs)
    } else if is(BuiltinOperator::Conv2d) || is(BuiltinOperator::DepthwiseConv2d) {
        let is_depthwise = is(BuiltinOperator::DepthwiseConv2d);
        relu(if is_depthwise {
            depthwise_options::FUSED_ACTIVATION_FUNCTION
        } else {
            conv_options::FUSED_ACTIVATION_FUNCTION
        });
        convolved(inputs, &output, options.unwrap(), is_depthwise)
    } else if is(BuiltinOperator::MaxPool2d) || is(BuiltinOperator::AveragePool2d) {
        pooled(from, &output, options.unwrap(), is(BuiltinOperator::MaxPool2d))
    } else if is(BuiltinOperator::Mean) {
        assert_eq!(inputs[1].integers, [1, 2]);
        let (channels, places) = (from.shape[3], (from.shape[1] * from.shape[2]) as i64);
        let factor = Factor::of(from.scales[0] / output.scales[0] / places as f64);
        let sum =
            |channel| from.integers.iter().skip(channel).step_by(channels).map(|value| value - from.zero_point).sum();
        (0..channels).map(|channel| factor.times(sum(channel)) + output.zero_point).collect()
    } else if is(BuiltinOperator::Add) {
        relu(FUSED_ACTIVATION_FUNCTION);
        let other = &inputs[1];
        // Both with 20 more bits, in units of twice the larger scale.
        let twice = 2.0 * from.scales[0].max(other.scales[0]);
        let scaled = |of: &TensorValue, at: usize| {
            Factor::of(of.scales[0] / twice).times((of.integers[at] - of.zero_point) << 20)
        };
        let factor = Factor::of(twice / (f64::from(1 << 20) * output.scales[0]));
        let sum = |at| factor.times(scaled(from, at) + scaled(other, at)) + output.zero_point;
        (0..from.integers.len()).map(sum).collect()
    } else if is(BuiltinOperator::Mul) {
        let factor = Factor::of(from.scales[0] * inputs[1].scales[0] / output.scales[0]);
        let (channels, other) = (from.shape[3], &inputs[1].integers);
        let product = |(at, value)| factor.times(value * other[at / channels]);
        from.integers.iter().enumerate().map(product).collect()
    } else if is(BuiltinOperator::FullyConnected) {
        relu(FUSED_ACTIVATION_FUNCTION);
        let [_, weights, biases] = inputs else { panic!("three inputs") };
        let row = |(row, weights_of): (usize, &[i64])| {
            let products =
                weights_of.iter().zip(&from.integers).map(|(weight, value)| weight * (value - from.zero_point));
            rescaled(products.sum::<i64>() + biases.integers[row], weights.scales[row], from, &output)
        };
        weights.integers.chunks_exact(weights.shape[1]).enumerate().map(row).collect()
    } else if is(BuiltinOperator::Logistic) {
        let (units, zero_point) = if output.kind == TensorType::Int8 as u8 { (256.0, -128) } else { (32_768.0, 0) };
        assert_eq!((output.scales[0], output.zero_point), (1.0 / units, zero_point));
        let sigmoid = |value: i64| 1.0 / (1.0 + (-(value - from.zero_point) as f64 * from.scales[0]).exp());
        from.integers.iter().map(|&value| (sigmoid(value) * units).round() as i64 + output.zero_point).collect()
    } else {
        panic!("operator {code}")
    };
    for value in &mut output.integers {
        *value = (*value).clamp(low, high);
    }
    output
}

fn rescaled(sum: i64, scale: f64, from: &TensorValue, output: &TensorValue) -> i64 {
    let factor = Factor::of(from.scales[0] * scale / output.scales[0]);
    if from.kind == TensorType::Int16 as u8 {
        assert_eq!((from.zero_point, output.zero_point), (0, 0));
        factor.times_wide(sum)
    } else {
        assert_eq!(i64::from(sum as i32), sum, "sums have 32 bits");
        factor.times(sum) + output.zero_point
    }
}

/// Returns a picture's element at a row and column, which may be outside.
fn element(of: &TensorValue, row: i64, column: i64, channel: usize) -> Option<i64> {
    let inside = |at: i64, size: usize| usize::try_from(at).ok().filter(|&at| at < size);
    let (row, column) = (inside(row, of.shape[1])?, inside(column, of.shape[2])?);
    Some(of.integers[(row * of.shape[2] + column) * of.shape[3] + channel])
}

fn padded(from: &TensorValue, output: &TensorValue, inputs: &[TensorValue]) -> Vec<i64> {
    let [0, 0, top, bottom, left, right, 0, 0] = inputs[1].integers[..] else { panic!("rows and columns alone") };
    let size = [from.shape[1] + (top + bottom) as usize, from.shape[2] + (left + right) as usize];
    assert_eq!(output.shape[1..3], size);
    let fill = inputs.get(2).map_or(output.zero_point, |fill| fill.integers[0]);
    every(output, |row, column, channel| element(from, row - top, column - left, channel).unwrap_or(fill))
}

/// Computes all elements of a picture.
fn every(output: &TensorValue, element: impl Fn(i64, i64, usize) -> i64) -> Vec<i64> {
    let mut integers = Vec::new();
    for row in 0..output.shape[1] as i64 {
        for column in 0..output.shape[2] as i64 {
            integers.extend((0..output.shape[3]).map(|channel| element(row, column, channel)));
        }
    }
    integers
}

/// Returns the strides down and right, and how far before the input the first window starts. Checks the number of positions.
fn starts(
    from: &TensorValue,
    output: &TensorValue,
    sides: [usize; 2],
    options: WrittenTable<'_>,
) -> ([i64; 2], [i64; 2]) {
    let strides = [conv_options::STRIDE_H, conv_options::STRIDE_W].map(|slot| options.word(slot) as usize);
    let is_same = options.byte(conv_options::PADDING) == TflitePadding::Same as u8;
    let before = [0, 1].map(|axis| {
        let (size, side, stride) = (from.shape[1 + axis], sides[axis], strides[axis]);
        let places = if is_same { size.div_ceil(stride) } else { (size - side) / stride + 1 };
        assert_eq!(output.shape[1 + axis], places);
        if is_same { (((places - 1) * stride + side).saturating_sub(size) / 2) as i64 } else { 0 }
    });
    (strides.map(|stride| stride as i64), before)
}

fn convolved(inputs: &[TensorValue], output: &TensorValue, options: WrittenTable<'_>, is_depthwise: bool) -> Vec<i64> {
    let [from, weights, biases] = inputs else { panic!("three inputs") };
    let sides = [weights.shape[1], weights.shape[2]];
    let (strides, before) = starts(from, output, sides, options);
    let channels = from.shape[3];
    every(output, |row, column, to| {
        let mut sum = biases.integers[to];
        for (y, x) in (0..sides[0]).flat_map(|y| (0..sides[1]).map(move |x| (y, x))) {
            let at = (row * strides[0] - before[0] + y as i64, column * strides[1] - before[1] + x as i64);
            let place = y * sides[1] + x;
            for channel in if is_depthwise { to..to + 1 } else { 0..channels } {
                let weight = if is_depthwise {
                    place * channels + channel
                } else {
                    (to * sides[0] * sides[1] + place) * channels + channel
                };
                let value = element(from, at.0, at.1, channel).map_or(0, |value| value - from.zero_point);
                sum += weights.integers[weight] * value;
            }
        }
        rescaled(sum, weights.scales[to], from, output)
    })
}

fn pooled(from: &TensorValue, output: &TensorValue, options: WrittenTable<'_>, is_max: bool) -> Vec<i64> {
    assert_eq!((from.scales[0], from.zero_point), (output.scales[0], output.zero_point));
    let sides = [pool_options::FILTER_HEIGHT, pool_options::FILTER_WIDTH].map(|slot| options.word(slot) as usize);
    let (strides, before) = starts(from, output, sides, options);
    every(output, |row, column, channel| {
        let under = (0..sides[0] as i64).flat_map(|y| (0..sides[1] as i64).map(move |x| (y, x)));
        let values = under.filter_map(|(y, x)| {
            element(from, row * strides[0] - before[0] + y, column * strides[1] - before[1] + x, channel)
        });
        let values: Vec<i64> = values.collect();
        let (sum, count) = (values.iter().sum::<i64>(), values.len() as i64);
        // Halves away from 0.
        let mean = (sum.abs() + count / 2) / count * sum.signum();
        if is_max { *values.iter().max().unwrap() } else { mean }
    })
}
