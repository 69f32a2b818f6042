//! Fields of a layer's record that several kinds have.

use std::vec::Vec;

use super::writer::*;
use super::*;
use crate::layout::Layout;
use crate::model::{Layer, Model};
use crate::pixels::InputShape;

/// The kinds that write tensors.
const TENSORS: [usize; 6] = [CONV, DEPTHWISE, MAX_POOL, AVERAGE_POOL, ADD, GLOBAL_AVERAGE];

#[test]
fn kinds_are_known_ones() {
    let draft = every_kind();
    for got in [0_u16, 99, 0x0101, 0xFF01] {
        refused(&draft, |draft| draft.u16(record(HIDDEN), got), ModelError::LayerKind { layer: HIDDEN, got });
    }
    refused(&draft, |draft| draft.u16(record(CONV), 0), ModelError::LayerKind { layer: CONV, got: 0 });
}

#[test]
fn only_dense_layers_follow_a_dense_one() {
    let layers = [dense(4, 16, 1, 0, Layout::Rows8), pool(4, [1, 1, 4], 0, 1, 1), logits(2, 4)];
    assert_eq!(write(InputShape::gray(4), &layers).refusal(), Some(ModelError::NotAPicture { layer: 1 }));
}

#[test]
fn scales_are_finite_and_above_zero() {
    let draft = every_kind();
    for layer in 0..=LAST {
        for offset in [32, 36] {
            for good in [f32::from_bits(1), f32::MIN_POSITIVE, f32::MAX] {
                field_accepted(&draft, layer, offset, &good.to_le_bytes());
            }
            for wrong in [0.0, -0.0, -1.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
                field_refused(&draft, layer, offset, &wrong.to_le_bytes(), (offset, wrong.to_bits()));
            }
        }
    }
}

#[test]
fn tensors_have_no_activation_function_and_eight_bits() {
    let draft = every_kind();
    for layer in TENSORS {
        field_refused(&draft, layer, 2, &[1], (2, 1));
        for output in [1, 2, 3] {
            field_refused(&draft, layer, 3, &[output], (3, output.into()));
        }
    }
    // The last layer decides, which no tensor does.
    let mut draft = write(InputShape::gray(4), &[pool(4, [1, 1, 2], 0, 4, 1), logits(2, 2)]);
    draft.u16(28, 1);
    assert_eq!(draft.refusal(), Some(ModelError::Record { layer: 0, offset: 3, got: 0 }));
}

#[test]
fn activation_functions_and_outputs_of_dense_layers() {
    let draft = every_kind();
    for activation in [0, 1, 2] {
        field_accepted(&draft, HIDDEN, 2, &[activation]);
    }
    field_refused(&draft, HIDDEN, 2, &[3], (2, 3));
    for activation in [1, 2, 3] {
        field_refused(&draft, LAST, 2, &[activation], (2, activation.into()));
    }
    for output in [2, 3] {
        field_refused(&draft, HIDDEN, 3, &[output], (3, output.into()));
    }
    for output in [0, 1, 3] {
        field_refused(&draft, LAST, 3, &[output], (3, output.into()));
    }
}

#[test]
fn words_without_a_field_are_zero() {
    let draft = every_kind();
    let unused: [(usize, &[usize]); 7] = [
        (HIDDEN, &[40, 44, 48, 52, 56, 60]),
        (LAST, &[40, 60]),
        (MAX_POOL, &[4, 8, 12, 16, 20, 24, 28]),
        (AVERAGE_POOL, &[4, 8, 12, 16, 20, 24, 28]),
        (GLOBAL_AVERAGE, &[8, 12, 16, 28, 48, 52]),
        (ADD, &[8, 12, 28, 48, 52]),
        (CONV, &[]),
    ];
    for (layer, offsets) in unused {
        for &offset in offsets {
            for got in [1, 0x8000_0000] {
                let expected = ModelError::Record { layer, offset, got };
                refused(&draft, |draft| draft.u32(record(layer) + offset, got), expected);
            }
        }
    }
}

