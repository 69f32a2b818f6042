//! Suggestions for mistyped names.

/// Least similarity, 0 to 1, at which a name is suggested.
const MIN_SIMILARITY: f64 = 0.7;

/// Returns the known name that is most similar, if any is similar enough; the first of equal ones. Case is ignored.
///
/// # Source
/// The similarity of Jaro and Winkler, which clap uses for its suggestions too.
pub fn closest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let similar = known.into_iter().map(|known| (strsim::jaro_winkler(&name, &known.to_lowercase()), known));
    let best = similar.reduce(|best, other| if other.0 > best.0 { other } else { best });
    best.filter(|(similarity, _)| *similarity >= MIN_SIMILARITY).map(|(_, known)| known)
}

/// Returns "did you mean ...? " if [`closest`] finds a name; else an empty string.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    closest(name, known).map(|known| format!("did you mean {known}? ")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistyped_names_are_recognized_and_others_are_not() {
        let known = ["conv-50", "conv-50-tiny", "conv-96", "drawn"];
        for (name, expected) in [
            ("conv-69", Some("conv-96")),
            ("conv96", Some("conv-96")),
            ("Conv-50", Some("conv-50")),
            ("conv50-tiny", Some("conv-50-tiny")),
            ("drwan", Some("drawn")),
            ("holiday", None),
            ("", None),
        ] {
            assert_eq!(closest(name, known), expected, "{name}");
        }
        assert_eq!(closest("conv-96", []), None);
    }
}
