//! Convolutional networks, with poolings and additions: integers near the float network's, the same in every kernel.
//! Invalid files are refused.

use pinhole::explain::explain;
use pinhole::model_file::portable::run_all;
use pinhole::model_file::{ModelFile, Packing};
use pinhole::quantize::{dequantize, measure};
use pinhole::random::Random;
use pinhole::simd::Instructions;
use pinhole::train::Network;
use pinhole_core::testing::{pictures, untrained};
use pinhole_shared::kernel::{Dsp, DualMac, PortableDsp, PortableDualMac, Scalar};
use pinhole_shared::layout::Layout;
use pinhole_shared::model::format::record;
use pinhole_shared::model::{HEADER_BYTES, Layer, Model, ModelError, RECORD_BYTES, seal};
use pinhole_shared::pixels::InputShape;
use pinhole_tests::tensors::{ALL_KINDS, BANDS, FIRST_LAYER, TILES, network_of};

#[test]
fn every_kernel_gives_the_same_integers() {
    let pictures = pictures(InputShape::gray(17), 12);
    let (_, file) = network_of(ALL_KINDS, &pictures);
    let kinds: Vec<&str> = file.model().layers().map(|layer| layer.kind()).collect();
    let all =
        ["conv", "depthwise", "conv", "add", "max-pool", "conv", "average-pool", "global-average", "dense", "dense"];
    assert_eq!(kinds, all);
    let [m4, m0] = [Packing::CortexM4, Packing::CortexM0Plus].map(|packing| file.packed(packing).unwrap());
    let mut engine = file.engine();
    for example in &pictures.examples {
        let expected = engine.run_all(&example.pixels).stages;
        assert_eq!(run_all::<Scalar>(&file.model(), &example.pixels).unwrap().stages, expected);
        assert_eq!(run_all::<Dsp<PortableDsp>>(&m4.model(), &example.pixels).unwrap().stages, expected);
        assert_eq!(run_all::<DualMac<PortableDualMac>>(&m0.model(), &example.pixels).unwrap().stages, expected);
    }
    // One of the kernels has a layout of its own for this first layer.
    let (_, first) = network_of(FIRST_LAYER, &pictures);
    let packed = first.packed(Packing::CortexM4).unwrap();
    let layout = packed.model().layers().next().and_then(|layer| Some(layer.weighted()?.operands.weights.layout()));
    assert_eq!(layout, Some(Layout::DspConvPool8));
    for example in &pictures.examples {
        let expected = first.engine().run_all(&example.pixels).stages;
        assert_eq!(run_all::<Dsp<PortableDsp>>(&packed.model(), &example.pixels).unwrap().stages, expected);
    }
    assert_eq!(ModelFile::from_bytes(packed.bytes()).unwrap().bytes(), first.bytes(), "unpacked again");
    // Each layer has many different values, not all at one end.
    for (index, layer) in file.model().layers().enumerate() {
        let mut values: Vec<i32> = pictures
            .examples
            .iter()
            .flat_map(|example| engine.run_all(&example.pixels).stages[index + 1].clone())
            .collect();
        values.sort_unstable();
        values.dedup();
        assert!(values.len() >= 20, "layer {index}, {}: {values:?}", layer.kind());
    }
    assert_eq!(ModelFile::from_bytes(m4.bytes()).unwrap().bytes(), file.bytes(), "unpacked again");
}

/// Mean distances from the float network, relative to the largest value of a layer: 8 bits are 1/255, 4-bit weights
/// 1/7.
#[test]
fn integers_are_near_the_float_network() {
    const TOLERANCE: f64 = 0.05;
    let pictures = pictures(InputShape::gray(17), 40);
    let (network, file) = network_of(ALL_KINDS, &pictures);
    let inputs: Vec<&[u8]> = pictures.examples.iter().map(|example| &example.pixels[..]).collect();
    for (index, error) in measure(&network, &file, &pictures).unwrap().iter().enumerate() {
        let values = network.activations(&inputs, index + 1).unwrap();
        let largest = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        let part = error.mean_error / f64::from(largest);
        println!("layer {index}: {part:.4}");
        assert!(part <= TOLERANCE, "layer {index}: {part}");
    }
}

