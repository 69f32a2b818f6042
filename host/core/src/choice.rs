//! Choices that have names: what a person picks one of, on a command line or a page.

use std::fmt::Debug;

/// One of a few named values.
pub trait Choice: Copy + Debug + PartialEq + Send + Sync + 'static {
    /// All of them, in the order they are listed in.
    const ALL: &'static [Self];

    /// Its name, in lower case, words joined by hyphens.
    fn name(self) -> &'static str;

    /// What it is, in some words, without a full stop.
    fn help(self) -> &'static str;

    /// Whether it is left out of lists.
    fn is_hidden(self) -> bool {
        false
    }

    /// The one of this name.
    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|choice| choice.name() == name)
    }
}
