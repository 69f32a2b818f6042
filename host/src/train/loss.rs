//! Cross-entropy of softmax, over a batch.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use super::optimizer::contiguous;

/// Mean cross-entropy, in nats, of logits (batch x classes) against the index of each row's true class.
pub(super) struct CrossEntropy {
    pub labels: Vec<u16>,
}

impl CustomOp1 for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross-entropy"
    }

    fn cpu_fwd(&self, logits: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (batch, classes) = layout.shape().dims2()?;
        if batch != self.labels.len() {
            bail!("cross-entropy: {batch} rows for {} labels", self.labels.len());
        }
        let logits = contiguous(logits, layout)?;
        let sum = logits
            .chunks_exact(classes)
            .zip(&self.labels)
            .fold(0.0_f64, |sum, (row, &label)| sum + cross_entropy(row, usize::from(label)));
        Ok((CpuStorage::F32(vec![(sum / batch as f64) as f32]), ().into()))
    }

    fn bwd(&self, logits: &Tensor, _loss: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (batch, classes) = logits.dims2()?;
        let scale = gradient.to_scalar::<f32>()? / batch as f32;
        let mut values = logits.flatten_all()?.to_vec1::<f32>()?;
        for (row, &label) in values.chunks_exact_mut(classes).zip(&self.labels) {
            let probabilities = softmax(row);
            for (class, (value, probability)) in row.iter_mut().zip(probabilities).enumerate() {
                let target = f32::from(u8::from(class == usize::from(label)));
                *value = (probability as f32 - target) * scale;
            }
        }
        Ok(Some(Tensor::from_vec(values, (batch, classes), logits.device())?))
    }
}

/// Cross-entropy of one row of logits, nats.
pub(crate) fn cross_entropy(logits: &[f32], label: usize) -> f64 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum = logits.iter().fold(0.0_f64, |sum, &logit| sum + libm::exp(f64::from(logit - largest)));
    libm::log(sum) - f64::from(logits[label] - largest)
}

/// Class probabilities of one row of logits.
pub(crate) fn softmax(logits: &[f32]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exps: Vec<f64> = logits.iter().map(|&logit| libm::exp(f64::from(logit - largest))).collect();
    let sum: f64 = exps.iter().sum();
    exps.iter().map(|exp| exp / sum).collect()
}
