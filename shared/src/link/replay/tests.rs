//! Headers and checksums.

use super::*;
use proptest::prelude::*;

proptest! {
    #[test]
    fn headers_come_back(sequence in 0..128_u8, format in 0..4_u8, width: u16, height: u16) {
        let format = format_of(format).unwrap();
        let header = Header { sequence, size: PictureSize { width, height }, format };
        prop_assert_eq!(Header::parse(&header.encode()), Some(header));
    }

    #[test]
    fn any_changed_byte_of_a_header_is_noticed(place in 0..HEADER_BYTES, change in 1..=255_u8) {
        let size = PictureSize { width: 320, height: 240 };
        let mut bytes = Header { sequence: 5, size, format: PixelFormat::Yuv422 }.encode();
        bytes[place] ^= change;
        prop_assert_eq!(Header::parse(&bytes), None);
    }
}

#[test]
fn requests_are_distinct() {
    assert_eq!(start_sequence(ROW_REQUEST), None);
    for sequence in 0..128 {
        assert_eq!(start_sequence(start_request(sequence)), Some(sequence));
        assert_eq!(start_request(sequence | 0x80), start_request(sequence));
    }
}

#[test]
fn the_same_row_elsewhere_has_another_checksum() {
    assert_ne!(row_checksum(0, &[1, 2, 3]), row_checksum(1, &[1, 2, 3]));
    // CRC-32 of "123456789", from the catalogue of parametrised CRC algorithms (check value of CRC-32/ISO-HDLC).
    assert_eq!(row_checksum(u16::from_le_bytes(*b"12"), b"3456789"), 0xCBF4_3926);
}
