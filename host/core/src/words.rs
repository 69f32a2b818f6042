//! Counts in sentences.

/// Returns a count and its noun, in the plural unless the count is 1: `1 photo`, `2 photos`, `2 classes`.
pub fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ if noun.ends_with('s') => format!("{count} {noun}es"),
        _ => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular() {
        let texts =
            [counted(0, "photo"), counted(1, "photo"), counted(2, "photo"), counted(1, "class"), counted(5, "class")];
        assert_eq!(texts, ["0 photos", "1 photo", "2 photos", "1 class", "5 classes"]);
    }
}
