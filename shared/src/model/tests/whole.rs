//! The file as a whole: length, checksum, header, sections, class names.

use std::borrow::ToOwned;
use std::vec;
use std::vec::Vec;

use super::writer::*;
use super::*;
use crate::decision::Probability;
use crate::kernel::{Dsp, PortableDsp, Scalar};
use crate::layout::Layout;
use crate::model::{Model, file_bytes, put_policy, seal};
use crate::pixels::{Color, Fit, InputShape};
use crate::policy::{Policy, PolicyError};

/// CRC-32 (ISO-HDLC), bit by bit.
fn crc(bytes: impl Iterator<Item = u8>) -> u32 {
    !bytes.fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}

#[test]
fn what_is_written_is_read() {
    let mut draft = every_kind();
    let checksum = crc(draft.bytes()[..12].iter().chain(&draft.bytes()[16..]).copied());
    let length = draft.bytes().len();
    let model = draft.parse().unwrap();
    assert_eq!(model.checksum(), checksum);
    assert_eq!(model.file_bytes() as usize, length);
    assert_eq!((model.input(), model.inputs(), model.classes()), (InputShape::gray(6), 36, 2));
    assert_eq!(model.policy(), Policy::NONE);
    assert_eq!(model.class_names().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(model.arena_bytes(), 148);
    assert_eq!((model.layer_count(), model.layers().len()), (8, 8));
    let mut layers = model.layers();
    layers.next();
    assert_eq!(layers.size_hint(), (7, Some(7)));
    let kinds: Vec<_> = model.layers().map(|layer| layer.kind()).collect();
    let expected = ["conv", "depthwise", "max-pool", "average-pool", "add", "global-average", "dense", "dense"];
    assert_eq!(kinds, expected);
    let sizes: Vec<_> = model.layers().map(|layer| (layer.inputs(), layer.outputs())).collect();
    assert_eq!(sizes, [(36, 36), (36, 36), (36, 36), (36, 36), (36, 36), (36, 4), (4, 3), (3, 2)]);
    assert!(model.dense(HIDDEN).is_some() && model.dense(ADD).is_none());
    // 5 rows of 16 weights, with a bias and a multiplier each.
    let mut draft = dense_only(Layout::Rows8);
    let first = draft.parse().unwrap().layers().next().unwrap();
    assert_eq!(first.weighted().unwrap().bytes(), 5 * 16 + 4 * (5 + 5));
    // Of color: three bytes a pixel.
    let color = InputShape { fit: Fit::Letterbox, ..InputShape::rgb(4) };
    let mut draft = write(color, &[logits(2, 48)]);
    let model = draft.parse().unwrap();
    assert_eq!((model.input(), model.inputs(), model.arena_bytes()), (color, 48, 0));
}

/// Bytes behind the table are no layer, even if they look like one: here the first weights are 1 and 0, the number of a dense layer.
#[test]
fn there_are_as_many_layers_as_stated() {
    let mut draft = dense_only(Layout::Rows8);
    draft.put(record(2), &[1, 0]);
    if let Some(ModelError::Bound { layer: 0, expected, .. }) = draft.refusal() {
        draft.u32(record(0) + 28, expected);
    }
    assert_eq!(draft.parse().unwrap().layers().count(), 2);
}

#[test]
fn the_start_of_a_file_tells_its_length() {
    let draft = dense_only(Layout::Rows8);
    let bytes = draft.bytes();
    assert_eq!(file_bytes(&bytes[..12]), Ok(bytes.len()));
    for got in 0..12 {
        assert_eq!(file_bytes(&bytes[..got]), Err(ModelError::Truncated { expected: 64, got }));
    }
    assert_eq!(file_bytes(b"PNHM        "), Err(ModelError::NotAModel));
    for version in [0, 2, 256] {
        let mut draft = draft.clone();
        draft.u16(4, version);
        assert_eq!(file_bytes(draft.bytes()), Err(ModelError::Version { expected: 1, got: version }));
    }
}

#[test]
fn lengths_are_checked() {
    let mut draft = dense_only(Layout::Rows8);
    seal(draft.bytes_mut());
    let expected = draft.bytes().len();
    for got in [12, 63, 64, expected - 1] {
        let error = Model::parse(&draft.bytes()[..got]).err();
        assert_eq!(error, Some(ModelError::Truncated { expected, got }), "{got}");
    }
    let longer = Draft::of(&[draft.bytes(), &[0]].concat());
    assert_eq!(Model::parse(longer.bytes()).err(), Some(ModelError::TooLong { expected, got: expected + 1 }));
    // A file that states less than a header, and has it.
    let mut short = Draft::of(&draft.bytes()[..48]);
    short.u32(8, 48);
    assert_eq!(short.refusal(), Some(ModelError::Truncated { expected: 64, got: 48 }));
    // A header alone.
    let mut header = draft.clone();
    header.resize(64);
    assert_eq!(header.refusal(), Some(ModelError::Truncated { expected: record(2), got: 64 }));
    // Whole words, but no multiple of 16.
    for more in [1, 4, 12] {
        let got = (expected + more) as u32;
        refused(&draft, |draft| draft.resize(got as usize), ModelError::Header { offset: 8, got });
    }
    accepted(&draft, |draft| draft.resize(expected + 16));
}

#[test]
fn the_table_must_be_in_the_file() {
    let mut draft = dense_only(Layout::Rows8);
    draft.resize(record(2) - 16);
    let (expected, got) = (record(2), record(2) - 16);
    assert_eq!(draft.refusal(), Some(ModelError::Truncated { expected, got }));
    // A table without anything behind it: the first layer's weights are missing.
    let mut draft = dense_only(Layout::Rows8);
    let offset = draft.sections[0].weights;
    draft.resize(record(2));
    let error = ModelError::Section { section: Section::Weights, layer: 0, offset, bytes: 80 };
    assert_eq!(draft.refusal(), Some(error));
}

#[test]
fn damage_is_noticed() {
    let mut draft = dense_only(Layout::Rows8);
    seal(draft.bytes_mut());
    for place in [6, 11, 12, 15, 16, 17, draft.bytes().len() - 1] {
        let mut damaged = draft.clone();
        damaged.bytes_mut()[place] ^= 1;
        let error = Model::parse(damaged.bytes()).err();
        if place == 11 {
            assert!(matches!(error, Some(ModelError::Truncated { .. })), "{error:?}");
            continue;
        }
        let Some(ModelError::Checksum { expected, got }) = error else { panic!("byte {place}: {error:?}") };
        assert_eq!(expected, damaged.get(12));
        assert_eq!(got, crc(damaged.bytes()[..12].iter().chain(&damaged.bytes()[16..]).copied()));
    }
    // Fewer bytes than have a checksum are left alone.
    let mut few = [7; 15];
    seal(&mut few);
    assert_eq!(few, [7; 15]);
}

#[test]
fn a_model_starts_at_a_word() {
    let mut draft = dense_only(Layout::Rows8);
    seal(draft.bytes_mut());
    for shift in 0..8 {
        let mut moved = Draft::of(&vec![0; shift + draft.bytes().len()]);
        moved.put(shift, draft.bytes());
        let expected = (shift % 4 != 0).then_some(ModelError::Misaligned);
        assert_eq!(Model::parse(&moved.bytes()[shift..]).err(), expected, "{shift}");
    }
}

#[test]
fn fields_of_the_header_are_checked() {
    let draft = dense_only(Layout::Rows8);
    for (offset, got) in [
        (6, 63),
        (6, 65),
        (20, 0),
        (24, 0),
        (24, 2),
        (26, 0),
        (26, 1),
        (28, 0),
        (28, 33),
        (30, 63),
        (30, 65),
        (50, 1),
        (50, 0xFF00),
    ] {
        refused(&draft, |draft| draft.u16(offset, got), ModelError::Header { offset, got: got.into() });
    }
    // A width of 0 makes no pixels, as a height of 0 does.
    refused(&draft, |draft| draft.u16(22, 0), ModelError::Header { offset: 20, got: 4 });
    for offset in [56, 60] {
        for got in [1, 0x8000_0000] {
            refused(&draft, |draft| draft.u32(offset, got), ModelError::Header { offset, got });
        }
    }
    for wrong in [-1, 1] {
        let got = 90_u32.wrapping_add_signed(wrong);
        refused(&draft, |draft| draft.more_macs(wrong), ModelError::Header { offset: 40, got });
        let arena = 148_u32.wrapping_add_signed(wrong);
        refused(&every_kind(), |draft| draft.u32(52, arena), ModelError::Header { offset: 52, got: arena });
    }
    refused(&draft, |draft| draft.u32(52, 4), ModelError::Header { offset: 52, got: 4 });
    // More classes than the last layer has outputs, and fewer.
    for classes in [3, 4] {
        let expected = ModelError::Shape { layer: 1, expected: classes.into(), got: 2 };
        refused(&draft, |draft| draft.u16(26, classes), expected);
    }
    let three = write(InputShape::gray(4), &[logits(3, 16)]);
    refused(&three, |draft| draft.u16(26, 2), ModelError::Shape { layer: 0, expected: 2, got: 3 });
}

#[test]
fn an_input_has_a_known_pipeline_and_not_too_many_pixels() {
    let draft = dense_only(Layout::Rows8);
    let of_color = Fit::Crop.pipeline_id(Color::Rgb);
    for (channels, wrong, expected) in [
        (1, 1, Fit::Crop.pipeline_id(Color::Gray)),
        (1, of_color, Fit::Crop.pipeline_id(Color::Gray)),
        (3, Fit::Crop.pipeline_id(Color::Gray), of_color),
    ] {
        let change = |draft: &mut Draft| {
            draft.u16(24, channels);
            draft.u32(16, wrong);
        };
        refused(&draft, change, ModelError::Pipeline { expected, got: wrong });
    }
    // 2^22 pixels, then some more, sampled at 9x9 or 1x258 places.
    for ([height, width], [rows, columns], good) in [
        ([2_048, 2_048], [9, 9], true),
        ([2_049, 2_048], [9, 9], false),
        ([65_535, 64], [257, 1], true),
        ([65_535, 65], [257, 1], false),
    ] {
        let input = InputShape { height, width, ..InputShape::gray(1) };
        let sampled = pool(4, [rows, columns, 1], 0, 1, 255);
        let mut draft = write(input, &[sampled, logits(2, usize::from(rows * columns))]);
        let expected = (!good).then_some(ModelError::Header { offset: 20, got: height.into() });
        assert_eq!(draft.refusal(), expected, "{height} x {width}");
    }
}

/// As many layers as there can be. That more are refused is above.
#[test]
fn thirty_two_layers_are_not_too_many() {
    let one = |index: usize| pool(4, [4, 4, 1], if index.is_multiple_of(2) { 0 } else { 16 }, 1, 1);
    let layers: Vec<_> = (0..31).map(one).chain([logits(2, 16)]).collect();
    let mut draft = write(InputShape::gray(4), &layers);
    assert_eq!(draft.parse().unwrap().layers().count(), 32);
}

#[test]
fn the_policy_is_read_and_checked() {
    let draft = dense_only(Layout::Rows8);
    let policy = |min, needed, window| {
        let mut draft = draft.clone();
        draft.u32(44, min);
        draft.put(48, &[needed, window]);
        draft.parse().map(|model| model.policy())
    };
    assert_eq!(policy(0, 0, 0), Ok(Policy::NONE));
    assert_eq!(policy(65_536, 2, 3), Ok(Policy::new(Probability(65_536), 2, 3).unwrap()));
    assert_eq!(policy(7, 0, 0), Ok(Policy::new(Probability(7), 1, 1).unwrap()));
    for (min, needed, window) in [(65_537, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 2), (0, 3, 2), (0, 9, 17)] {
        let error = policy(min, needed, window).unwrap_err();
        let ModelError::Policy(error) = error else { panic!("{error:?}") };
        assert_eq!(error, Policy::new(Probability(min), needed, window).unwrap_err());
    }
    assert!(matches!(policy(65_537, 0, 0), Err(ModelError::Policy(PolicyError::Probability { .. }))));
}

#[test]
fn a_policy_is_put_into_the_header() {
    let mut draft = dense_only(Layout::Rows8);
    let mut smoothing = Policy::NONE;
    for votes in [[2, 2], [2, 3], [3, 5]] {
        smoothing = Policy::new(Probability(9), votes[0], votes[1]).unwrap();
        put_policy(draft.bytes_mut(), smoothing);
        assert_eq!((draft.get(44), &draft.bytes()[48..50]), (9, &votes[..]));
        assert_eq!(draft.parse().unwrap().policy(), smoothing);
    }
    put_policy(draft.bytes_mut(), Policy::NONE);
    assert_eq!(draft.bytes(), {
        let mut without = dense_only(Layout::Rows8);
        seal(without.bytes_mut());
        // The checksum alone is older.
        without.put(12, &draft.bytes()[12..16]);
        without.bytes().to_vec()
    });
    let mut few = [7; 63];
    put_policy(&mut few, smoothing);
    assert_eq!(few, [7; 63]);
}

#[test]
fn sections_lie_behind_the_table_and_inside_of_the_file() {
    let draft = dense_only(Layout::Rows8);
    let (length, table_end) = (draft.bytes().len(), record(2));
    let fields = [
        (Section::Weights, record(0) + 16, 0, 80),
        (Section::Biases, record(0) + 20, 0, 20),
        (Section::Multipliers, record(1) + 24, 1, 8),
        (Section::Names, 32, 0, 4),
    ];
    for (section, field, layer, bytes) in fields {
        let last = (length - bytes) / 16 * 16;
        for offset in [0, table_end - 16, table_end + 8, last + 16, length, 0xFFFF_FFF0] {
            let error = ModelError::Section { section, layer, offset, bytes };
            refused(&draft, |draft| draft.u32(field, offset as u32), error);
        }
    }
    // The first section lies where the table ends. The last may end where the file does.
    assert_eq!(draft.sections[0].weights, table_end);
    let mut at_the_end = draft.clone();
    at_the_end.resize(length + 16);
    at_the_end.put(length, &[7, b'a', b'a', b'a', b'a', b'a', b'a', b'a', 7, b'b', b'b', b'b', b'b', b'b', b'b', b'b']);
    at_the_end.u32(32, length as u32);
    at_the_end.u32(36, 16);
    assert_eq!(at_the_end.refusal(), None);
    at_the_end.u32(36, 17);
    let error = ModelError::Section { section: Section::Names, layer: 0, offset: length, bytes: 17 };
    assert_eq!(at_the_end.refusal(), Some(error));
}

#[test]
fn class_names_are_checked() {
    let draft = dense_only(Layout::Rows8);
    let with = |names: &[u8]| {
        let mut draft = draft.clone();
        draft.put(draft.names, names);
        draft.u32(36, names.len() as u32);
        draft.parse().map(|model| model.class_names().map(str::to_owned).collect::<Vec<_>>())
    };
    assert_eq!(with(b"\x01a\x02aa").unwrap(), ["a", "aa"]);
    assert_eq!(with("\u{2}\u{e9}\u{3}\u{20ac}".as_bytes()).unwrap(), ["\u{e9}", "\u{20ac}"]);
    for names in [
        &b""[..],
        b"\x01a",
        b"\x01a\x01b\x01c",
        b"\x01b\x01a",
        b"\x01a\x01a",
        b"\x01a\x00",
        b"\x00\x01a",
        b"\x01a\x02b",
        b"\x01a\x01\xFF",
        b"\x01a\x01\xC3",
        b"\x01a\x01b\x00",
    ] {
        assert_eq!(with(names), Err(ModelError::Names), "{names:?}");
    }
}

/// A program that can run some layouts alone refuses the others.
#[test]
fn layouts_of_other_kernels_are_refused() {
    let parse = |layout: Layout| {
        let mut draft = dense_only(layout);
        seal(draft.bytes_mut());
        let scalar = Model::parse_of::<Scalar>(draft.bytes()).err();
        let dsp = Model::parse_of::<Dsp<PortableDsp>>(draft.bytes()).err();
        (Model::parse(draft.bytes()).err(), scalar, dsp)
    };
    let wrong = |layout: Layout| Some(ModelError::WeightLayout { layer: 0, got: layout as u8 });
    assert_eq!(parse(Layout::Rows8).0, None);
    assert_eq!(parse(Layout::Rows8).1, None);
    assert_eq!(parse(Layout::DspPixels8).0, None);
    assert_eq!(parse(Layout::DspPixels8).1, wrong(Layout::DspPixels8));
    let error = parse(Layout::DspPixels8).2;
    assert!(!matches!(error, Some(ModelError::WeightLayout { layer: 0, .. })), "{error:?}");
    assert_eq!(parse(Layout::DualMacPixels8).0, None);
    assert_eq!(parse(Layout::DualMacPixels8).2, wrong(Layout::DualMacPixels8));
}

/// Each text has the numbers of its error, in the order in which they are read.
#[test]
fn errors_say_what_is_wrong() {
    for (error, text) in [
        (ModelError::Truncated { expected: 9, got: 8 }, "truncated: 8 bytes of 9"),
        (ModelError::TooLong { expected: 8, got: 9 }, "9 bytes where the header says 8"),
        (ModelError::NotAModel, "not a Pinhole model (it does not start with PNHL)"),
        (ModelError::Version { expected: 1, got: 2 }, "format version 2, and this Pinhole reads version 1"),
        (ModelError::Checksum { expected: 16, got: 255 }, "damaged: its checksum is 0x000000ff, it says 0x00000010"),
        (ModelError::Misaligned, "not at a word boundary in memory"),
        (ModelError::Header { offset: 5, got: 6 }, "unknown value 6 in the header, at byte 5"),
        (
            ModelError::Pipeline { expected: 1, got: 2 },
            "made for pixel pipeline 0x00000002, and this Pinhole has 0x00000001",
        ),
        (ModelError::LayerKind { layer: 1, got: 9 }, "layer 1 is of unknown kind 9"),
        (
            ModelError::WeightLayout { layer: 1, got: 9 },
            "the weights of layer 1 have layout 9, which is not run here: pack the model for this board",
        ),
        (
            ModelError::Record { layer: 1, offset: 2, got: 3 },
            "unknown value 3 in the record of layer 1, at byte 2 of it",
        ),
        (ModelError::Shape { layer: 1, expected: 2, got: 3 }, "layer 1 has 3 values where its neighbor has 2"),
        (ModelError::NotAPicture { layer: 4 }, "layer 4 reads a picture, and the dense layer before it gives none"),
        (ModelError::Arena { layer: 4 }, "layer 4 writes over values that are still needed"),
        (
            ModelError::Operations { layer: 4 },
            "too much work: the layers up to layer 4 take more than 1073741824 elementary operations an inference",
        ),
        (
            ModelError::Policy(PolicyError::Votes { needed: 1, window: 2 }),
            "its policy for answers is none: 1 of 2 frames, which is not more than half of 1 to 16",
        ),
        (ModelError::Names, "the class names are damaged"),
        (ModelError::Weight { layer: 1, row: 2 }, "layer 1, row 2: a weight out of its range, say -128"),
        (ModelError::Multiplier { layer: 1, row: 2 }, "layer 1, row 2: the multiplier is not positive"),
        (ModelError::Accumulator { layer: 1, row: 2 }, "layer 1, row 2: the accumulator could overflow"),
        (
            ModelError::Bound { layer: 1, expected: 2, got: 3 },
            "layer 1 states the accumulator bound 3, its weights have 2",
        ),
    ] {
        assert_eq!(std::format!("{error}"), text);
    }
    for (section, name) in [
        (Section::Names, "class names"),
        (Section::Weights, "weights"),
        (Section::Biases, "biases"),
        (Section::Multipliers, "multipliers"),
    ] {
        let error = ModelError::Section { section, layer: 1, offset: 2, bytes: 3 };
        let text = std::format!("the {name} of layer 1 (3 bytes at 2) are not where they could be");
        assert_eq!(std::format!("{error}"), text);
    }
}
