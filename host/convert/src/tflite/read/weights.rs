//! Weights and biases of a layer, as a model has them.

use pinhole_core::model_file::QuantizedWeights;
use pinhole_core::model_file::scales::InputKind;
use pinhole_shared::layout::Layout;

use super::graph::FileTensor;
use super::quantization::is_scale;
use crate::tflite::schema::TensorType;

/// Weights and biases of a layer: rows of weights with the scale of each row, and biases.
#[derive(Debug)]
pub(super) struct ImportedWeights {
    pub(super) inputs: usize,
    pub(super) weights: Vec<i8>,
    pub(super) scales: Vec<f64>,
    /// Biases, in units of input times weight.
    pub(super) biases: Vec<i64>,
}

/// Largest relative difference of a bias's scale from the product of input's and weights' scales.
const BIAS_TOLERANCE: f64 = 1e-3;

/// Checks that biases are in units of input times weight, with a zero point of 0, as TensorFlow Lite's kernels take them.
fn check_biases(biases: &FileTensor<'_>, scales: &[f64], input_scale: f64) -> Result<(), String> {
    if biases.zero_points().any(|zero| zero != 0) {
        return Err("whose biases have a zero point other than 0".to_owned());
    }
    let given: Vec<f64> = biases.scales().map(f64::from).collect();
    let count = given.len();
    // Without a scale they are in those units anyway.
    if count != 0 && count != 1 && count != scales.len() {
        return Err("whose biases do not have a scale per output".to_owned());
    }
    let is_product = |(row, &scale): (usize, &f64)| {
        let product = scale * input_scale;
        let given = given[if count == 1 { 0 } else { row }];
        (given - product).abs() <= BIAS_TOLERANCE * product
    };
    if count > 0 && !scales.iter().enumerate().all(is_product) {
        return Err("whose biases have another scale than input times weights".to_owned());
    }
    Ok(())
}

impl ImportedWeights {
    /// Reads weights, whose rows lie along the first dimension, or along the last if `rows_are_last`, and biases, if there are any.
    /// `input_scale` is the real value of an integer of the layer's input.
    ///
    /// # Errors
    /// The reason, if Pinhole does not support them.
    pub(super) fn of(
        weights: &FileTensor<'_>,
        biases: Option<&FileTensor<'_>>,
        rows_are_last: bool,
        input_scale: f64,
    ) -> Result<Self, String> {
        if weights.tensor_type != Some(TensorType::Int8) {
            return Err("whose weights are not int8".to_owned());
        }
        let along = if rows_are_last { weights.shape.len().saturating_sub(1) } else { 0 };
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
        } else if usize::try_from(weights.quantized_dimension) != Ok(along) {
            return Err("whose weights have scales along another dimension than outputs".to_owned());
        }
        if scales.len() != outputs || !weights.scales().all(is_scale) {
            return Err("whose weights do not have a scale per output".to_owned());
        }
        let inputs = weights.data.len() / outputs;
        let signed = |byte: &u8| byte.cast_signed();
        let rows = if rows_are_last {
            (0..outputs).flat_map(|row| weights.data.iter().skip(row).step_by(outputs).map(signed)).collect()
        } else {
            weights.data.iter().map(signed).collect()
        };
        if let Some(biases) = biases {
            check_biases(biases, &scales, input_scale)?;
        }
        let no_biases = || "whose biases are not 32- or 64-bit constants, one per output".to_owned();
        let biases = match biases {
            None => vec![0; outputs],
            Some(biases) => match biases.tensor_type {
                Some(TensorType::Int32) => biases.integers(4),
                Some(TensorType::Int64) => biases.integers(8),
                _ => None,
            }
            .filter(|biases| biases.len() == outputs)
            .ok_or_else(no_biases)?,
        };
        Ok(Self { inputs, weights: rows, scales, biases })
    }

    /// Returns them as a model has them. Sums over `input`, whose scale is `file_scale` in the file, become units of
    /// `result_scale`; the outputs have `output_scale`.
    ///
    /// # Errors
    /// The reason, if weights or sums do not fit.
    pub(super) fn quantized(
        &self,
        input: InputKind,
        file_scale: f64,
        (result_scale, output_scale): (f64, f64),
    ) -> Result<QuantizedWeights, String> {
        let max_weight = Layout::Rows8.max_weight();
        if self.weights.iter().any(|weight| weight.unsigned_abs() > max_weight.unsigned_abs()) {
            return Err(format!("with a weight larger than {max_weight}"));
        }
        let too_large = || "whose sums do not fit 32 bits".to_owned();
        // Biases are integers in the file's units; in others they are rounded.
        let rescale = file_scale / input.scale;
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
            band: None,
        })
    }
}
