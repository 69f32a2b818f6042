//! One error in an otherwise good file, checksum renewed: the reason names it with its numbers.

use std::collections::BTreeSet;

use miette::Diagnostic;
use pinhole::model_file::{ModelFile, ModelFileError, Packing};
use pinhole_shared::decision::Probability;
use pinhole_shared::model::{Activation, ModelError, Output, Section};
use pinhole_shared::pixels::{PIPELINE_ID, RGB_PIPELINE_ID};
use pinhole_shared::policy::{Policy, PolicyError};
use pinhole_tests::handmade::{LayerShape, encode, logits};

use crate::samples::{CLASSES, Draft, record, small};

/// Returns the variant's name. Without a wildcard, so that a new variant requires a case here.
pub(crate) fn name_of(error: ModelError) -> &'static str {
    match error {
        ModelError::Truncated { .. } => "truncated",
        ModelError::TooLong { .. } => "too long",
        ModelError::NotAModel => "not a model",
        ModelError::Version { .. } => "version",
        ModelError::Checksum { .. } => "checksum",
        ModelError::Misaligned => "misaligned",
        ModelError::Header { .. } => "header",
        ModelError::Pipeline { .. } => "pipeline",
        ModelError::LayerKind { .. } => "layer kind",
        ModelError::WeightLayout { .. } => "weight layout",
        ModelError::Record { .. } => "record",
        ModelError::Shape { .. } => "shape",
        ModelError::NotAPicture { .. } => "not a picture",
        ModelError::Arena { .. } => "arena",
        ModelError::Operations { .. } => "operations",
        ModelError::Section { .. } => "section",
        ModelError::Policy(_) => "policy",
        ModelError::Names => "names",
        ModelError::Weight { .. } => "weight",
        ModelError::Multiplier { .. } => "multiplier",
        ModelError::Accumulator { .. } => "accumulator",
        ModelError::Bound { .. } => "bound",
    }
}

const VARIANTS: usize = 22;

/// Changes the small file, renews the checksum, and asserts the reason of its refusal.
#[track_caller]
fn assert_refused(what: &str, change: impl FnOnce(&mut Draft), expected: ModelError) -> &'static str {
    let mut draft = Draft::of(small().bytes());
    change(&mut draft);
    draft.seal();
    assert_eq!(draft.parse().err(), Some(expected), "{what}");
    // The host's own reader reports the same.
    assert_eq!(ModelFile::from_bytes(draft.bytes()).err(), Some(expected), "{what}");
    name_of(expected)
}

/// Offset of a section of the small file.
fn section(layer: usize, section: Section) -> usize {
    let draft = Draft::of(small().bytes());
    draft.u32(match section {
        Section::Names => 32,
        Section::Weights => record(layer) + 16,
        Section::Biases => record(layer) + 20,
        Section::Multipliers => record(layer) + 24,
    }) as usize
}

fn length() -> usize {
    small().bytes().len()
}

