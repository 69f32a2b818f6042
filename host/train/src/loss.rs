//! Softmax cross-entropy and distillation loss of a batch.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use pinhole_core::recipe::{ClassWeights, TrainingSettings};

use super::optimizer::contiguous;

/// Target probabilities and class weights.
#[derive(Clone, Debug)]
pub(super) struct Targets {
    /// Label smoothing: the share of each target that is distributed evenly over all classes.
    pub smoothing: f32,
    /// Class weights: the weight of a row of each class in the loss.
    pub weights: Vec<f32>,
}

impl Targets {
    /// Creates the targets of a training on examples of these classes.
    pub(super) fn new(training: &TrainingSettings, labels: impl Iterator<Item = u16>, classes: usize) -> Self {
        let mut counts = vec![0_usize; classes];
        labels.for_each(|label| counts[usize::from(label)] += 1);
        let all: usize = counts.iter().sum();
        let weight = |&count: &usize| match training.class_weights {
            None => 1.0,
            // The weight of a class without examples is never used.
            Some(ClassWeights::Balanced) => (all as f64 / (classes * count.max(1)) as f64) as f32,
        };
        Self { smoothing: training.label_smoothing, weights: counts.iter().map(weight).collect() }
    }

    /// Returns the target of a row's own class, and that of each other class.
    fn shares(&self) -> (f32, f32) {
        let rest = self.smoothing / self.weights.len() as f32;
        (1.0 - self.smoothing + rest, rest)
    }
}

/// Mean cross-entropy, in nats, of logits (batch x classes) and the [`Targets`] of each row's true class. Rows are
/// weighted by their class; the sum is divided by the number of rows.
///
/// # Source
/// Smoothing: C. Szegedy et al., "Rethinking the Inception architecture for computer vision", CVPR 2016, section 7.
pub(super) struct CrossEntropy {
    /// Index of each row's true class.
    pub labels: Vec<u16>,
    pub targets: Targets,
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
            .fold(0.0_f64, |sum, (row, &label)| sum + self.loss(row, usize::from(label)));
        Ok((CpuStorage::F32(vec![(sum / batch as f64) as f32]), ().into()))
    }

    fn bwd(&self, logits: &Tensor, _loss: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (batch, classes) = logits.dims2()?;
        let scale = gradient.to_scalar::<f32>()? / batch as f32;
        let mut values = logits.flatten_all()?.to_vec1::<f32>()?;
        let (own, other) = self.targets.shares();
        for (row, &label) in values.chunks_exact_mut(classes).zip(&self.labels) {
            let probabilities = softmax(row);
            let scale = scale * self.targets.weights[usize::from(label)];
            for (class, (value, probability)) in row.iter_mut().zip(probabilities).enumerate() {
                let target = if class == usize::from(label) { own } else { other };
                *value = (probability as f32 - target) * scale;
            }
        }
        Ok(Some(Tensor::from_vec(values, (batch, classes), logits.device())?))
    }
}

/// Distillation loss: mean cross-entropy, in nats, of logits (batch x classes) and a teacher network's probabilities.
///
/// # Source
/// G. Hinton, O. Vinyals and J. Dean, "Distilling the knowledge in a neural network", 2015, section 2, at a temperature of
/// 1; for quantized networks A. Polino, R. Pascanu and D. Alistarh, "Model compression via distillation and
/// quantization", ICLR 2018.
pub(super) struct DistillationLoss {
    /// The teacher's logits, row by row.
    pub teacher: Vec<Vec<f32>>,
}

impl CustomOp1 for DistillationLoss {
    fn name(&self) -> &'static str {
        "distillation-loss"
    }

    fn cpu_fwd(&self, logits: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (batch, classes) = layout.shape().dims2()?;
        if batch != self.teacher.len() {
            bail!("distillation loss: {batch} rows for {} of the teacher", self.teacher.len());
        }
        let rows = contiguous(logits, layout)?.chunks_exact(classes).zip(&self.teacher);
        let loss = |row: &[f32], teacher: &[f32]| -> f64 {
            softmax(teacher).into_iter().enumerate().map(|(class, part)| part * cross_entropy(row, class)).sum()
        };
        let sum = rows.fold(0.0, |sum, (row, teacher)| sum + loss(row, teacher));
        Ok((CpuStorage::F32(vec![(sum / batch as f64) as f32]), ().into()))
    }

    fn bwd(&self, logits: &Tensor, _loss: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (batch, classes) = logits.dims2()?;
        let scale = gradient.to_scalar::<f32>()? / batch as f32;
        let mut values = logits.flatten_all()?.to_vec1::<f32>()?;
        for (row, teacher) in values.chunks_exact_mut(classes).zip(&self.teacher) {
            let parts = softmax(row).into_iter().zip(softmax(teacher));
            for (value, (probability, target)) in row.iter_mut().zip(parts) {
                *value = (probability - target) as f32 * scale;
            }
        }
        Ok(Some(Tensor::from_vec(values, (batch, classes), logits.device())?))
    }
}

