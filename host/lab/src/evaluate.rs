//! Evaluates float and integer network side by side on labeled photos.

use std::path::PathBuf;

use pinhole_core::model_file::ModelFile;
use pinhole_core::photos::Dataset;
use pinhole_shared::decision::{Decision, Probability, probability};
use pinhole_shared::fixed::Q16_ONE;
use pinhole_shared::model::Layer;
use pinhole_train::{Network, cross_entropy, softmax};
use serde::Serialize;

use crate::threshold::{Coverage, Judged};

/// Results of both networks on some photos.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluation {
    /// Number of photos.
    pub photos: usize,
    /// Class names, in the order of the confusion matrices.
    pub classes: Vec<String>,
    /// Scores of the float network; absent if there is only a model file.
    pub float: Option<Scores>,
    /// Weight bits in the model file, 8 or 4, of each layer with weights.
    pub weight_bits: Vec<u32>,
    /// Scores of the integer network, as on the device, for any width of weights.
    pub int8: Scores,
    /// Coverage at the model's least probability, each photo on its own; absent if the model answers everything.
    pub answered: Option<Coverage>,
    /// Fraction of photos with the same decision of both networks; absent without the float network.
    pub agreement: Option<f64>,
    /// Photos with different decisions.
    pub disagreements: Vec<Disagreement>,
    /// Result of each photo, in the dataset's order.
    #[serde(skip)]
    pub results: Vec<PhotoResult>,
}

impl Evaluation {
    /// Returns a name for the integer network: `int8`, or `int4,8,8` if layers differ.
    pub fn integer_name(&self) -> String {
        let mut bits: Vec<String> = self.weight_bits.iter().map(u32::to_string).collect();
        if bits.windows(2).all(|two| two[0] == two[1]) {
            bits.truncate(1);
        }
        format!("int{}", bits.join(","))
    }
}

/// Scores of one network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scores {
    /// Fraction of right decisions.
    pub accuracy: f64,
    /// Mean cross-entropy, nats.
    pub loss: f64,
    /// Confusion matrix: photos by true class (row) and decided class (column).
    pub confusion: Vec<Vec<usize>>,
}

/// A photo with different decisions of the two networks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Disagreement {
    /// The photo.
    #[serde(serialize_with = "pinhole_core::path_text::serialize")]
    pub path: PathBuf,
    /// Name of its class.
    pub class: String,
    /// The float network's decision.
    pub float: Answer,
    /// The integer network's decision.
    pub int8: Answer,
}

/// A decision with the name of its class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// Name of the class.
    pub class: String,
    /// Its probability, 0..=1.
    pub probability: f64,
}

/// Results of one photo.
#[derive(Clone, Debug)]
pub struct PhotoResult {
    /// The float network's class, and its probability.
    pub float: Option<(usize, f64)>,
    /// The integer network's decision.
    pub int8: Decision,
    /// The integer network's probability of the photo's own class.
    pub own: Probability,
}

/// Evaluates both networks on the photos, whose classes must be the model's.
///
/// # Errors
/// A candle error when running the float network fails.
///
/// # Panics
/// If the dataset is empty, or its inputs have another size than the model's.
pub fn evaluate(network: Option<&Network>, model: &ModelFile, photos: &Dataset) -> candle_core::Result<Evaluation> {
    assert!(!photos.examples.is_empty(), "nothing to evaluate");
    let inputs: Vec<&[u8]> = photos.examples.iter().map(|example| &example.pixels[..]).collect();
    let labels: Vec<usize> = photos.examples.iter().map(|example| usize::from(example.class)).collect();
    let integer: Vec<(Decision, Vec<i32>)> = model.engine().map(&inputs, |engine, input| {
        let (decision, logits) = engine.run_to_logits(input);
        (decision, logits.to_vec())
    });
    let real = |logit: &i32| (f64::from(*logit) / f64::from(Q16_ONE)) as f32;
    let int8_logits: Vec<Vec<f32>> = integer.iter().map(|(_, logits)| logits.iter().map(real).collect()).collect();
    // The device's own decisions, not a separate arg max.
    let int8_decided: Vec<usize> = integer.iter().map(|(decision, _)| usize::from(decision.class)).collect();
    let classes = photos.classes.len();
    let int8 = scores(&int8_logits, &int8_decided, &labels, classes);

    let float_logits = network.map(|network| network.logits(&inputs)).transpose()?;
    let float_decided: Option<Vec<usize>> =
        float_logits.as_ref().map(|logits| logits.iter().map(|row| pinhole_train::arg_max(row)).collect());
    let float = float_logits.as_ref().zip(float_decided.as_ref()).map(|(l, d)| scores(l, d, &labels, classes));

    let results: Vec<PhotoResult> = integer
        .iter()
        .enumerate()
        .map(|(index, (int8, integer_logits))| {
            let float = float_logits.as_ref().zip(float_decided.as_ref()).map(|(logits, decided)| {
                let class = decided[index];
                (class, softmax(&logits[index])[class])
            });
            PhotoResult { float, int8: *int8, own: probability(integer_logits, labels[index]) }
        })
        .collect();
    let name = |class: usize| photos.classes[class].clone();
    let disagreements: Vec<Disagreement> = photos
        .examples
        .iter()
        .zip(&results)
        .filter_map(|(example, result)| {
            let (class, probability) = result.float?;
            let int8_class = usize::from(result.int8.class);
            (class != int8_class).then(|| Disagreement {
                path: example.path.clone(),
                class: name(usize::from(example.class)),
                float: Answer { class: name(class), probability },
                int8: Answer { class: name(int8_class), probability: result.int8.probability.to_f64() },
            })
        })
        .collect();
    let judged: Vec<Judged> =
        photos.examples.iter().zip(&results).map(|(example, result)| Judged::of(example.class, result.int8)).collect();
    let least = model.model().policy().min_probability();
    let count = photos.examples.len();
    let bits = |layer: Layer<'_>| Some(layer.weighted()?.operands.weights.layout().bits());
    Ok(Evaluation {
        photos: count,
        weight_bits: model.model().layers().filter_map(bits).collect(),
        classes: photos.classes.clone(),
        agreement: float.is_some().then(|| (count - disagreements.len()) as f64 / count as f64),
        float,
        int8,
        answered: (least > Probability(0)).then(|| Coverage::at(least, &judged)),
        disagreements,
        results,
    })
}

fn scores(logits: &[Vec<f32>], decided: &[usize], labels: &[usize], classes: usize) -> Scores {
    let mut confusion = vec![vec![0; classes]; classes];
    let mut loss = 0.0;
    for ((row, &decided), &label) in logits.iter().zip(decided).zip(labels) {
        confusion[label][decided] += 1;
        loss += cross_entropy(row, label);
    }
    let right: usize = (0..classes).map(|class| confusion[class][class]).sum();
    let count = labels.len() as f64;
    Scores { accuracy: right as f64 / count, loss: loss / count, confusion }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_by_hand() {
        let logits = [vec![0.0, 0.0], vec![3.0, 3.0], vec![9.0, 9.0]];
        let scores = scores(&logits, &[0, 1, 1], &[0, 0, 1], 2);
        assert_eq!(scores.confusion, [[1, 1], [0, 1]]);
        assert_eq!(scores.accuracy, 2.0 / 3.0);
        assert!((scores.loss - std::f64::consts::LN_2).abs() < 1e-12);
    }
}
