//! The recipes bundled with Pinhole, one file each in `named/`.

use crate::suggest::did_you_mean;

/// The bundled recipe to start from: the article's winner.
pub const DEFAULT: &str = "baseline-dropout";

/// Name of the automatic choice, in place of a recipe's. It is not a recipe: commands that train choose one by the photos.
pub const AUTO: &str = "auto";

/// Lists names and texts of the files in `named/`.
macro_rules! named {
    ($($name:literal)*) => {
        /// Bundled recipes: name and TOML text.
        pub const NAMED: &[(&str, &str)] = &[$(($name, include_str!(concat!("named/", $name, ".toml")))),*];
    };
}

named! {
    "baseline"
    "baseline-dropout"
    "baseline-relu"
    "baseline-relu-dropout"
    "baseline-l2"
    "baseline-l1"
    "baseline-l1-strong"
    "baseline-sgd"
    "smaller"
    "smaller-dropout"
    "bigger"
    "bigger-dropout"
    "bigger-l2"
    "bigger-l1"
    "bigger-l1-strong"
    "bigger2"
    "bigger2-dropout"
    "inverted"
    "inverted-rotated"
    "bigger-inverted-rotated"
    "augmented"
    "conv-50"
    "conv-50-tiny"
    "conv-96"
    "vgg"
}

/// Returns all names, for a person to choose from.
pub(super) fn names() -> String {
    NAMED.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// Returns what to do about a name that is no recipe's.
pub(super) fn help(name: &str) -> String {
    let names = names();
    if name == AUTO {
        return format!(
            "only `train` and `study` choose by the photos; name one of: {names}; or give the path of a .toml file"
        );
    }
    let meant = did_you_mean(name, [AUTO].into_iter().chain(NAMED.iter().map(|(name, _)| *name)));
    format!(
        "{meant}name one of: {AUTO} (`train` and `study` choose by the photos), {names}; or give the path of a .toml file"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_are_answered_with_the_known_ones() {
        let choices = "name one of: auto (`train` and `study` choose by the photos), baseline, baseline-dropout, ";
        for (name, meant) in [("auot", "did you mean auto? "), ("conv50", "did you mean conv-50? "), ("holiday", "")] {
            assert!(help(name).starts_with(&format!("{meant}{choices}")), "{}", help(name));
            assert!(help(name).ends_with(", vgg; or give the path of a .toml file"), "{}", help(name));
        }
        assert!(help(AUTO).starts_with("only `train` and `study` choose by the photos; name one of: baseline, "));
    }
}
