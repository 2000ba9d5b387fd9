//! What is said of the objects in a process file whose parts are read one by one.

use crate::attributes::BadValue;
use crate::diagnostic::Diagnostic;
use crate::suggest;
use crate::value::Node;

/// A part that is wrong, and what is said of it.
pub(crate) type Bad<'n> = (&'n Node, Diagnostic);

/// What is said of all parts that are wrong, each in its place.
pub(crate) fn said(wrong: Vec<Bad<'_>>) -> BadValue {
    BadValue::Said(wrong.into_iter().map(|(part, of)| (part.span, of)).collect())
}

/// What is said of a key that an object has not: the known one that was likely meant, else `help`.
pub(crate) fn unknown_key<'a>(
    object: &str,
    key: &str,
    known: impl IntoIterator<Item = &'a str>,
    help: &str,
) -> Diagnostic {
    let help = suggest::nearest(key, known.into_iter())
        .map_or_else(|| help.to_owned(), |near| format!("did you mean `{near}`?"));
    Diagnostic::error("unknown-key", format!("`{object}` has no key `{key}`")).help(help)
}
