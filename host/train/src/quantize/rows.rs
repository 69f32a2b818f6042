//! Quantizes the rows of any weighted layer: weights to int8, biases to accumulator units, and requantization
//! multipliers.

use pinhole_core::model_file::QuantizedWeights;
use pinhole_core::model_file::scales::InputKind;
use pinhole_shared::layout::Layout;

/// Units of a layer's outputs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutputKind {
    /// Real value of one unit after requantization: Q16 before a sigmoid, the output's unit otherwise.
    pub requantized_scale: f64,
    /// Real value of one unit of the output.
    pub scale: f64,
}

/// Rows of real weights, with biases and mean inputs.
pub(crate) struct RealRows<'a> {
    /// One row per output, one column per input that the row reads.
    pub weights: Vec<Vec<f64>>,
    /// One bias per row.
    pub biases: Vec<f64>,
    /// Returns the mean real input of a row's column on the calibration photos, for bias correction.
    pub means: &'a dyn Fn(usize, usize) -> f64,
}

/// Reason why a row cannot be quantized, with its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowError {
    /// At any scale, its values exceed 32 bits.
    TooLarge(usize),
    /// A weight or the bias is not a finite number.
    NotFinite(usize),
}

/// Quantizes rows; `bits` is one of [`pinhole_core::recipe::WEIGHT_BITS`].
///
/// # Errors
/// [`RowError`] with the index of the row.
pub(crate) fn quantize(
    rows: &RealRows<'_>,
    input: InputKind,
    output: OutputKind,
    bits: u8,
) -> Result<QuantizedWeights, RowError> {
    let is_finite = |(weights, bias): (&Vec<f64>, &f64)| bias.is_finite() && weights.iter().all(|w| w.is_finite());
    if let Some(row) = rows.weights.iter().zip(&rows.biases).position(|row| !is_finite(row)) {
        return Err(RowError::NotFinite(row));
    }
    let (layout, max_weight) = width(bits);
    let inputs = rows.weights.first().map_or(0, Vec::len);
    // A larger pre-shift makes room for larger multipliers and leaves less for accumulators. Rows then take coarser
    // scales and larger multipliers. The first pre-shift that suits both is the most precise.
    let mut stuck = 0;
    for pre_shift in 0..=30_u8 {
        let limit = i64::from(i32::MAX) >> pre_shift;
        let quantized: Result<Vec<Row>, usize> = rows
            .weights
            .iter()
            .zip(&rows.biases)
            .enumerate()
            .map(|(index, (weights, &bias))| {
                let mean = |column| (rows.means)(index, column);
                let row = Row::within(weights, bias, max_weight, (input, &mean), limit).ok_or(index)?;
                let multiplier = row.multiplier(input, output.requantized_scale, pre_shift);
                if multiplier <= f64::from(i32::MAX) { Ok(row) } else { Err(index) }
            })
            .collect();
        match quantized {
            Err(row) => stuck = row,
            Ok(rows) => {
                let multiplier = |row: &Row| row.multiplier(input, output.requantized_scale, pre_shift).max(1.0) as i32;
                return Ok(QuantizedWeights {
                    inputs,
                    multipliers: rows.iter().map(multiplier).collect(),
                    biases: rows.iter().map(|row| row.bias).collect(),
                    accumulator_bound: rows.iter().map(|row| row.bound).max().unwrap_or(0) as u32,
                    weights: rows.into_iter().flat_map(|row| row.weights).collect(),
                    pre_shift,
                    input_scale: input.scale as f32,
                    output_scale: output.scale as f32,
                    layout,
                    chunk_columns: 0,
                    band: None,
                });
            }
        }
    }
    Err(RowError::TooLarge(stuck))
}

/// Returns the layout, in a model file, of weights with this number of bits, and the largest magnitude of a weight.
pub(super) fn width(bits: u8) -> (Layout, i8) {
    match bits {
        4 => (Layout::Rows4, Layout::Rows4.max_weight()),
        7 => (Layout::Rows8, Layout::DualMacPixels7.max_weight()),
        _ => (Layout::Rows8, Layout::Rows8.max_weight()),
    }
}

/// Quantized weights of one output.
struct Row {
    /// Real value of one weight unit.
    scale: f64,
    weights: Vec<i8>,
    bias: i32,
    /// `|bias| + sum |weight| * max |input|`.
    bound: i64,
}

