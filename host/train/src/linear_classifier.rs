//! A linear classifier on the features of a trained network, cross-validated: what can be told about photos without training on
//! them.

use candle_core::Result;
use pinhole_core::photos::{self, Dataset, Example, thinned};
use rayon::prelude::*;

use super::loss::softmax;
use super::matrix::{Matrix, product};
use super::network::Network;

/// Steps of gradient descent, their learning rate, and the L2 penalty.
const STEPS: usize = 300;
const RATE: f32 = 0.5;
const PENALTY: f32 = 0.01;

/// Number of folds of a cross-validation.
pub(super) const FOLDS: usize = 4;

/// Most photos that a classifier is fitted to, and most multiply-accumulates of one pass over them: some seconds for a whole
/// cross-validation.
const MAX_FITTED: usize = 5_000;
const MAX_MACS: usize = 20_000_000;

/// Most features of all photos together: 160 MB.
const MAX_FEATURES: usize = 40_000_000;

/// Fewest photos of a class, if it has as many, that stay when photos are left out.
const FEWEST: usize = 8;

/// The values that a network's last layer reads, for each of some inputs.
pub(super) struct Features {
    values: Vec<f32>,
    width: usize,
}

impl Features {
    /// Computes the features of inputs.
    ///
    /// # Errors
    /// An error of candle.
    pub(super) fn of(network: &Network, inputs: &[&[u8]]) -> Result<Self> {
        let values = network.activations(inputs, network.layers.len() - 1)?;
        let width = values.len() / inputs.len().max(1);
        Ok(Self { values, width })
    }

    /// Returns the features of one input.
    pub(super) fn row(&self, index: usize) -> &[f32] {
        &self.values[index * self.width..][..self.width]
    }
}

/// Softmax regression on standardized features.
struct LinearClassifier {
    /// Mean of each feature, and the reciprocal of its standard deviation.
    scales: Vec<(f32, f32)>,
    /// (feature, bias last) x class.
    weights: Vec<f32>,
    classes: usize,
}

impl LinearClassifier {
    /// Fits features and classes by gradient descent from 0: no random numbers.
    fn fit(rows: &[(&[f32], usize)], classes: usize) -> Self {
        let (count, width) = (rows.len() as f32, rows[0].0.len());
        let scales: Vec<(f32, f32)> = (0..width)
            .map(|feature| {
                let mean = rows.iter().map(|(row, _)| row[feature]).sum::<f32>() / count;
                let variance = rows.iter().map(|(row, _)| (row[feature] - mean).powi(2)).sum::<f32>() / count;
                (mean, if variance > 0.0 { 1.0 / variance.sqrt() } else { 0.0 })
            })
            .collect();
        let inputs = width + 1;
        let mut classifier = Self { scales, weights: vec![0.0; inputs * classes], classes };
        let values: Vec<f32> = rows.iter().flat_map(|(row, _)| classifier.scaled(row)).collect();
        let rate = RATE / (width as f32).sqrt();
        for _ in 0..STEPS {
            let mut slopes = product(Matrix::row_major(&values, rows.len(), inputs), &classifier.weights, classes);
            for (slopes, (_, label)) in slopes.chunks_exact_mut(classes).zip(rows) {
                let shares = softmax(slopes);
                for (class, (slope, share)) in slopes.iter_mut().zip(shares).enumerate() {
                    *slope = (share as f32 - f32::from(u8::from(class == *label))) / count;
                }
            }
            let gradients = product(Matrix::transposed(&values, rows.len(), inputs), &slopes, classes);
            for (weight, gradient) in classifier.weights.iter_mut().zip(gradients) {
                *weight -= rate * (gradient + PENALTY * *weight);
            }
        }
        classifier
    }

    /// Returns the standardized features, and 1 for the bias.
    fn scaled(&self, row: &[f32]) -> impl Iterator<Item = f32> {
        row.iter().zip(&self.scales).map(|(value, (mean, scale))| (value - mean) * scale).chain([1.0])
    }

    /// Returns the probability of each class.
    fn probabilities(&self, row: &[f32]) -> Vec<f64> {
        let mut logits = vec![0.0_f32; self.classes];
        for (value, weights) in self.scaled(row).zip(self.weights.chunks_exact(self.classes)) {
            logits.iter_mut().zip(weights).for_each(|(logit, weight)| *logit += weight * value);
        }
        softmax(&logits)
    }
}

/// Classifiers of a cross-validation: each was fitted to the photos of the other folds.
pub(super) struct CrossValidation {
    classifiers: Vec<LinearClassifier>,
    /// Fold of each photo; `None` if its class has too few photos for as many folds.
    folds: Vec<Option<usize>>,
    /// Number of classes of the dataset, and indices of those that the classifiers know.
    classes: usize,
    known: Vec<usize>,
}

