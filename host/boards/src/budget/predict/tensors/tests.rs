use pinhole_shared::kernel::DenseOperands;
use pinhole_shared::layout::Weights;
use pinhole_shared::model::{Conv, Tensor, Weighted};
use pinhole_shared::shape::{Padding, Shape, Window};

use super::*;

const CORES: [CountedCore; 2] = [CountedCore::CortexM4, CountedCore::CortexM0Plus];

/// A convolution without weights, 3x3 with a padding of 1, over 4x4 positions of `channels` channels.
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
        |channels, offset| Tensor { shape: Shape { height: 4, width: 4, channels }, zero_point: 0, scale: 1.0, offset };
    Conv {
        weighted,
        window: Window { height: 3, width: 3, stride_y: 1, stride_x: 1, padding },
        pool: 1,
        input: tensor(channels, 0),
        output: tensor(1, 256),
        activation_min: 0,
        activation_max: 255,
    }
}

fn all(core: CountedCore, events: &[(CompiledEvent, usize)]) -> PredictedWork {
    let mut tally = Tally { core, work: PredictedWork::NONE };
    for &(event, times) in events {
        tally.add(event, times);
    }
    tally.work
}

/// 16 positions of 3 rows: 8 rows are above or below the input, and half of the others at the left or right edge.
#[test]
fn what_is_under_a_window_by_hand() {
    let rows = [(CompiledEvent::RowOutside, 8), (CompiledEvent::RowWithin, 20), (CompiledEvent::RowAcross, 20)];
    let positions = [(CompiledEvent::Gather, 16)];
    let few = [(CompiledEvent::CopyByte, 20 * 3 + 20 * 2), (CompiledEvent::FillByte, 8 * 3 + 20)];
    // With 8 channels, all offsets are multiples of 4: words only.
    let words = [
        (CompiledEvent::CopyMany, 40),
        (CompiledEvent::CopyWord, 20 * 6 + 20 * 4),
        (CompiledEvent::FillMany, 8),
        (CompiledEvent::FillWord, 8 * 6),
        (CompiledEvent::FillByte, 20 * 8),
    ];
    for core in CORES {
        for (channels, moves) in [(1, &few[..]), (8, &words)] {
            let mut tally = Tally { core, work: PredictedWork::NONE };
            gather::gather(&convolution(channels), 512, &mut tally);
            assert_eq!(
                tally.work,
                all(core, &[&rows[..], &positions, moves].concat()),
                "{core:?}, {channels} channels"
            );
        }
    }
}

/// 18 bytes from a multiple of 4 to two bytes after one: 2 bytes, then 4 words with shifts, no rest. 21 bytes between
/// multiples of 4: 5 words and a byte.
#[test]
fn copies_by_hand() {
    for core in CORES {
        let (mut memory, mut tally) = (memory::MemoryCalls::default(), Tally { core, work: PredictedWork::NONE });
        memory.copy(8, 34..52);
        memory.copy(8, 32..53);
        memory.tally(&mut tally);
        let shifted =
            [(CompiledEvent::CopyShifted, 1), (CompiledEvent::CopyShiftedWord, 4), (CompiledEvent::CopyByte, 2)];
        let straight = [(CompiledEvent::CopyMany, 1), (CompiledEvent::CopyWord, 5), (CompiledEvent::CopyByte, 1)];
        assert_eq!(tally.work, all(core, &[shifted, straight].concat()), "{core:?}");
    }
}
