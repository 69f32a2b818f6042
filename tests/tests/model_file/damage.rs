//! Bytes changed, cut off or appended: no such file is accepted as a model.

use pinhole::model_file::ModelFile;
use pinhole::random::Random;
use pinhole_shared::model::{HEADER_BYTES, ModelError};
use rayon::prelude::*;

use crate::samples::{Draft, big, record, small};

/// Returns true for the expected error of a file in which only the byte at `place` was changed.
fn is_right_reason(place: usize, error: ModelError) -> bool {
    match place {
        0..4 => error == ModelError::NotAModel,
        4..6 => matches!(error, ModelError::Version { .. }),
        8..12 => matches!(error, ModelError::Truncated { .. } | ModelError::TooLong { .. }),
        _ => matches!(error, ModelError::Checksum { .. }),
    }
}

/// Changes one byte of `draft`, asserts that it is refused, and changes it back.
fn assert_refused(draft: &mut Draft, place: usize, byte: u8) {
    let original = std::mem::replace(&mut draft.bytes_mut()[place], byte);
    if byte != original {
        let error = draft.parse().err();
        let right = error.is_some_and(|error| is_right_reason(place, error));
        assert!(right, "byte {place} changed from {original:#04x} to {byte:#04x}: {error:?}");
    }
    draft.bytes_mut()[place] = original;
}

/// Asserts that changes are refused: every bit of every byte in `places`, the byte's complement, and its extremes.
fn assert_no_change_passes(file: &ModelFile, places: std::ops::Range<usize>) {
    places.into_par_iter().for_each_init(
        || Draft::of(file.bytes()),
        |draft, place| {
            let byte = draft.bytes()[place];
            for bit in 0..8 {
                assert_refused(draft, place, byte ^ (1 << bit));
            }
            for other in [!byte, 0x00, 0xFF] {
                assert_refused(draft, place, other);
            }
        },
    );
}

#[test]
fn any_changed_byte_of_a_small_file_is_noticed() {
    assert_no_change_passes(small(), 0..small().bytes().len());
}

#[test]
fn any_changed_byte_of_header_and_layer_table_is_noticed() {
    assert_no_change_passes(big(), 0..record(big().model().layers().len()));
}

#[test]
fn ten_thousand_changed_bytes_elsewhere_are_noticed() {
    let table_end = record(big().model().layers().len());
    let mut random = Random::seeded(10);
    let changes: Vec<(usize, u8)> = (0..10_000)
        .map(|_| (table_end + random.below(big().bytes().len() - table_end), 1 + random.below(255) as u8))
        .collect();
    changes.par_iter().for_each_init(
        || Draft::of(big().bytes()),
        |draft, &(place, change)| {
            let byte = draft.bytes()[place] ^ change;
            assert_refused(draft, place, byte);
        },
    );
}

fn assert_truncated(file: &[u8], length: usize) {
    // With too few bytes to hold the length, only the length of the header is known.
    let expected = if length < 12 { HEADER_BYTES } else { file.len() };
    let error = ModelFile::from_bytes(&file[..length]).err();
    assert_eq!(error, Some(ModelError::Truncated { expected, got: length }), "{length} bytes");
}

#[test]
fn a_file_cut_anywhere_is_noticed() {
    let (small, big) = (small().bytes(), big().bytes());
    (0..small.len()).for_each(|length| assert_truncated(small, length));
    (0..=4096).for_each(|length| assert_truncated(big, length));
    let mut random = Random::seeded(11);
    let lengths: Vec<usize> = (0..2_000).map(|_| random.below(big.len())).chain([big.len() - 1]).collect();
    lengths.par_iter().for_each(|&length| assert_truncated(big, length));
}

#[test]
fn appended_bytes_are_noticed() {
    for file in [small().bytes(), big().bytes()] {
        let expected = file.len();
        for extra in [&[0][..], &[0xFF], &[0; 16], file] {
            let longer = [file, extra].concat();
            let error = ModelFile::from_bytes(&longer).err();
            assert_eq!(error, Some(ModelError::TooLong { expected, got: longer.len() }));
        }
    }
}

#[test]
fn the_unchanged_files_pass() {
    for file in [small(), big()] {
        assert_eq!(ModelFile::from_bytes(file.bytes()).unwrap().bytes(), file.bytes());
    }
}
