//! Poolings under a window: MAX_POOL_2D, AVERAGE_POOL_2D, or the operators that give the device's means.

use pinhole_shared::model::{Layer, Pool, PoolKind};
use pinhole_shared::shape::{Shape, Window};

use crate::export::ExportError;
use crate::tflite::schema::{BuiltinOperator, FusedActivation, TensorType, TflitePadding, options_type};
use crate::tflite::write::graph::GraphBuilder;
use crate::tflite::write::operators::{OperatorSpec, WindowOptions, cast, depthwise_conv_2d, max_pool_2d, pad};
use crate::tflite::write::weights::ExportedWeights;
use crate::tflite::write::window::{PadValue, dimensions, padded_shape, padding_of, window_options};
use crate::tflite::write::{ActivationTensor, LayerToWrite, NetworkWriter};

/// Writes a max or average pooling.
pub(super) fn write(
    network: &mut NetworkWriter,
    LayerToWrite { index, layer, .. }: LayerToWrite<'_, '_>,
) -> Result<Option<ActivationTensor>, ExportError> {
    let (pool, kind) = match layer {
        Layer::MaxPool(pool) => (pool, PoolKind::Max),
        Layer::AveragePool(pool) => (pool, PoolKind::Average),
        _ => return Ok(None),
    };
    let quantization = network.output_quantization(index, &pool.output)?;
    let name = format!("{}_{index}", layer.kind());
    let (graph, input) = (&mut network.graph, network.input);
    let tensor = match kind {
        PoolKind::Max => {
            let shapes = (pool.input.shape, pool.output.shape);
            let (padded, padding) = graph.padded(input, &pool.window, shapes, PadValue::Least);
            let tensor = graph.int8_tensor(&name, dimensions(pool.output.shape), quantization);
            let window = window_options(&pool.window, padding);
            graph.add_operator(max_pool_2d(window, [pool.window.height, pool.window.width]), vec![padded], tensor);
            tensor
        }
        PoolKind::Average => average(graph, (index, &name), pool, input).ok_or(ExportError::Mean { layer: index })?,
    };
    Ok(Some(network.add_output(tensor, &pool.output)))
}

/// Writes an average pooling. AVERAGE_POOL_2D rounds halves away from -128, and in some kernels to even; the device rounds them
/// up. So if the window has an even number of positions, a DEPTHWISE_CONV_2D computes the mean, with a quarter of an integer
/// added to its sums. That is too little to change anything but a half, and enough that every kernel rounds it up. Returns
/// `None` if sums do not fit and AVERAGE_POOL_2D does not support the padding.
fn average(graph: &mut GraphBuilder, (index, name): (usize, &str), pool: &Pool, from: ActivationTensor) -> Option<i32> {
    let (window, input, output) = (&pool.window, pool.input.shape, pool.output.shape);
    let counts = position_counts(window, input, output);
    let is_clipped = counts.iter().any(|&count| count as usize != window.area());
    let fits = 2 * 128 * window.area() < i16::MAX as usize;
    if is_clipped && fits {
        return Some(average_of_counts(graph, (index, name), pool, from, &counts));
    }
    if !is_clipped && window.area().is_multiple_of(2) {
        let sums = WindowSums { weight: 64, bias: 16, unit: 1.0 / (64 * window.area()) as f32 };
        let tensor = graph.int8_tensor(name, dimensions(output), from.quantization);
        graph.window_sums(index, pool, (from.tensor, from.quantization.scale), &sums, tensor);
        return Some(tensor);
    }
    let options = window_options(window, padding_of(window, input, output)?);
    let tensor = graph.int8_tensor(name, dimensions(output), from.quantization);
    graph.add_operator(average_pool_2d(options, [window.height, window.width]), vec![from.tensor], tensor);
    Some(tensor)
}

