//! Checks of each kind of layer, and of the arena.

use std::vec::Vec;

use super::writer::*;
use super::*;
use crate::layout::Layout;
use crate::pixels::InputShape;

/// Rows and columns of an output are those that the window has places for.
#[test]
fn sizes_of_outputs_follow_from_windows() {
    let draft = every_kind();
    for layer in [CONV, DEPTHWISE, MAX_POOL, AVERAGE_POOL] {
        field_refused(&draft, layer, 40, &[2, 0], (40, 2));
        field_refused(&draft, layer, 40, &[4, 0], (40, 4));
        field_refused(&draft, layer, 42, &[2, 0], (40, 3));
        // No stride, a window that fits nowhere, and padding as large as the window.
        let window = |bytes: [u8; 4]| (48, u32::from(bytes[0]));
        for wrong in [[3, 3, 0, 1], [3, 3, 1, 0], [0, 3, 1, 1], [3, 0, 1, 1]] {
            if matches!(layer, MAX_POOL | AVERAGE_POOL) {
                field_refused(&draft, layer, 48, &wrong, window(wrong));
            }
        }
        for side in 0..4 {
            field_refused(&draft, layer, 52 + side, &[3], (48, 3));
        }
    }
    for layer in [CONV, DEPTHWISE] {
        field_refused(&draft, layer, 50, &[0], (48, 3));
    }
    // A pool as large as what is convolved, and one row more.
    let of = |side, pool, shape| {
        write(InputShape::gray(6), &[conv(shape, 0, side, pool, 9, Layout::Rows8), logits(2, 1)]).refusal()
    };
    assert_eq!(of(3, 6, [1, 1, 1]), None);
    assert_eq!(of(3, 4, [1, 1, 1]), None, "rows left over are not computed");
    assert_eq!(of(3, 7, [1, 1, 1]), Some(ModelError::Record { layer: 0, offset: 40, got: 1 }));
}

#[test]
fn channels_are_kept_or_have_a_row_each() {
    let draft = every_kind();
    for layer in [CONV, DEPTHWISE, MAX_POOL, AVERAGE_POOL] {
        for channels in [3, 5] {
            field_refused(&draft, layer, 44, &[channels, 0], (44, channels.into()));
        }
    }
    // A depthwise convolution has as many rows as output channels, but not as many as input channels.
    let layers = [depthwise([6, 6, 2], 0, 3, Layout::Rows8), logits(2, 72)];
    assert_eq!(
        write(InputShape::gray(6), &layers).refusal(),
        Some(ModelError::Record { layer: 0, offset: 44, got: 2 })
    );
    // A full one may have any.
    let layers = [conv([6, 6, 2], 0, 3, 1, 9, Layout::Rows8), logits(2, 72)];
    assert_eq!(write(InputShape::gray(6), &layers).refusal(), None);
    for shape in [[3, 0], [5, 0]] {
        field_refused(&draft, GLOBAL_AVERAGE, 44, &shape, (40, 1));
        field_refused(&draft, ADD, 44, &shape, (40, 3));
    }
}

#[test]
fn poolings_change_no_scale() {
    let draft = every_kind();
    for layer in [MAX_POOL, AVERAGE_POOL] {
        field_refused(&draft, layer, 57, &[1], (57, 1));
        field_refused(&draft, layer, 58, &[1], (58, 1));
        field_refused(&draft, layer, 59, &[254], (58, 0));
    }
    let mut other_zero = draft.clone();
    for layer in [DEPTHWISE, MAX_POOL, AVERAGE_POOL] {
        other_zero.put(record(layer) + 57, &[7]);
    }
    assert_eq!(other_zero.refusal(), None);
}

