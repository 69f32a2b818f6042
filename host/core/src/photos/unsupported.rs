//! Formats of pictures that cannot be read, by what they are and how to convert them.

use std::path::Path;

const HEIC: &str = "it is a HEIC picture, which cannot be read: convert it to JPEG (heif-convert, or the phone's setting \"most \
                    compatible\")";
const AVIF: &str = "it is an AVIF picture, which cannot be read: convert it to JPEG or PNG (avifdec)";
const JPEG_XL: &str = "it is a JPEG XL picture, which cannot be read: convert it to JPEG or PNG (djxl)";
const RAW: &str = "it is a camera's raw picture, which cannot be read: export it as JPEG";

/// Returns the reason why files with this ending cannot be read, for formats that people have photos in.
pub(super) fn format_of_name(path: &Path) -> Option<&'static str> {
    Some(match &path.extension()?.to_str()?.to_ascii_lowercase()[..] {
        "heic" | "heif" | "hif" => HEIC,
        "avif" => AVIF,
        "jxl" => JPEG_XL,
        "dng" | "cr2" | "cr3" | "nef" | "arw" | "orf" | "rw2" | "raf" => RAW,
        _ => return None,
    })
}

/// Returns the reason why a file with this content cannot be read, whatever its name is: phones give HEIC files other endings.
///
/// # Source
/// ISO/IEC 14496-12, section 4.3 (`ftyp`), and the brands of ISO/IEC 23008-12 and AV1 Image File Format; ISO/IEC 18181-2, 4
/// (signature of JPEG XL).
pub(super) fn format_of(bytes: &[u8]) -> Option<&'static str> {
    match (bytes.get(4..8)?, bytes.get(8..12)?) {
        (b"ftyp", b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"mif1" | b"msf1") => Some(HEIC),
        (b"ftyp", b"avif" | b"avis") => Some(AVIF),
        (b"JXL ", _) => Some(JPEG_XL),
        _ => None,
    }
}