impl CrossValidation {
    /// Fits a classifier for each of four folds. `features` are those of the dataset's photos. `groups` are those of
    /// [`photos::groups`]: near-duplicates stay in one fold. Classes with photos of fewer than four groups are left out. `None`
    /// if fewer than two are left, or if there are so many features and classes that it would take minutes.
    pub(super) fn of(dataset: &Dataset, features: &Features, groups: &[usize], seed: u64) -> Option<Self> {
        let known = known_classes(dataset, groups);
        let budget = MAX_MACS / ((features.width + 1) * known.len().max(1));
        let most = budget.min(MAX_FITTED);
        if known.len() < 2 || most < FEWEST * known.len() {
            return None;
        }
        let class_of =
            |index: usize| known.iter().position(|&class| class == usize::from(dataset.examples[index].class));
        let judged: Vec<(usize, usize)> =
            (0..dataset.examples.len()).filter_map(|index| Some((index, class_of(index)?))).collect();
        let fold_of = folds(dataset, &judged, &known, groups, seed)?;
        let fit = |fold: usize| {
            let others: Vec<(usize, usize)> =
                judged.iter().zip(&fold_of).filter(|(_, of)| **of != fold).map(|(one, _)| *one).collect();
            let part = |class: usize| {
                let own: Vec<usize> = others.iter().filter(|(_, of)| *of == class).map(|(index, _)| *index).collect();
                let share = if others.len() > most { (own.len() * most / others.len()).max(FEWEST) } else { own.len() };
                thinned(own, Some(share)).into_iter().map(move |index| (features.row(index), class))
            };
            let rows: Vec<(&[f32], usize)> = (0..known.len()).flat_map(part).collect();
            LinearClassifier::fit(&rows, known.len())
        };
        let classifiers = (0..FOLDS).into_par_iter().map(fit).collect();
        let mut all_folds = vec![None; dataset.examples.len()];
        judged.iter().zip(&fold_of).for_each(|((index, _), fold)| all_folds[*index] = Some(*fold));
        Some(Self { classifiers, folds: all_folds, classes: dataset.classes.len(), known })
    }

    /// Returns the probability of each of the dataset's classes for features of this photo, or of a changed copy of it; `None`
    /// if its class was left out.
    pub(super) fn probabilities(&self, index: usize, features: &[f32]) -> Option<Vec<f64>> {
        let of_known = self.classifiers[self.folds[index]?].probabilities(features);
        let mut probabilities = vec![0.0; self.classes];
        self.known.iter().zip(of_known).for_each(|(&class, probability)| probabilities[class] = probability);
        Some(probabilities)
    }
}

/// Returns the classes with photos of at least as many groups as there are folds.
fn known_classes(dataset: &Dataset, groups: &[usize]) -> Vec<usize> {
    let mut of_class = vec![std::collections::BTreeSet::new(); dataset.classes.len()];
    for (example, group) in dataset.examples.iter().zip(groups) {
        of_class[usize::from(example.class)].insert(group);
    }
    (0..of_class.len()).filter(|&class| of_class[class].len() >= FOLDS).collect()
}

/// Returns the folds of the judged photos, which have an index in the dataset and one in the known classes.
fn folds(
    dataset: &Dataset,
    judged: &[(usize, usize)],
    known: &[usize],
    groups: &[usize],
    seed: u64,
) -> Option<Vec<usize>> {
    let part = without_pixels(dataset, judged, known.iter().map(|&class| dataset.classes[class].clone()).collect());
    // A group's number is the index of its first photo.
    let mut first_of = std::collections::HashMap::new();
    let groups: Vec<usize> =
        judged.iter().enumerate().map(|(place, (index, _))| *first_of.entry(groups[*index]).or_insert(place)).collect();
    photos::folds(&part, &groups, FOLDS, seed).ok()
}

/// Returns a part of a dataset, without pixels, which folds do not depend on. Of each example, index and class are given.
fn without_pixels(dataset: &Dataset, part: &[(usize, usize)], classes: Vec<String>) -> Dataset {
    let example = |&(index, class): &(usize, usize)| Example {
        path: dataset.examples[index].path.clone(),
        class: class as u16,
        pixels: Vec::new(),
    };
    let examples = part.iter().map(example).collect();
    Dataset { input: dataset.input, classes, examples, warnings: Vec::new(), enlarged: 0 }
}

/// Returns the most probable class; of equally probable ones, the first.
pub fn most_probable(probabilities: &[f64]) -> usize {
    (0..probabilities.len())
        .fold(0, |best, class| if probabilities[class] > probabilities[best] { class } else { best })
}