#[test]
fn global_averages_leave_one_position() {
    let draft = every_kind();
    for offset in [40, 42] {
        let got = if offset == 40 { 2 } else { 1 };
        field_refused(&draft, GLOBAL_AVERAGE, offset, &[2, 0], (40, got));
    }
    let wrong = ModelError::Multiplier { layer: GLOBAL_AVERAGE, row: 0 };
    for multiplier in [0, u32::MAX, 0x8000_0000] {
        refused(&draft, |draft| draft.u32(record(GLOBAL_AVERAGE) + 24, multiplier), wrong);
    }
    accepted(&draft, |draft| draft.u32(record(GLOBAL_AVERAGE) + 24, 1));
    // 9 positions of up to 255.
    for pre_shift in [0_u8, 3] {
        let room = (i32::MAX >> pre_shift) - 9 * 255;
        for (bias, good) in [(room, true), (-room, true), (room + 1, false), (-room - 1, false)] {
            let mut draft = draft.clone();
            draft.put(record(GLOBAL_AVERAGE) + 5, &[pre_shift]);
            draft.u32(record(GLOBAL_AVERAGE) + 20, bias as u32);
            let expected = (!good).then_some(ModelError::Accumulator { layer: GLOBAL_AVERAGE, row: 0 });
            assert_eq!(draft.refusal(), expected, "{bias} >> {pre_shift}");
        }
    }
}

#[test]
fn sums_are_of_an_earlier_tensor_of_the_same_shape() {
    let draft = every_kind();
    for from in [ADD, GLOBAL_AVERAGE, HIDDEN, LAST, 8, 0xFFFF] {
        field_refused(&draft, ADD, 46, &(from as u16).to_le_bytes(), (46, from as u32));
    }
    for from in [CONV, DEPTHWISE, MAX_POOL, AVERAGE_POOL] {
        field_accepted(&draft, ADD, 46, &(from as u16).to_le_bytes());
    }
    for (offset, bytes) in [(40, [2, 0]), (42, [2, 0]), (44, [2, 0])] {
        let got = if offset == 40 { 2 } else { 3 };
        field_refused(&draft, ADD, offset, &bytes, (40, got));
    }
    // An earlier tensor of another shape.
    let one = |shape, offset, stride| pool(4, shape, offset, 1, stride);
    let layers = [one([6, 6, 1], 0, 1), one([3, 3, 1], 36, 2), add([3, 3, 1], 48, 0), logits(2, 9)];
    assert_eq!(
        write(InputShape::gray(6), &layers).refusal(),
        Some(ModelError::Record { layer: 2, offset: 46, got: 0 })
    );
}

#[test]
fn sums_do_not_overflow() {
    let draft = every_kind();
    for field in [16, 20] {
        for multiplier in [0, u32::MAX, 0x8000_0000] {
            let wrong = ModelError::Multiplier { layer: ADD, row: 0 };
            refused(&draft, |draft| draft.u32(record(ADD) + field, multiplier), wrong);
        }
    }
    let room = i32::MAX - 255 * (3 + 4);
    let most = i32::MAX / 255;
    for (multipliers, bias, good) in [
        ([3, 4], room, true),
        ([3, 4], -room, true),
        ([3, 4], room + 1, false),
        ([3, 4], -room - 1, false),
        ([3, 4], i32::MIN, false),
        ([most - 1, 1], i32::MAX % 255, true),
        ([1, most - 1], i32::MAX % 255 + 1, false),
        ([most, 1], 0, false),
        ([i32::MAX, i32::MAX], 0, false),
    ] {
        let mut draft = draft.clone();
        for (field, word) in [(16, multipliers[0]), (20, multipliers[1]), (24, bias)] {
            draft.u32(record(ADD) + field, word as u32);
        }
        let expected = (!good).then_some(ModelError::Accumulator { layer: ADD, row: 0 });
        assert_eq!(draft.refusal(), expected, "{multipliers:?}, {bias}");
    }
}