#[test]
fn wrong_headers() {
    use ModelError::{Header, NotAModel, Pipeline, TooLong, Truncated, Version};
    let length = length();
    assert_refused("another magic", |d| d.put(0, b"PNHM"), NotAModel);
    assert_refused("a later version", |d| d.put_u16(4, 2), Version { expected: 1, got: 2 });
    assert_refused("version 0", |d| d.put_u16(4, 0), Version { expected: 1, got: 0 });
    let truncated = |expected| Truncated { expected, got: length };
    assert_refused("16 bytes missing", |d| d.put_u32(8, length as u32 + 16), truncated(length + 16));
    assert_refused("4 GiB missing", |d| d.put_u32(8, u32::MAX), truncated(u32::MAX as usize));
    let too_long = |expected| TooLong { expected, got: length };
    assert_refused("16 bytes too many", |d| d.put_u32(8, length as u32 - 16), too_long(length - 16));
    assert_refused("stated to be empty", |d| d.put_u32(8, 0), too_long(0));
    let cut_to_header = |d: &mut Draft| {
        d.resize(64);
        d.put_u32(8, 64);
    };
    assert_refused("no layer table", cut_to_header, Truncated { expected: 256, got: 64 });
    let four_more = |d: &mut Draft| {
        d.resize(length + 4);
        d.put_u32(8, length as u32 + 4);
    };
    assert_refused("length not a multiple of 16", four_more, Header { offset: 8, got: length as u32 + 4 });
    let pipeline = Pipeline { expected: PIPELINE_ID, got: PIPELINE_ID + 1 };
    assert_refused("another pixel pipeline", |d| d.put_u32(16, PIPELINE_ID + 1), pipeline);
    // Each color has its own pipeline.
    let pipeline = Pipeline { expected: RGB_PIPELINE_ID, got: PIPELINE_ID };
    assert_refused("colors by the pipeline for gray", |d| d.put_u16(24, 3), pipeline);
    let pipeline = Pipeline { expected: PIPELINE_ID, got: RGB_PIPELINE_ID };
    assert_refused("gray by the pipeline for colors", |d| d.put_u32(16, RGB_PIPELINE_ID), pipeline);
    for (offset, what, value) in [
        (6, "length of the header", 60),
        (20, "height", 0),
        (24, "number of channels", 2),
        (26, "number of classes", 1),
        (28, "number of layers", 0),
        (28, "number of layers", 33),
        (30, "length of a record", 128),
    ] {
        assert_refused(what, |d| d.put_u16(offset, value), Header { offset, got: u32::from(value) });
    }
    // A width of 0 makes no pixels; the height is named for both.
    assert_refused("width", |d| d.put_u16(22, 0), Header { offset: 20, got: 8 });
    let macs = 64 * 10 + 10 * 6 + 6 * 3;
    assert_refused("number of operations", |d| d.put_u32(40, macs + 1), Header { offset: 40, got: macs + 1 });
    assert_refused("reserved bytes of the header", |d| d.put_u16(50, 256), Header { offset: 50, got: 256 });
    for offset in 52..64 {
        let (offset, got) = (offset & !3, 1 << (8 * (offset % 4)));
        assert_refused("reserved byte of the header", |d| d.put_u32(offset, got), Header { offset, got });
    }
}

#[test]
fn wrong_policies() {
    for got in [65_537, 1 << 24, u32::MAX] {
        let expected = ModelError::Policy(PolicyError::Probability { got });
        assert_refused("more than certain", |d| d.put_u32(44, got), expected);
    }
    for (needed, window) in [(0, 1), (1, 0), (1, 2), (2, 1), (2, 4), (9, 17), (17, 17), (255, 255)] {
        let expected = ModelError::Policy(PolicyError::Votes { needed, window });
        assert_refused("votes", |d| d.put(48, &[needed, window]), expected);
    }
    // All valid policies.
    for window in 0..=16 {
        for needed in window / 2 + u8::from(window > 0)..=window {
            let mut draft = Draft::of(small().bytes());
            draft.put_u32(44, 65_536 - u32::from(window));
            draft.put(48, &[needed, window]);
            draft.seal();
            let policy = draft.parse().unwrap().policy();
            let votes = if window == 0 { (1, 1) } else { (needed, window) };
            assert_eq!((policy.needed(), policy.window()), votes);
            assert_eq!(policy.min_probability().0, 65_536 - u32::from(window));
            // The host writes the same bytes, in rows and packed; no smoothing is written as zeros.
            let file = small().with_policy(policy);
            assert!(window == 1 || file.bytes() == draft.bytes(), "{needed} of {window}");
            assert_eq!(file.packed(Packing::CortexM4).unwrap().model().policy(), policy);
        }
    }
    assert_eq!(small().model().policy(), Policy::NONE);
    assert_eq!(small().with_policy(Policy::NONE).bytes(), small().bytes());
    let back = small().with_policy(Policy::new(Probability(9), 2, 3).unwrap()).with_policy(Policy::NONE);
    assert_eq!(back.bytes(), small().bytes());
}

