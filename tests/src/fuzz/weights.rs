//! Any bytes as a weights file: an accepted network is written and read back equal, and classifies without a fault.

use std::path::Path;

use pinhole::train::Network;

/// Largest network that is written again, weights.
const MAX_WEIGHTS: usize = 1 << 20;

/// Largest network that classifies: multiply-accumulates, and values under windows of poolings of up to 9x9.
const MAX_WORK: usize = 1 << 22;

/// Reads the bytes as a weights file. Returns true if it is accepted.
///
/// # Panics
/// If an accepted network is another one when it is written and read back, or if a small one does not classify.
pub fn case(data: &[u8]) -> bool {
    let path = Path::new("any.safetensors");
    let Ok(network) = Network::from_safetensors(data, path) else { return false };
    if network.recipe.weight_count(network.classes.len()) > MAX_WEIGHTS {
        return true;
    }
    let written = network.to_safetensors().expect("a small network can be written");
    let again = Network::from_safetensors(&written, path).expect("what was written is read");
    assert_eq!((&again.classes, &again.recipe), (&network.classes, &network.recipe));
    assert_eq!(again.float_layers().unwrap(), network.float_layers().unwrap());
    let shape = network.recipe.input().shape();
    let shapes = network.recipe.shapes(network.classes.len());
    let work: usize = shapes.iter().map(|layer| layer.macs + layer.input.elements() * 81).sum();
    if work <= MAX_WORK {
        let logits = network.logits(&[&vec![200; shape.elements()]]).expect("an accepted network classifies");
        assert_eq!(logits[0].len(), network.classes.len());
    }
    true
}
