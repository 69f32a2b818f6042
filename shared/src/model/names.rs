//! The class names' section.

/// Names up to the first that is malformed or empty, which is `None`. Whether they are UTF-8 is not looked at.
pub(super) fn names(mut bytes: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    core::iter::from_fn(move || {
        let (&length, rest) = bytes.split_first()?;
        let Some((name, rest)) = rest.split_at_checked(usize::from(length)).filter(|_| length > 0) else {
            bytes = &[];
            return Some(None);
        };
        bytes = rest;
        Some(Some(name))
    })
}

/// Returns true if there are as many names as classes, all of them UTF-8 and in strictly ascending order.
pub(super) fn check_names(bytes: &[u8], classes: u16) -> bool {
    let mut missing = u32::from(classes);
    let mut last: &[u8] = &[];
    for name in names(bytes) {
        // Ascending order makes names unique without comparing every pair of what may be thousands. No name is empty.
        match name {
            Some(name) if name > last && is_utf8(name) && missing > 0 => last = name,
            _ => return false,
        }
        missing -= 1;
    }
    missing == 0
}

/// Returns true if the bytes are UTF-8. It takes a fifth of the code of `core::str::from_utf8`, which is made for speed.
///
/// # Source
/// The Unicode Standard, table 3-7, "Well-Formed UTF-8 Byte Sequences".
fn is_utf8(bytes: &[u8]) -> bool {
    // Bytes missing of a character, and the range of the next of them.
    let (mut missing, mut range) = (0, 0..=0);
    for &byte in bytes {
        if missing > 0 {
            if !range.contains(&byte) {
                return false;
            }
            missing -= 1;
            range = 0x80..=0xBF;
            continue;
        }
        let first;
        (missing, first) = match byte {
            0..=0x7F => (0, 0x80..=0xBF),
            0xC2..=0xDF => (1, 0x80..=0xBF),
            0xE0 => (2, 0xA0..=0xBF),
            0xED => (2, 0x80..=0x9F),
            0xE1..=0xEF => (2, 0x80..=0xBF),
            0xF0 => (3, 0x90..=0xBF),
            0xF1..=0xF3 => (3, 0x80..=0xBF),
            0xF4 => (3, 0x80..=0x8F),
            _ => return false,
        };
        range = first;
    }
    missing == 0
}

#[cfg(test)]
mod tests;