impl CrossEntropy {
    /// Returns the weighted loss of one row.
    fn loss(&self, row: &[f32], label: usize) -> f64 {
        let (own, other) = self.targets.shares();
        let spread: f64 = if other > 0.0 { (0..row.len()).map(|class| cross_entropy(row, class)).sum() } else { 0.0 };
        let loss = f64::from(own - other) * cross_entropy(row, label) + f64::from(other) * spread;
        f64::from(self.targets.weights[label]) * loss
    }
}

/// Returns the cross-entropy of one row of logits, nats.
pub fn cross_entropy(logits: &[f32], label: usize) -> f64 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum = logits.iter().fold(0.0_f64, |sum, &logit| sum + libm::exp(f64::from(logit - largest)));
    libm::log(sum) - f64::from(logits[label] - largest)
}

/// Returns the class probabilities of one row of logits.
pub fn softmax(logits: &[f32]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exps: Vec<f64> = logits.iter().map(|&logit| libm::exp(f64::from(logit - largest))).collect();
    let sum: f64 = exps.iter().sum();
    exps.iter().map(|exp| exp / sum).collect()
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;
    use pinhole_core::recipe::{DEFAULT, Recipe};

    /// Largest distance of a gradient in f32 from a difference quotient of the loss, which is an f32 near 1.
    const TOLERANCE: f32 = 2e-4;

    #[test]
    fn smoothed_and_weighted_gradients_are_the_losss_slopes() {
        let mut training = Recipe::find(DEFAULT).unwrap().training;
        (training.label_smoothing, training.class_weights) = (0.3, Some(ClassWeights::Balanced));
        // 4 / (3 * 1) and 4 / (3 * 3); the second class has no example.
        let targets = Targets::new(&training, [0, 2, 2, 2].into_iter(), 3);
        assert_eq!((targets.weights[0], targets.weights[2]), ((4.0 / 3.0) as f32, (4.0 / 9.0) as f32));
        let loss = |logits: &[f32]| {
            let op = CrossEntropy { labels: vec![0, 2], targets: targets.clone() };
            let logits = Var::from_slice(logits, (2, 3), &Device::Cpu).unwrap();
            let loss = logits.as_tensor().apply_op1(op).unwrap();
            let gradients = loss.backward().unwrap();
            let gradient = gradients.get(logits.as_tensor()).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
            (loss.to_scalar::<f32>().unwrap(), gradient)
        };
        let logits = [0.5, -1.0, 0.25, 1.5, 0.75, -0.5];
        let (value, gradient) = loss(&logits);
        // By hand: 0.8 of the own class's cross-entropy and 0.1 of each other's, times class weights, over two rows.
        let expected: f64 = [(0, 0, 4.0 / 3.0), (1, 2, 4.0 / 9.0)]
            .iter()
            .map(|&(row, label, weight)| {
                let entropy = |class| cross_entropy(&logits[3 * row..][..3], class);
                let all: f64 = (0..3).map(entropy).sum();
                weight * (0.7 * entropy(label) + 0.1 * all) / 2.0
            })
            .sum();
        assert!((f64::from(value) - expected).abs() < 1e-6, "{value}, not {expected}");
        for (index, slope) in gradient.into_iter().enumerate() {
            let moved = |by: f32| {
                let mut logits = logits;
                logits[index] += by;
                loss(&logits).0
            };
            let quotient = (moved(0.01) - moved(-0.01)) / 0.02;
            assert!((slope - quotient).abs() < TOLERANCE, "{index}: {slope}, not {quotient}");
        }
    }

    /// By hand: a row that equals the teacher's except for a constant, and a row with the classes exchanged.
    #[test]
    fn distillation_ends_where_the_teacher_is() {
        let teacher = vec![vec![1.0, 1.0], vec![0.0, 3.0_f32.ln()]];
        let logits = Var::from_slice(&[2.0_f32, 2.0, 3.0_f32.ln(), 0.0], (2, 2), &Device::Cpu).unwrap();
        let loss = logits.as_tensor().apply_op1(DistillationLoss { teacher }).unwrap();
        let gradients = loss.backward().unwrap();
        let gradient = gradients.get(logits.as_tensor()).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        // A quarter of ln(4/3) and three quarters of ln 4.
        let second = 0.25 * (4.0_f32 / 3.0).ln() + 0.75 * 4.0_f32.ln();
        assert!((loss.to_scalar::<f32>().unwrap() - (2.0_f32.ln() + second) / 2.0).abs() < 1e-6);
        for (slope, expected) in gradient.into_iter().zip([0.0, 0.0, 0.25, -0.25]) {
            assert!((slope - expected).abs() < 1e-6, "{slope}, not {expected}");
        }
    }
}