#[test]
fn wrong_records() {
    use ModelError::{LayerKind, Record, WeightLayout};
    assert_refused("unknown kind", |d| d.put_u16(record(1), 8), LayerKind { layer: 1, got: 8 });
    assert_refused("kind 0", |d| d.put_u16(record(0), 0), LayerKind { layer: 0, got: 0 });
    assert_refused("unknown layout", |d| d.put(record(2) + 4, &[12]), WeightLayout { layer: 2, got: 12 });
    assert_refused("pixels after a layer", |d| d.put(record(1) + 4, &[2]), WeightLayout { layer: 1, got: 2 });
    assert_refused("chunk in rows", |d| d.put_u16(record(1) + 6, 8), Record { layer: 1, offset: 6, got: 8 });
    for chunk in [0, 4, 12, 4104] {
        let change = |d: &mut Draft| {
            // Sections as large as another layout requires: 64 columns, 10 rows, padded to 12.
            d.put(record(0) + 4, &[2]);
            d.put_u16(record(0) + 6, chunk);
            d.put_u32(record(0) + 16, record(3) as u32);
        };
        assert_refused("wrong chunk", change, Record { layer: 0, offset: 6, got: u32::from(chunk) });
    }
    for (what, layer, offset, value) in [
        ("unknown activation function", 0, 2, 3),
        ("unknown output", 1, 3, 3),
        ("logits in the middle", 1, 3, 2),
        ("no logits at the end", 2, 3, 1),
        ("logits through relu", 2, 2, 1),
        ("pre-shift beyond 30", 1, 5, 31),
    ] {
        let expected = Record { layer, offset, got: u32::from(value) };
        assert_refused(what, |d| d.put(record(layer) + offset, &[value]), expected);
    }
    assert_refused("reserved", |d| d.put_u16(record(1) + 6, 256), Record { layer: 1, offset: 6, got: 256 });
    for byte in 40..64 {
        let (offset, got) = (byte & !3, 1 << (8 * (byte % 4)));
        assert_refused("reserved", |d| d.put_u32(record(2) + offset, got), Record { layer: 2, offset, got });
    }
    for offset in [8, 12] {
        assert_refused("empty", |d| d.put_u32(record(1) + offset, 0), Record { layer: 1, offset, got: 0 });
    }
    for offset in [32, 36] {
        for scale in [0.0, -0.5, f32::NAN, f32::INFINITY] {
            let got = scale.to_bits();
            assert_refused("scale", |d| d.put_u32(record(0) + offset, got), Record { layer: 0, offset, got });
        }
    }
}

#[test]
fn sections_elsewhere() {
    use Section::{Biases, Multipliers, Names, Weights};
    let end = length();
    // Each section: the header or record field with its offset, and its length.
    for (what, layer, field, bytes) in [
        (Names, 0, 32, 12),
        (Weights, 1, record(1) + 16, 60),
        (Biases, 1, record(1) + 20, 24),
        (Multipliers, 1, record(1) + 24, 24),
        (Biases, 0, record(0) + 20, 40),
    ] {
        let here = section(layer, what);
        for (place, offset) in [
            ("4 bytes further", here + 4),
            ("1 byte before", here - 1),
            ("at the start", 0),
            ("in the header", 48),
            ("at the layer table", 64),
            ("in the layer table", record(2) + 48),
            ("just past the end", end),
            ("ending past the end", end - (bytes - 1) / 16 * 16),
            ("ending past the end of memory", 0xFFFF_FFF0),
        ] {
            // A case that changes nothing must not go unnoticed.
            let fits = offset + bytes <= end && offset >= record(3) && offset % 16 == 0;
            assert!(!fits, "{what} {place} would fit");
            let expected = ModelError::Section { section: what, layer, offset, bytes };
            assert_refused(&format!("{what} {place}"), |d| d.put_u32(field, offset as u32), expected);
        }
    }
    let bytes = u32::MAX as usize * 10;
    let expected = ModelError::Section { section: Weights, layer: 0, offset: section(0, Weights), bytes };
    assert_refused("four billion inputs", |d| d.put_u32(record(0) + 8, u32::MAX), expected);
    let bytes = usize::try_from(u64::from(u32::MAX) * u64::from(u32::MAX)).unwrap_or(usize::MAX);
    let expected = ModelError::Section { section: Weights, layer: 0, offset: section(0, Weights), bytes };
    let both = |d: &mut Draft| {
        d.put_u32(record(0) + 8, u32::MAX);
        d.put_u32(record(0) + 12, u32::MAX);
    };
    assert_refused("four billion of both", both, expected);
    let expected = ModelError::Section { section: Names, layer: 0, offset: section(0, Names), bytes: 0xFFFF_FFFF };
    assert_refused("names of four billion bytes", |d| d.put_u32(36, u32::MAX), expected);
}

