//! Options whose value is one of a few names.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
pub(super) use pinhole_core::choice::Choice;

/// Takes the name of one; lists the others where there is none of that name.
pub(super) fn choice<T: Choice>() -> impl TypedValueParser<Value = T> {
    let value = |choice: &T| PossibleValue::new(choice.name()).help(choice.help()).hide(choice.is_hidden());
    PossibleValuesParser::new(T::ALL.iter().map(value))
        .map(|name| T::named(&name).expect("the parser before takes only names of these"))
}
