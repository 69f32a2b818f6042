//! What is proven of every weight, and of the work.

use std::vec::Vec;

use super::writer::*;
use super::*;
use crate::layout::Layout;
use crate::model::MAX_OPERATIONS;
use crate::pixels::InputShape;

#[test]
fn stated_bounds_are_those_of_the_weights() {
    let draft = every_kind();
    for layer in [CONV, DEPTHWISE, HIDDEN, LAST] {
        let expected = draft.get(record(layer) + 28);
        for got in [0, expected - 1, expected + 1, u32::MAX] {
            let error = ModelError::Bound { layer, expected, got };
            refused(&draft, |draft| draft.u32(record(layer) + 28, got), error);
        }
    }
}

/// In a packed layout, biases are stored with what it folds into them.
#[test]
fn bounds_are_of_the_biases_without_what_is_folded_in() {
    for layout in [
        Layout::Rows4,
        Layout::DspPixels8,
        Layout::DspPixels4,
        Layout::DualMacPixels8,
        Layout::DualMacPixels7,
        Layout::DualMacPixels4,
    ] {
        assert_eq!(dense_only(layout).refusal(), None, "{layout:?}");
    }
}

#[test]
fn multipliers_are_positive() {
    let draft = every_kind();
    for layer in [CONV, DEPTHWISE, HIDDEN, LAST] {
        for row in [0, 1] {
            let at = draft.sections[layer].multipliers + 4 * row;
            for wrong in [0, u32::MAX, 0x8000_0000] {
                refused(&draft, |draft| draft.u32(at, wrong), ModelError::Multiplier { layer, row });
            }
            for good in [1, 0x7FFF_FFFF] {
                accepted(&draft, |draft| draft.u32(at, good));
            }
        }
    }
}

#[test]
fn weights_are_in_their_range() {
    let draft = every_kind();
    let (first, hidden) = (draft.sections[CONV].weights, draft.sections[HIDDEN].weights);
    refused(&draft, |draft| draft.put(first, &[0x80]), ModelError::Weight { layer: CONV, row: 0 });
    refused(&draft, |draft| draft.put(hidden + 2 * 4 + 3, &[0x80]), ModelError::Weight { layer: HIDDEN, row: 2 });
    // The row's other weights are 2, 0, and -2.
    for extreme in [0x7F, 0x81] {
        accepted(&draft, |draft| {
            let (at, bound) = (record(HIDDEN) + 28, draft.sections[HIDDEN].weights);
            draft.put(bound, &[extreme]);
            let l1: u32 = (1..4).map(|column| u32::from(weight(0, column).unsigned_abs())).sum();
            draft.u32(at, (127 + l1) * 255);
        });
    }
    // Four bits: -8 is none.
    let four = dense_only(Layout::Rows4);
    let at = four.sections[0].weights;
    refused(&four, |draft| draft.put(at, &[0x08]), ModelError::Weight { layer: 0, row: 0 });
    refused(&four, |draft| draft.put(at + 8, &[0x80]), ModelError::Weight { layer: 0, row: 1 });
}

/// Rows and columns that fill up a packed layout are 0. 5 rows are filled up to 8, 12 columns to 16.
#[test]
fn what_fills_up_is_zero() {
    let input = InputShape { height: 3, width: 4, ..InputShape::gray(1) };
    let layers = [dense(5, 12, 1, 0, Layout::DualMacPixels8), logits(2, 5)];
    let mut good = write(input, &layers);
    assert_eq!(good.refusal(), None);
    let (start, end) = (good.sections[0].weights, good.sections[0].biases);
    let mut filling = [0; 8];
    for at in start..end {
        let mut draft = good.clone();
        let before = draft.bytes()[at];
        draft.put(at, &[before ^ 1]);
        match draft.refusal() {
            Some(ModelError::Weight { layer: 0, row }) => filling[row] += 1,
            // Another weight, of the row with the largest sum or not.
            None | Some(ModelError::Bound { .. }) => {}
            error => panic!("{error:?}"),
        }
    }
    // 4 columns of each of the 5 rows, all 16 of the others; a byte each.
    assert_eq!(filling, [4, 4, 4, 4, 4, 16, 16, 16]);
}

/// In bands, columns that fill up a column of the window are 0: of 3 rows of one channel, every fourth; of 4 rows, none.
#[test]
fn what_fills_up_a_column_of_the_window_is_zero() {
    let square = |side| InputShape { height: side, width: side, ..InputShape::gray(1) };
    let whole = [conv([4, 4, 2], 0, 4, 1, 16, Layout::DspBand8), logits(2, 32)];
    assert_eq!(write(square(3), &whole).refusal(), None);
    // The writer sets all weights.
    let filled = [conv([4, 4, 2], 0, 3, 1, 12, Layout::DspBand8), logits(2, 32)];
    assert_eq!(write(square(4), &filled).refusal(), Some(ModelError::Weight { layer: 0, row: 0 }));
}