/// Where others have a layout, layers with a pre-shift alone have nothing.
#[test]
fn beside_a_pre_shift_alone_nothing_is_stated() {
    let draft = every_kind();
    for layer in [ADD, GLOBAL_AVERAGE] {
        let word = draft.get(record(layer) + 4);
        field_refused(&draft, layer, 4, &[1], (4, word | 1));
        field_refused(&draft, layer, 6, &[8, 0], (4, word | 8 << 16));
    }
}

#[test]
fn pre_shifts_end_at_30() {
    let draft = every_kind();
    for layer in [CONV, DEPTHWISE, ADD, GLOBAL_AVERAGE, HIDDEN, LAST] {
        field_refused(&draft, layer, 5, &[31], (5, 31));
        field_refused(&draft, layer, 5, &[255], (5, 255));
    }
    // 30 leaves one bit for a sum, which has room in a sum of two only: it drops bits after adding.
    field_accepted(&draft, ADD, 5, &[30]);
    for layer in [CONV, HIDDEN, GLOBAL_AVERAGE] {
        refused(&draft, |draft| draft.put(record(layer) + 5, &[30]), ModelError::Accumulator { layer, row: 0 });
    }
}

#[test]
fn tensors_have_elements_and_not_too_many() {
    let draft = every_kind();
    for layer in TENSORS {
        let height = draft.get(record(layer) + 40) & 0xFFFF;
        field_refused(&draft, layer, 40, &[0, 0], (40, 0));
        field_refused(&draft, layer, 42, &[0, 0], (40, height));
        field_refused(&draft, layer, 44, &[0, 0], (40, height));
    }
    // 2^24 elements, or 4,096 more; the channels are wrong too, which is looked at later.
    let sized = |height: u16| [&height.to_le_bytes()[..], &[0, 8, 4, 0]].concat();
    let mut most = write(InputShape::gray(4), &[pool(4, [4, 4, 1], 0, 1, 1), logits(2, 16)]);
    assert_eq!(most.refusal(), None);
    field_refused(&most, 0, 40, &sized(2_048), (44, 4));
    field_refused(&most, 0, 40, &sized(2_049), (40, 2_049));
    // The same at an offset, where the arena ends.
    field_refused(&most, 0, 60, &((1_u32 << 24) - 12).to_le_bytes(), (60, (1 << 24) - 12));
    accepted(&most, |draft| {
        draft.u32(record(0) + 60, (1 << 24) - 16);
        draft.u32(52, 1 << 24);
    });
}

#[test]
fn offsets_in_the_arena_are_whole_words() {
    let draft = every_kind();
    for layer in TENSORS {
        for wrong in [1, 2, 3] {
            let got = draft.get(record(layer) + 60) + wrong;
            field_refused(&draft, layer, 60, &got.to_le_bytes(), (60, got));
        }
        field_refused(&draft, layer, 60, &[0xFC, 0xFF, 0xFF, 0xFF], (60, 0xFFFF_FFFC));
    }
}

#[test]
fn fields_of_other_kinds_are_zero() {
    let draft = every_kind();
    for layer in [CONV, DEPTHWISE, MAX_POOL, AVERAGE_POOL, GLOBAL_AVERAGE] {
        field_refused(&draft, layer, 46, &[1, 0], (46, 1));
    }
    for layer in [MAX_POOL, AVERAGE_POOL, ADD, GLOBAL_AVERAGE] {
        field_refused(&draft, layer, 56, &[1], (56, 1));
    }
    for layer in [CONV, DEPTHWISE] {
        field_refused(&draft, layer, 56, &[0], (56, 0));
    }
}

