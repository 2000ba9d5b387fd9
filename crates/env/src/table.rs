//! How the table of variables is written.

/// Makes a constant and a row of each entry, from the same words.
macro_rules! variables {
    ($(
        $(#[doc = $meaning:literal])+
        $name:ident $(= $text:literal)?,
        read by $($reader:ident)+, from $origin:ident, set by $audience:ident,
        $(default $default:literal,)? $(given $given:ident,)?
    )+) => {
        $(
            $(#[doc = $meaning])+
            pub const $name: &str = variables!(@name $name $($text)?);
        )+

        /// Every variable: those of the user first, by subject, then those between the parts.
        pub const VARIABLES: &[Variable] = &[$(Variable {
            name: $name,
            readers: &[$(Reader::$reader),+],
            meaning: concat!($($meaning),+).trim_ascii(),
            default: variables!(@default $($default)?),
            origin: Origin::$origin,
            audience: Audience::$audience,
            given_to_apps: variables!(@given $($given)?),
        }),+];
    };
    (@name $name:ident) => { stringify!($name) };
    (@name $name:ident $text:literal) => { $text };
    (@default) => { "" };
    (@default $default:literal) => { $default };
    (@given) => { false };
    (@given apps) => { true };
}

pub(crate) use variables;
