//! The bytes of a model file, as `pinhole_shared::model` specifies them.

use pinhole_shared::model::{ALIGNMENT, HEADER_BYTES, MAGIC, RECORD_BYTES, VERSION, seal};
use pinhole_shared::pixels::PIPELINE_ID;

use super::dense::QuantizedDense;

/// Writes a file: header, layer table, then each layer's biases, multipliers and weights, then the class names.
pub(super) fn encode(input_side: u16, classes: &[String], layers: &[QuantizedDense]) -> Vec<u8> {
    let mut file = vec![0; HEADER_BYTES + layers.len() * RECORD_BYTES];
    let mut macs = 0;
    for (index, layer) in layers.iter().enumerate() {
        let biases = append(&mut file, layer.biases.iter().flat_map(|bias| bias.to_le_bytes()));
        let multipliers = append(&mut file, layer.multipliers.iter().flat_map(|multiplier| multiplier.to_le_bytes()));
        let weights = append(&mut file, layer.weights.iter().map(|&weight| weight as u8));
        macs += layer.weights.len() as u32;

        let mut record = Fields(&mut file[HEADER_BYTES + index * RECORD_BYTES..][..RECORD_BYTES]);
        record.put(0, &1_u16.to_le_bytes());
        record.put(2, &[layer.activation as u8, layer.output as u8, 0, layer.pre_shift]);
        let words = [layer.inputs as u32, layer.biases.len() as u32, weights, biases, multipliers];
        for (place, word) in words.iter().enumerate() {
            record.put(8 + 4 * place, &word.to_le_bytes());
        }
        record.put(28, &layer.accumulator_bound.to_le_bytes());
        record.put(32, &layer.input_scale.to_le_bytes());
        record.put(36, &layer.output_scale.to_le_bytes());
    }
    let names_bytes: usize = classes.iter().map(|name| 1 + name.len()).sum();
    let names =
        append(&mut file, classes.iter().flat_map(|name| std::iter::once(name.len() as u8).chain(name.bytes())));
    let file_bytes = file.len() as u32;

    let mut header = Fields(&mut file[..HEADER_BYTES]);
    header.put(0, &MAGIC);
    header.put(4, &VERSION.to_le_bytes());
    header.put(6, &(HEADER_BYTES as u16).to_le_bytes());
    header.put(8, &file_bytes.to_le_bytes());
    header.put(16, &PIPELINE_ID.to_le_bytes());
    header.put(20, &input_side.to_le_bytes());
    header.put(22, &input_side.to_le_bytes());
    header.put(24, &1_u16.to_le_bytes());
    header.put(26, &(classes.len() as u16).to_le_bytes());
    header.put(28, &(layers.len() as u16).to_le_bytes());
    header.put(30, &(RECORD_BYTES as u16).to_le_bytes());
    header.put(32, &names.to_le_bytes());
    header.put(36, &(names_bytes as u32).to_le_bytes());
    header.put(40, &macs.to_le_bytes());
    seal(&mut file);
    file
}

/// Appends a section, padded to the alignment, and returns its offset.
fn append(file: &mut Vec<u8>, section: impl Iterator<Item = u8>) -> u32 {
    let offset = file.len() as u32;
    file.extend(section);
    file.resize(file.len().next_multiple_of(ALIGNMENT), 0);
    offset
}

struct Fields<'a>(&'a mut [u8]);

impl Fields<'_> {
    fn put(&mut self, offset: usize, bytes: &[u8]) {
        self.0[offset..][..bytes.len()].copy_from_slice(bytes);
    }
}
