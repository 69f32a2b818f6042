//! A linear classifier on the features of a trained network, cross-validated: what can be told about photos without training on them.

use candle_core::Result;
use pinhole_core::photos::{self, Dataset};

use super::loss::softmax;
use super::network::Network;

/// Steps of gradient descent, their learning rate, and the L2 penalty.
const STEPS: usize = 300;
const RATE: f32 = 0.5;
const PENALTY: f32 = 0.01;

/// Most rows that a classifier is fitted to: more of them, spread evenly, are left out.
const MAX_ROWS: usize = 5_000;

/// Softmax regression on standardized features.
pub(super) struct LinearClassifier {
    /// Mean of each feature, and the reciprocal of its standard deviation.
    scales: Vec<(f32, f32)>,
    /// Class x (feature, bias last).
    weights: Vec<Vec<f32>>,
}

impl LinearClassifier {
    /// Fits rows of features and classes by gradient descent from 0: no random numbers.
    fn fit(rows: &[(&[f32], usize)], classes: usize) -> Self {
        let (count, width) = (rows.len() as f32, rows[0].0.len());
        let scales: Vec<(f32, f32)> = (0..width)
            .map(|feature| {
                let mean = rows.iter().map(|(row, _)| row[feature]).sum::<f32>() / count;
                let variance = rows.iter().map(|(row, _)| (row[feature] - mean).powi(2)).sum::<f32>() / count;
                (mean, if variance > 0.0 { 1.0 / variance.sqrt() } else { 0.0 })
            })
            .collect();
        let mut classifier = Self { scales, weights: vec![vec![0.0; width + 1]; classes] };
        let rows: Vec<(Vec<f32>, usize)> = rows.iter().map(|(row, class)| (classifier.scaled(row), *class)).collect();
        let rate = RATE / (width as f32).sqrt();
        for _ in 0..STEPS {
            let mut gradients = vec![vec![0.0; width + 1]; classes];
            for (row, label) in &rows {
                for (class, share) in softmax(&classifier.logits(row)).into_iter().enumerate() {
                    let slope = (share as f32 - f32::from(u8::from(class == *label))) / count;
                    gradients[class].iter_mut().zip(row).for_each(|(gradient, value)| *gradient += slope * value);
                }
            }
            for (weights, gradients) in classifier.weights.iter_mut().zip(gradients) {
                for (weight, gradient) in weights.iter_mut().zip(gradients) {
                    *weight -= rate * (gradient + PENALTY * *weight);
                }
            }
        }
        classifier
    }

    /// Returns the standardized features, and 1 for the bias.
    fn scaled(&self, row: &[f32]) -> Vec<f32> {
        row.iter().zip(&self.scales).map(|(value, (mean, scale))| (value - mean) * scale).chain([1.0]).collect()
    }

    fn logits(&self, scaled: &[f32]) -> Vec<f32> {
        let logit = |weights: &Vec<f32>| weights.iter().zip(scaled).map(|(weight, value)| weight * value).sum();
        self.weights.iter().map(logit).collect()
    }

    /// Returns the probability of each class.
    pub(super) fn probabilities(&self, row: &[f32]) -> Vec<f64> {
        softmax(&self.logits(&self.scaled(row)))
    }
}

/// Classifiers of a cross-validation: each was fitted to the photos of the other folds.
pub(super) struct CrossValidation {
    classifiers: Vec<LinearClassifier>,
    /// Fold of each photo.
    folds: Vec<usize>,
}

impl CrossValidation {
    /// Fits a classifier for each fold. `features` are those of the dataset's photos. `groups` are those of
    /// [`photos::groups`]: near-duplicates stay in one fold. `None` if a class has too few photos for so many folds.
    pub(super) fn of(
        dataset: &Dataset,
        features: &[Vec<f32>],
        groups: &[usize],
        folds: usize,
        seed: u64,
    ) -> Option<Self> {
        let fold_of = photos::folds(dataset, groups, folds, seed).ok()?;
        let fit = |fold: usize| {
            let others = (0..features.len()).filter(|&index| fold_of[index] != fold);
            let rows: Vec<(&[f32], usize)> =
                others.map(|index| (features[index].as_slice(), usize::from(dataset.examples[index].class))).collect();
            let rows: Vec<_> = rows.iter().step_by(rows.len().div_ceil(MAX_ROWS).max(1)).copied().collect();
            LinearClassifier::fit(&rows, dataset.classes.len())
        };
        Some(Self { classifiers: (0..folds).map(fit).collect(), folds: fold_of })
    }

