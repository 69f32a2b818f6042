//! Writes a model file as a C header.

use pinhole_shared::pixels::{Color, Fit, InputShape};
use std::fmt::Write as _;

use pinhole_shared::model::{ALIGNMENT, Model};

/// First line of every header that Pinhole writes. Only files that start with it are overwritten.
pub(super) const FIRST_LINE: &str = "/* A Pinhole model as a C header, for C11 and C++11.";

/// Number of the model's bytes on a line.
const BYTES_A_LINE: usize = 24;

/// Returns the text of a header with a model file's bytes, from which `model` was parsed. The same model gives the same text.
/// `packed_for` names the board that it is packed for.
pub(super) fn c_header(bytes: &[u8], model: &Model<'_>, packed_for: Option<&str>) -> String {
    let mut text = format!("{FIRST_LINE}\n");
    let mut add = |what: std::fmt::Arguments<'_>| {
        // Writing to a String cannot fail.
        let _ = text.write_fmt(what);
    };
    let packed = packed_for.map_or(String::new(), |board| format!(", packed for the board {board}"));
    add(format_args!(
        " *\n * Made by `pinhole export`{packed}. Not to be edited: the bytes are a model file, whose format and checksum\n \
         * Pinhole's documentation of `pinhole_shared::model` describes.\n */\n\
         #ifndef PINHOLE_MODEL_H\n#define PINHOLE_MODEL_H\n\n#include <stdint.h>\n\n"
    ));
    let (InputShape { height, width, color, fit }, classes) = (model.input(), model.class_names().count());
    let channels = match color {
        Color::Gray => "Bytes of a pixel: luma.",
        Color::Rgb => "Bytes of a pixel: red, green, blue.",
    };
    let fit = match fit {
        Fit::Crop => "Pixel pipeline: pictures are cropped.",
        Fit::Stretch => "Pixel pipeline: pictures are stretched.",
        Fit::Letterbox => "Pixel pipeline: pictures are fitted in as a whole, and the bars beside them are 0.",
    };
    let side = model.input().side().map(|side| ("Width and height of the input, px.", "INPUT_SIDE", side.to_string()));
    for (what, name, value) in [
        ("Bytes of the model file.", "BYTES", bytes.len().to_string()),
        ("The file's own CRC-32.", "CHECKSUM", format!("0x{:08x}u", model.checksum())),
        ("Height of the input, px.", "INPUT_HEIGHT", height.to_string()),
        ("Width of the input, px.", "INPUT_WIDTH", width.to_string()),
        (channels, "INPUT_CHANNELS", color.channels().to_string()),
        (fit, "PIPELINE", format!("0x{:08x}u", model.input().pipeline_id())),
        ("Classes, and so logits.", "CLASSES", classes.to_string()),
    ]
    .into_iter()
    .chain(side)
    {
        add(format_args!("/* {what} */\n#define PINHOLE_MODEL_{name} {value}\n"));
    }
    add(format_args!(
        "\n#ifdef __cplusplus\n#define PINHOLE_MODEL_ALIGNED alignas({ALIGNMENT})\n#else\n\
         #define PINHOLE_MODEL_ALIGNED _Alignas({ALIGNMENT})\n#endif\n\n\
         /* Names of the classes in UTF-8, in the order of the logits. */\n\
         static const char *const pinhole_model_class_names[PINHOLE_MODEL_CLASSES] = {{\n"
    ));
    for name in model.class_names() {
        add(format_args!("    \"{}\",\n", escaped(name)));
    }
    add(format_args!(
        "}};\n\n/* The model file. */\nPINHOLE_MODEL_ALIGNED static const uint8_t pinhole_model[PINHOLE_MODEL_BYTES] = {{\n"
    ));
    for line in bytes.chunks(BYTES_A_LINE) {
        let line: Vec<String> = line.iter().map(u8::to_string).collect();
        add(format_args!("    {},\n", line.join(",")));
    }
    add(format_args!("}};\n\n#endif\n"));
    text
}

/// Escapes a string for C. Other bytes than printable ASCII become three octal digits, so that a following digit is not part
/// of the escape. Question marks do too, since two of them could start a trigraph.
fn escaped(name: &str) -> String {
    name.bytes().fold(String::new(), |mut text, byte| {
        match byte {
            b'"' | b'\\' | b'?' | 0..0x20 | 0x7f.. => {
                let _ = write!(text, "\\{byte:03o}");
            }
            _ => text.push(char::from(byte)),
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped() {
        assert_eq!(escaped("a b"), "a b");
        assert_eq!(escaped("\"é?\\1\n"), "\\042\\303\\251\\077\\1341\\012");
    }
}