impl Row {
    /// Quantizes a row with the finest scale whose accumulator stays within `limit`; `None` if there is no such scale.
    fn within(
        weights: &[f64],
        bias: f64,
        max_weight: i8,
        inputs: (InputKind, &dyn Fn(usize) -> f64),
        limit: i64,
    ) -> Option<Self> {
        let largest = weights.iter().fold(0.0_f64, |largest, weight| largest.max(weight.abs()));
        let mut scale = if largest > 0.0 { largest / f64::from(max_weight) } else { 1.0 };
        if max_weight <= Layout::Rows4.max_weight() {
            scale *= Self::best_cut(weights, max_weight, scale);
        }
        // The scale grows in each round, so it ends at infinity at the latest.
        while scale.is_finite() {
            let row = Self::at(weights, bias, max_weight, inputs, scale);
            if row.bound <= limit {
                return Some(row);
            }
            // The bound falls about in proportion; the next round corrects for rounding.
            scale *= (row.bound as f64 / limit as f64).max(1.000_1);
        }
        None
    }

    /// Returns the factor for the scale, of 65 tried from 1/2 to 1, with the least squared error of the weights. With
    /// 15 steps, a few large weights make all others coarse; clipping these can cost less.
    fn best_cut(weights: &[f64], max_weight: i8, scale: f64) -> f64 {
        let limit = f64::from(max_weight);
        let error = |factor: f64| -> f64 {
            let scale = scale * factor;
            weights
                .iter()
                .map(|weight| weight - scale * (weight / scale + 0.5).floor().clamp(-limit, limit))
                .map(|e| e * e)
                .sum()
        };
        let factors = (64..=128).map(|step| f64::from(step) / 128.0);
        // The last of equal factors: 1 if every weight is a whole number of steps.
        factors
            .map(|factor| (factor, error(factor)))
            .fold((1.0, f64::INFINITY), |best, next| if next.1 <= best.1 { next } else { best })
            .0
    }

    fn at(
        weights: &[f64],
        bias: f64,
        max_weight: i8,
        (input, mean): (InputKind, &dyn Fn(usize) -> f64),
        scale: f64,
    ) -> Self {
        let limit = f64::from(max_weight);
        let rounded: Vec<i8> =
            weights.iter().map(|weight| (weight / scale + 0.5).floor().clamp(-limit, limit) as i8).collect();
        // Bias correction: what rounding took from the row's mean pre-activation is added to its bias.
        //
        // Source: M. Nagel et al., "Data-free quantization through weight equalization and bias correction", ICCV 2019,
        // section 4.2, with means measured on the calibration photos.
        let lost: f64 = weights
            .iter()
            .zip(&rounded)
            .enumerate()
            .map(|(column, (weight, &rounded))| (weight - scale * f64::from(rounded)) * mean(column))
            .sum();
        // A bias beyond i32 exceeds the bound below, and the caller takes a coarser scale: saturation does no harm. The
        // sum of weights times input units contains the zero point once for each weight; this is subtracted.
        let sum: i64 = rounded.iter().map(|&weight| i64::from(weight)).sum();
        let bias_units =
            ((bias + lost) / (input.scale * scale) + 0.5).floor() - (sum * i64::from(input.zero_point)) as f64;
        let l1: i64 = rounded.iter().map(|weight| i64::from(weight.unsigned_abs())).sum();
        let bound = (bias_units.abs().min(1e15)) as i64 + l1 * i64::from(input.max_magnitude);
        Self { scale, weights: rounded, bias: bias_units as i32, bound }
    }