/// A file converted to a float network gives a file with nearly the same integers.
#[test]
fn a_file_back_to_floating_point() {
    let pictures = pictures(InputShape::gray(17), 40);
    let (_, file) = network_of(ALL_KINDS, &pictures);
    let back = dequantize(&file.model(), &untrained(pictures.input, ALL_KINDS));
    let network = Network::from_layers(&back.recipe, &back.classes, &back.layers).unwrap();
    // Half a step of 1/255 in each of the layers, and its propagation.
    const TOLERANCE: f64 = 0.02;
    let errors = measure(&network, &file, &pictures).unwrap();
    let inputs: Vec<&[u8]> = pictures.examples.iter().map(|example| &example.pixels[..]).collect();
    for (index, error) in errors.iter().enumerate() {
        let values = network.activations(&inputs, index + 1).unwrap();
        let largest = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        let part = error.mean_error / f64::from(largest);
        println!("layer {index}: {part:.4}");
        assert!(part <= TOLERANCE, "layer {index}: {part}");
    }
}

/// Changes some bytes of a record, renews the checksum, and returns the error.
fn changed(file: &[u8], layer: usize, offset: usize, bytes: &[u8]) -> Option<ModelError> {
    let mut words: Vec<u32> = file.chunks_exact(4).map(|w| u32::from_ne_bytes(w.try_into().unwrap())).collect();
    let file: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
    file[HEADER_BYTES + layer * RECORD_BYTES + offset..][..bytes.len()].copy_from_slice(bytes);
    seal(file);
    Model::parse(file).err()
}

#[test]
fn wrong_records_are_refused() {
    let (_, file) = network_of(ALL_KINDS, &pictures(InputShape::gray(17), 3));
    let place = |layer: usize| file.model().layers().nth(layer).unwrap().tensor().unwrap().offset.to_le_bytes();
    let record = |layer, offset, got| Some(ModelError::Record { layer, offset, got });
    for (what, layer, offset, bytes, expected) in [
        ("an activation function", 0, 2, &[1][..], record(0, 2, 1)),
        ("16 bits", 0, 3, &[1], record(0, 3, 1)),
        ("another height", 0, 40, &[7], record(0, 40, 7)),
        ("no channels", 0, 44, &[0], record(0, 40, 9)),
        ("a sum's other half", 0, 46, &[1], record(0, 46, 1)),
        ("no window", 0, 48, &[0], Some(ModelError::Shape { layer: 0, expected: 0, got: 6 })),
        ("no stride", 0, 50, &[0], record(0, 48, 3)),
        ("padding like the window", 0, 52, &[3], record(0, 48, 3)),
        ("no pool", 0, 56, &[0], record(0, 56, 0)),
        ("nothing between", 0, 58, &[200, 100], record(0, 58, 200)),
        ("an odd place", 0, 60, &[1], record(0, 60, 1)),
        ("a place beyond all memory", 0, 63, &[0xFF], record(0, 60, 0xFF00_0000)),
        ("a sum with what is to come", 3, 46, &[3], record(3, 46, 3)),
        ("a sum with another shape", 7, 0, &[7, 0], record(7, 48, 0)),
        ("a sum's factor below 0", 3, 19, &[0x80], Some(ModelError::Multiplier { layer: 3, row: 0 })),
        ("a sum beyond 32 bits", 3, 19, &[0x7F], Some(ModelError::Accumulator { layer: 3, row: 0 })),
        ("a pool's zero", 4, 57, &[1], record(4, 57, 1)),
        ("a mean's multiplier", 7, 24, &[0; 4], Some(ModelError::Multiplier { layer: 7, row: 0 })),
        ("a mean beyond 32 bits", 7, 23, &[0x80], Some(ModelError::Accumulator { layer: 7, row: 0 })),
        ("a layer over its input", 1, 60, &place(0), Some(ModelError::Arena { layer: 1 })),
        ("a layer over what is added later", 2, 60, &place(0), Some(ModelError::Arena { layer: 3 })),
    ] {
        let got = changed(file.bytes(), layer, offset, bytes);
        if what == "a sum with another shape" {
            // The words that an addition does not use are checked first.
            assert!(got.is_some(), "{what}");
        } else {
            assert_eq!(got, expected, "{what}");
        }
    }
}