/// The largest bias that fits, and one more; of positive and negative sign, with and without pre-shift.
#[test]
fn sums_fit_32_bits_exactly() {
    let draft = every_kind();
    for (layer, max_input, columns) in [(HIDDEN, 255, 4_usize), (LAST, 255, 3)] {
        for row in [0, 1] {
            let l1: u32 = (0..columns).map(|column| u32::from(weight(row, column).unsigned_abs())).sum();
            for pre_shift in [0_u8, 1, 4] {
                let room = (i32::MAX >> pre_shift) - (l1 * max_input) as i32;
                for (bias, good) in
                    [(room, true), (-room, true), (room + 1, false), (-room - 1, false), (i32::MIN, false)]
                {
                    let mut draft = draft.clone();
                    let at = draft.sections[layer].biases + 4 * row;
                    draft.u32(at, bias as u32);
                    draft.put(record(layer) + 5, &[pre_shift]);
                    draft.u32(record(layer) + 28, i32::MAX as u32 >> pre_shift);
                    let expected = (!good).then_some(ModelError::Accumulator { layer, row });
                    assert_eq!(draft.refusal(), expected, "{bias} in row {row}, {pre_shift}");
                }
            }
        }
    }
    // Behind a layer of 16 bits.
    let draft = dense_only(Layout::Rows8);
    let l1: u32 = (0..5).map(|column| u32::from(weight(0, column).unsigned_abs())).sum();
    let room = i32::MAX - (l1 * 32_768) as i32;
    let at = draft.sections[1].biases;
    accepted(&draft, |draft| {
        draft.u32(at, room as u32);
        draft.u32(record(1) + 28, i32::MAX as u32);
    });
    refused(&draft, |draft| draft.u32(at, room as u32 + 1), ModelError::Accumulator { layer: 1, row: 0 });
}

#[test]
fn operations_by_hand() {
    let mut draft = every_kind();
    let model = draft.parse().unwrap();
    let operations: Vec<u32> = model.layers().map(|layer| layer.operations()).collect();
    // 6x6 positions before pooling; 3x3 positions; windows of 9 at 36 places, twice; one for each element, twice.
    assert_eq!(operations, [36 * 9 * 4, 9 * 9 * 4, 36 * 9, 36 * 9, 36, 36, 12, 6]);
    let macs: Vec<u32> = model.layers().map(|layer| layer.macs()).collect();
    assert_eq!(macs, [36 * 9 * 4, 9 * 9 * 4, 0, 0, 0, 0, 12, 6]);
    assert_eq!(model.macs(), 1_296 + 324 + 18);
    assert_eq!(model.operations(), 1_296 + 324 + 2 * 324 + 2 * 36 + 18);
    // A mean of each channel reads more than it writes; a pooling reads less than its windows cover.
    let layers = [pool(5, [4, 4, 3], 0, 1, 1), global_average(3, 48), logits(2, 3)];
    let mut draft = write(InputShape::rgb(4), &layers);
    let model = draft.parse().unwrap();
    assert_eq!(model.layers().map(|layer| layer.operations()).collect::<Vec<_>>(), [48, 48, 6]);
}

/// A file of 1 kB may state any number of operations. 2^30 in all are accepted.
#[test]
fn operations_are_bounded() {
    let input = InputShape { height: 1_913, width: 1_913, ..InputShape::gray(1) };
    // 256 x 256 windows of 128 x 128: all that a model may do. The next layer is one too many.
    let all = pool(4, [256, 256, 1], 0, 128, 7);
    let layers = [all, pool(4, [2, 2, 1], 65_536, 1, 255), logits(2, 4)];
    assert_eq!(write(input, &layers).refusal(), Some(ModelError::Operations { layer: 1 }));
    // 257 x 257 are too many alone.
    let input = InputShape { height: 1_920, width: 1_920, ..input };
    let layers = [pool(4, [257, 257, 1], 0, 128, 7), logits(2, 257 * 257)];
    assert_eq!(write(input, &layers).refusal(), Some(ModelError::Operations { layer: 0 }));
    // Convolutions too, and their sum with the layers before counts; nothing wraps around.
    let size = 1_500_u16;
    let input = InputShape { height: size, width: size, ..input };
    let big = |offset| conv([size, size, 2], offset, 15, 1, 225, Layout::Rows8);
    let layers = [big(0), pool(4, [6, 6, 2], 4_500_000, 1, 255), logits(2, 72)];
    // 2,250,000 positions of 450 weights are 2^30 less 61 million.
    assert_eq!(write(input, &layers).refusal(), None);
    let wide = conv([size, size, 2], 4_500_000, 5, 1, 50, Layout::Rows8);
    let layers = [big(0), wide, pool(4, [6, 6, 2], 0, 1, 255), logits(2, 72)];
    assert_eq!(write(input, &layers).refusal(), Some(ModelError::Operations { layer: 1 }));
    // 2^16 weights at 2^16 positions.
    let wraps = conv([256, 256, 4], 0, 128, 1, 128 * 128, Layout::Rows8).with(52, &[0; 4]);
    let layers = [wraps, pool(4, [2, 2, 4], 1 << 18, 1, 255), logits(2, 16)];
    let square = InputShape { height: 383, width: 383, ..input };
    assert_eq!(write(square, &layers).refusal(), Some(ModelError::Operations { layer: 0 }));
    let largest = pool(4, [1_500, 1_500, 3], 0, 255, 1).with(52, &[127; 4]);
    let input = InputShape { height: size, width: size, ..InputShape::rgb(1) };
    let again = pool(4, [1_500, 1_500, 3], 6_750_000, 1, 1);
    assert!(6_750_000 * 255_u64 * 255 > u64::from(u32::MAX), "a product of more than 32 bits");
    let layers = [largest, again, pool(4, [6, 6, 3], 0, 1, 255), logits(2, 108)];
    assert_eq!(write(input, &layers).refusal(), Some(ModelError::Operations { layer: 0 }));
    assert_eq!(MAX_OPERATIONS, 256 * 256 * 128 * 128);
}
