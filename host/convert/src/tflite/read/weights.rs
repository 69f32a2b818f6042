//! Scales and zero points of tensors, and a layer's constants.

use pinhole_core::model_file::QuantizedWeights;
use pinhole_core::model_file::scales::InputKind;
use pinhole_shared::layout::Layout;
use pinhole_shared::model::MAX_ARENA_BYTES;
use pinhole_shared::shape::Shape;

use super::graph::Tensor;

/// Types of tensors by their numbers in the schema.
pub(super) mod kind {
    use crate::tflite::schema::TensorType;

    pub(in super::super) const INT8: u8 = TensorType::Int8 as u8;
    pub(in super::super) const INT16: u8 = TensorType::Int16 as u8;
    pub(in super::super) const INT32: u8 = TensorType::Int32 as u8;
    pub(in super::super) const INT64: u8 = TensorType::Int64 as u8;
}

/// Scale and zero point of an int8 tensor, with 128 added to its integers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Units {
    /// Real value of one unit.
    pub(super) scale: f32,
    /// Zero point.
    pub(super) zero_point: u8,
}

impl Units {
    /// Returns `None` if the tensor is not int8 with one scale and zero point.
    pub(super) fn of(tensor: &Tensor<'_>) -> Option<Self> {
        let (mut scales, mut zeros) = (tensor.scales(), tensor.zero_points());
        if tensor.kind != kind::INT8 || (scales.len(), zeros.len()) != (1, 1) {
            return None;
        }
        let (scale, zero_point) = (scales.next()?, zeros.next()?);
        let zero_point = u8::try_from(zero_point.checked_add(128)?).ok()?;
        is_scale(scale).then_some(Self { scale, zero_point })
    }

    /// Returns scale and zero point of a dense layer's outputs. For int16, whose zero point is 0, the latter is `None`.
    pub(super) fn of_row(tensor: &Tensor<'_>) -> Option<(f64, Option<u8>)> {
        if tensor.kind != kind::INT16 {
            return Self::of(tensor).map(|units| (units.scale.into(), Some(units.zero_point)));
        }
        let scale = tensor.scales().next().filter(|_| tensor.scales().len() == 1)?;
        (tensor.zero_points().eq([0]) && is_scale(scale)).then_some((scale.into(), None))
    }

    pub(super) fn input(self) -> InputKind {
        InputKind { scale: self.scale.into(), max_magnitude: u8::MAX.into(), zero_point: self.zero_point }
    }
}

fn is_scale(scale: f32) -> bool {
    scale.is_normal() && scale > 0.0
}

/// Returns the shape of a tensor with a batch of 1, if it fits a model's arena.
pub(super) fn picture(tensor: &Tensor<'_>) -> Option<Shape> {
    let [1, height, width, channels] = tensor.shape[..] else { return None };
    let side = |side: i32| u16::try_from(side).ok().filter(|&side| side > 0);
    let shape = Shape { height: side(height)?, width: side(width)?, channels: side(channels)? };
    (shape.elements() as u64 <= MAX_ARENA_BYTES).then_some(shape)
}

/// Constants of a layer: rows of weights with the scale of each row, and biases.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) inputs: usize,
    pub(super) weights: Vec<i8>,
    pub(super) scales: Vec<f64>,
    /// Biases, in units of input times weight.
    pub(super) biases: Vec<i64>,
}

