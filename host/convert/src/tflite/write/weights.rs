//! Weights and biases of a layer, as they are written.

use pinhole_shared::model::Weighted;

use super::ActivationTensor;
use super::graph::GraphBuilder;
use crate::tflite::quantization::QuantizationParameters;
use crate::tflite::schema::TensorType;

/// Weights and biases of a layer, in integers, with their scales.
#[derive(Clone)]
pub(super) struct ExportedWeights {
    /// Weights, row-major, a row an output.
    pub(super) weights: Vec<i8>,
    pub(super) inputs: usize,
    /// Scale of each row's weights.
    pub(super) scales: Vec<f32>,
    /// Biases, for sums of weight * (input - zero point).
    pub(super) biases: Vec<i64>,
    /// Real value of a unit of each row's bias.
    pub(super) bias_scales: Vec<f32>,
}

impl ExportedWeights {
    /// Returns weights and biases of a layer that reads `from`; `accumulator_scales` are the real values of its rows' accumulator
    /// units. `None` if a scale is not a normal 32-bit float.
    pub(super) fn of(weighted: &Weighted<'_>, accumulator_scales: &[f64], from: &ActivationTensor) -> Option<Self> {
        let weights = weighted.operands.weights;
        let (inputs, outputs) = (weights.inputs(), weights.outputs());
        let input = from.quantization;
        // 1 for pixels. Else int8 sums have fewer units than the device's, so that biases fit.
        let rescale = from.device_scale / f64::from(input.scale);
        // Accumulators are sums of weight times integer of `unit`. 1/255 is not exact in f32: for pixels the file's own is used.
        let unit = if input == QuantizationParameters::PIXELS { f64::from(input.scale) } else { from.device_scale };
        let scales: Vec<f32> = accumulator_scales.iter().map(|of_row| (of_row / unit) as f32).collect();
        let bias_scales: Vec<f32> = scales.iter().map(|scale| scale * input.scale).collect();
        let bias = |row| {
            // The device's biases compensate for the inputs' zero point; that is taken out here.
            let weights: i64 = (0..inputs).map(|column| i64::from(weights.get(row, column))).sum();
            let bias = i64::from(weighted.bias(row)) + i64::from(from.device_zero_point) * weights;
            if input == QuantizationParameters::PIXELS { bias } else { (bias as f64 * rescale).round() as i64 }
        };
        let all_normal = scales.iter().chain(&bias_scales).all(|scale| scale.is_normal());
        all_normal.then(|| Self {
            weights: (0..outputs).flat_map(|row| (0..inputs).map(move |column| weights.get(row, column))).collect(),
            inputs,
            scales,
            biases: (0..outputs).map(bias).collect(),
            bias_scales,
        })
    }

    /// Returns the range of all outputs for any inputs, limited to the `wanted` range.
    pub(super) fn reach(&self, (least, most): (f64, f64), wanted: Option<(f64, f64)>) -> (f64, f64) {
        let (mut low, mut high) = (0.0_f64, 0.0_f64);
        for (row, weights) in self.weights.chunks_exact(self.inputs).enumerate() {
            let bias = self.biases[row] as f64 * f64::from(self.bias_scales[row]);
            let (mut lowest, mut highest) = (bias, bias);
            for &weight in weights {
                let weight = f64::from(weight) * f64::from(self.scales[row]);
                lowest += (weight * least).min(weight * most);
                highest += (weight * least).max(weight * most);
            }
            (low, high) = (low.min(lowest), high.max(highest));
        }
        let (least, most) = wanted.unwrap_or((low, high));
        (low.max(least), high.min(most))
    }

    /// Returns weights and biases for inputs whose zero point is not subtracted otherwise.
    pub(super) fn with_zero_point(&self, zero_point: i8) -> Self {
        let sum = |row: &[i8]| row.iter().map(|&weight| i64::from(weight)).sum::<i64>();
        let rows = self.weights.chunks_exact(self.inputs).zip(&self.biases);
        let biases = rows.map(|(row, bias)| bias - sum(row) * i64::from(zero_point)).collect();
        Self { biases, ..self.clone() }
    }
}

impl GraphBuilder {
    /// Adds weights whose rows lie along the first dimension of this shape.
    pub(super) fn rows(&mut self, index: usize, exported: &ExportedWeights, shape: Vec<i32>) -> i32 {
        let data = bytemuck::cast_slice(&exported.weights).to_vec();
        let scales = (exported.scales.clone(), 0);
        self.constant(&format!("weights_{index}"), shape, (TensorType::Int8, data), scales)
    }

    /// Adds weights whose rows lie along the last dimension of this shape.
    pub(super) fn columns(&mut self, index: usize, exported: &ExportedWeights, shape: Vec<i32>) -> i32 {
        let ExportedWeights { weights, inputs, scales, .. } = exported;
        let data = (0..*inputs).flat_map(|column| weights.iter().skip(column).step_by(*inputs));
        let data = data.map(|&weight| weight as u8).collect();
        let scales = (scales.clone(), shape.len() as i32 - 1);
        self.constant(&format!("weights_{index}"), shape, (TensorType::Int8, data), scales)
    }

    /// Adds 32-bit biases. They fit, since a model's accumulators do.
    pub(super) fn int32_biases(&mut self, index: usize, exported: &ExportedWeights) -> i32 {
        let data = exported.biases.iter().flat_map(|&bias| (bias as i32).to_le_bytes()).collect();
        self.biases_of(index, exported, (TensorType::Int32, data))
    }

    /// Adds 64-bit biases, for sums over int16.
    pub(super) fn int64_biases(&mut self, index: usize, exported: &ExportedWeights) -> i32 {
        let data = exported.biases.iter().flat_map(|bias| bias.to_le_bytes()).collect();
        self.biases_of(index, exported, (TensorType::Int64, data))
    }

    fn biases_of(&mut self, index: usize, exported: &ExportedWeights, data: (TensorType, Vec<u8>)) -> i32 {
        let rows = exported.scales.len() as i32;
        self.constant(&format!("biases_{index}"), vec![rows], data, (exported.bias_scales.clone(), 0))
    }
}