/// Convolutions from bands, on the kernels that run them: in tiles too.
#[test]
fn bands_give_the_same_integers() {
    let (m4, m0) = ((Packing::CortexM4, Layout::DspBand8), (Packing::CortexM0Plus, Layout::DualMacBand8));
    let networks = [(BANDS, 17, m4, 4), (TILES, 96, m4, 2), (BANDS, 17, m0, 4), (TILES, 96, m0, 2)];
    for (layers, side, (packing, layout), banded) in networks {
        let pictures = pictures(InputShape::gray(side), 3);
        let (_, file) = network_of(layers, &pictures);
        let packed = file.packed(packing).unwrap();
        let model = packed.model();
        let tiles = |layer: &Layer<'_>| match layer {
            Layer::Conv(conv) if conv.weighted.operands.weights.layout() == layout => conv.tiles(),
            _ => None,
        };
        assert_eq!(model.layers().filter_map(|layer| tiles(&layer)).count(), banded);
        let width = |layer: &Layer<'_>| layer.tensor().map_or(0, |tensor| tensor.shape.width.into());
        let cut = |layer: Layer<'_>| tiles(&layer).is_some_and(|tiles| tiles.positions < width(&layer));
        assert_eq!(model.layers().any(cut), layers == TILES);
        for example in &pictures.examples {
            let expected = file.engine().run_all(&example.pixels).stages;
            let got = match packing {
                Packing::CortexM4 => run_all::<Dsp<PortableDsp>>(&model, &example.pixels),
                _ => run_all::<DualMac<PortableDualMac>>(&model, &example.pixels),
            };
            assert_eq!(got.unwrap().stages, expected, "{packing:?}");
        }
        assert_eq!(ModelFile::from_bytes(packed.bytes()).unwrap().bytes(), file.bytes(), "unpacked again");
    }
}

/// In a band, lanes that fill up a column of the window have any value, so their weights must be 0.
#[test]
fn weights_that_fill_up_a_window_are_zero() {
    let (_, file) = network_of(ALL_KINDS, &pictures(InputShape::gray(17), 3));
    // Column 3, which fills up 3 rows of one channel, of row 1. The lower byte of the upper half of word 1; the last byte of word 2,
    // where weights are 128 too large.
    for (packing, place, zero) in [(Packing::CortexM4, 6, 0), (Packing::CortexM0Plus, 11, 128)] {
        let packed = file.packed(packing).unwrap();
        let first = packed.model().layers().next().unwrap();
        let Layer::Conv(conv) = first else { panic!("{first:?}") };
        let order = conv.band_order();
        assert_eq!((order.lanes(), order.width * order.lanes()), (4, conv.weighted.operands.weights.inputs()));
        let at = HEADER_BYTES + record::WEIGHTS.span().offset();
        let weights = u32::from_le_bytes(packed.bytes()[at..][..4].try_into().unwrap()) as usize;
        assert_eq!(packed.bytes()[weights + place], zero);
        let mut words: Vec<u32> =
            packed.bytes().chunks_exact(4).map(|word| u32::from_ne_bytes(word.try_into().unwrap())).collect();
        let changed: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
        changed[weights + place] = zero + 1;
        seal(changed);
        assert_eq!(Model::parse(changed).err(), Some(ModelError::Weight { layer: 0, row: 1 }));
    }
}

