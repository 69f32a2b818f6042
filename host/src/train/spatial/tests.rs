//! Every operation, forward and backward, against its definition in double precision or candle's own; and the same bytes
//! with any number of threads.

use std::sync::{Arc, Mutex};

use candle_core::{CustomOp1, DType, Device, Result, Tensor, Var};
use pinhole_shared::shape::{Padding, Shape, Window};

use super::layout::{to_places_first, to_planes_first};
use super::*;
use crate::random::Random;

/// Sums of at most some thousands of products of numbers below 1, in `f32` here.
const TOLERANCE: f64 = 2e-4;
/// Against slopes of secants this wide, in `f32` there.
const STEP: f32 = 1e-2;
const SECANT_TOLERANCE: f64 = 1e-2;
/// More than one chunk, the last not full.
const BATCH: usize = 2 * CHUNK + 3;

fn noise(count: usize, seed: u64) -> Vec<f32> {
    let mut random = Random::seeded(seed);
    (0..count).map(|_| random.between(-1.0, 1.0)).collect()
}

fn variable(rows: usize, columns: usize, seed: u64) -> Var {
    Var::from_vec(noise(rows * columns, seed), (rows, columns), &Device::Cpu).unwrap()
}

fn line(count: usize, seed: u64) -> Var {
    Var::from_vec(noise(count, seed), count, &Device::Cpu).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[track_caller]
fn assert_close(got: &[f32], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert!((f64::from(*got) - expected).abs() <= tolerance, "{what}: element {i} is {got}, not {expected}");
    }
}

fn doubles(tensor: &Tensor) -> Vec<f64> {
    values(tensor).into_iter().map(f64::from).collect()
}

/// The gradients by the variables, of the outputs weighted by `delta`.
fn gradients(outputs: &Tensor, delta: &Tensor, variables: &[&Var]) -> Vec<Option<Vec<f32>>> {
    let gradients = (outputs * delta).unwrap().sum_all().unwrap().backward().unwrap();
    variables.iter().map(|variable| gradients.get(variable).map(values)).collect()
}

fn weighting(outputs: &Tensor) -> Tensor {
    Tensor::from_vec(noise(outputs.elem_count(), 99), outputs.shape(), &Device::Cpu).unwrap()
}

fn window(height: u8, width: u8, stride_y: u8, stride_x: u8, [top, left, bottom, right]: [u8; 4]) -> Window {
    Window { height, width, stride_y, stride_x, padding: Padding { top, left, bottom, right } }
}

/// Kernels, strides and paddings, each side different.
fn windows() -> Vec<Window> {
    vec![
        window(1, 1, 1, 1, [0; 4]),
        window(1, 1, 2, 2, [0; 4]),
        window(3, 3, 1, 1, [1; 4]),
        window(3, 3, 1, 1, [2, 0, 1, 2]),
        window(3, 3, 1, 1, [0, 2, 2, 1]),
        window(3, 3, 2, 2, [0, 1, 2, 1]),
        window(3, 3, 2, 2, [1, 2, 0, 1]),
        window(3, 2, 1, 1, [2, 1, 0, 0]),
        window(3, 2, 2, 1, [1, 0, 2, 1]),
        window(3, 2, 1, 2, [0, 1, 1, 0]),
    ]
}

/// Calls back for each output, weight and input that meet: their indices and nothing else.
fn meetings(op: &ConvOp, batch: usize, mut meet: impl FnMut(usize, usize, usize)) {
    let (rows, columns) = op.window.places(op.input).unwrap();
    let (rows, columns) = (usize::from(rows), usize::from(columns));
    let (height, width) = (usize::from(op.input.height), usize::from(op.input.width));
    let channels = usize::from(op.input.channels);
    let Window { stride_y, stride_x, padding, .. } = op.window;
    for image in 0..batch {
        for output in 0..op.outputs {
            for (y, x) in (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x))) {
                for ky in 0..usize::from(op.window.height) {
                    for kx in 0..usize::from(op.window.width) {
                        let row = (y * usize::from(stride_y) + ky).wrapping_sub(usize::from(padding.top));
                        let column = (x * usize::from(stride_x) + kx).wrapping_sub(usize::from(padding.left));
                        if row >= height || column >= width {
                            continue;
                        }
                        let place = ky * usize::from(op.window.width) + kx;
                        let of_output = ((image * op.outputs + output) * rows + y) * columns + x;
                        for channel in if op.is_depthwise { output..output + 1 } else { 0..channels } {
                            let of_weight = if op.is_depthwise {
                                output * op.window.area() + place
                            } else {
                                (output * op.window.area() + place) * channels + channel
                            };
                            meet(of_output, of_weight, ((image * channels + channel) * height + row) * width + column);
                        }
                    }
                }
            }
        }
    }
}

