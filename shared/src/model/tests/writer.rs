//! A small writer of model files, from the specification alone: offsets are numbers here, so that it shares no mistake with the
//! reader.

use std::vec;
use std::vec::Vec;

use crate::layout::{Layout, Weights, pack};
use crate::model::{Model, ModelError, seal};
use crate::pixels::{Color, InputShape};

/// Sections of a layer with weights: their offsets in the file.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sections {
    pub(crate) weights: usize,
    pub(crate) biases: usize,
    pub(crate) multipliers: usize,
}

/// A model file at a word-aligned address, to be changed and parsed.
#[derive(Clone)]
pub(crate) struct Draft {
    words: Vec<u32>,
    length: usize,
    /// Of each layer; zeros if it has no weights.
    pub(crate) sections: Vec<Sections>,
    /// Where the class names start.
    pub(crate) names: usize,
}

impl Draft {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut draft =
            Self { words: vec![0; bytes.len().div_ceil(4)], length: bytes.len(), sections: Vec::new(), names: 0 };
        draft.bytes_mut().copy_from_slice(bytes);
        draft
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.length]
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.words)[..self.length]
    }

    /// Cuts the file, or extends it with zeros, and states the new length.
    pub(crate) fn resize(&mut self, length: usize) {
        self.words.resize(length.div_ceil(4), 0);
        self.length = length;
        self.u32(8, length as u32);
    }

    pub(crate) fn put(&mut self, at: usize, bytes: &[u8]) {
        self.bytes_mut()[at..at + bytes.len()].copy_from_slice(bytes);
    }

    pub(crate) fn u16(&mut self, at: usize, value: u16) {
        self.put(at, &value.to_le_bytes());
    }

    pub(crate) fn u32(&mut self, at: usize, value: u32) {
        self.put(at, &value.to_le_bytes());
    }

    pub(crate) fn get(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.bytes()[at..at + 4].try_into().unwrap())
    }

    /// Adds to the multiply-accumulates that the header states.
    pub(crate) fn more_macs(&mut self, more: i32) {
        self.u32(40, self.get(40).wrapping_add_signed(more));
    }

    /// Parses the file with its checksum renewed.
    pub(crate) fn parse(&mut self) -> Result<Model<'_>, ModelError> {
        seal(self.bytes_mut());
        Model::parse(self.bytes())
    }

    /// Returns why the file, with its checksum renewed, is refused.
    pub(crate) fn refusal(&mut self) -> Option<ModelError> {
        self.parse().err()
    }
}

/// Offset of a layer's record.
pub(crate) fn record(layer: usize) -> usize {
    64 * (layer + 1)
}

/// A layer to be written. Weights are [`weight`]s, biases 0, multipliers 2^30: a quarter of each sum.
#[derive(Clone)]
pub(crate) struct LayerDraft {
    pub(crate) bytes: [u8; 64],
    /// Rows, columns and layout of the weights.
    pub(crate) weights: Option<(usize, usize, Layout, usize)>,
    /// Positions at which the weights are used, for the number of multiply-accumulates.
    pub(crate) positions: usize,
    /// Largest magnitude of an input.
    pub(crate) max_input: u32,
}

/// Columns of a chunk.
const CHUNK: usize = 8;

/// The weight of every row and column: small numbers of both signs.
pub(crate) fn weight(row: usize, column: usize) -> i8 {
    ((row * 3 + column * 5) % 7) as i8 - 3
}

fn layer(kind: u16) -> LayerDraft {
    let mut bytes = [0; 64];
    bytes[..2].copy_from_slice(&kind.to_le_bytes());
    for at in [32, 36] {
        bytes[at..at + 4].copy_from_slice(&1.0_f32.to_le_bytes());
    }
    LayerDraft { bytes, weights: None, positions: 1, max_input: 255 }
}

