//! What to do about the mistakes that every format of a process file knows.

/// A text without its second quote.
pub(crate) const CLOSE_TEXT: &str = "end the text with the quote that it begins with";
/// A list or an object that is not closed, or closed by the wrong one.
pub(crate) const CLOSE_LIST: &str =
    "a `[` is closed by a `]`, a `{` by a `}`, with a `,` between what is in it";
/// A key that is there twice.
pub(crate) const ONE_OF_TWO: &str = "take away one of the two lines";