/// The first layer's own layout is refused for other layers, and for invalid weights.
#[test]
fn areas_that_are_none_are_refused() {
    let (_, file) = network_of(FIRST_LAYER, &pictures(InputShape::gray(17), 3));
    let packed = file.packed(Packing::CortexM4).unwrap();
    let not_here = Some(ModelError::WeightLayout { layer: 0, got: 9 });
    assert_eq!(
        packed.bytes()[HEADER_BYTES + 4],
        9,
        "the layout of the first layer, which is refused below where it is not for it"
    );
    assert_eq!(changed(packed.bytes(), 0, 50, &[2]), not_here, "a stride");
    assert_eq!(changed(packed.bytes(), 0, 56, &[1]), not_here, "no pool");
    assert_eq!(changed(packed.bytes(), 0, 0, &[3]), not_here, "depthwise");
    let (_, all) = network_of(ALL_KINDS, &pictures(InputShape::gray(17), 3));
    let all = all.packed(Packing::CortexM4).unwrap();
    for (layer, from, to) in [(1, 10, 2), (1, 10, 12), (2, 12, 10), (5, 4, 11), (9, 3, 10), (9, 3, 12)] {
        assert_eq!(all.bytes()[HEADER_BYTES + layer * RECORD_BYTES + 4], from);
        // Layouts with chunks have their number of columns.
        let got = changed(all.bytes(), layer, 4, &[to, all.bytes()[HEADER_BYTES + layer * RECORD_BYTES + 5], 0, 0]);
        // Or an error that is checked before: wrong section lengths, a wrong chunk, or another number of columns.
        let refused = matches!(
            got,
            Some(
                ModelError::WeightLayout { .. }
                    | ModelError::Section { .. }
                    | ModelError::Record { .. }
                    | ModelError::Shape { .. }
            )
        );
        assert!(refused, "layer {layer}, layout {to}: {got:?}");
    }
    assert_eq!(
        changed(packed.bytes(), 0, 6, &[8]),
        Some(ModelError::Record { layer: 0, offset: 6, got: 8 }),
        "a chunk"
    );
    // In the second row's weights: the padding of the window's first row, and the upper half of a weight.
    let weights = packed.bytes()[HEADER_BYTES + 16..][..4].try_into().map(u32::from_le_bytes).unwrap() as usize;
    for place in [24 + 6, 24 + 1] {
        let mut words: Vec<u32> =
            packed.bytes().chunks_exact(4).map(|w| u32::from_ne_bytes(w.try_into().unwrap())).collect();
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
        bytes[weights + place] ^= 1;
        seal(bytes);
        assert_eq!(Model::parse(bytes).err(), Some(ModelError::Weight { layer: 0, row: 1 }), "byte {place}");
    }
}

/// Any bytes of header and records changed: refused, or run without a panic, and the same in every kernel.
#[test]
fn mutants_are_refused_or_sound() {
    let pictures = pictures(InputShape::gray(17), 3);
    let (_, file) = network_of(ALL_KINDS, &pictures);
    let mut random = Random::seeded(11);
    let (mut refused, mut sound) = (0, 0);
    for _ in 0..6_000 {
        let mut words: Vec<u32> =
            file.bytes().chunks_exact(4).map(|w| u32::from_ne_bytes(w.try_into().unwrap())).collect();
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
        for _ in 0..=random.below(2) {
            let place = 16 + random.below(HEADER_BYTES - 16 + 10 * RECORD_BYTES);
            bytes[place] = [0, 1, 2, 3, 255, random.below(256) as u8][random.below(6)];
        }
        seal(bytes);
        let Ok(model) = Model::parse(bytes) else {
            refused += 1;
            continue;
        };
        sound += 1;
        let input = vec![random.below(256) as u8; model.inputs()];
        let taken = ModelFile::from_bytes(bytes).unwrap();
        let [m4, m0] = [Packing::CortexM4, Packing::CortexM0Plus].map(|packing| taken.packed(packing).unwrap());
        let expected = run_all::<Scalar>(&model, &input).unwrap().stages;
        assert_eq!(run_all::<Dsp<PortableDsp>>(&m4.model(), &input).unwrap().stages, expected);
        assert_eq!(run_all::<DualMac<PortableDualMac>>(&m0.model(), &input).unwrap().stages, expected);
        for instructions in Instructions::available() {
            assert_eq!(taken.engine_with(instructions).run_all(&input).stages, expected, "{instructions}");
        }
    }
    assert!(refused > 3_000 && sound > 100, "{refused} refused, {sound} sound");
}

/// Occluding pixels that do not change a picture changes nothing; occluding decisive ones is reported.
#[test]
fn what_decided_is_explained() {
    let pictures = pictures(InputShape::gray(17), 3);
    let (_, file) = network_of(ALL_KINDS, &pictures);
    let flat = explain(&file, &[90; 289]);
    assert_eq!(flat.largest(), 0.0);
    let noise = explain(&file, &pictures.examples[0].pixels);
    assert!(noise.contributions.len() == 289 && noise.largest() > 0.0, "{}", noise.largest());
    assert_eq!(noise.decision, file.engine().run(&pictures.examples[0].pixels));
}
