use pinhole_shared::model::Activation;

use super::*;
use crate::board::Board;
use crate::model_file::{ModelFile, Packing};

fn shipped() -> ModelFile {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/models/drawn/model.pinhole");
    ModelFile::read(path.as_ref()).unwrap()
}

#[test]
fn more_than_the_loops_and_not_much_more() {
    for board in [Board::Qemu, Board::QemuM0plus] {
        let packed = shipped().packed(board.packing()).unwrap();
        let prediction = predict(&packed.model(), board.declaration().core).unwrap();
        let layers: u64 = prediction.layers.iter().map(|layer| layer.instructions).sum();
        assert!(layers < prediction.whole.instructions, "{prediction:?}");
        // A multiply-accumulate takes less than an instruction on one, about 2.5 on the other.
        let per_mac = prediction.whole.instructions as f64 / 322_080.0;
        let expected = if board == Board::Qemu { 0.7..0.9 } else { 2.2..2.7 };
        assert!(expected.contains(&per_mac), "{board:?}: {per_mac}");
        assert!(prediction.whole.cycles > prediction.whole.instructions);
        let ms = prediction.time_ms(1_000_000);
        assert!((ms - prediction.whole.cycles as f64 / 1000.0).abs() < 1e-9);
        assert!(prediction.error(prediction.whole.instructions).abs() < 1e-12);
    }
}

#[test]
fn another_cores_layouts_are_not_predicted() {
    let file = shipped();
    let (m4, m0) = (file.packed(Packing::CortexM4).unwrap(), file.packed(Packing::CortexM0Plus).unwrap());
    assert_eq!(predict(&m4.model(), Core::CortexM0Plus), None);
    assert_eq!(predict(&m0.model(), Core::CortexM4), None);
}

/// The loops of the shipped model, by hand.
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
    assert_eq!(cortex_m4::loops(first).unwrap().instructions(), (by_hand + sigmoids) as u64);
    // 16 groups of 38, for 4 blocks; 16 sigmoids.
    let expected = 6 + 4 * (8 + 16 * 38) + 6 + 16 * 20;
    assert_eq!(cortex_m4::loops(second).unwrap().instructions(), expected);
}
