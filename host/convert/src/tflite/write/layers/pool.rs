//! Writes layers of tensors. The integers here are their bytes minus 128, with the same zero point.

use pinhole_core::model_file::scales::accumulator_scales;
use pinhole_shared::model::{Conv, Layer, Pool, Tensor};
use pinhole_shared::shape::{Padding as Around, Shape, Window};

use crate::export::ExportError;
use crate::tflite::quantization::Int8;
use crate::tflite::schema::{Fused, Padding, TensorType};
use crate::tflite::write::Reading;
use crate::tflite::write::graph::{Graph, OperatorKind, Slide};
use crate::tflite::write::weights::Integers;

/// Writes a layer that reads `from`; `before` are the outputs of the layers before it. Returns its output.
///
/// # Errors
/// [`ExportError::Scale`], [`ExportError::Mean`].
///
/// # Panics
/// If the layer is dense.
pub(in crate::tflite::write) fn write(
    graph: &mut Graph,
    (index, layer): (usize, &Layer<'_>),
    from: Reading,
    before: &[Reading],
) -> Result<Reading, ExportError> {
    let to = layer.tensor().expect("a layer that is not dense writes a tensor");
    let int8 = Int8::of(&to);
    if !int8.scale.is_normal() {
        return Err(ExportError::Scale { layer: index });
    }
    let name = format!("{}_{index}", layer.kind());
    let tensor = match layer {
        Layer::Dense(_) => unreachable!("a dense layer writes no tensor"),
        Layer::Conv(conv) => convolution(graph, (index, &name), (conv, false), &from)?,
        Layer::Depthwise(conv) => convolution(graph, (index, &name), (conv, true), &from)?,
        Layer::MaxPool(pool) => {
            let (read, padding) = graph.padded(from, &pool.window, (pool.input.shape, to.shape), Fill::Least);
            let tensor = graph.activations(&name, dimensions(to.shape), int8);
            let (slide, sides) = (slide(&pool.window, padding), [pool.window.height, pool.window.width]);
            graph.run(OperatorKind::MaxPool { slide, sides }, vec![read], tensor);
            tensor
        }
        Layer::AveragePool(pool) => {
            mean(graph, (index, &name), pool, from).ok_or(ExportError::Mean { layer: index })?
        }
        Layer::GlobalAverage(average) => {
            let axes = graph.integers("rows_and_columns", vec![2], &[1, 2]);
            let tensor = graph.activations(&name, dimensions(to.shape), int8);
            graph.run(OperatorKind::Mean, vec![from.tensor, axes], tensor);
            graph.clamped((index, tensor), (average.activation_min, average.activation_max), (0, u8::MAX), &to)
        }
        Layer::Add(add) => {
            let tensor = graph.activations(&name, dimensions(to.shape), int8);
            let (fused, has) = fused((add.activation_min, add.activation_max), &to);
            graph.run(OperatorKind::Add(fused), vec![from.tensor, before[usize::from(add.from)].tensor], tensor);
            graph.clamped((index, tensor), (add.activation_min, add.activation_max), has, &to)
        }
    };
    Ok(Reading { tensor, int8, range: int8.range(), unit: f64::from(to.scale), zero_point: to.zero_point })
}

/// Writes a convolution and its max pooling, which gives the same result after requantization as before it.
fn convolution(
    graph: &mut Graph,
    (index, name): (usize, &str),
    (conv, is_depthwise): (&Conv<'_>, bool),
    from: &Reading,
) -> Result<i32, ExportError> {
    let wrong = ExportError::Scale { layer: index };
    let units = accumulator_scales(&conv.weighted, f64::from(conv.output.scale));
    let integers = Integers::of(&conv.weighted, &units, from).ok_or(wrong)?;
    let Window { height, width, .. } = conv.window;
    let sides = [i32::from(height), i32::from(width)];
    let (channels, outputs) = (i32::from(conv.input.shape.channels), i32::from(conv.output.shape.channels));
    let weights = if is_depthwise {
        graph.columns(index, &integers, vec![1, sides[0], sides[1], outputs])
    } else {
        graph.rows(index, &integers, vec![outputs, sides[0], sides[1], channels])
    };
    let biases = graph.biases(index, &integers);
    let (height, width) = conv.window.output_size(conv.input.shape).expect("a parsed model's windows fit");
    let convolved = Shape { height, width, channels: conv.output.shape.channels };
    let (read, padding) = graph.padded(*from, &conv.window, (conv.input.shape, convolved), Fill::Zero);
    let tensor = graph.activations(name, dimensions(convolved), Int8::of(&conv.output));
    let (fused, has) = fused((conv.activation_min, conv.activation_max), &conv.output);
    let slide = slide(&conv.window, padding);
    let kind = match is_depthwise {
        true => OperatorKind::Depthwise { slide, fused },
        false => OperatorKind::Conv { slide, fused },
    };
    graph.run(kind, vec![read, weights, biases], tensor);
    let tensor = graph.clamped(
        (index, tensor),
        (conv.activation_min, conv.activation_max),
        has,
        &Tensor { shape: convolved, ..conv.output },
    );
    if conv.pool == 1 {
        return Ok(tensor);
    }
    let pooled = graph.activations(&format!("pooled_{index}"), dimensions(conv.output.shape), Int8::of(&conv.output));
    let slide = Slide { padding: Padding::Valid, strides: [conv.pool; 2] };
    graph.run(OperatorKind::MaxPool { slide, sides: [conv.pool; 2] }, vec![tensor], pooled);
    Ok(pooled)
}

/// Writes an average pooling. AVERAGE_POOL_2D rounds halves away from -128, and in some kernels to even; the device rounds them
/// up. So if the window has an even number of positions, a DEPTHWISE_CONV_2D computes the mean, with a quarter of an integer
/// added to its sums. That is too little to change anything but a half, and enough that every kernel rounds it up. Returns
/// `None` if sums do not fit and AVERAGE_POOL_2D does not support the padding.
fn mean(graph: &mut Graph, (index, name): (usize, &str), pool: &Pool, from: Reading) -> Option<i32> {
    let (window, input, output) = (&pool.window, pool.input.shape, pool.output.shape);
    let rows = counts((window.stride_y, window.padding.top, window.height), input.height, output.height);
    let columns = counts((window.stride_x, window.padding.left, window.width), input.width, output.width);
    let counts: Vec<u32> = rows.iter().flat_map(|row| columns.iter().map(move |column| row * column)).collect();
    let is_clipped = counts.iter().any(|&count| count as usize != window.area());
    let fits = 2 * 128 * window.area() < i16::MAX as usize;
    if is_clipped && fits {
        return Some(mean_of_counts(graph, (index, name), pool, from, &counts));
    }
    if !is_clipped && window.area().is_multiple_of(2) {
        let sums = Sums { weight: 64, bias: 16, unit: 1.0 / (64 * window.area()) as f32 };
        let tensor = graph.activations(name, dimensions(output), from.int8);
        graph.sums(index, pool, (from.tensor, from.int8.scale), &sums, tensor);
        return Some(tensor);
    }
    let slide = slide(window, padding_of(window, input, output)?);
    let tensor = graph.activations(name, dimensions(output), from.int8);
    graph.run(OperatorKind::AveragePool { slide, sides: [window.height, window.width] }, vec![from.tensor], tensor);
    Some(tensor)
}

/// Writes the mean of the positions inside the input: sums in int16, with zeros around, each times the inverse of its count.
/// CAST keeps integers, so these are means of bytes minus 128.
fn mean_of_counts(graph: &mut Graph, (index, name): (usize, &str), pool: &Pool, from: Reading, counts: &[u32]) -> i32 {
    let (window, input, output) = (&pool.window, pool.input.shape, pool.output.shape);
    let scale = from.int8.scale;
    let cast = graph.wide(&format!("{name}_cast"), dimensions(input), scale);
    graph.run(OperatorKind::Cast, vec![from.tensor], cast);
    let padded = graph.wide(&format!("{name}_padded"), dimensions(around(window.padding, input)), scale);
    let paddings = graph.paddings(window.padding);
    graph.run(OperatorKind::Pad, vec![cast, paddings], padded);
    // Twice the sum plus 1, which decides halves.
    let sums = graph.wide(&format!("{name}_sums"), dimensions(output), scale / 2.0);
    graph.sums(index, pool, (padded, scale), &Sums { weight: 2, bias: 1, unit: 0.5 }, sums);
    let (unit, parts) = inverses(counts);
    let data = parts.iter().flat_map(|part| part.to_le_bytes()).collect();
    let places = dimensions(Shape { channels: 1, ..output });
    let inverses = graph.constant(&format!("{name}_inverses"), places, (TensorType::Int16, data), (vec![unit], 0));
    let means = graph.wide(&format!("{name}_means"), dimensions(output), scale);
    graph.run(OperatorKind::Mul, vec![sums, inverses], means);
    let tensor = graph.activations(name, dimensions(output), from.int8);
    graph.run(OperatorKind::Cast, vec![means], tensor);
    tensor
}

/// Weight and bias of a sum under a window, and the real value of a weight's unit.
struct Sums {
    weight: i8,
    bias: i64,
    unit: f32,
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

fn slide(window: &Window, padding: Padding) -> Slide {
    Slide { padding, strides: [window.stride_y, window.stride_x] }
}

/// Returns TensorFlow Lite's padding that puts the window at the same positions as Pinhole, if there is one.
fn padding_of(window: &Window, input: Shape, output: Shape) -> Option<Padding> {
    // Padding at the end matters only by the positions that it adds.
    let valid = |size: u16, before: u8, side: u8, stride: u8, to: u16| {
        before == 0 && u32::from(to - 1) * u32::from(stride) + u32::from(side) <= u32::from(size)
    };
    let same = |size: u16, before: u8, side: u8, stride: u8, to: u16| {
        let reach = u32::from(to - 1) * u32::from(stride) + u32::from(side);
        to == size.div_ceil(stride.into()) && u32::from(before) == reach.saturating_sub(size.into()) / 2
    };
    let both = |along: &dyn Fn(u16, u8, u8, u8, u16) -> bool| {
        along(input.height, window.padding.top, window.height, window.stride_y, output.height)
            && along(input.width, window.padding.left, window.width, window.stride_x, output.width)
    };
    // VALID has as many positions as fit, and so does Pinhole.
    if both(&valid) {
        Some(Padding::Valid)
    } else if both(&same) {
        Some(Padding::Same)
    } else {
        None
    }
}

/// Returns the fused activation function of a layer with this range, and the range after that function.
fn fused((activation_min, _): (u8, u8), to: &Tensor) -> (Fused, (u8, u8)) {
    if activation_min == to.zero_point { (Fused::Relu, (to.zero_point, u8::MAX)) } else { (Fused::None, (0, u8::MAX)) }
}

fn dimensions(shape: Shape) -> Vec<i32> {
    vec![1, shape.height.into(), shape.width.into(), shape.channels.into()]
}

/// Returns a shape with its padding.
fn around(padding: Around, shape: Shape) -> Shape {
    Shape {
        height: shape.height + u16::from(padding.top) + u16::from(padding.bottom),
        width: shape.width + u16::from(padding.left) + u16::from(padding.right),
        channels: shape.channels,
    }
}

/// Fill value of padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fill {
    /// The zero point.
    Zero,
    /// The least value, which is never the largest of several.
    Least,
}

impl Graph {
    /// Writes the sums of each channel under a pooling's window, from a padded tensor of this scale.
    fn sums(&mut self, index: usize, pool: &Pool, (from, scale): (i32, f32), sums: &Sums, to: i32) {
        let (window, channels) = (&pool.window, usize::from(pool.input.shape.channels));
        let constants = Integers {
            weights: vec![sums.weight; window.area() * channels],
            inputs: window.area(),
            scales: vec![sums.unit; channels],
            biases: vec![sums.bias; channels],
            bias_scales: vec![sums.unit * scale; channels],
        };
        let shape = vec![1, window.height.into(), window.width.into(), channels as i32];
        let weights = self.columns(index, &constants, shape);
        let is_wide = self.tensors[from as usize].kind == TensorType::Int16;
        let biases = if is_wide { self.wide_biases(index, &constants) } else { self.biases(index, &constants) };
        let slide = slide(window, Padding::Valid);
        self.run(OperatorKind::Depthwise { slide, fused: Fused::None }, vec![from, weights, biases], to);
    }

    fn paddings(&mut self, Around { top, left, bottom, right }: Around) -> i32 {
        let sides = [0, 0, top, bottom, left, right, 0, 0].map(i32::from);
        self.integers("paddings", vec![4, 2], &sides)
    }

    /// Returns a window's input and TensorFlow Lite's padding. The input is the tensor itself, or a padded copy.
    fn padded(
        &mut self,
        from: Reading,
        window: &Window,
        (input, output): (Shape, Shape),
        fill: Fill,
    ) -> (i32, Padding) {
        if let Some(padding) = padding_of(window, input, output) {
            return (from.tensor, padding);
        }
        let constant = self.paddings(window.padding);
        let padded = self.activations("padded", dimensions(around(window.padding, input)), from.int8);
        if fill == Fill::Zero {
            self.run(OperatorKind::Pad, vec![from.tensor, constant], padded);
        } else {
            let least = self.number("least", i8::MIN, from.int8);
            self.run(OperatorKind::PadV2, vec![from.tensor, constant, least], padded);
        }
        (padded, Padding::Valid)
    }

    /// Clamps a tensor of range `has` to `range`.
    fn clamped(&mut self, (index, tensor): (usize, i32), range: (u8, u8), has: (u8, u8), of: &Tensor) -> i32 {
        let int8 = Int8::of(of);
        let mut cut = tensor;
        for (end, had, kind, name) in
            [(range.0, has.0, OperatorKind::Maximum, "at_least"), (range.1, has.1, OperatorKind::Minimum, "at_most")]
        {
            if end != had {
                let limit = self.number("limit", Int8::integer(end), int8);
                let to = self.activations(&format!("{name}_{index}"), dimensions(of.shape), int8);
                self.run(kind, vec![cut, limit], to);
                cut = to;
            }
        }
        cut
    }
}
