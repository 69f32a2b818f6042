//! Every operation, forward and backward, compared with its definition in double precision or with candle's own. Any
//! number of threads gives the same bytes.

mod conv;
mod norm;
mod pool;

use std::sync::Arc;

use candle_core::{Device, Tensor, Var};
use pinhole_core::random::Random;
use pinhole_shared::shape::{Padding, Shape, Window};

use super::*;

/// Largest error of sums in `f32` of at most some thousands of products of numbers below 1.
const TOLERANCE: f64 = 2e-4;
/// Several chunks, the last of them not full.
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

/// Returns the gradients by the variables, of the outputs weighted by `delta`.
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

/// Returns windows with various kernels, strides and paddings, each side different.
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

/// Returns inputs, weights and biases for a convolution.
fn operands(op: &ConvOp, batch: usize) -> (Var, Var, Var) {
    let channels = if op.is_depthwise { 1 } else { usize::from(op.input.channels) };
    (variable(batch, op.input.elements(), 1), variable(op.outputs, op.window.area() * channels, 2), line(op.outputs, 3))
}

fn same(op: &ConvOp) -> ConvOp {
    ConvOp { ..*op }
}

/// Returns the bits of a small network's outputs and gradients, from all operations that sum over a batch.
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
