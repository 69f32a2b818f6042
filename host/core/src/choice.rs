//! Choices by name, for command lines and pages.

use std::fmt::Debug;

/// A set of named values, of which a person picks one.
pub trait Choice: Copy + Debug + PartialEq + Send + Sync + 'static {
    /// All values, in the order in which they are listed.
    const ALL: &'static [Self];

    /// Name: lower case, words joined by hyphens.
    fn name(self) -> &'static str;

    /// Short description, without a full stop.
    fn help(self) -> &'static str;

    /// Returns true if the value is left out of lists.
    fn is_hidden(self) -> bool {
        false
    }

    /// Returns the value with this name.
    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|choice| choice.name() == name)
    }
}
