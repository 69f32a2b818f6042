//! Writes an SVG file, element by element.

use std::fmt::Write as _;

/// Text color on a light background.
pub(super) const DARK: &str = "#1f2328";
/// Text color on a dark background.
pub(super) const LIGHT: &str = "#e6edf3";
/// Color of secondary text on a dark background.
pub(super) const DIM: &str = "#8b949e";
/// Background of terminals.
const TERMINAL: &str = "#0d1117";
const SANS: &str = "system-ui, Helvetica, Arial, sans-serif";
const MONO: &str = "ui-monospace, Menlo, Consolas, monospace";

/// An SVG file being written. Coordinates are pixels from the top left.
pub(super) struct Svg {
    text: String,
}

impl Svg {
    /// Creates an empty picture.
    pub(super) fn new(width: u32, height: u32) -> Self {
        let mut text = String::new();
        let _ = writeln!(
            text,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">\n\
             <rect width=\"100%\" height=\"100%\" rx=\"12\" fill=\"#f6f8fa\"/>"
        );
        Self { text }
    }

    /// Adds a filled rectangle: x, y, width, height.
    pub(super) fn rect(&mut self, (x, y, width, height): (f64, f64, f64, f64), fill: &str) {
        let _ = writeln!(
            self.text,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{fill}\"/>"
        );
    }

    /// Adds a dark terminal window with a title.
    pub(super) fn window(&mut self, (x, y, width, height): (u32, u32, u32, u32), title: &str) {
        let _ = writeln!(
            self.text,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"10\" fill=\"{TERMINAL}\"/>"
        );
        self.mono((x + 16, y + 26), DIM, &format!("$ {title}"));
    }

    /// Adds text in the page's typeface, aligned left.
    pub(super) fn sans(&mut self, (x, y): (u32, u32), size: u32, weight: u32, text: &str) {
        let _ = writeln!(
            self.text,
            "<text x=\"{x}\" y=\"{y}\" font-family=\"{SANS}\" font-size=\"{size}\" font-weight=\"{weight}\" fill=\"{DARK}\">{}</text>",
            escaped(text)
        );
    }

    /// Adds text in a terminal's typeface, aligned left.
    pub(super) fn mono(&mut self, (x, y): (u32, u32), fill: &str, text: &str) {
        let _ = writeln!(
            self.text,
            "<text x=\"{x}\" y=\"{y}\" font-family=\"{MONO}\" font-size=\"13\" fill=\"{fill}\" xml:space=\"preserve\">{}</text>",
            escaped(text)
        );
    }

    /// Adds characters of a terminal, each with its own x, so that columns align in any typeface.
    pub(super) fn characters(&mut self, columns: &[f64], y: f64, (fill, is_bold): (&str, bool), text: &str) {
        let columns: Vec<String> = columns.iter().map(|x| format!("{x:.1}")).collect();
        let weight = if is_bold { 700 } else { 400 };
        let _ = writeln!(
            self.text,
            "<text x=\"{}\" y=\"{y:.1}\" font-family=\"{MONO}\" font-size=\"13\" font-weight=\"{weight}\" fill=\"{fill}\">{}</text>",
            columns.join(" "),
            escaped(text)
        );
    }

    /// Adds an image by its data URI, without smoothing of its pixels.
    pub(super) fn image(&mut self, (x, y, side): (u32, u32, u32), uri: &str) {
        let _ = writeln!(
            self.text,
            "<image x=\"{x}\" y=\"{y}\" width=\"{side}\" height=\"{side}\" href=\"{uri}\" style=\"image-rendering: pixelated\"/>"
        );
    }

    /// Returns the file's text.
    pub(super) fn finish(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