#[test]
fn the_smallest_output_is_not_above_the_largest() {
    let draft = every_kind();
    for layer in [CONV, DEPTHWISE, ADD, GLOBAL_AVERAGE] {
        for good in [[0, 0], [9, 9], [255, 255]] {
            field_accepted(&draft, layer, 58, &good);
        }
        field_refused(&draft, layer, 58, &[9, 8], (58, 9));
        field_refused(&draft, layer, 58, &[255, 0], (58, 255));
    }
}

#[test]
fn weights_have_rows_columns_and_a_layout() {
    let draft = every_kind();
    for layer in [CONV, DEPTHWISE, HIDDEN, LAST] {
        field_refused(&draft, layer, 8, &[0; 4], (8, 0));
        field_refused(&draft, layer, 12, &[0; 4], (12, 0));
        field_refused(&draft, layer, 6, &[8, 0], (6, 8));
        for got in [14, 255] {
            let expected = ModelError::WeightLayout { layer, got };
            refused(&draft, |draft| draft.put(record(layer) + 4, &[got]), expected);
        }
    }
    // One column more or fewer than the layer before has outputs.
    for (layer, columns) in [(CONV, 9), (DEPTHWISE, 9), (HIDDEN, 4), (LAST, 3)] {
        let got = columns - 1;
        let expected = ModelError::Shape { layer, expected: columns, got };
        refused(&draft, |draft| draft.u32(record(layer) + 8, got as u32), expected);
    }
    let expected = ModelError::Shape { layer: 0, expected: 16, got: 17 };
    assert_eq!(write(InputShape::gray(4), &[logits(2, 17)]).refusal(), Some(expected));
    // A convolution of many channels has a column for each under the window, a depthwise one for each position.
    let tensor = pool(4, [4, 4, 3], 0, 1, 1);
    let convs = [tensor.clone(), conv([4, 4, 2], 48, 3, 1, 27, Layout::Rows8), logits(2, 32)];
    assert_eq!(write(InputShape::rgb(4), &convs).refusal(), None);
    let depthwise = [tensor, depthwise([4, 4, 3], 48, 3, Layout::Rows8), logits(2, 48)];
    assert_eq!(write(InputShape::rgb(4), &depthwise).refusal(), None);
}

#[test]
fn chunks_are_groups_of_columns() {
    let draft = dense_only(Layout::DspPixels8);
    // Chunks of other lengths hold the weights in another order, and fold other numbers into the biases.
    for good in [16_u16, 4_096] {
        let mut draft = draft.clone();
        draft.u16(record(0) + 6, good);
        let error = draft.refusal();
        assert!(!matches!(error, Some(ModelError::Record { .. })), "{error:?}");
    }
    for wrong in [0_u16, 4, 9, 4_097, 4_104, 65_528] {
        field_refused(&draft, 0, 6, &wrong.to_le_bytes(), (6, wrong.into()));
    }
}

