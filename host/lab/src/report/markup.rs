//! Parts that all pages share.

use maud::{Markup, PreEscaped, html};
use pinhole_core::statistics::Interval;
pub(super) use pinhole_core::words::counted;

/// Style of all pages, on screen, phone and paper, light and dark.
const STYLE: &str = include_str!("style.css");

/// Returns a whole page that needs no other file.
pub(super) fn page(title: &str, body: &Markup) -> Markup {
    html! {
        (PreEscaped("<!doctype html>"))
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { (body) }
        }
    }
}

pub(super) fn percent(fraction: f64) -> String {
    format!("{:.1}\u{a0}%", 100.0 * fraction)
}

/// Formats an interval of fractions: `77.4 to 98.0 %`.
pub(super) fn percents(interval: Interval) -> String {
    format!("{:.1} to {}", 100.0 * interval.low, percent(interval.high))
}

/// Returns a file's name.
pub(super) fn file_name(path: &std::path::Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
