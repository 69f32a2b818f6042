use pinhole_core::model_file::{ModelFile, Packing};
use pinhole_shared::layout::Layout;
use pinhole_shared::model::Activation;

use super::counted_core::CountedCore;
use super::loops::{chunks, cortex_m0plus, cortex_m4};
use super::*;
use crate::board::Board;

fn model(name: &str) -> ModelFile {
    let models = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/models");
    ModelFile::read(&std::path::Path::new(models).join(name).join("model.pinhole")).unwrap()
}

fn shipped() -> ModelFile {
    model("drawn")
}

#[test]
fn more_than_the_loops_and_not_much_more() {
    for board in [Board::Qemu, Board::QemuM0plus, Board::QemuM33] {
        let packed = shipped().packed(board.packing()).unwrap();
        let prediction = predict(&packed.model(), board.declaration().core).unwrap();
        let layers: u64 = prediction.layers.iter().map(|layer| layer.instructions).sum();
        assert!(layers < prediction.whole.instructions, "{prediction:?}");
        // A multiply-accumulate takes less than one instruction on one core, about 2.5 on the other.
        let per_mac = prediction.whole.instructions as f64 / 322_080.0;
        let expected = if board == Board::QemuM0plus { 2.2..2.7 } else { 0.7..0.9 };
        assert!(expected.contains(&per_mac), "{board:?}: {per_mac}");
        assert!(prediction.whole.cycles > prediction.whole.instructions);
        let ms = prediction.time_ms(1_000_000);
        assert!((ms - prediction.whole.cycles as f64 / 1000.0).abs() < 1e-9);
        assert_eq!(prediction.error(2 * prediction.whole.instructions), -0.5, "half of what is counted");
    }
}

#[test]
fn another_cores_layouts_are_not_predicted() {
    for name in ["drawn", "conv-50-tiny"] {
        let file = model(name);
        let (m4, m0) = (file.packed(Packing::CortexM4).unwrap(), file.packed(Packing::CortexM0Plus).unwrap());
        assert_eq!(predict(&m4.model(), Core::CortexM0Plus), None, "{name}");
        assert_eq!(predict(&m0.model(), Core::CortexM4), None, "{name}");
        assert_eq!(predict(&file.model(), Core::CortexM4), None, "{name} in rows");
    }
    // This core runs row-major weights only in dense layers after the first.
    assert_eq!(predict(&model("conv-50-tiny").model(), Core::CortexM0Plus), None);
}

/// The loops of the bundled model, counted by hand.
#[test]
fn the_loops_by_hand() {
    let packed = shipped().packed(Packing::CortexM4).unwrap();
    let model = packed.model();
    let layers: Vec<_> = model.layers().collect();
    let [Layer::Dense(first), Layer::Dense(second), _] = &layers[..] else { panic!("three layers") };
    let chunks: Vec<usize> = chunks(&first.weighted.operands.weights).collect();
    let by_hand: usize = chunks
        .iter()
        .map(|columns| {
            let groups = columns.div_ceil(8);
            let calls = usize::from(*columns >= 8) + usize::from(columns % 8 > 0);
            18 + 32 * (18 + 23 * groups + 3 * groups.div_ceil(13)) + 7 * calls + 9 * groups + 2 * groups.div_ceil(2)
        })
        .sum();
    assert_eq!(first.activation, Activation::Sigmoid);
    let sigmoids = 6 + 128 * 20;
    assert_eq!(loops::dense(CountedCore::CortexM4, first).unwrap().instructions(), (by_hand + sigmoids) as u64);
    // 16 groups of 38, for 4 blocks; 16 sigmoids.
    let expected = 6 + 4 * (8 + 16 * 38) + 6 + 16 * 20;
    assert_eq!(loops::dense(CountedCore::CortexM4, second).unwrap().instructions(), expected);
}

/// The loops of `conv-50`'s second convolution, 3x3 over these channels, counted by hand. They run for every position
/// before max pooling. What is around them takes less than a tenth of that.
#[test]
fn a_convolutions_loops_by_hand() {
    let packed = model("conv-50").packed(Packing::CortexM4).unwrap();
    let model = packed.model();
    let layers: Vec<_> = model.layers().collect();
    let Layer::Conv(conv) = &layers[1] else { panic!("a convolution") };
    let weights = &conv.weighted.operands.weights;
    assert_eq!((conv.pool, weights.layout()), (2, Layout::DspBand8));
    let (groups, blocks) = (weights.inputs() / 8, weights.outputs() / 4);
    let window = 23 * groups + 3 * groups.div_ceil(9);
    let by_hand = 22 + 17 + blocks * (39 + 7 + 3 * 31 + 4 * window);
    let predicted = predict(&model, Core::CortexM4).unwrap().layers[1].instructions;
    let all_loops = (conv.output.shape.positions() * by_hand) as u64;
    assert!((all_loops..all_loops * 11 / 10).contains(&predicted), "{predicted}, loops {all_loops}");
}