impl LayerDraft {
    /// Sets bytes of the record.
    pub(crate) fn with(mut self, at: usize, bytes: &[u8]) -> Self {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// Sets a word of the record.
    pub(crate) fn word(self, at: usize, value: u32) -> Self {
        self.with(at, &value.to_le_bytes())
    }

    /// A layer that writes a tensor of this height, width and channels, at an offset in the arena.
    fn tensor(self, shape: [u16; 3], offset: u32) -> Self {
        let shape: Vec<u8> = shape.iter().flat_map(|size| size.to_le_bytes()).collect();
        self.with(40, &shape).with(58, &[0, 255]).word(60, offset)
    }

    fn weighted(mut self, rows: usize, columns: usize, layout: Layout) -> Self {
        self.weights = Some((rows, columns, layout, CHUNK));
        let chunk = if layout.has_chunks() { CHUNK as u8 } else { 0 };
        self.with(4, &[layout as u8]).with(6, &[chunk]).word(8, columns as u32).word(12, rows as u32)
    }
}

/// A dense layer: rows, columns, activation function, output.
pub(crate) fn dense(rows: usize, columns: usize, activation: u8, output: u8, layout: Layout) -> LayerDraft {
    layer(1).weighted(rows, columns, layout).with(2, &[activation, output])
}

/// The last layer.
pub(crate) fn logits(classes: usize, columns: usize) -> LayerDraft {
    dense(classes, columns, 0, 2, Layout::Rows8)
}

/// A convolution under a window of `side`, padded so that with a stride of 1 each position has an output, then pooled.
pub(crate) fn conv(shape: [u16; 3], offset: u32, side: u8, pool: u8, columns: usize, layout: Layout) -> LayerDraft {
    let mut conv = layer(2).tensor(shape, offset).weighted(shape[2].into(), columns, layout);
    conv.positions = usize::from(shape[0]) * usize::from(shape[1]) * usize::from(pool) * usize::from(pool);
    conv.with(48, &[side, side, 1, 1]).with(52, &[side / 2; 4]).with(56, &[pool])
}

/// The same for each channel alone.
pub(crate) fn depthwise(shape: [u16; 3], offset: u32, side: u8, layout: Layout) -> LayerDraft {
    conv(shape, offset, side, 1, usize::from(side) * usize::from(side), layout).with(0, &[3])
}

/// A pooling: kind 4 or 5, window of `side` without padding.
pub(crate) fn pool(kind: u16, shape: [u16; 3], offset: u32, side: u8, stride: u8) -> LayerDraft {
    layer(kind).tensor(shape, offset).with(48, &[side, side, stride, stride])
}

/// A mean of each channel.
pub(crate) fn global_average(channels: u16, offset: u32) -> LayerDraft {
    layer(6).tensor([1, 1, channels], offset).word(24, 1 << 20)
}

/// A sum with an earlier layer's output.
pub(crate) fn add(shape: [u16; 3], offset: u32, from: u16) -> LayerDraft {
    layer(7).tensor(shape, offset).with(5, &[1]).word(16, 1).word(20, 1).with(46, &from.to_le_bytes())
}

/// Writes a file: sections in the order of the layers, then the class names "a", "b", ...
pub(crate) fn write(input: InputShape, layers: &[LayerDraft]) -> Draft {
    let classes = layers.last().unwrap().weights.unwrap().0;
    let mut file = vec![0; record(layers.len())];
    let (mut macs, mut arena, mut sections) = (0, 0, Vec::new());
    for (index, layer) in layers.iter().enumerate() {
        let mut bytes = layer.bytes;
        let mut places = Sections::default();
        if let Some((rows, columns, layout, chunk)) = layer.weights {
            let mut packed = vec![0; Weights::bytes_of(layout, columns, rows).unwrap() as usize];
            pack(layout, (columns, rows), chunk, weight, &mut packed);
            let weights = Weights::new(layout, &packed, columns, rows, chunk).unwrap();
            let biases: Vec<u8> = (0..rows).flat_map(|row| weights.fold(row).unwrap().to_le_bytes()).collect();
            let multipliers: Vec<u8> = (0..rows).flat_map(|_| (1_i32 << 30).to_le_bytes()).collect();
            places = Sections {
                weights: append(&mut file, &packed),
                biases: append(&mut file, &biases),
                multipliers: append(&mut file, &multipliers),
            };
            let row = |row| (0..columns).map(|column| u32::from(weight(row, column).unsigned_abs())).sum::<u32>();
            let bound = (0..rows).map(row).max().unwrap() * layer.max_input;
            let words = [places.weights as u32, places.biases as u32, places.multipliers as u32, bound];
            let words: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            bytes[16..32].copy_from_slice(&words);
            macs += rows * columns * layer.positions;
        }
        if bytes[0] != 1 {
            let half = |at| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
            let offset = u32::from_le_bytes(bytes[60..].try_into().unwrap());
            arena = arena.max(offset as usize + half(40) * half(42) * half(44));
        }
        sections.push(places);
        file[record(index)..][..64].copy_from_slice(&bytes);
    }
    let names: Vec<u8> = (0..classes).flat_map(|class| [1, b'a' + class as u8]).collect();
    let names_at = append(&mut file, &names);
    let length = file.len();
    let mut draft = Draft { sections, names: names_at, ..Draft::of(&file) };
    draft.put(0, b"PNHL");
    draft.u16(4, 1);
    draft.u16(6, 64);
    draft.u32(8, length as u32);
    draft.u32(16, input.pipeline_id());
    draft.u16(20, input.height);
    draft.u16(22, input.width);
    draft.u16(24, if input.color == Color::Gray { 1 } else { 3 });
    draft.u16(26, classes as u16);
    draft.u16(28, layers.len() as u16);
    draft.u16(30, 64);
    draft.u32(32, names_at as u32);
    draft.u32(36, names.len() as u32);
    draft.u32(40, macs as u32);
    draft.u32(52, arena as u32);
    draft
}

fn append(file: &mut Vec<u8>, section: &[u8]) -> usize {
    let at = file.len();
    file.extend(section);
    file.resize(file.len().next_multiple_of(16), 0);
    at
}

/// Layers of [`every_kind`], by name.
pub(crate) const CONV: usize = 0;
pub(crate) const DEPTHWISE: usize = 1;
pub(crate) const MAX_POOL: usize = 2;
pub(crate) const AVERAGE_POOL: usize = 3;
pub(crate) const ADD: usize = 4;
pub(crate) const GLOBAL_AVERAGE: usize = 5;
pub(crate) const HIDDEN: usize = 6;
pub(crate) const LAST: usize = 7;

/// A network of every kind: 6x6 pixels, tensors of 3x3x4 side by side in the arena (the sum replaces one), 3 outputs of 8 bits,
/// and 2 classes.
pub(crate) fn every_kind() -> Draft {
    let tensor = [3, 3, 4];
    let padded = |kind, offset| pool(kind, tensor, offset, 3, 1).with(52, &[1; 4]);
    write(
        InputShape::gray(6),
        &[
            conv(tensor, 0, 3, 2, 9, Layout::Rows8),
            depthwise(tensor, 36, 3, Layout::Rows8),
            padded(4, 72),
            padded(5, 108),
            add(tensor, 108, MAX_POOL as u16),
            global_average(4, 144),
            dense(3, 4, 1, 0, Layout::Rows8),
            logits(2, 3),
        ],
    )
}

/// A network of dense layers: 4x4 pixels, 5 outputs of 16 bits, and 2 classes.
pub(crate) fn dense_only(layout: Layout) -> Draft {
    let hidden = dense(5, 16, 2, 1, layout);
    write(InputShape::gray(4), &[hidden, LayerDraft { max_input: 32_768, ..logits(2, 5) }])
}
