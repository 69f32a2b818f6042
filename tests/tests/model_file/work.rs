//! Work that is little to store and much to do: a file of 2 kB with poolings of large windows keeps a board busy for minutes.

use pinhole::board::Board;
use pinhole::firmware::{FirmwareError, packed_for};
use pinhole::model_file::{ModelFile, QuantizedLayer, QuantizedTensor, QuantizedWeights, encode};
use pinhole_shared::layout::Layout;
use pinhole_shared::model::{Activation, ModelError, Output, PoolKind};
use pinhole_shared::pixels::InputShape;
use pinhole_shared::policy::Policy;
use pinhole_shared::shape::{Padding, Shape, Window};
use pinhole_tests::{Ran, pinhole};

/// The work is refused, or, if there is less of it, does not fit a board whose watchdog would end it.
#[test]
fn work_without_weights_counts() {
    for (windows, accepted) in [(3, true), (29, false)] {
        let file = pools_of_95(windows);
        assert_eq!(file.is_ok(), accepted, "{windows} windows: {:?}", file.as_ref().err());
        let Ok(file) = file else { continue };
        assert_eq!(
            (file.model().macs(), file.model().operations()),
            (2 * 36, windows * 96 * 96 * 95 * 95 + 2 * 36 + 36)
        );
        let (_folder, path) = pinhole_tests::on_disk(file.bytes());
        let ran = Ran::of(pinhole(["inspect", "--board", "pico"]).arg(&path));
        assert_eq!(ran.code, Some(1), "{}", ran.stdout);
        for part in ["72 multiply-accumulates, 249523308 elementary operations", "the board's watchdog", "8000 ms"] {
            assert!(ran.stdout.contains(part), "{}", ran.stdout);
        }
        let error = packed_for(Board::Pico, &file, &path).err();
        assert!(matches!(error, Some(FirmwareError::DoesNotFit { .. })), "{error:?}");
    }
}

/// Returns a network of so many poolings by 95x95 over 96x96 pixels, and one to 6x6.
fn pools_of_95(count: u32) -> Result<ModelFile, ModelError> {
    let all = Padding { top: 47, left: 47, bottom: 47, right: 47 };
    let tensor = |side| QuantizedTensor {
        shape: Shape { height: side, width: side, channels: 1 },
        zero_point: 0,
        scale: 1.0,
        range: (0, 255),
    };
    let large = Window { height: 95, width: 95, stride_y: 1, stride_x: 1, padding: all };
    let one = Window { height: 1, width: 1, stride_y: 18, stride_x: 18, padding: Padding::default() };
    let pool = |window, side| QuantizedLayer::Pool { kind: PoolKind::Max, window, output: tensor(side) };
    let weighted = QuantizedWeights {
        inputs: 36,
        weights: vec![1; 2 * 36],
        biases: vec![0; 2],
        multipliers: vec![1 << 24; 2],
        pre_shift: 0,
        accumulator_bound: 255 * 36,
        input_scale: 1.0,
        output_scale: 1.0,
        layout: Layout::Rows8,
        chunk_columns: 0,
        band: None,
    };
    let last = QuantizedLayer::Dense { weighted, activation: Activation::Linear, output: Output::Logits };
    let layers: Vec<_> = (0..count).map(|_| pool(large, 96)).chain([pool(one, 6), last]).collect();
    let classes = ["cat", "dog"].map(str::to_owned);
    ModelFile::from_bytes(&encode(InputShape::gray(96), &classes, Policy::NONE, &layers).unwrap())
}