fn convolutions() -> Vec<ConvOp> {
    let mut ops = Vec::new();
    for window in windows() {
        for (channels, outputs, is_depthwise) in [(1, 5, false), (3, 9, false), (8, 16, false), (5, 5, true)] {
            for (height, width) in [(5, 7), (12, 11)] {
                let input = Shape { height, width, channels };
                ops.push(ConvOp { window, input, outputs, is_depthwise, input_gradient: true });
            }
        }
    }
    ops
}

/// Inputs, weights and biases for a convolution.
fn operands(op: &ConvOp, batch: usize) -> (Var, Var, Var) {
    let channels = if op.is_depthwise { 1 } else { usize::from(op.input.channels) };
    (variable(batch, op.input.elements(), 1), variable(op.outputs, op.window.area() * channels, 2), line(op.outputs, 3))
}

fn same(op: &ConvOp) -> ConvOp {
    ConvOp { ..*op }
}

#[test]
fn convolutions_are_what_they_are_defined_to_be() {
    for op in convolutions() {
        let what = format!("{:?} over {}, {} outputs", op.window, op.input, op.outputs);
        let (inputs, weights, biases) = operands(&op, BATCH);
        let outputs = inputs.apply_op3(&weights, &biases, same(&op)).unwrap();
        let delta = weighting(&outputs);
        let got = gradients(&outputs, &delta, &[&inputs, &weights, &biases]);

        let (x, w, b, d) = (doubles(&inputs), doubles(&weights), doubles(&biases), doubles(&delta));
        let places = outputs.elem_count() / BATCH / op.outputs;
        let mut expected: Vec<f64> = (0..outputs.elem_count()).map(|i| b[i / places % op.outputs]).collect();
        let (mut by_inputs, mut by_weights) = (vec![0.0; x.len()], vec![0.0; w.len()]);
        meetings(&op, BATCH, |output, weight, input| {
            expected[output] += w[weight] * x[input];
            by_weights[weight] += d[output] * x[input];
            by_inputs[input] += d[output] * w[weight];
        });
        let mut by_biases = vec![0.0; b.len()];
        for (i, d) in d.iter().enumerate() {
            by_biases[i / places % op.outputs] += d;
        }
        assert_close(&values(&outputs), &expected, TOLERANCE, &what);
        assert_close(got[0].as_ref().unwrap(), &by_inputs, TOLERANCE, &format!("{what}, by inputs"));
        assert_close(got[1].as_ref().unwrap(), &by_weights, TOLERANCE, &format!("{what}, by weights"));
        assert_close(got[2].as_ref().unwrap(), &by_biases, TOLERANCE, &format!("{what}, by biases"));

        let outputs = inputs.apply_op3(&weights, &biases, ConvOp { input_gradient: false, ..op }).unwrap();
        let without = gradients(&outputs, &delta, &[&inputs, &weights, &biases]);
        assert_eq!((&without[0], &without[1..]), (&None, &got[1..]), "{what}, no gradient by inputs");
    }
}