/// Returns the probability of each class for each photo, by a linear classifier that has not seen it: on the values that
/// `network`'s last layer reads, cross-validated in four folds. `groups` are those of [`photos::groups`]: near-duplicates stay
/// in one fold.
///
/// `None` for photos of a class with fewer than four groups, and for a part of the photos, spread evenly, if all would take
/// more than 160 MB. All are `None` if there are fewer than two other classes, or so many features and classes that it would
/// take minutes. A classifier is fitted to at most 5,000 photos.
///
/// # Errors
/// An error of candle.
pub fn cross_validated(
    network: &Network,
    dataset: &Dataset,
    groups: &[usize],
    seed: u64,
) -> Result<Vec<Option<Vec<f64>>>> {
    let width = network.layers.last().map_or(1, |last| last.shape.input.elements());
    let most = (MAX_FEATURES / width.max(1)).max(1);
    let chosen = thinned((0..dataset.examples.len()).collect::<Vec<_>>(), Some(most));
    let mut all = vec![None; dataset.examples.len()];
    let chosen_groups: Vec<usize> = chosen.iter().map(|&index| groups[index]).collect();
    let inputs: Vec<&[u8]> = chosen.iter().map(|&index| &dataset.examples[index].pixels[..]).collect();
    let features = Features::of(network, &inputs)?;
    let judged: Vec<(usize, usize)> =
        chosen.iter().map(|&index| (index, usize::from(dataset.examples[index].class))).collect();
    let part = without_pixels(dataset, &judged, dataset.classes.clone());
    if let Some(validation) = CrossValidation::of(&part, &features, &chosen_groups, seed) {
        for (place, &index) in chosen.iter().enumerate() {
            all[index] = validation.probabilities(place, features.row(place));
        }
    }
    Ok(all)
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
        const WRONG: usize = 14;
        let pixels = |class: usize, index: usize| {
            (0..4).map(|i| if i == 3 * class { 200 } else { 20 } + (7 * i + 3 * index % 29) as u8).collect()
        };
        let example = |index: usize| {
            let shown = index % 2;
            // One of class 0 shows class 1. In the rest of its pixels it is in the middle of all.
            let shown = if index == WRONG { 1 } else { shown };
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
        let found = cross_validated(&network, &dataset, &groups, 1).unwrap();
        for (index, row) in found.iter().enumerate() {
            let row = row.as_ref().unwrap();
            let own = row[index % 2];
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            if index == WRONG { assert!(own < 0.2, "{own}") } else { assert!(own > 0.8, "{index}: {own}") }
        }
        // A class with three photos is left out, and the others are judged as without it.
        let mut more = dataset.clone();
        more.classes.insert(0, "0 rare".to_owned());
        more.examples.iter_mut().for_each(|example| example.class += 1);
        let rare = |index: usize| Example { path: format!("rare {index}").into(), class: 0, pixels: vec![99; 4] };
        more.examples.extend((0..3).map(rare));
        let groups: Vec<usize> = (0..27).collect();
        let network = Network::new(&network.recipe, &more.classes, 1).unwrap();
        let with_rare = cross_validated(&network, &more, &groups, 1).unwrap();
        for (with, without) in with_rare.iter().zip(&found) {
            let (with, without) = (with.as_ref().unwrap(), without.as_ref().unwrap());
            assert_eq!((with[0], &with[1..]), (0.0, &without[..]));
        }
        assert_eq!(with_rare[24..], [None, None, None]);
        // One class alone cannot be told from another.
        let few = Dataset { examples: dataset.examples[..6].to_vec(), ..dataset };
        assert_eq!(cross_validated(&network, &few, &groups[..6], 1).unwrap(), vec![None; 6]);
    }

    #[test]
    fn a_rare_class_stays_when_photos_are_left_out() {
        let count = 3 * MAX_FITTED;
        let class = |index: usize| u16::from(index >= count - 8);
        let example =
            |index: usize| Example { path: index.to_string().into(), class: class(index), pixels: Vec::new() };
        let dataset = Dataset {
            input: InputShape::gray(1),
            classes: vec!["many".to_owned(), "rare".to_owned()],
            examples: (0..count).map(example).collect(),
            warnings: Vec::new(),
            enlarged: 0,
        };
        let values = (0..count).map(|index| f32::from(class(index)) + (index % 7) as f32 / 100.0).collect();
        let features = Features { values, width: 1 };
        let groups: Vec<usize> = (0..count).collect();
        let validation = CrossValidation::of(&dataset, &features, &groups, 1).unwrap();
        for index in count - 8..count {
            let rare = validation.probabilities(index, features.row(index)).unwrap()[1];
            let common = validation.probabilities(0, features.row(0)).unwrap()[1];
            assert!(rare > 10.0 * common, "{index}: {rare}, {common}");
        }
    }

    #[test]
    fn the_first_of_the_most_probable_is_chosen() {
        assert_eq!([most_probable(&[0.2, 0.4, 0.4]), most_probable(&[0.5]), most_probable(&[])], [1, 0, 0]);
    }
}
