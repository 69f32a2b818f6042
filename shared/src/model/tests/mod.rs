//! Every check of the parser, by files that this crate's tests write themselves: a check that is gone, or off by one, fails a test
//! here. (`tests/tests/model_file` of the repository does the same with files of the host's writer.)
//!
//! | module | what |
//! |---|---|
//! | [`writer`] | the files |
//! | [`whole`] | length, checksum, header, class names, sections |
//! | [`records`] | fields of a layer's record |
//! | [`kinds`] | checks of each kind of layer, and the arena |
//! | [`proofs`] | weights, multipliers, sums, elementary operations |

mod kinds;
mod proofs;
mod records;
mod whole;
pub(crate) mod writer;

use super::{ModelError, Section};
use writer::{Draft, record};

/// Asserts that the file with this change is refused for this reason.
fn refused(of: &Draft, change: impl FnOnce(&mut Draft), expected: ModelError) {
    let mut draft = of.clone();
    change(&mut draft);
    assert_eq!(draft.refusal(), Some(expected));
}

/// Asserts that the file with this change is a model.
fn accepted(of: &Draft, change: impl FnOnce(&mut Draft)) {
    let mut draft = of.clone();
    change(&mut draft);
    assert_eq!(draft.refusal(), None);
}

/// Asserts that a file is refused for a layer's field with these bytes in place of its own.
fn field_refused(of: &Draft, layer: usize, at: usize, bytes: &[u8], expected: (usize, u32)) {
    let (offset, got) = expected;
    refused(of, |draft| draft.put(record(layer) + at, bytes), ModelError::Record { layer, offset, got });
}

/// Asserts that a file with these bytes in place of a layer's field is a model.
fn field_accepted(of: &Draft, layer: usize, at: usize, bytes: &[u8]) {
    accepted(of, |draft| draft.put(record(layer) + at, bytes));
}