#[test]
fn other_loops_by_hand() {
    // Two groups of four channels with 9 columns, three a turn; one with 4 columns, of which one is left over.
    assert_eq!(cortex_m4::channels(9, 8).instructions(), 6 + 2 * (12 + 3 * (3 * 8 + 4)));
    assert_eq!(cortex_m4::channels(4, 4).instructions(), 6 + 12 + (3 * 8 + 4) + (8 + 3));
    assert_eq!(cortex_m4::conv_pool(2, 5).instructions(), 7 + 2 * (33 + 5 * 58));
    // Nine groups are one turn; half a group comes before them.
    assert_eq!(cortex_m4::band_positions(3, 1, 4, 72).instructions(), 29 + 3 * (22 + 39 + 9 * 23 + 3));
    assert_eq!(cortex_m4::band_positions(1, 1, 4, 76).instructions(), 29 + 22 + 39 + 13 + 9 * 23 + 3);
    let pooled = 29 + 22 + 17 + 2 * (39 + 7 + 3 * 31 + 4 * (9 * 23 + 3));
    assert_eq!(cortex_m4::band_positions(1, 4, 8, 72).instructions(), pooled);
    assert_eq!(cortex_m4::band_columns(2, 3, 12).instructions(), 8 + 2 * (10 + 3 * (5 + 7 + 11)));
    assert_eq!(cortex_m4::band_table(2, 8).instructions(), 4 + 2 * (8 + 2 * 11));
    assert_eq!(cortex_m4::depthwise_positions(2, 8, (3, 3), true).instructions(), 20 + 2 * (16 + 2 * (29 + 75)));
    let part = 6 + 2 * (12 + 3 * 8 + 4);
    assert_eq!(cortex_m4::depthwise_positions(1, 4, (2, 3), false).instructions(), 20 + 16 + 29 + part);
    assert_eq!((cortex_m4::copy(0).instructions(), cortex_m4::copy(3).instructions()), (0, 3 + 3 * 7));
}

/// The loops of convolutions on Cortex-M0+, counted by hand.
#[test]
fn loops_of_pairs_are_counted() {
    // Six pairs are one turn.
    let sums = 28 + 18 * 18 + 3 * 2;
    let outputs = 4 * 42 + 2;
    let one = 15 + 34 + sums + 5 + 1 + outputs;
    assert_eq!(cortex_m0plus::band_positions(3, 1, 4, 18).instructions(), 12 + 7 + 3 * one);
    let part_of_a_turn = 15 + 34 + 28 + 20 * 18 + 4 * 2 + 5 + 1 + outputs;
    assert_eq!(cortex_m0plus::band_positions(1, 1, 4, 20).instructions(), 12 + 7 + part_of_a_turn);
    let pooled = 15 + 2 * (34 + 4 * sums + 5 + 1 + 3 * (15 + 6) + outputs);
    assert_eq!(cortex_m0plus::band_positions(1, 4, 8, 18).instructions(), 12 + 7 + pooled);
    let part_of_a_block = 15 + 2 * (34 + sums + 5 + 1) + 6 * 42 + 3;
    assert_eq!(cortex_m0plus::band_positions(1, 1, 6, 18).instructions(), 12 + 7 + part_of_a_block);
    assert_eq!(cortex_m0plus::band_widen(24).instructions(), 10 + 3 * 59);
    assert_eq!(cortex_m0plus::band_runs(3, 16).instructions(), 21 + 3 * (6 + 2 * 59));
    assert_eq!(cortex_m0plus::band_copy(5).instructions(), 4 + 5 * 6);
    let whole = 17 + 8 * (54 + 50) + 4;
    assert_eq!(cortex_m0plus::depthwise_positions(2, 8, (3, 3), true).instructions(), 12 + 14 + 2 * whole);
    let part = 17 + 4 * (54 + 5 + 2 * (9 + 3 * 9)) + 2;
    assert_eq!(cortex_m0plus::depthwise_positions(1, 4, (2, 3), false).instructions(), 12 + 14 + part);
}

/// A board whose core predicts nothing for the model has a bound instead, which is never below a prediction.
#[test]
fn work_that_is_not_predicted_is_bounded() {
    for name in ["drawn", "conv-50", "conv-50-tiny", "conv-96"] {
        for board in [Board::Pico, Board::NucleoF446re] {
            let declared = board.declaration();
            let (file, packed) = (model(name), model(name).packed(board.packing()).unwrap());
            let time_ms = predict(&packed.model(), declared.core).unwrap().time_ms(declared.clock_hz);
            assert_eq!(modeled_time_ms(&packed.model(), declared), time_ms);
            let other = if board == Board::Pico { Packing::CortexM4 } else { Packing::CortexM0Plus };
            let other = file.packed(other).unwrap();
            assert_eq!(predict(&other.model(), declared.core), None);
            let bound = modeled_time_ms(&other.model(), declared);
            assert!(bound > time_ms, "{name} on {board:?}: {bound} ms, {time_ms} ms");
            // No layer of these takes as much as the bound.
            let per_operation =
                time_ms * f64::from(declared.clock_hz) / 1000.0 / f64::from(packed.model().operations());
            assert!(per_operation < MOST_CYCLES_PER_OPERATION as f64 / 10.0, "{per_operation}");
        }
    }
}
