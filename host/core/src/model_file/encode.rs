//! Writes model files, as `pinhole_shared::model` specifies them.

use pinhole_shared::model::format::{Bytes, header};
use pinhole_shared::model::{ALIGNMENT, HEADER_BYTES, MAGIC, RECORD_BYTES, VERSION, put_policy, seal};
use pinhole_shared::pixels::InputShape;
use pinhole_shared::policy::Policy;

use super::layer::QuantizedLayer;
use super::plan::ArenaPlan;
use super::weights::QuantizedWeights;

/// Writes a model file: header, layer table, each layer's biases, multipliers and weights, then the class names.
///
/// Returns `None` if a layer's weights do not fit the sums of its layout. Row-major weights always fit.
pub fn encode(input: InputShape, classes: &[String], policy: Policy, layers: &[QuantizedLayer]) -> Option<Vec<u8>> {
    let mut file = vec![0; HEADER_BYTES + layers.len() * RECORD_BYTES];
    let plan = ArenaPlan::of(layers);
    for (index, layer) in layers.iter().enumerate() {
        let sections = match layer.weighted() {
            Some(weighted) => append_weights(&mut file, weighted)?,
            None => [0; 3],
        };
        layer.put(block(&mut file, 1 + index), sections, plan.offsets[index]);
    }
    let names_bytes: usize = classes.iter().map(|name| 1 + name.len()).sum();
    let names =
        append(&mut file, classes.iter().flat_map(|name| std::iter::once(name.len() as u8).chain(name.bytes())));
    let file_bytes = file.len() as u32;

    let header = block(&mut file, 0);
    header::MAGIC.put(header, MAGIC);
    header::VERSION.put(header, VERSION);
    header::HEADER_BYTES.put(header, HEADER_BYTES as u16);
    header::FILE_BYTES.put(header, file_bytes);
    header::PIPELINE.put(header, input.pipeline_id());
    header::HEIGHT.put(header, input.height);
    header::WIDTH.put(header, input.width);
    header::CHANNELS.put(header, input.color.channels());
    header::CLASSES.put(header, classes.len() as u16);
    header::LAYERS.put(header, layers.len() as u16);
    header::RECORD_BYTES.put(header, RECORD_BYTES as u16);
    header::NAMES.put(header, names);
    header::NAMES_BYTES.put(header, names_bytes as u32);
    header::MACS.put(header, layers.iter().map(QuantizedLayer::macs).sum());
    header::ARENA_BYTES.put(header, plan.arena_bytes);
    put_policy(&mut file, policy);
    seal(&mut file);
    Some(file)
}

/// The header, which is block 0, or the record of a layer, from 1 on.
fn block(file: &mut [u8], index: usize) -> &mut Bytes {
    &mut file.as_chunks_mut().0[index]
}

/// Appends a layer's sections and returns the offsets of weights, biases and multipliers.
fn append_weights(file: &mut Vec<u8>, layer: &QuantizedWeights) -> Option<[u32; 3]> {
    let (weights, biases) = layer.packed()?;
    let biases = append(file, biases.iter().flat_map(|bias| bias.to_le_bytes()));
    let multipliers = append(file, layer.multipliers.iter().flat_map(|multiplier| multiplier.to_le_bytes()));
    Some([append(file, weights.into_iter()), biases, multipliers])
}

/// Appends a section, padded to the alignment, and returns its offset.
fn append(file: &mut Vec<u8>, section: impl Iterator<Item = u8>) -> u32 {
    let offset = file.len() as u32;
    file.extend(section);
    file.resize(file.len().next_multiple_of(ALIGNMENT), 0);
    offset
}
