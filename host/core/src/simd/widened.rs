//! A dense layer of bytes whose weights are widened to 16 bits once, so that the compiler can multiply and add pairs in one
//! instruction.

use pinhole_shared::layer::Dense;

use super::MOST_BYTES;

/// Biases, and row-major weights.
#[derive(Debug)]
pub(super) struct Widened {
    biases: Vec<i32>,
    weights: Vec<i16>,
}

impl Widened {
    /// Widens a layer's weights. `None` if they take more than [`MOST_BYTES`].
    pub(super) fn of(dense: &Dense<'_>) -> Option<Self> {
        let operands = dense.weighted.operands;
        let weights = operands.weights;
        let bytes = weights.inputs().checked_mul(weights.outputs())?.checked_mul(size_of::<i16>())?;
        if bytes > MOST_BYTES {
            return None;
        }
        let row = |row| (0..weights.inputs()).map(move |column| i16::from(weights.get(row, column)));
        Some(Self { biases: operands.biases.to_vec(), weights: (0..weights.outputs()).flat_map(row).collect() })
    }

    /// Computes each row's sum, modulo 2^32.
    pub(super) fn sums(&self, input: &[u8], sums: &mut [i32]) {
        let input: Vec<i16> = input.iter().map(|&pixel| pixel.into()).collect();
        let rows = self.weights.chunks_exact(input.len().max(1));
        for ((sum, &bias), row) in sums.iter_mut().zip(&self.biases).zip(rows) {
            let products = row.iter().zip(&input).map(|(&weight, &pixel)| i32::from(weight) * i32::from(pixel));
            *sum = products.fold(bias, i32::wrapping_add);
        }
    }
}