    /// Returns the requantization multiplier from accumulator to result, in units of `2^(pre_shift - 32)`, rounded half
    /// up.
    fn multiplier(&self, input: InputKind, result_scale: f64, pre_shift: u8) -> f64 {
        // A shift instead of `exp2`, whose last bit depends on the system library.
        let units = (1_u64 << (32 - pre_shift)) as f64;
        (input.scale * self.scale / result_scale * units + 0.5).floor()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pinhole_shared::fixed::requantize;
    use proptest::prelude::*;

    const PIXELS: InputKind = InputKind::PIXELS;
    const LOGITS: OutputKind = OutputKind { requantized_scale: 1.0 / 65_536.0, scale: 1.0 / 65_536.0 };

    fn rows<'a>(weights: Vec<Vec<f64>>, biases: Vec<f64>, means: &'a dyn Fn(usize, usize) -> f64) -> RealRows<'a> {
        RealRows { weights, biases, means }
    }

    #[test]
    fn by_hand() {
        // One output, two inputs: the larger weight becomes 127, the smaller 127 / 4, rounded half up.
        let rows = rows(vec![vec![0.5, -0.125]], vec![1.0], &|_, _| 0.0);
        let quantized = quantize(&rows, PIXELS, LOGITS, 8).unwrap();
        assert_eq!(quantized.weights, [127, -32]);
        let unit = 0.5 / 127.0 / 255.0;
        assert_eq!(quantized.biases, [(1.0_f64 / unit + 0.5).floor() as i32]);
        assert_eq!(quantized.accumulator_bound, quantized.biases[0] as u32 + 159 * 255);
        let logit = requantize(quantized.biases[0], quantized.multipliers[0], quantized.pre_shift);
        assert!((logit - 65_536).abs() <= 1, "a bias of 1 is {logit}");
    }

    /// With an input zero point of 100, the bias has 100 times the sum of the weights (95) subtracted.
    #[test]
    fn a_zero_is_taken_off() {
        let rows = rows(vec![vec![0.5, -0.125]], vec![0.0], &|_, _| 0.0);
        let quantized = quantize(&rows, InputKind { zero_point: 100, ..PIXELS }, LOGITS, 8).unwrap();
        assert_eq!((&quantized.weights[..], &quantized.biases[..]), (&[127, -32][..], &[-9_500][..]));
    }

    #[test]
    fn rounding_is_corrected_in_the_bias() {
        // -31.75 rounds to -32, a quarter of a unit low; with a mean input of 1, bias correction adds a quarter of a
        // unit.
        let means = [0.3, 1.0];
        let mean = |_, column: usize| means[column];
        let quantized = quantize(&rows(vec![vec![0.5, -0.125]], vec![0.0], &mean), PIXELS, LOGITS, 8).unwrap();
        assert_eq!(quantized.biases, [(255.0_f64 / 4.0 + 0.5).floor() as i32]);
    }

    /// No scale makes them integers; the search for one would not end.
    #[test]
    fn numbers_that_are_not_finite_are_refused() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for bits in [4, 7, 8] {
                let quantized =
                    quantize(&rows(vec![vec![0.5], vec![bad]], vec![0.0; 2], &|_, _| 0.0), PIXELS, LOGITS, bits);
                assert_eq!(quantized.err(), Some(RowError::NotFinite(1)));
                let quantized = quantize(&rows(vec![vec![0.5]], vec![bad], &|_, _| 0.0), PIXELS, LOGITS, bits);
                assert_eq!(quantized.err(), Some(RowError::NotFinite(0)));
            }
        }
        // The mean of the inputs comes from calibration, which refuses such values itself.
        let quantized = quantize(&rows(vec![vec![0.5, 0.3]], vec![1.0], &|_, _| f64::NAN), PIXELS, LOGITS, 8);
        assert_eq!(quantized.err(), Some(RowError::TooLarge(0)));
    }

    proptest! {
        /// Any finite numbers are quantized or refused: extreme scales end the search too.
        #[test]
        fn extreme_numbers_end_the_search(
            weights in proptest::collection::vec(proptest::num::f32::NORMAL | proptest::num::f32::SUBNORMAL, 3),
            bias in proptest::num::f32::NORMAL | proptest::num::f32::SUBNORMAL,
            input_scale in proptest::num::f32::POSITIVE | proptest::num::f32::SUBNORMAL,
            output_scale in proptest::num::f32::POSITIVE | proptest::num::f32::SUBNORMAL,
        ) {
            let weights = weights.into_iter().map(f64::from).collect();
            let input = InputKind { scale: input_scale.abs().into(), ..PIXELS };
            let scale = f64::from(output_scale.abs());
            let output = OutputKind { requantized_scale: scale, scale };
            let rows = rows(vec![weights], vec![f64::from(bias)], &|_, _| 0.5);
            if let Ok(quantized) = quantize(&rows, input, output, 8) {
                prop_assert!(u64::from(quantized.accumulator_bound) << quantized.pre_shift <= i32::MAX as u64);
            }
        }

        /// For any weights, either the bound holds and the multipliers are usable, or the layer is refused.
        #[test]
        fn bounds_hold(
            weights in proptest::collection::vec(-1e6_f64..1e6, 6),
            exponents in proptest::collection::vec(-30_i32..20, 2),
            bias in -1e9_f64..1e9,
            zero_point: u8,
        ) {
            let row = |row: usize| weights[3 * row..][..3].iter().map(|w| w * 2.0_f64.powi(exponents[row])).collect();
            let rows = rows(vec![row(0), row(1)], vec![bias, 0.0], &|_, _| 0.5);
            let input = InputKind { scale: 1.0 / 32_768.0, max_magnitude: 32_768, zero_point };
            let output = OutputKind { requantized_scale: 1.0 / 65_536.0, scale: 1.0 / 32_768.0 };
            if let Ok(quantized) = quantize(&rows, input, output, 8) {
                prop_assert!(u64::from(quantized.accumulator_bound) << quantized.pre_shift <= i32::MAX as u64);
                prop_assert!(quantized.multipliers.iter().all(|&multiplier| multiplier >= 1));
                for (row, &bias) in quantized.weights.chunks(3).zip(&quantized.biases) {
                    let l1: u64 = row.iter().map(|weight| u64::from(weight.unsigned_abs())).sum();
                    prop_assert!(u64::from(bias.unsigned_abs()) + l1 * 32_768 <= u64::from(quantized.accumulator_bound));
                }
            }
        }
    }
}
