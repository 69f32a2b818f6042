//! Options whose value is one of a few names.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
pub(super) use pinhole_core::choice::Choice;

/// Returns a parser that takes the name of a choice, and lists the names if there is no such choice.
pub(super) fn choice<T: Choice>() -> impl TypedValueParser<Value = T> {
    let value = |choice: &T| PossibleValue::new(choice.name()).help(choice.help()).hide(choice.is_hidden());
    PossibleValuesParser::new(T::ALL.iter().map(value))
        .map(|name| T::named(&name).expect("the parser before takes only names of these"))
}