/// candle's convolution has one stride, and its gradients assume more than one shape: strides of 1 compare in full.
#[test]
fn convolutions_are_candles() {
    let mut compared = 0;
    for op in convolutions().into_iter().filter(|op| op.window.stride_y == op.window.stride_x) {
        let what = format!("{:?} over {}, {} outputs", op.window, op.input, op.outputs);
        let Window { height, width, stride_y, padding, .. } = op.window;
        let (inputs, weights, biases) = operands(&op, BATCH);
        let channels = if op.is_depthwise { 1 } else { usize::from(op.input.channels) };
        let theirs = (|| -> Result<Tensor> {
            let kernel = weights.reshape((op.outputs, usize::from(height), usize::from(width), channels))?;
            let image =
                (BATCH, usize::from(op.input.channels), usize::from(op.input.height), usize::from(op.input.width));
            let padded = inputs
                .reshape(image)?
                .pad_with_zeros(2, usize::from(padding.top), usize::from(padding.bottom))?
                .pad_with_zeros(3, usize::from(padding.left), usize::from(padding.right))?;
            let groups = if op.is_depthwise { op.outputs } else { 1 };
            let kernel = kernel.permute((0, 3, 1, 2))?.contiguous()?;
            padded
                .conv2d(&kernel, 0, usize::from(stride_y), 1, groups)?
                .broadcast_add(&biases.reshape((1, op.outputs, 1, 1))?)?
                .flatten_from(1)
        })()
        .unwrap();
        let ours = inputs.apply_op3(&weights, &biases, same(&op)).unwrap();
        assert_close(&values(&ours), &doubles(&theirs), TOLERANCE, &what);
        if stride_y == 1 {
            let delta = weighting(&ours);
            let variables = [&inputs, &weights, &biases];
            for (ours, theirs) in
                gradients(&ours, &delta, &variables).into_iter().zip(gradients(&theirs, &delta, &variables))
            {
                let theirs: Vec<f64> = theirs.unwrap().into_iter().map(f64::from).collect();
                assert_close(&ours.unwrap(), &theirs, TOLERANCE, &what);
            }
            compared += 1;
        }
    }
    assert!(compared > 0);
}

#[test]
fn batch_normalization_is_its_formula_in_candle() {
    let (channels, places) = (3, 35);
    // Far from 0, where a careless variance cancels.
    let inputs = Var::from_tensor(&(variable(BATCH, channels * places, 1).as_tensor() + 10.0).unwrap()).unwrap();
    let (gamma, beta) = (line(channels, 2), line(channels, 3));
    let seen = Arc::default();
    let ours = inputs.apply_op3(&gamma, &beta, NormOp::new(channels, places, Arc::clone(&seen))).unwrap();
    let seen: Statistics = Mutex::lock(&seen).unwrap().take().expect("left behind");

    let (theirs, means, variances) = (|| -> Result<_> {
        let x = inputs.to_dtype(DType::F64)?.reshape((BATCH, channels, places))?;
        let means = x.mean_keepdim((0, 2))?;
        let centered = x.broadcast_sub(&means)?;
        let variances = centered.sqr()?.mean_keepdim((0, 2))?;
        let normalized = centered.broadcast_div(&(&variances + EPSILON)?.sqrt()?)?;
        let gamma = gamma.to_dtype(DType::F64)?.reshape((1, channels, 1))?;
        let beta = beta.to_dtype(DType::F64)?.reshape((1, channels, 1))?;
        let outputs = normalized.broadcast_mul(&gamma)?.broadcast_add(&beta)?.flatten_from(1)?;
        Ok((outputs.to_dtype(DType::F32)?, means.flatten_all()?.to_vec1()?, variances.flatten_all()?.to_vec1()?))
    })()
    .unwrap();
    let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9);
    assert!(close(&seen.means, &means) && close(&seen.variances, &variances), "{seen:?}, {means:?}, {variances:?}");
    assert_close(&values(&ours), &doubles(&theirs), TOLERANCE, "normalized");
    let delta = weighting(&ours);
    let variables = [&inputs, &gamma, &beta];
    let theirs = gradients(&theirs, &delta, &variables);
    for (ours, theirs) in gradients(&ours, &delta, &variables).into_iter().zip(theirs) {
        let theirs: Vec<f64> = theirs.unwrap().into_iter().map(f64::from).collect();
        assert_close(&ours.unwrap(), &theirs, TOLERANCE, "gradient of normalization");
    }
}

/// Distinct multiples of 1/8 in random order: no ties but where asked for, and secants stay on one side of every corner.
fn apart(count: usize, seed: u64) -> Vec<f32> {
    let mut values: Vec<f32> = (0..count).map(|i| (i as f32 - count as f32 / 2.0 + 0.25) / 8.0).collect();
    Random::seeded(seed).shuffle(&mut values);
    values
}