/// Moves a tensor, and states the arena's new end.
fn moved(draft: &mut Draft, layer: usize, offset: u32) {
    draft.u32(record(layer) + 60, offset);
    let half = |draft: &Draft, at: usize| draft.get(at / 4 * 4) >> (at % 4 * 8) & 0xFFFF;
    let end = (0..=GLOBAL_AVERAGE).map(|layer| {
        let at = record(layer);
        draft.get(at + 60) + half(draft, at + 40) * half(draft, at + 42) * half(draft, at + 44)
    });
    let end: Vec<u32> = end.collect();
    draft.u32(52, *end.iter().max().unwrap());
}

/// A tensor lies apart from the one that it is made of, by not a byte more than needed.
#[test]
fn tensors_lie_apart_from_what_they_are_made_of() {
    let draft = every_kind();
    let wrong = |layer| ModelError::Arena { layer };
    // The convolution's output is at 0..36.
    for offset in [0, 4, 32] {
        refused(&draft, |draft| moved(draft, DEPTHWISE, offset), wrong(DEPTHWISE));
    }
    // The maximum's output, at 72..108, is added to the mean's, at 108..144.
    for offset in [40, 72, 104] {
        refused(&draft, |draft| moved(draft, AVERAGE_POOL, offset), wrong(AVERAGE_POOL));
    }
    // Of the mean, which reads 108..144.
    for offset in [108, 140] {
        refused(&draft, |draft| moved(draft, GLOBAL_AVERAGE, offset), wrong(GLOBAL_AVERAGE));
    }
    for offset in [104, 144, 148] {
        accepted(&draft, |draft| moved(draft, GLOBAL_AVERAGE, offset));
    }
    // The first layer reads pixels, which lie elsewhere.
    accepted(&draft, |draft| moved(draft, CONV, 72));
}

/// A sum may replace either of its inputs, whole; and what it adds must still be there.
#[test]
fn sums_find_both_inputs() {
    let draft = every_kind();
    for offset in [72, 108, 36, 0, 144] {
        let mut draft = draft.clone();
        moved(&mut draft, ADD, offset);
        // The mean of each channel is read from there.
        moved(&mut draft, GLOBAL_AVERAGE, 200);
        assert_eq!(draft.refusal(), None, "{offset}");
    }
    for offset in [40, 68, 76, 104, 112, 140] {
        let change = |draft: &mut Draft| {
            moved(draft, ADD, offset);
            moved(draft, GLOBAL_AVERAGE, 200);
        };
        refused(&draft, change, ModelError::Arena { layer: ADD });
    }
    // From the convolution at 0..36, while the maximum in between is written over its end, or right behind it.
    for (offset, good) in [(32, false), (0, false), (36, false), (200, true)] {
        let mut draft = draft.clone();
        draft.u16(record(ADD) + 46, CONV as u16);
        moved(&mut draft, DEPTHWISE, 240);
        moved(&mut draft, MAX_POOL, offset);
        let error = draft.refusal();
        if good || offset == 36 {
            assert_eq!(error, None, "{offset}");
        } else {
            assert_eq!(error, Some(ModelError::Arena { layer: ADD }), "{offset}");
        }
    }
    // The layer right before the sum.
    let mut last = draft.clone();
    last.u16(record(ADD) + 46, CONV as u16);
    moved(&mut last, AVERAGE_POOL, 0);
    assert_eq!(last.refusal(), Some(ModelError::Arena { layer: ADD }));
}

/// A sum may replace its input, and then nothing can add that input later.
#[test]
fn what_a_sum_has_replaced_is_gone() {
    let shape = [4, 4, 1];
    let one = |offset| pool(4, shape, offset, 1, 1);
    let of = |offset| {
        let layers = [one(0), one(16), add(shape, offset, 0), add(shape, 48, 1), logits(2, 16)];
        write(InputShape::gray(4), &layers).refusal()
    };
    assert_eq!(of(32), None);
    assert_eq!(of(0), None, "the first is not needed any more");
    assert_eq!(of(16), Some(ModelError::Arena { layer: 3 }));
}