#[test]
fn broken_names() {
    let names = section(0, Section::Names);
    let small = Draft::of(small().bytes());
    assert_eq!(&small.bytes()[names..names + 12], b"\x03ant\x03bee\x03elk");
    assert_eq!(small.parse().unwrap().class_names().collect::<Vec<_>>(), CLASSES);
    let refused = |what: &str, offset: usize, bytes: &[u8]| {
        assert_refused(what, |d| d.put(offset, bytes), ModelError::Names);
    };
    refused("the same twice", names, b"\x03ant\x03ant");
    refused("the same twice, apart", names + 8, b"\x03ant");
    refused("out of order", names, b"\x03bee\x03ant");
    refused("not UTF-8", names + 1, b"a\xFFt");
    refused("half a character", names, "\x03an\u{e9}".as_bytes());
    refused("empty, and two more", names, b"\x00\x02bee");
    refused("longer than all of them", names + 8, b"\x04");
    refused("none", 36, &0_u32.to_le_bytes());
    refused("one too few", 36, &8_u32.to_le_bytes());
    refused("the last cut off", 36, &11_u32.to_le_bytes());
    refused("an empty one too many", 36, &13_u32.to_le_bytes());
    refused("four in place of three", names, b"\x01a\x01n\x03bee\x02el");
}

#[test]
fn layers_that_do_not_fit_together() {
    let shape = |layer, expected, got| ModelError::Shape { layer, expected, got };
    let narrower = |d: &mut Draft| {
        d.put_u32(record(1) + 8, 9);
        d.restate();
    };
    assert_refused("reads fewer than there are", narrower, shape(1, 10, 9));
    let larger_input = |d: &mut Draft| {
        d.put_u16(20, 9);
        d.put_u16(22, 9);
    };
    assert_refused("a larger picture", larger_input, shape(0, 81, 64));
    assert_refused("more classes than logits", |d| d.put_u16(26, 4), shape(2, 4, 3));
    assert_refused("fewer classes than logits", |d| d.put_u16(26, 2), shape(2, 2, 3));
    // The second layer declared as the last one, including its logits.
    let cut_short = |d: &mut Draft| {
        d.put_u16(28, 2);
        d.put(record(1) + 2, &[0, 2]);
    };
    assert_refused("a layer less", cut_short, shape(1, 3, 6));
}

#[test]
fn values_that_could_overflow() {
    let weights = |layer, row, inputs: usize| section(layer, Section::Weights) + row * inputs;
    let minus_128 = ModelError::Weight { layer: 1, row: 2 };
    assert_refused("a weight of -128", |d| d.put(weights(1, 2, 10) + 3, &[0x80]), minus_128);
    let last = ModelError::Weight { layer: 2, row: 2 };
    assert_refused("a last weight of -128", |d| d.put(weights(2, 2, 6) + 5, &[0x80]), last);
    let multiplier = |layer, row: usize| section(layer, Section::Multipliers) + 4 * row;
    for value in [0, -1, i32::MIN] {
        let expected = ModelError::Multiplier { layer: 2, row: 1 };
        assert_refused("a multiplier", |d| d.put(multiplier(2, 1), &value.to_le_bytes()), expected);
    }
    for bias in [i32::MAX, i32::MIN] {
        let place = section(0, Section::Biases) + 4 * 7;
        let expected = ModelError::Accumulator { layer: 0, row: 7 };
        assert_refused("a huge bias", |d| d.put(place, &bias.to_le_bytes()), expected);
    }
    let shifted_out = ModelError::Accumulator { layer: 1, row: 0 };
    assert_refused("a huge pre-shift", |d| d.put(record(1) + 5, &[30]), shifted_out);

    let model = small().model();
    let dense = model.layers().nth(1).unwrap();
    let bound = |expected, got| ModelError::Bound { layer: 1, expected, got };
    let stated = dense.weighted().unwrap().accumulator_bound;
    for wrong in [stated - 1, stated + 1, 0, u32::MAX] {
        assert_refused("another bound", |d| d.put_u32(record(1) + 28, wrong), bound(stated, wrong));
    }
}