    /// Returns the probability of each class for features of this photo, or of a changed copy of it.
    pub(super) fn probabilities(&self, index: usize, features: &[f32]) -> Vec<f64> {
        self.classifiers[self.folds[index]].probabilities(features)
    }
}

/// Returns the values that the network's last layer reads, for each input.
///
/// # Errors
/// A candle error if there is not enough memory.
pub(super) fn features(network: &Network, inputs: &[&[u8]]) -> Result<Vec<Vec<f32>>> {
    let values = network.activations(inputs, network.layers.len() - 1)?;
    let width = values.len() / inputs.len().max(1);
    Ok(values.chunks(width.max(1)).map(<[f32]>::to_vec).collect())
}

/// Number of folds of [`cross_validated`].
const FOLDS: usize = 4;

/// Returns the probability of each class for each photo, by a linear classifier that has not seen it: on the values that `network`'s
/// last layer reads, cross-validated in four folds. `groups` are those of [`photos::groups`]: near-duplicates stay in one fold. `None`
/// if a class has too few photos for four folds. A classifier is fitted to at most 5,000 photos.
///
/// # Errors
/// A candle error if there is not enough memory.
pub fn cross_validated(
    network: &Network,
    dataset: &Dataset,
    groups: &[usize],
    seed: u64,
) -> Result<Option<Vec<Vec<f64>>>> {
    let inputs: Vec<&[u8]> = dataset.examples.iter().map(|example| &example.pixels[..]).collect();
    let features = features(network, &inputs)?;
    let Some(validation) = CrossValidation::of(dataset, &features, groups, FOLDS, seed) else { return Ok(None) };
    Ok(Some(features.iter().enumerate().map(|(index, row)| validation.probabilities(index, row)).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pinhole_core::photos::Example;
    use pinhole_core::testing::recipe;
    use pinhole_shared::pixels::InputShape;

    /// A photo with the other class's label does not teach its own probability.
    #[test]
    fn a_wrong_label_is_improbable() {
        let pixels = |class: usize, index: usize| {
            (0..4).map(|i| if i == 3 * class { 200 } else { 20 } + (7 * i + 3 * index % 11) as u8).collect()
        };
        let example = |index: usize| {
            let shown = index % 2;
            // The first of class 0 shows class 1.
            let shown = if index == 0 { 1 } else { shown };
            Example { path: index.to_string().into(), class: (index % 2) as u16, pixels: pixels(shown, index) }
        };
        let dataset = Dataset {
            input: InputShape::gray(2),
            classes: vec!["a".to_owned(), "b".to_owned()],
            examples: (0..24).map(example).collect(),
            warnings: Vec::new(),
            enlarged: 0,
        };
        let recipe = recipe(
            "input_side = 2\n[training]\nepochs = 1\nbatch = 4\nlearning_rate = 0.01\n\
             [[layer]]\nkind = \"average-pool\"\nwindow = [1, 1]\n",
        );
        let network = Network::new(&recipe, &dataset.classes, 1).unwrap();
        let groups: Vec<usize> = (0..24).collect();
        let found = cross_validated(&network, &dataset, &groups, 1).unwrap().unwrap();
        for (index, row) in found.iter().enumerate() {
            let own = row[index % 2];
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            if index == 0 { assert!(own < 0.2, "{own}") } else { assert!(own > 0.8, "{index}: {own}") }
        }
        // Three photos of a class are too few for four folds.
        let few = Dataset { examples: dataset.examples[..6].to_vec(), ..dataset };
        assert_eq!(cross_validated(&network, &few, &groups[..6], 1).unwrap(), None);
    }
}
