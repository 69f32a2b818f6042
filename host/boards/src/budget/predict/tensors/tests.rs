use pinhole_shared::kernel::DenseOperands;
use pinhole_shared::layout::Weights;
use pinhole_shared::model::{Conv, Tensor, Weighted};
use pinhole_shared::shape::{Padding, Shape, Window};

use super::*;

const CORES: [Core; 2] = [Core::CortexM4, Core::CortexM0Plus];

/// A convolution without weights, of so many channels, 3x3 and padded by 1, over 4x4 places.
fn convolution(channels: u16) -> Conv<'static> {
    let weighted = Weighted {
        operands: DenseOperands { weights: Weights::default(), biases: &[] },
        multipliers: &[],
        pre_shift: 0,
        accumulator_bound: 0,
        input_scale: 1.0,
        output_scale: 1.0,
    };
    let padding = Padding { top: 1, left: 1, bottom: 1, right: 1 };
    let tensor =
        |channels, place| Tensor { shape: Shape { height: 4, width: 4, channels }, zero: 0, scale: 1.0, place };
    Conv {
        weighted,
        window: Window { height: 3, width: 3, stride_y: 1, stride_x: 1, padding },
        pool: 1,
        input: tensor(channels, 0),
        output: tensor(1, 256),
        low: 0,
        high: 255,
    }
}

fn all(core: Core, events: &[(Event, usize)]) -> Work {
    let mut tally = Tally { core, work: Work::NONE };
    for &(event, times) in events {
        tally.add(event, times);
    }
    tally.work
}

/// 16 places of 3 rows: 8 rows are above or below, and half of the others at the left or right edge.
#[test]
fn what_is_under_a_window_by_hand() {
    let rows = [(Event::RowOutside, 8), (Event::RowWithin, 20), (Event::RowAcross, 20)];
    // 3 is 11 in binary: a turn, and what is around it.
    let places = [(Event::Gather, 16), (Event::DivisionTurn, 16 * 3)];
    let few = [(Event::CopyByte, 20 * 3 + 20 * 2), (Event::FillByte, 8 * 3 + 20)];
    // In words, all at multiples of 4: 8 channels.
    let words = [
        (Event::CopyMany, 40),
        (Event::CopyWord, 20 * 6 + 20 * 4),
        (Event::FillMany, 8),
        (Event::FillWord, 8 * 6),
        (Event::FillByte, 20 * 8),
    ];
    for core in CORES {
        for (channels, moves) in [(1, &few[..]), (8, &words)] {
            let mut tally = Tally { core, work: Work::NONE };
            gather::gather(&convolution(channels), 512, &mut tally);
            assert_eq!(tally.work, all(core, &[&rows[..], &places, moves].concat()), "{core:?}, {channels} channels");
        }
    }
}

/// 18 bytes from a multiple of 4 to two bytes behind one: 2 of them, 4 words that are shifted when they are read, not when they
/// are written, and nothing left over; 21 bytes between multiples of 4: 5 words and a byte.
#[test]
fn copies_by_hand() {
    for core in CORES {
        let (mut memory, mut tally) = (memory::Memory::default(), Tally { core, work: Work::NONE });
        memory.copy(8, 34..52);
        memory.copy(8, 32..53);
        memory.tally(&mut tally);
        let shifted = [(Event::CopyShifted, 1), (Event::CopyShiftedWord, 4), (Event::CopyByte, 2)];
        let straight = [(Event::CopyMany, 1), (Event::CopyWord, 5), (Event::CopyByte, 1)];
        assert_eq!(tally.work, all(core, &[shifted, straight].concat()), "{core:?}");
    }
}

#[test]
fn divisions_by_hand() {
    // Nothing to do, one subtraction, and a turn for each bit of the quotient but the first.
    for (dividend, divisor, turns) in [(3, 4, 0), (4, 4, 0), (9, 2, 0), (12, 4, 3), (100, 10, 5), (7, 0, 0)] {
        assert_eq!(division_turns(dividend, divisor), turns, "{dividend} / {divisor}");
    }
}
