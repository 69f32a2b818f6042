//! A small encoder of model files, written from the byte specification alone: independent of the host's.

use pinhole_shared::model::{ALIGNMENT, Activation, HEADER_BYTES, MAGIC, Output, RECORD_BYTES, VERSION, seal};
use pinhole_shared::pixels::PIPELINE_ID;

/// One dense layer, with random parameters from a seed.
#[derive(Clone, Copy, Debug)]
pub struct LayerShape {
    pub outputs: usize,
    pub activation: Activation,
    pub output: Output,
}

/// A model file at a word-aligned address.
#[derive(Clone, Debug)]
pub struct ModelFile(Vec<u32>);

impl ModelFile {
    pub fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(&self.0)
    }

    /// Sets the fields of a policy: minimum probability in Q16, frames that must agree, and their window.
    pub fn with_policy(mut self, min_probability: u32, needed: u8, window: u8) -> Self {
        let file = bytemuck::cast_slice_mut(&mut self.0);
        put(file, 44, min_probability);
        put(file, 48, u32::from(needed) | u32::from(window) << 8);
        seal(file);
        self
    }
}

/// A tiny model: `side * side` pixels -> 3 sigmoid -> 2 logits.
pub fn tiny(side: u16) -> ModelFile {
    let hidden = LayerShape { outputs: 3, activation: Activation::Sigmoid, output: Output::I16 };
    encode(side, &[hidden, logits(2)], 1)
}

/// Returns the last layer.
pub fn logits(classes: usize) -> LayerShape {
    LayerShape { outputs: classes, activation: Activation::Linear, output: Output::Logits }
}

/// Encodes a model with random weights, biases and multipliers from `seed`.
pub fn encode(side: u16, layers: &[LayerShape], seed: u64) -> ModelFile {
    let mut state = seed;
    let mut draw = move |range: i64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as i64 % (2 * range + 1) - range
    };
    let classes = layers.last().unwrap().outputs;
    let mut file = vec![0_u8; HEADER_BYTES + layers.len() * RECORD_BYTES];
    let names: Vec<u8> = (0..classes)
        .flat_map(|class| {
            let name = format!("class {class}");
            [&[name.len() as u8], name.as_bytes()].concat()
        })
        .collect();
    let names_offset = section(&mut file, &names);
    let (mut inputs, mut magnitude, mut macs) = (usize::from(side) * usize::from(side), 255_u32, 0);
    for (index, layer) in layers.iter().enumerate() {
        let mut bound = 0;
        let (mut weights, mut biases, mut multipliers) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..layer.outputs {
            let row: Vec<i8> = (0..inputs).map(|_| draw(127) as i8).collect();
            let bias = draw(9_999) as i32;
            let l1: u32 = row.iter().map(|weight| u32::from(weight.unsigned_abs())).sum();
            bound = bound.max(bias.unsigned_abs() + l1 * magnitude);
            weights.extend(row.iter().map(|&weight| weight as u8));
            biases.extend(bias.to_le_bytes());
            multipliers.extend(((1 << 28) + draw(1 << 27) as i32).to_le_bytes());
        }
        let places = [&weights, &biases, &multipliers].map(|bytes| section(&mut file, bytes));
        let record = &mut file[HEADER_BYTES + index * RECORD_BYTES..][..RECORD_BYTES];
        record[0] = 1;
        record[2] = layer.activation as u8;
        record[3] = layer.output as u8;
        put(record, 8, inputs as u32);
        put(record, 12, layer.outputs as u32);
        for (field, place) in [16, 20, 24].into_iter().zip(places) {
            put(record, field, place);
        }
        put(record, 28, bound);
        put(record, 32, 1.0_f32.to_bits());
        put(record, 36, 1.0_f32.to_bits());
        macs += inputs * layer.outputs;
        (inputs, magnitude) = (layer.outputs, layer.output.max_magnitude());
    }
    let length = file.len() as u32;
    file[..4].copy_from_slice(&MAGIC);
    put(&mut file, 4, u32::from(VERSION) | (HEADER_BYTES as u32) << 16);
    put(&mut file, 8, length);
    put(&mut file, 16, PIPELINE_ID);
    put(&mut file, 20, u32::from(side) | u32::from(side) << 16);
    put(&mut file, 24, 1 | (classes as u32) << 16);
    put(&mut file, 28, layers.len() as u32 | (RECORD_BYTES as u32) << 16);
    put(&mut file, 32, names_offset);
    put(&mut file, 36, names.len() as u32);
    put(&mut file, 40, macs as u32);
    seal(&mut file);
    ModelFile(file.chunks_exact(4).map(|word| u32::from_ne_bytes(word.try_into().unwrap())).collect())
}

/// Appends a section, padded, and returns its offset.
fn section(file: &mut Vec<u8>, bytes: &[u8]) -> u32 {
    let offset = file.len();
    file.extend(bytes);
    file.resize(file.len().next_multiple_of(ALIGNMENT), 0);
    offset as u32
}

fn put(bytes: &mut [u8], offset: usize, value: u32) {
    bytes[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
}
