//! Proofs over every weight, which make an engine safe to run without checks.

use super::ModelError;
use crate::kernel::DenseOperands;
use crate::layer::{Weighted, unfold};
use crate::layout::Layouts;

/// Which columns of weights fill up: of each `period` columns, those from `from` on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filled {
    pub period: usize,
    pub from: usize,
}

/// Checks a layer's weights, multipliers and accumulators, with inputs of up to this magnitude.
#[cfg_attr(target_os = "none", inline(never))]
pub(super) fn check_weights<L: Layouts>(
    layer: usize,
    weighted: &Weighted<'_>,
    filled: Filled,
    max_input: u32,
) -> Result<(), ModelError> {
    let bound = accumulator_bound::<L>(&weighted.operands, filled, layer, max_input, weighted.pre_shift)?;
    if bound != weighted.accumulator_bound {
        return Err(ModelError::Bound { layer, expected: bound, got: weighted.accumulator_bound });
    }
    match weighted.multipliers.iter().position(|&multiplier| multiplier <= 0) {
        Some(row) => Err(ModelError::Multiplier { layer, row }),
        None => Ok(()),
    }
}

/// The largest magnitude an accumulator of the layer can reach, or the row that could overflow (requantization's
/// pre-shift and the layout's own sums included).
#[cfg_attr(target_os = "none", inline(never))]
fn accumulator_bound<L: Layouts>(
    operands: &DenseOperands<'_>,
    filled: Filled,
    layer: usize,
    max_input: u32,
    pre_shift: u8,
) -> Result<u32, ModelError> {
    let DenseOperands { weights, biases } = operands;
    let largest_weight = u32::from(weights.layout().max_weight().unsigned_abs());
    let mut largest = 0;
    for row in 0..weights.padded_outputs() {
        // Where it does not fit, neither does the bound.
        let mut l1 = 0_u32;
        // Counted instead of divided.
        let mut in_period = 0;
        for column in 0..weights.padded_inputs() {
            let magnitude = u32::from(weights.get_of::<L>(row, column).unsigned_abs());
            let fills_up = row >= weights.outputs() || in_period >= filled.from;
            in_period = if in_period + 1 == filled.period { 0 } else { in_period + 1 };
            if magnitude > if fills_up { 0 } else { largest_weight } {
                return Err(ModelError::Weight { layer, row });
            }
            l1 = l1.saturating_add(magnitude);
        }
        let overflows = ModelError::Accumulator { layer, row };
        let fold = weights.fold_of::<L>(row).ok_or(overflows)?;
        let Some(&stored) = biases.get(row) else { continue };
        let bias = unfold(stored, fold);
        let bound = u64::from(bias.unsigned_abs()) + u64::from(l1) * u64::from(max_input);
        if bound > (i32::MAX as u64) >> pre_shift {
            return Err(overflows);
        }
        largest = largest.max(bound as u32);
    }
    Ok(largest)
}
