//! Natural order of names, in which `frame-9` comes before `frame-10`: the order in which cameras number their pictures.

use std::cmp::Ordering;
use std::path::Path;

/// Compares two paths byte by byte, but runs of digits by their number. Paths that differ only in leading zeros are compared by
/// their bytes, so that only equal paths are equal.
pub(super) fn compare(first: &Path, second: &Path) -> Ordering {
    let [first, second] = [first, second].map(|path| path.as_os_str().as_encoded_bytes());
    let (mut a, mut b) = (first, second);
    while let ([head_a, rest_a @ ..], [head_b, rest_b @ ..]) = (a, b) {
        let order = if head_a.is_ascii_digit() && head_b.is_ascii_digit() {
            let (number_a, after_a) = number(a);
            let (number_b, after_b) = number(b);
            (a, b) = (after_a, after_b);
            // Without leading zeros, the longer number is the larger one.
            number_a.len().cmp(&number_b.len()).then_with(|| number_a.cmp(number_b))
        } else {
            (a, b) = (rest_a, rest_b);
            head_a.cmp(head_b)
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    a.len().cmp(&b.len()).then_with(|| first.cmp(second))
}

/// Splits the digits at the start off, without leading zeros.
fn number(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let start = digits.iter().position(|&digit| digit != b'0').unwrap_or(digits.len());
    (&digits[start..], rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_as_numbers() {
        let sorted = [
            "a/frame-1.jpg",
            "a/frame-2-10.jpg",
            "a/frame-02-11.jpg",
            "a/frame-9.jpg",
            "a/frame-10.jpg",
            "a/frame-99999999999999999999.jpg",
            "a/frame-100000000000000000000.jpg",
            "a/frame.jpg",
            "b/frame-1.jpg",
        ];
        let mut shuffled = sorted;
        shuffled.reverse();
        shuffled.sort_by(|a, b| compare(Path::new(a), Path::new(b)));
        assert_eq!(shuffled, sorted);
        assert_eq!(compare(Path::new("a1"), Path::new("a01")), Ordering::Greater);
        assert_eq!(compare(Path::new("a01"), Path::new("a01")), Ordering::Equal);
        assert_eq!(compare(Path::new("a"), Path::new("a0")), Ordering::Less);
    }
}