/// The largest bias that fits with a row's weights is accepted, one more is not; with and without pre-shift.
#[test]
fn the_bound_is_exact() {
    let model = small().model();
    let weighted = model.layers().nth(2).unwrap().weighted().unwrap();
    let row: u64 = (0..6).map(|column| u64::from(weighted.operands.weights.get(0, column).unsigned_abs())).sum();
    // The layer before outputs 16 bits.
    for pre_shift in [0, 1, 4] {
        let room = (i32::MAX as u64 >> pre_shift) - row * 32_768;
        for (bias, accepted) in [(room as i32, true), (-(room as i32), true), (room as i32 + 1, false)] {
            let mut draft = Draft::of(small().bytes());
            draft.put(section(2, Section::Biases), &bias.to_le_bytes());
            draft.put(record(2) + 5, &[pre_shift]);
            draft.restate();
            let error = draft.parse().err();
            let expected = (!accepted).then_some(ModelError::Accumulator { layer: 2, row: 0 });
            assert_eq!(error, expected, "bias {bias}, pre-shift {pre_shift}");
        }
    }
}

/// A chunk whose sums could overflow is refused, although nothing else is wrong. With rows of one block alone, the same
/// bytes are the same weights in chunks of any length.
#[test]
fn a_chunk_that_is_too_long_for_its_weights_is_refused() {
    let four = LayerShape { outputs: 4, activation: Activation::Relu, output: Output::U8 };
    let file = ModelFile::from_bytes(encode(40, &[four, logits(2)], 1).bytes()).unwrap();
    let mut draft = Draft::of(file.packed(Packing::CortexM4).unwrap().bytes());
    draft.parse().unwrap();
    // Both rows that share words with another's have weights of some 100,000 in total; about 66,000 fit.
    draft.put_u16(record(0) + 6, 1600);
    draft.seal();
    assert_eq!(draft.parse().err(), Some(ModelError::Accumulator { layer: 0, row: 0 }));
}

#[test]
fn a_file_off_a_word_boundary_is_misaligned() {
    let file = small().bytes();
    for shift in 0..=8 {
        let mut draft = Draft::of(&vec![0; shift + file.len()]);
        draft.put(shift, file);
        let expected = (shift % 4 != 0).then_some(ModelError::Misaligned);
        assert_eq!(pinhole_shared::model::Model::parse(&draft.bytes()[shift..]).err(), expected, "{shift} bytes off");
    }
}

