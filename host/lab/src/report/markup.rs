//! Parts that all pages share.

/// Style of all pages, on screen, phone and paper, light and dark.
const STYLE: &str = include_str!("style.css");

/// Writes a line to a string. Writing to a string does not fail, so the result of `write!` is dropped.
macro_rules! put {
    ($to:expr, $($what:tt)*) => {{
        use std::fmt::Write as _;
        let _ = writeln!($to, $($what)*);
    }};
}
pub(super) use put;

/// Returns a whole page that needs no other file; `title` is plain text, `body` markup.
pub(super) fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n",
        escape(title)
    )
}

/// Returns a count and its noun, in the plural unless the count is 1: `1 system`, `2 systems`.
pub(super) fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

pub(super) fn percent(fraction: f64) -> String {
    format!("{:.1}\u{a0}%", 100.0 * fraction)
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Returns a file's name, as text.
pub(super) fn file_name(path: &std::path::Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_become_markup() {
        assert_eq!(escape("<b class=\"x\">&"), "&lt;b class=&quot;x&quot;&gt;&amp;");
        assert!(page("<i>", "").contains("<title>&lt;i&gt;</title>"));
    }
}