/// Gradients against secants of the operation's own outputs, along every input.
fn assert_secants<O: CustomOp1 + Send + Sync + 'static>(op: impl Fn() -> O, inputs: &[f32], batch: usize, what: &str) {
    let tensor = |values: Vec<f32>| Var::from_vec(values, (batch, inputs.len() / batch), &Device::Cpu).unwrap();
    let variable = tensor(inputs.to_vec());
    let outputs = variable.apply_op1(op()).unwrap();
    let delta = weighting(&outputs);
    let got = gradients(&outputs, &delta, &[&variable]).remove(0).unwrap();
    let weighted = |values: Vec<f32>| -> f64 {
        let outputs = tensor(values).apply_op1(op()).unwrap();
        doubles(&outputs).iter().zip(doubles(&delta)).map(|(output, delta)| output * delta).sum()
    };
    let secants: Vec<f64> = (0..inputs.len())
        .map(|i| {
            let moved = |by: f32| {
                let mut inputs = inputs.to_vec();
                inputs[i] += by;
                weighted(inputs)
            };
            (moved(STEP) - moved(-STEP)) / f64::from(2.0 * STEP)
        })
        .collect();
    assert_close(&got, &secants, SECANT_TOLERANCE, what);
}

#[test]
fn activation_with_pooling() {
    let shape = Shape { height: 7, width: 5, channels: 2 };
    let inputs = apart(3 * shape.elements(), 5);
    let tensor = Tensor::from_vec(inputs.clone(), (3, shape.elements()), &Device::Cpu).unwrap();
    for activation in [Clamp::Linear, Clamp::Relu, Clamp::Relu6] {
        for pool in [1, 2, 3] {
            let what = format!("{activation:?}, pool {pool}");
            let op = || ActivateOp { shape, activation, pool };
            let ours = tensor.apply_op1(op()).unwrap();
            let clamped = match activation {
                Clamp::Linear => tensor.clone(),
                Clamp::Relu => tensor.relu().unwrap(),
                Clamp::Relu6 => tensor.clamp(0.0_f32, 6.0_f32).unwrap(),
            };
            let theirs = clamped.reshape((3, 2, 7, 5)).unwrap().max_pool2d(usize::from(pool)).unwrap();
            assert_eq!(values(&ours), values(&theirs), "{what}");
            assert_secants(op, &inputs, 3, &what);
        }
    }
}