/// Every variant is reached by one change (most of them above in several ways), and its message is sufficient for a
/// user.
#[test]
fn every_reason_is_reached_and_says_what_a_person_needs() {
    let length = length();
    let weights = section(1, Section::Weights);
    type Change<'a> = Box<dyn Fn(&mut Draft) + 'a>;
    let bias = section(0, Section::Biases);
    let multiplier = section(0, Section::Multipliers) + 4;
    let cases: [(Change<'_>, Vec<String>); VARIANTS - 4] = [
        (Box::new(|d| d.put_u32(8, 1 << 20)), vec![length.to_string(), "1048576".into(), "truncated".into()]),
        (Box::new(|d| d.put_u32(8, 16)), vec![length.to_string(), "16".into()]),
        (Box::new(|d| d.put(0, b"%PDF")), vec!["PNHL".into()]),
        (Box::new(|d| d.put_u16(4, 2)), vec!["version 2".into(), "version 1".into()]),
        (Box::new(|d| d.put_u16(24, 2)), vec!["value 2".into(), "byte 24".into()]),
        (Box::new(|d| d.put_u32(16, 0xABCD)), vec!["0x0000abcd".into(), format!("{PIPELINE_ID:#010x}")]),
        (Box::new(|d| d.put_u16(record(1), 8)), vec!["layer 1".into(), "kind 8".into()]),
        (Box::new(|d| d.put_u16(record(1), 4)), vec!["layer 1".into(), "reads a picture".into()]),
        (Box::new(|d| d.put(record(2) + 4, &[12])), vec!["layer 2".into(), "layout 12".into()]),
        (Box::new(|d| d.put(record(1) + 5, &[31])), vec!["layer 1".into(), "value 31".into(), "byte 5".into()]),
        (Box::new(|d| d.put_u16(26, 4)), vec!["layer 2".into(), "3 values".into(), "4".into()]),
        (
            Box::new(|d| d.put_u32(record(1) + 16, 8)),
            vec!["weights of layer 1".into(), "60 bytes".into(), "at 8".into()],
        ),
        (Box::new(|d| d.put(48, &[2, 4])), vec!["policy".into(), "2 of 4 frames".into()]),
        (Box::new(|d| d.put_u32(36, 0)), vec!["class names".into()]),
        (Box::new(|d| d.put(weights + 20, &[0x80])), vec!["layer 1".into(), "row 2".into(), "-128".into()]),
        (Box::new(|d| d.put_u32(multiplier, 0)), vec!["layer 0".into(), "row 1".into(), "multiplier".into()]),
        (Box::new(|d| d.put_u32(bias, i32::MAX as u32)), vec!["layer 0".into(), "row 0".into(), "overflow".into()]),
        (Box::new(|d| d.put_u32(record(0) + 28, 77)), vec!["layer 0".into(), "bound 77".into()]),
    ];
    let mut reached = BTreeSet::new();
    let mut says = |error: ModelError, needed: &[String]| {
        reached.insert(name_of(error));
        let message = error.to_string();
        assert!(needed.iter().all(|part| message.contains(part)), "{error:?} says {message:?}, without {needed:?}");
    };
    for (change, needed) in &cases {
        let mut draft = Draft::of(small().bytes());
        change(&mut draft);
        draft.seal();
        says(draft.parse().unwrap_err(), needed);
    }
    // The two that a correct checksum or an aligned address excludes.
    let mut draft = Draft::of(small().bytes());
    let stated = draft.u32(12);
    draft.bytes_mut()[weights] ^= 1;
    let error = draft.parse().unwrap_err();
    let ModelError::Checksum { expected, got } = error else { panic!("{error:?}") };
    draft.seal();
    assert_eq!((expected, got), (stated, draft.u32(12)));
    says(error, &[format!("{expected:#010x}"), format!("{got:#010x}")]);
    says(ModelError::Misaligned, &["word boundary".into()]);
    // The small file has no arena, and little work; tests of `pinhole-shared` reach these.
    says(ModelError::Arena { layer: 3 }, &["layer 3".into(), "still needed".into()]);
    says(ModelError::Operations { layer: 3 }, &["layer 3".into(), "1073741824 elementary operations".into()]);
    assert_eq!(reached.len(), VARIANTS, "{reached:?}");
}

/// Message for a wrong file on the command line: the path, the reason, and a way out.
#[test]
fn a_refused_file_is_named_with_a_way_out() {
    let folder = pinhole_tests::temporary();
    let path = folder.path().join("my.pinhole");
    assert!(matches!(ModelFile::read(&path), Err(ModelFileError::Unreadable { path: named, .. }) if named == path));
    let mut later = Draft::of(small().bytes());
    later.put_u16(4, 2);
    let mut damaged = Draft::of(small().bytes());
    damaged.bytes_mut()[200] ^= 1;
    for (file, says, helps) in [
        (later.bytes(), "format version 2", "with this Pinhole"),
        (damaged.bytes(), "damaged", "copy it again"),
        (b"\x89PNG\r\n\x1a\n, not a model", "not a Pinhole model", "give a .pinhole file"),
        (b"", "0 bytes of 64", "copy it again"),
    ] {
        std::fs::write(&path, file).unwrap();
        let error = ModelFile::read(&path).unwrap_err();
        let (message, help) = (error.to_string(), error.help().unwrap().to_string());
        assert!(message.contains("my.pinhole") && message.contains(says), "{message}");
        assert!(help.contains(helps), "{message}: {help}");
    }
}
