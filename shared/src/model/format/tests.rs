use super::*;
use crate::layer::{Kind, add};
use std::collections::BTreeMap;
use std::vec::Vec;

/// Which of a block's bytes fields are on; panics where two are on the same.
fn covered(fields: impl Iterator<Item = Span>) -> Vec<bool> {
    let mut covered = std::vec![false; BLOCK_BYTES];
    for field in fields {
        for byte in field.range() {
            assert!(!covered[byte], "two fields have byte {byte}");
            covered[byte] = true;
        }
    }
    covered
}

fn fields(kind: Kind) -> impl Iterator<Item = Span> {
    kind.fields().iter().flat_map(|group| group.iter().copied())
}

/// A field of the header may be left out, and one of a kind's record, but not twice there; what all kinds have together
/// is all of a record.
#[test]
fn fields_tile_their_blocks() {
    let header = covered(header::FIELDS.iter().copied());
    assert_eq!(header.iter().rposition(|&covered| covered), Some(55), "the last 8 bytes are zero");
    assert!(header[..56].iter().all(|&covered| covered));
    let mut by_any = std::vec![false; BLOCK_BYTES];
    for kind in Kind::ALL {
        let by_kind = covered(fields(kind));
        by_any.iter_mut().zip(by_kind).for_each(|(any, covered)| *any |= covered);
    }
    assert!(by_any.iter().all(|&covered| covered), "{by_any:?}");
    // Kinds that parsing looks at together have the same fields.
    assert_eq!(Kind::Conv.fields(), Kind::Depthwise.fields());
    assert_eq!(Kind::MaxPool.fields(), Kind::AveragePool.fields());
}

/// As the specification's "everything else is zero", in words.
#[test]
fn words_without_a_field() {
    assert_eq!(header::UNUSED_WORDS, 0b1100_0000_0000_0000);
    let unused = Kind::ALL.map(|kind| kind.record_facts().unused_words);
    let pool = 0b0000_0000_1111_1110;
    assert_eq!(unused, [0xFC00, 0, 0, pool, pool, 0b0011_0000_1001_1100, 0b0011_0000_1000_1100]);
}

#[test]
fn what_is_put_is_got() {
    let mut bytes = [0xA5; BLOCK_BYTES];
    record::KIND.put(&mut bytes, Kind::Add as u16);
    record::PRE_SHIFT.put(&mut bytes, 30);
    add::OTHER_MULTIPLIER.put(&mut bytes, -2);
    record::OUTPUT_SCALE.put(&mut bytes, 0.75);
    record::PADDING.put(&mut bytes, [1, 2, 3, 4]);
    assert_eq!(
        (bytes[..8].to_vec(), bytes[50..57].to_vec()),
        ([7, 0, 0xA5, 0xA5, 0xA5, 30, 0xA5, 0xA5].to_vec(), [0xA5, 0xA5, 1, 2, 3, 4, 0xA5].to_vec())
    );
    let mut words = [0; BLOCK_WORDS];
    bytemuck::cast_slice_mut(&mut words).copy_from_slice(&bytes);
    assert_eq!(record::KIND.get(&words), 7);
    assert_eq!(record::PRE_SHIFT.get(&words), 30);
    assert_eq!((add::OTHER_MULTIPLIER.get(&words), record::BIASES.get(&words)), (-2, 0xFFFF_FFFE));
    assert_eq!(record::OUTPUT_SCALE.get(&words), 0.75);
    assert_eq!(record::PADDING.get(&words), [1, 2, 3, 4]);
    assert_eq!(record::PADDING.span().bits(&words), 0x0403_0201);
    assert_eq!(record::PADDING.span().first_byte().bits(&words), 1);
    assert_eq!(record::PRE_SHIFT.span().whole_word().bits(&words), 0xA5A5_1EA5);
}

/// Offsets and sizes in the specification's tables are those of the fields.
#[test]
fn the_specification_says_the_same() {
    let mut tables: BTreeMap<&str, Vec<bool>> = BTreeMap::new();
    let mut starts: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut table = "";
    for line in include_str!("../mod.rs").lines() {
        if let Some(title) = line.strip_prefix("//! ## ") {
            table = title;
        }
        let mut cells = line.strip_prefix("//! | ").unwrap_or_default().split(" | ");
        let Some(Ok(mut offset)) = cells.next().map(str::parse::<usize>) else { continue };
        let (types, about) = (cells.next().unwrap(), cells.next().unwrap());
        // What is said there of the kinds that are not dense is in the next table.
        if about.starts_with("zero in dense layers") || about.starts_with("zero |") && offset == 56 {
            continue;
        }
        let bytes = tables.entry(table).or_insert_with(|| std::vec![false; BLOCK_BYTES]);
        for one in types.split(", ") {
            let size = match one {
                "u8" => 1,
                "u16" => 2,
                "u32" | "f32" | "4 bytes" => 4,
                other => panic!("{other} at {offset}"),
            };
            starts.entry(table).or_default().push(offset);
            bytes[offset..offset + size].iter_mut().for_each(|covered| {
                assert!(!*covered, "{table}: two fields at {offset}");
                *covered = true;
            });
            offset += size;
        }
    }
    let names: Vec<&str> = tables.keys().copied().collect();
    let ["Header, 64 bytes", "Layer table, at 64: one record of 64 bytes a layer"] = names[..] else {
        panic!("{names:?}")
    };
    assert_eq!(tables[names[0]], covered(header::FIELDS.iter().copied()));
    assert_eq!(starts[names[0]], header::FIELDS.iter().map(|field| field.offset()).collect::<Vec<_>>());
    assert!(tables[names[1]].iter().all(|&covered| covered));
    for kind in Kind::ALL {
        for field in fields(kind) {
            assert!(starts[names[1]].contains(&field.offset()), "{kind:?}: {field:?}");
        }
    }
}
