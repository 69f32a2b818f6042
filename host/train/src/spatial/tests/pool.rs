//! Activation, pooling and flattening: outputs compared with candle's or the definition, gradients with difference
//! quotients.

use candle_core::CustomOp1;

use super::super::layout::{to_places_first, to_planes_first};
use pinhole_shared::model::PoolKind;

use super::*;

/// Step of the difference quotients, which are computed in `f32`.
const STEP: f32 = 1e-2;
const SECANT_TOLERANCE: f64 = 1e-2;

/// Returns distinct multiples of 1/8 in random order: no ties, and no difference quotient crosses a kink.
fn apart(count: usize, seed: u64) -> Vec<f32> {
    let mut values: Vec<f32> = (0..count).map(|i| (i as f32 - count as f32 / 2.0 + 0.25) / 8.0).collect();
    Random::seeded(seed).shuffle(&mut values);
    values
}

/// Compares gradients with difference quotients of the operation's own outputs, along every input.
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
    let pool = inputs.apply_op1(PoolOp { kind: PoolKind::Max, window: Window::tiles(2), input: shape }).unwrap();
    assert_eq!(gradients(&pool, &delta, &[&inputs]), [Some(expected(9.0))]);
}

#[test]
fn pooling_leaves_padding_out() {
    let input = Shape { height: 7, width: 6, channels: 3 };
    // All below 0, so that padding would show as a maximum.
    let inputs: Vec<f32> = apart(2 * input.elements(), 6).iter().map(|x| x - 40.0).collect();
    for window in windows() {
        let (rows, columns) = window.output_size(input).unwrap();
        for kind in [PoolKind::Max, PoolKind::Average] {
            let what = format!("{window:?}, {kind:?}");
            let op = || PoolOp { kind, window, input };
            let mut expected = Vec::new();
            for plane in inputs.chunks_exact(input.positions()) {
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
                    expected.push(if kind == PoolKind::Max {
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
                let theirs = match kind {
                    PoolKind::Max => image.max_pool2d_with_stride(kernel, stride).unwrap(),
                    PoolKind::Average => image.avg_pool2d_with_stride(kernel, stride).unwrap(),
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
