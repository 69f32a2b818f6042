//! Refusals of damaged records, in a model with a layer of every kind.

use pinhole_shared::layout::Layout;
use pinhole_shared::model::format::{BLOCK_BYTES, Bytes, Span, header, record};
use pinhole_shared::model::{Activation, Kind, Model, ModelError, Output, PoolKind, seal};
use pinhole_shared::pixels::InputShape;
use pinhole_shared::policy::Policy;
use pinhole_shared::shape::{Padding, Shape, Window};

use super::scales::{InputKind, mean_of, sum_of};
use super::{ModelFile, QuantizedLayer, QuantizedTensor, QuantizedWeights, encode};

/// Kinds of the layers of [`all_kinds`], in order.
const KINDS: [Kind; 7] =
    [Kind::Conv, Kind::Depthwise, Kind::Add, Kind::MaxPool, Kind::AveragePool, Kind::GlobalAverage, Kind::Dense];

fn tensor(side: u16) -> QuantizedTensor {
    let shape = Shape { height: side, width: side, channels: 2 };
    QuantizedTensor { shape, zero_point: 3, scale: 1.0, range: (0, 255) }
}

/// Two rows of ones.
fn weights(inputs: usize) -> QuantizedWeights {
    QuantizedWeights {
        inputs,
        weights: vec![1; 2 * inputs],
        biases: vec![0; 2],
        multipliers: vec![1 << 24; 2],
        pre_shift: 0,
        accumulator_bound: 255 * inputs as u32,
        input_scale: 1.0,
        output_scale: 1.0,
        layout: Layout::Rows8,
        chunk_columns: 0,
        band: None,
    }
}

fn all_kinds() -> ModelFile {
    let padding = Padding { top: 1, left: 1, bottom: 1, right: 1 };
    let window = Window { height: 3, width: 3, stride_y: 1, stride_x: 1, padding };
    let conv = |is_depthwise, inputs| QuantizedLayer::Conv {
        weighted: weights(inputs),
        is_depthwise,
        window,
        pool: 1,
        output: tensor(8),
    };
    let pool = |kind, side| QuantizedLayer::Pool { kind, window: Window::tiles(2), output: tensor(side) };
    let input = InputKind { scale: 1.0, max_magnitude: 255, zero_point: 3 };
    let dense = QuantizedLayer::Dense { weighted: weights(2), activation: Activation::Linear, output: Output::Logits };
    let layers = [
        conv(false, 9),
        conv(true, 9),
        sum_of(input, (0, tensor(8)), tensor(8)),
        pool(PoolKind::Max, 4),
        pool(PoolKind::Average, 2),
        mean_of(4, input, tensor(1)),
        dense,
    ];
    let classes = ["cat", "dog"].map(str::to_owned);
    let bytes = encode(InputShape::gray(8), &classes, Policy::NONE, &layers).unwrap();
    ModelFile::from_bytes(&bytes).unwrap()
}

/// Returns the error of parsing after a change to a block: 0 is the header, others are the records of layers.
fn changed(file: &ModelFile, index: usize, change: impl FnOnce(&mut Bytes)) -> Option<ModelError> {
    let mut file = file.clone();
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut file.words);
    change(&mut bytes.as_chunks_mut().0[index]);
    seal(bytes);
    Model::parse(bytes).err()
}

/// The bytes of a block that no field is on.
fn reserved<'a>(fields: impl Iterator<Item = &'a Span>) -> Vec<usize> {
    let fields: Vec<_> = fields.map(|field| field.range()).collect();
    (0..BLOCK_BYTES).filter(|byte| !fields.iter().any(|range| range.contains(byte))).collect()
}

#[test]
fn each_layer_is_of_its_kind() {
    let file = all_kinds();
    for (layer, kind) in KINDS.into_iter().enumerate() {
        assert_eq!(file.bytes().as_chunks::<BLOCK_BYTES>().0[1 + layer][record::KIND.span().range()][0], kind as u8);
        assert_eq!(changed(&file, 1 + layer, |block| record::KIND.put(block, kind as u16)), None);
    }
}

#[test]
fn what_no_field_has_is_zero() {
    let file = all_kinds();
    for byte in reserved(header::FIELDS.iter().filter(|&&field| field != header::RESERVED.span())) {
        let got = changed(&file, 0, |block| block[byte] = 0x80);
        assert!(
            matches!(got, Some(ModelError::Header { offset, got }) if offset / 4 == byte / 4 && got != 0),
            "byte {byte} of the header: {got:?}"
        );
    }
    for (layer, kind) in KINDS.into_iter().enumerate() {
        for byte in reserved(kind.fields().iter().copied().flatten()) {
            let got = changed(&file, 1 + layer, |block| block[byte] = 0x80);
            assert!(
                matches!(
                    got,
                    Some(ModelError::Record { layer: of, offset, got })
                        if of == layer && offset / 4 == byte / 4 && got != 0
                ),
                "byte {byte} of {kind:?}: {got:?}"
            );
        }
    }
}

/// Whatever the record says besides.
#[test]
fn unknown_kinds_are_refused_by_their_number() {
    let file = all_kinds();
    for number in (0..=u16::MAX).filter(|&number| Kind::ALL.iter().all(|&kind| kind as u16 != number)) {
        let layer = usize::from(number) % KINDS.len();
        let got = changed(&file, 1 + layer, |block| record::KIND.put(block, number));
        assert_eq!(got, Some(ModelError::LayerKind { layer, got: number }));
    }
}