#[test]
fn the_first_largest_takes_the_gradient() {
    let shape = Shape { height: 2, width: 6, channels: 1 };
    #[rustfmt::skip]
    let inputs = Var::from_vec(vec![1.0_f32, 2.0,  3.0, 3.0,  -1.0, -1.0,
                                    2.0,     2.0,  3.0, 1.0,  -1.0, -2.0], (1, 12), &Device::Cpu).unwrap();
    let delta = Tensor::from_vec(vec![5.0_f32, 7.0, 9.0], (1, 3), &Device::Cpu).unwrap();
    let expected = |last| vec![0.0, 5.0, 7.0, 0.0, last, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    let relu = inputs.apply_op1(ActivateOp { shape, activation: Clamp::Relu, pool: 2 }).unwrap();
    assert_eq!(gradients(&relu, &delta, &[&inputs]), [Some(expected(0.0))], "nothing passes below 0");
    let pool = inputs.apply_op1(PoolOp { takes_largest: true, window: Window::tiles(2), input: shape }).unwrap();
    assert_eq!(gradients(&pool, &delta, &[&inputs]), [Some(expected(9.0))]);
}

#[test]
fn pooling_leaves_padding_out() {
    let input = Shape { height: 7, width: 6, channels: 3 };
    // All below 0, so that a largest of padding would show.
    let inputs: Vec<f32> = apart(2 * input.elements(), 6).iter().map(|x| x - 40.0).collect();
    for window in windows() {
        let (rows, columns) = window.places(input).unwrap();
        for takes_largest in [true, false] {
            let what = format!("{window:?}, largest: {takes_largest}");
            let op = || PoolOp { takes_largest, window, input };
            let mut expected = Vec::new();
            for plane in inputs.chunks_exact(input.places()) {
                for (y, x) in (0..i32::from(rows)).flat_map(|y| (0..i32::from(columns)).map(move |x| (y, x))) {
                    let mut covered: Vec<f64> = Vec::new();
                    for (ky, kx) in
                        (0..i32::from(window.height)).flat_map(|y| (0..i32::from(window.width)).map(move |x| (y, x)))
                    {
                        let row = y * i32::from(window.stride_y) + ky - i32::from(window.padding.top);
                        let column = x * i32::from(window.stride_x) + kx - i32::from(window.padding.left);
                        if (0..i32::from(input.height)).contains(&row) && (0..i32::from(input.width)).contains(&column)
                        {
                            covered.push(f64::from(plane[(row * i32::from(input.width) + column) as usize]));
                        }
                    }
                    expected.push(if takes_largest {
                        covered.iter().copied().fold(f64::NEG_INFINITY, f64::max)
                    } else {
                        covered.iter().sum::<f64>() / covered.len() as f64
                    });
                }
            }
            let tensor = Tensor::from_vec(inputs.clone(), (2, input.elements()), &Device::Cpu).unwrap();
            let ours = tensor.apply_op1(op()).unwrap();
            assert_close(&values(&ours), &expected, TOLERANCE, &what);
            if window.padding == Padding::default() && window.stride_y == window.stride_x {
                let (kernel, stride) = (usize::from(window.height), usize::from(window.stride_y));
                let image = tensor.reshape((2, 3, 7, 6)).unwrap();
                let theirs = match takes_largest {
                    true => image.max_pool2d_with_stride(kernel, stride).unwrap(),
                    false => image.avg_pool2d_with_stride(kernel, stride).unwrap(),
                };
                assert_close(&values(&ours), &doubles(&theirs), TOLERANCE, &what);
            }
            assert_secants(op, &inputs, 2, &what);
        }
    }
}

#[test]
fn global_average_and_flatten() {
    let input = Shape { height: 3, width: 5, channels: 4 };
    let inputs = noise(2 * input.elements(), 7);
    let tensor = Tensor::from_vec(inputs.clone(), (2, input.elements()), &Device::Cpu).unwrap();
    let planes = tensor.reshape((2, 4, 15)).unwrap();
    let average = tensor.apply_op1(GlobalAverageOp { input }).unwrap();
    assert_close(&values(&average), &doubles(&planes.mean(2).unwrap()), TOLERANCE, "average");
    assert_secants(|| GlobalAverageOp { input }, &inputs, 2, "average");

    let flat = tensor.apply_op1(FlattenOp { shape: input }).unwrap();
    assert_eq!(values(&flat), values(&planes.transpose(1, 2).unwrap()));
    assert_secants(|| FlattenOp { shape: input }, &inputs, 2, "flatten");
    let image = &inputs[..input.elements()];
    assert_eq!(to_planes_first(&to_places_first(image, input), input), image);
}

/// Bits of a small network's outputs and gradients: all operations that sum over a batch.
fn trained_bits(threads: usize) -> Vec<u32> {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
        let input = Shape { height: 12, width: 11, channels: 3 };
        let op = |window, input, outputs, is_depthwise| ConvOp {
            window,
            input,
            outputs,
            is_depthwise,
            input_gradient: true,
        };
        let wide = Shape { channels: 9, ..input };
        let ops = [
            op(window(3, 3, 1, 1, [1; 4]), input, 9, false),
            op(window(3, 3, 1, 1, [1; 4]), wide, 9, true),
            op(window(3, 3, 2, 2, [1; 4]), wide, 4, false),
        ];
        let inputs = variable(BATCH, input.elements(), 1);
        let mut variables = vec![inputs.clone()];
        let mut values_so_far = inputs.as_tensor().clone();
        for op in ops {
            let (_, weights, biases) = operands(&op, BATCH);
            values_so_far = values_so_far.apply_op3(&weights, &biases, same(&op)).unwrap();
            let (gamma, beta) = (line(op.outputs, 4), line(op.outputs, 5));
            let places = values_so_far.dim(1).unwrap() / op.outputs;
            let norm = NormOp::new(op.outputs, places, Arc::default());
            values_so_far = values_so_far.apply_op3(&gamma, &beta, norm).unwrap();
            variables.extend([weights, biases, gamma, beta]);
        }
        let shape = Shape { height: 6, width: 6, channels: 4 };
        let outputs = values_so_far.apply_op1(ActivateOp { shape, activation: Clamp::Relu, pool: 2 }).unwrap();
        let delta = weighting(&outputs);
        let variables: Vec<&Var> = variables.iter().collect();
        let gradients = gradients(&outputs, &delta, &variables).into_iter().flat_map(Option::unwrap);
        values(&outputs).into_iter().chain(gradients).map(f32::to_bits).collect()
    })
}

#[test]
fn threads_change_no_bit() {
    assert_eq!(trained_bits(1), trained_bits(4));
}
