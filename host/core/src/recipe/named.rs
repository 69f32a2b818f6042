//! The recipes bundled with Pinhole, one file each in `named/`.

/// The default recipe: the article's winner.
pub const DEFAULT: &str = "baseline-dropout";

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
