//! Files that are not pictures, or pictures of a format that cannot be read: what they are, and how to convert them.

use std::path::Path;

use image::ImageFormat;

use crate::artifacts::{NOT_REGULAR, is_special};

const HEIC: &str = "it is a HEIC picture, which cannot be read: convert it to JPEG (heif-convert, or the phone's setting \"most \
                    compatible\")";
const AVIF: &str = "it is an AVIF picture, which cannot be read: convert it to JPEG or PNG (avifdec)";
const JPEG_XL: &str = "it is a JPEG XL picture, which cannot be read: convert it to JPEG or PNG (djxl)";
const RAW: &str = "it is a camera's raw picture, which cannot be read: export it as JPEG";

/// Returns the reason why files with this ending cannot be read, for formats that people have photos in.
fn format_of_name(path: &Path) -> Option<&'static str> {
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

/// Returns true if a file has the ending of a picture that can be read.
pub(super) fn is_picture(path: &Path) -> bool {
    ImageFormat::from_path(path).is_ok_and(|format| format.reading_enabled())
}

/// Returns true if a file has the ending of a picture, or of a format that people have photos in, whether it can be read or not.
pub(super) fn is_named_as_picture(path: &Path) -> bool {
    format_of_name(path).is_some() || ImageFormat::from_path(path).is_ok()
}

/// Returns the reason why a file is not a picture for this program.
pub(super) fn why_not(path: &Path) -> &'static str {
    if is_special(path) {
        return NOT_REGULAR;
    }
    if let Some(reason) = format_of_name(path) {
        return reason;
    }
    match ImageFormat::from_path(path) {
        Ok(_) => "this picture format is not supported: convert it to JPEG or PNG",
        Err(_) => "its ending is not that of a picture",
    }
}
