//! Enums whose variants have numbers in files.

/// Declares an enum with its variants' numbers, `ALL` of them in that order, and the way back from a number, so that each
/// number stands in one place.
macro_rules! numbered {
    (
        $(#[$about:meta])*
        pub enum $name:ident: $number:ident { $($(#[$of_variant:meta])* $variant:ident = $value:literal,)+ }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr($number)]
        pub enum $name {
            $($(#[$of_variant])* $variant = $value,)+
        }

        impl $name {
            /// All of them, by number.
            pub const ALL: [Self; [$($value),+].len()] = [$(Self::$variant),+];

            /// The one of this number; `None` where there is none.
            pub(crate) fn from_number(number: $number) -> Option<Self> {
                Some(match number {
                    $($value => Self::$variant,)+
                    _ => return None,
                })
            }
        }
    };
}

pub(crate) use numbered;
