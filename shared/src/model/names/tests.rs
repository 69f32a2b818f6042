//! UTF-8 as the library decodes it.

use super::*;
use proptest::prelude::*;

/// Every sequence of up to two bytes, and of three and four with a first byte of more than two and bytes at the ends
/// of every range behind it.
#[test]
fn utf8_is_what_the_library_says() {
    let ends = [0, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xFF];
    let same = |bytes: &[u8]| assert_eq!(is_utf8(bytes), core::str::from_utf8(bytes).is_ok(), "{bytes:x?}");
    same(&[]);
    for first in 0..=255 {
        same(&[first]);
        for second in 0..=255 {
            same(&[first, second]);
            for third in ends {
                same(&[first, second, third]);
                for fourth in ends {
                    same(&[first, second, third, fourth]);
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn of_longer_ones_too(text: std::string::String, bytes: std::vec::Vec<u8>) {
        prop_assert!(is_utf8(text.as_bytes()));
        prop_assert_eq!(is_utf8(&bytes), core::str::from_utf8(&bytes).is_ok());
    }
}
