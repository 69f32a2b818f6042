//! Sorts the outputs by their class names, as models require.

use pinhole_core::model_file::QuantizedLayer;

use super::graph::FileGraph;
use crate::export::CLASSES_METADATA;
use crate::import::Reason;

/// Returns the class names in ascending order, and sorts the rows of the output layer in the same way.
///
/// # Errors
/// [`Reason::Classes`], [`Reason::Name`], [`Reason::Broken`].
pub(super) fn sorted(
    graph: &FileGraph<'_>,
    given: Option<&[String]>,
    last: &mut QuantizedLayer,
) -> Result<Vec<String>, Reason> {
    let weighted = last.weighted_mut().ok_or(Reason::Undecided)?;
    let outputs = weighted.outputs();
    let written = graph.metadata(CLASSES_METADATA)?.and_then(|bytes| serde_json::from_slice(bytes).ok());
    let names: Vec<String> = given.map(<[String]>::to_vec).or(written).unwrap_or_else(|| numbered(outputs));
    if names.len() != outputs || outputs < 2 || outputs > usize::from(u16::MAX) {
        return Err(Reason::Classes { classes: outputs, got: names.len() });
    }
    let mut order: Vec<usize> = (0..outputs).collect();
    order.sort_by_key(|&row| names[row].as_bytes());
    for (position, &row) in order.iter().enumerate() {
        let is_again = position > 0 && names[order[position - 1]] == names[row];
        if is_again || !(1..=usize::from(u8::MAX)).contains(&names[row].len()) {
            return Err(Reason::Name { name: names[row].clone() });
        }
    }
    let weights = |&row: &usize| weighted.weights[row * weighted.inputs..][..weighted.inputs].to_vec();
    weighted.weights = order.iter().flat_map(weights).collect();
    weighted.biases = order.iter().map(|&row| weighted.biases[row]).collect();
    weighted.multipliers = order.iter().map(|&row| weighted.multipliers[row]).collect();
    Ok(order.iter().map(|&row| names[row].clone()).collect())
}

/// Returns names that sort by number: all have the same number of digits.
fn numbered(classes: usize) -> Vec<String> {
    let digits = classes.saturating_sub(1).to_string().len();
    (0..classes).map(|class| format!("class-{class:0digits$}")).collect()
}