impl Rows {
    /// Reads constants. The weights' rows lie along the first dimension, or along the last if `by_columns`. Biases are optional.
    ///
    /// # Errors
    /// The reason, if Pinhole does not support them.
    pub(super) fn of(weights: &Tensor<'_>, biases: Option<&Tensor<'_>>, by_columns: bool) -> Result<Self, String> {
        if weights.kind != kind::INT8 {
            return Err("whose weights are not int8".to_owned());
        }
        let along = if by_columns { weights.shape.len().saturating_sub(1) } else { 0 };
        let outputs = weights.shape.get(along).and_then(|&outputs| usize::try_from(outputs).ok()).unwrap_or(0);
        if weights.data.is_empty() || outputs == 0 || weights.elements() != Some(weights.data.len()) {
            return Err("whose weights are not constants of their shape".to_owned());
        }
        if weights.zero_points().any(|zero| zero != 0) {
            return Err("whose weights have zero points other than 0".to_owned());
        }
        let mut scales: Vec<f64> = weights.scales().map(f64::from).collect();
        if scales.len() == 1 {
            scales = vec![scales[0]; outputs];
        } else if usize::try_from(weights.scales_along) != Ok(along) {
            return Err("whose weights have scales along another dimension than outputs".to_owned());
        }
        if scales.len() != outputs || !weights.scales().all(is_scale) {
            return Err("whose weights do not have a scale per output".to_owned());
        }
        let inputs = weights.data.len() / outputs;
        let signed = |byte: &u8| byte.cast_signed();
        let rows = if by_columns {
            (0..outputs).flat_map(|row| weights.data.iter().skip(row).step_by(outputs).map(signed)).collect()
        } else {
            weights.data.iter().map(signed).collect()
        };
        let no_biases = || "whose biases are not 32- or 64-bit constants, one per output".to_owned();
        let biases = match biases {
            None => vec![0; outputs],
            Some(biases) => match biases.kind {
                kind::INT32 => biases.integers(4),
                kind::INT64 => biases.integers(8),
                _ => None,
            }
            .filter(|biases| biases.len() == outputs)
            .ok_or_else(no_biases)?,
        };
        Ok(Self { inputs, weights: rows, scales, biases })
    }

    /// Returns the parts of a layer. Sums over `input`, whose unit is `of_file` in the file, become units of `result_scale`; the
    /// outputs have `output_scale`.
    ///
    /// # Errors
    /// The reason, if weights or sums do not fit.
    pub(super) fn parts(
        &self,
        input: InputKind,
        of_file: f64,
        (result_scale, output_scale): (f64, f64),
    ) -> Result<QuantizedWeights, String> {
        let max_weight = Layout::Rows8.max_weight();
        if self.weights.iter().any(|weight| weight.unsigned_abs() > max_weight.unsigned_abs()) {
            return Err(format!("with a weight larger than {max_weight}"));
        }
        let too_large = || "whose sums do not fit 32 bits".to_owned();
        // Biases are integers in the file's units; in others they are rounded.
        let rescale = of_file / input.scale;
        let (mut biases, mut largest) = (Vec::with_capacity(self.biases.len()), 0);
        for (row, &bias) in self.weights.chunks_exact(self.inputs).zip(&self.biases) {
            let sum: i64 = row.iter().map(|&weight| i64::from(weight)).sum();
            let l1: i64 = row.iter().map(|&weight| i64::from(weight.unsigned_abs())).sum();
            let bias = if rescale == 1.0 { bias as f64 } else { (bias as f64 * rescale + 0.5).floor() };
            // The input's zero point adds a constant to every sum; the bias subtracts it.
            let bias = bias - (sum * i64::from(input.zero_point)) as f64;
            let bound = bias.abs() + (l1 * i64::from(input.max_magnitude)) as f64;
            if bound > f64::from(i32::MAX) {
                return Err(too_large());
            }
            biases.push(bias as i32);
            largest = largest.max(bound as u32);
        }
        let multiplier = |scale: f64, pre_shift: u8| {
            (input.scale * scale / result_scale * (1_u64 << (32 - pre_shift)) as f64 + 0.5).floor()
        };
        // The first pre-shift with room for factors and sums is the most precise.
        let fits = |&pre_shift: &u8| {
            let has_room = |&scale: &f64| multiplier(scale, pre_shift) <= f64::from(i32::MAX);
            largest <= i32::MAX as u32 >> pre_shift && self.scales.iter().all(has_room)
        };
        let pre_shift = (0..=30).find(fits).ok_or_else(too_large)?;
        Ok(QuantizedWeights {
            inputs: self.inputs,
            weights: self.weights.clone(),
            biases,
            multipliers: self.scales.iter().map(|&scale| multiplier(scale, pre_shift).max(1.0) as i32).collect(),
            pre_shift,
            accumulator_bound: largest,
            input_scale: input.scale as f32,
            output_scale: output_scale as f32,
            layout: Layout::Rows8,
            chunk_columns: 0,
        })
    }
}
