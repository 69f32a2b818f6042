//! Text of others on a terminal: names of files, classes and boards, logs of devices.
//!
//! A terminal obeys control characters: an escape sequence in a file's name can clear the screen, hide text, or set a window's
//! title. Characters that change the direction of text let a name pass for another. Both are shown by their numbers.

use std::borrow::Cow;

/// Returns a line of text with its control characters escaped: `\n`, `\r`, `\t`, `\u{1b}`. So are the characters that change the
/// direction of text, and those that separate lines and paragraphs. All other text is unchanged, in any script.
pub fn shown(line: &str) -> Cow<'_, str> {
    escaped(line, obeyed)
}

/// Like [`shown()`], for a text of several lines: line feeds stay.
pub fn shown_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |letter| letter != '\n' && obeyed(letter))
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        match letter {
            letter if !is_escaped(letter) => shown.push(letter),
            '\n' | '\r' | '\t' => shown.extend(letter.escape_default()),
            letter => shown.extend(letter.escape_unicode()),
        }
    }
    Cow::Owned(shown)
}

/// Returns true for a character that a terminal obeys instead of showing it.
fn obeyed(letter: char) -> bool {
    // C0, DEL and C1; line and paragraph separator; marks, embeddings, overrides and isolates of direction.
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_any_script_is_unchanged() {
        for text in ["", "a cat", "pâté, 猫, חתול, قطة", "e\u{301}", "🐕\u{200d}🦺", r"C:\x", r"\u{1b}"] {
            assert!(matches!(shown(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn what_a_terminal_obeys_is_escaped() {
        assert_eq!(shown("a\u{1b}[2Jb"), r"a\u{1b}[2Jb");
        assert_eq!(shown("\u{0}\u{7}\u{7f}\u{85}\u{9b}"), r"\u{0}\u{7}\u{7f}\u{85}\u{9b}");
        assert_eq!(shown("one\ntwo\r\tx"), r"one\ntwo\r\tx");
        assert_eq!(shown_lines("one\ntwo\r\u{1b}"), "one\ntwo\\r\\u{1b}");
        assert_eq!(shown("exe.\u{202e}gpj"), r"exe.\u{202e}gpj");
        for letter in
            ('\u{2028}'..='\u{202e}').chain('\u{2066}'..='\u{2069}').chain(['\u{61c}', '\u{200e}', '\u{200f}'])
        {
            assert_eq!(shown(&letter.to_string()), format!(r"\u{{{:x}}}", u32::from(letter)));
        }
    }
}