/// Layouts for bytes read bytes, and those for one kind of convolution serve it alone.
#[test]
fn layouts_are_for_their_layers() {
    let of = |layers: &[LayerDraft]| write(InputShape::gray(6), layers).refusal();
    let wrong = |layer, layout: Layout| Some(ModelError::WeightLayout { layer, got: layout as u8 });
    for layout in [Layout::DspPixels8, Layout::DspPixels4, Layout::DualMacPixels7] {
        assert_eq!(of(&[dense(4, 36, 1, 0, layout), logits(2, 4)]), None, "{layout:?}");
        let second = [dense(4, 36, 1, 0, Layout::Rows8), dense(4, 4, 1, 0, layout), logits(2, 4)];
        assert_eq!(of(&second), wrong(1, layout));
        let depthwise = [pool(4, [6, 6, 1], 0, 1, 1), depthwise([6, 6, 1], 36, 3, layout), logits(2, 36)];
        assert_eq!(of(&depthwise), wrong(1, layout));
    }
    for layout in [Layout::DspWide8, Layout::DspWide4] {
        assert_eq!(of(&[dense(4, 36, 1, 0, Layout::Rows8), dense(4, 4, 1, 0, layout), logits(2, 4)]), None);
    }
    for layout in [Layout::DspChannels8, Layout::DspChannels4] {
        assert_eq!(of(&[depthwise([6, 6, 1], 0, 3, layout), logits(2, 36)]), None, "{layout:?}");
        assert_eq!(of(&[conv([6, 6, 1], 0, 3, 1, 9, layout), logits(2, 36)]), wrong(0, layout));
        assert_eq!(of(&[conv([3, 3, 1], 0, 3, 2, 9, layout), logits(2, 9)]), wrong(0, layout));
        assert_eq!(of(&[dense(4, 36, 1, 0, layout), logits(2, 4)]), wrong(0, layout));
    }
    let fused = Layout::DspConvPool8;
    assert_eq!(of(&[conv([3, 3, 2], 0, 3, 2, 9, fused), logits(2, 18)]), None);
    assert_eq!(of(&[conv([6, 6, 2], 0, 3, 1, 9, fused), logits(2, 72)]), wrong(0, fused));
    assert_eq!(of(&[depthwise([6, 6, 1], 0, 3, fused), logits(2, 36)]), wrong(0, fused));
}

/// Every section of every layer with weights.
#[test]
fn sections_of_weights_are_in_the_file() {
    let draft = every_kind();
    let length = draft.bytes().len();
    for (layer, rows, columns) in [(CONV, 4, 9), (DEPTHWISE, 4, 9), (HIDDEN, 3, 4), (LAST, 2, 3)] {
        let sections = [
            (Section::Weights, 16, rows * columns),
            (Section::Biases, 20, 4 * rows),
            (Section::Multipliers, 24, 4 * rows),
        ];
        for (section, field, bytes) in sections {
            for offset in [0, record(LAST), 8 + record(LAST + 1), length] {
                let expected = ModelError::Section { section, layer, offset, bytes };
                refused(&draft, |draft| draft.u32(record(layer) + field, offset as u32), expected);
            }
        }
    }
}

/// More rows than memory has bytes.
#[test]
fn sizes_do_not_wrap() {
    let draft = every_kind();
    for rows in [0x4000_0001_u32, 0x8000_0000, u32::MAX] {
        let mut draft = draft.clone();
        draft.u32(record(HIDDEN) + 12, rows);
        let error = draft.refusal();
        assert!(
            matches!(error, Some(ModelError::Section { section: Section::Weights, layer: HIDDEN, .. })),
            "{error:?}"
        );
    }
}

/// The fields that were checked are those that are read.
#[test]
fn fields_are_read_from_their_places() {
    let mut draft = every_kind();
    for (layer, at, bytes) in
        [(CONV, 57, &[9][..]), (CONV, 58, &[7, 200]), (ADD, 24, &[3, 0, 0, 0]), (GLOBAL_AVERAGE, 20, &[5, 0, 0, 0])]
    {
        draft.put(record(layer) + at, bytes);
    }
    let model: Model<'_> = draft.parse().unwrap();
    let layers: Vec<_> = model.layers().collect();
    let Layer::Conv(conv) = &layers[CONV] else { panic!() };
    assert_eq!((conv.output.zero_point, conv.activation_min, conv.activation_max, conv.pool), (9, 7, 200, 2));
    assert_eq!(layers[DEPTHWISE].input_tensor().unwrap().zero_point, 9);
    assert_eq!(layers[CONV].input_tensor().unwrap().zero_point, 0);
    let Layer::Add(add) = &layers[ADD] else { panic!() };
    assert_eq!((add.bias, add.shift, add.from, add.other.offset, add.input.offset), (3, 1, 2, 72, 108));
    let Layer::GlobalAverage(average) = &layers[GLOBAL_AVERAGE] else { panic!() };
    assert_eq!((average.bias, average.multiplier), (5, 1 << 20));
}
