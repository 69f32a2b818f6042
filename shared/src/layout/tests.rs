use super::conv_pool::ROW_BYTES;
use super::*;
use std::vec;

/// Every layout gives back what went in, for all small shapes, chunks and some weights at the ends of the range.
#[test]
fn nothing_is_lost() {
    let mut state = 1_u32;
    for layout in Layout::ALL {
        let max = i32::from(layout.max_weight());
        for (inputs, outputs) in (1..=35).flat_map(|inputs| (1..=9).map(move |outputs| (inputs, outputs))) {
            if layout == Layout::DspConvPool8 && inputs != CONV_POOL_COLUMNS {
                let bytes = vec![0; outputs * ROW_BYTES];
                assert!(Weights::new(layout, &bytes, inputs, outputs, 0).is_none(), "{inputs}");
                continue;
            }
            if layout.is_band() && !inputs.is_multiple_of(BAND_GROUP) {
                let bytes = vec![0; inputs * outputs.next_multiple_of(4)];
                assert!(Weights::new(layout, &bytes, inputs, outputs, 0).is_none(), "{inputs}");
                continue;
            }
            for chunk in [GROUP_COLUMNS, 2 * GROUP_COLUMNS, 1024] {
                let weights: vec::Vec<i8> = (0..inputs * outputs)
                    .map(|_| {
                        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        // A third at either end of the range.
                        ((state >> 16) as i32 % (3 * max) - 3 * max / 2).clamp(-max, max) as i8
                    })
                    .collect();
                let mut bytes = vec![0; Weights::bytes_of(layout, inputs, outputs).unwrap() as usize];
                pack(layout, (inputs, outputs), chunk, |row, column| weights[row * inputs + column], &mut bytes);
                let packed = Weights::new(layout, &bytes, inputs, outputs, chunk).unwrap();
                for row in 0..packed.padded_outputs() {
                    for column in 0..packed.padded_inputs() {
                        let inside = row < outputs && column < inputs;
                        let expected = if inside { weights[row * inputs + column] } else { 0 };
                        assert_eq!(packed.get(row, column), expected, "{layout:?} {row} {column}");
                    }
                }
            }
        }
    }
}

/// Both ways between the order of a band and rows; what fills up has no column in rows.
#[test]
fn columns_of_bands_go_both_ways() {
    for (height, width, channels) in [(1, 1, 1), (3, 3, 1), (3, 2, 6), (2, 5, 4), (5, 1, 3), (4, 4, 8)] {
        let order = BandOrder { height, width, channels };
        let mut seen = vec![false; order.columns()];
        for row_major in 0..height * width * channels {
            let column = order.of_row_major(row_major);
            assert_eq!(order.row_major(column), Some(row_major), "{order:?}");
            assert!(!core::mem::replace(&mut seen[column], true), "{order:?}: {column} twice");
        }
        for column in (0..order.columns()).filter(|&column| !seen[column]) {
            assert_eq!(order.row_major(column), None, "{order:?}: {column}");
        }
    }
    // Column 1 of the window, its second row, the third of four channels.
    assert_eq!(BandOrder { height: 2, width: 3, channels: 4 }.of_row_major((3 + 1) * 4 + 2), 8 + 4 + 2);
}

/// A turn is a fact of the kernels' assembly, which this machine does not run; packed chunks depend on it.
#[test]
fn turns_of_the_assembly() {
    let turns: vec::Vec<(Layout, usize)> = Layout::ALL
        .into_iter()
        .map(|layout| (layout, layout.turn_groups()))
        .filter(|&(_, groups)| groups != 1)
        .collect();
    let expected = [
        (Layout::DspPixels8, 13),
        (Layout::DspPixels4, 4),
        (Layout::DualMacPixels8, 4),
        (Layout::DualMacPixels7, 4),
        (Layout::DualMacPixels4, 2),
    ];
    assert_eq!(turns.len(), expected.len());
    assert!(expected.iter().all(|turn| turns.contains(turn)), "{turns:?}");
}

/// Padding columns of [`Layout::DspConvPool8`] are read as they are stored: the parser refuses a file whose padding is not zero.
#[test]
fn padding_columns_are_read() {
    let mut bytes = [0; 24];
    (bytes[6], bytes[14], bytes[22]) = (5, 6, 7);
    let weights = Weights::new(Layout::DspConvPool8, &bytes, CONV_POOL_COLUMNS, 1, 0).unwrap();
    assert_eq!([9, 10, 11].map(|column| weights.get(0, column)), [5, 6, 7]);
}