/// Writes the mean of the positions inside the input: sums in int16, with zeros around, each times the inverse of its count.
/// CAST keeps integers, so these are means of bytes minus 128.
fn average_of_counts(
    graph: &mut GraphBuilder,
    (index, name): (usize, &str),
    pool: &Pool,
    from: ActivationTensor,
    counts: &[u32],
) -> i32 {
    let (window, input, output) = (&pool.window, pool.input.shape, pool.output.shape);
    let scale = from.quantization.scale;
    let wide = graph.int16_tensor(&format!("{name}_cast"), dimensions(input), scale);
    graph.add_operator(cast(), vec![from.tensor], wide);
    let padded = graph.int16_tensor(&format!("{name}_padded"), dimensions(padded_shape(window.padding, input)), scale);
    let paddings = graph.paddings(window.padding);
    graph.add_operator(pad(), vec![wide, paddings], padded);
    // Twice the sum plus 1, which decides halves.
    let sums = graph.int16_tensor(&format!("{name}_sums"), dimensions(output), scale / 2.0);
    graph.window_sums(index, pool, (padded, scale), &WindowSums { weight: 2, bias: 1, unit: 0.5 }, sums);
    let (unit, parts) = inverses(counts);
    let data = parts.iter().flat_map(|part| part.to_le_bytes()).collect();
    let positions = dimensions(Shape { channels: 1, ..output });
    let inverses = graph.constant(&format!("{name}_inverses"), positions, (TensorType::Int16, data), (vec![unit], 0));
    let means = graph.int16_tensor(&format!("{name}_means"), dimensions(output), scale);
    graph.add_operator(mul(), vec![sums, inverses], means);
    let tensor = graph.int8_tensor(name, dimensions(output), from.quantization);
    graph.add_operator(cast(), vec![means], tensor);
    tensor
}

/// Weight and bias of a sum under a window, and the real value of a weight's unit.
struct WindowSums {
    weight: i8,
    bias: i64,
    unit: f32,
}

/// Returns the number of the input's positions under the window at each position of the output, row by row.
pub(crate) fn position_counts(window: &Window, input: Shape, output: Shape) -> Vec<u32> {
    let rows = counts((window.stride_y, window.padding.top, window.height), input.height, output.height);
    let columns = counts((window.stride_x, window.padding.left, window.width), input.width, output.width);
    rows.iter().flat_map(|row| columns.iter().map(move |column| row * column)).collect()
}

/// Returns the number of the input's rows, or columns, under the window at each of `to` positions.
fn counts((stride, before, window): (u8, u8, u8), size: u16, to: u16) -> Vec<u32> {
    let inside = |at: u16| {
        let start = i64::from(at) * i64::from(stride) - i64::from(before);
        ((start + i64::from(window)).min(size.into()) - start.max(0)) as u32
    };
    (0..to).map(inside).collect()
}

/// Returns the inverses of these counts in int16, and their unit. They are exact if a multiple of all counts fits, and as fine
/// as possible, since MUL rounds twice.
fn inverses(counts: &[u32]) -> (f32, Vec<i16>) {
    let divisor = |mut a: u64, mut b: u64| {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let least = u64::from(counts.iter().copied().min().unwrap_or(1));
    let multiple = counts.iter().map(|&count| u64::from(count)).fold(1, |multiple: u64, count| {
        // Saturated beyond 64 bits, which is too large in any case.
        multiple.saturating_mul(count / divisor(multiple, count))
    });
    let largest = least * i16::MAX as u64;
    let whole = if multiple <= largest { largest / multiple * multiple } else { largest };
    let part = |&count: &u32| ((whole as f64 / f64::from(count)).round()) as i16;
    (1.0 / whole as f32, counts.iter().map(part).collect())
}

impl GraphBuilder {
    /// Writes the sums of each channel under a pooling's window, from a padded tensor of this scale.
    fn window_sums(&mut self, index: usize, pool: &Pool, (from, scale): (i32, f32), sums: &WindowSums, to: i32) {
        let (window, channels) = (&pool.window, usize::from(pool.input.shape.channels));
        let exported = ExportedWeights {
            weights: vec![sums.weight; window.area() * channels],
            inputs: window.area(),
            scales: vec![sums.unit; channels],
            biases: vec![sums.bias; channels],
            bias_scales: vec![sums.unit * scale; channels],
        };
        let shape = vec![1, window.height.into(), window.width.into(), channels as i32];
        let weights = self.columns(index, &exported, shape);
        let is_int16 = self.tensor_type(from) == TensorType::Int16;
        let biases = if is_int16 { self.int64_biases(index, &exported) } else { self.int32_biases(index, &exported) };
        let operator = depthwise_conv_2d(window_options(window, TflitePadding::Valid), FusedActivation::None);
        self.add_operator(operator, vec![from, weights, biases], to);
    }
}

fn average_pool_2d(window: WindowOptions, sides: [u8; 2]) -> OperatorSpec {
    OperatorSpec::new(BuiltinOperator::AveragePool2d, (2, 2)).with_options(options_type::POOL, window.of_pool(sides))
}

fn mul() -> OperatorSpec {
    OperatorSpec::new(BuiltinOperator::Mul, (4, 4)).with_options(options_type::MUL, Vec::new())
}
