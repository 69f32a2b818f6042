//! Convolutions compared with their definition, and with candle's.

use candle_core::Result;

use super::*;

/// Calls `meet` with the indices of each output, weight and input that meet.
fn meetings(op: &ConvOp, batch: usize, mut meet: impl FnMut(usize, usize, usize)) {
    let (rows, columns) = op.window.output_size(op.input).unwrap();
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

/// candle's convolution has one stride for both directions, and its gradients do not support all shapes. With strides
/// of 1, everything is compared.
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
