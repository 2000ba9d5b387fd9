//! Types whose values are words: each word and its meaning stand once, beside the row that has it.

use serde_json::Value as Json;

use super::access::{FieldType, Refusal};
use crate::value::Node;

/// A type whose values are words.
pub(crate) trait Worded: Copy + PartialEq + 'static {
    /// The words that are understood. Of several for one value the first is written.
    const WORDS: &'static [&'static str];
    /// What each of them means.
    const VALUES: &'static [Self];
    /// What any other word means, or why it means nothing.
    const OTHERWISE: Result<Self, &'static str>;
}

impl<T: Worded> FieldType for T {
    fn write(&self) -> Json {
        let at = T::VALUES.iter().position(|value| value == self);
        at.and_then(|at| T::WORDS.get(at)).copied().into()
    }

    fn read(node: &Node) -> Result<Self, Refusal> {
        let text = String::read(node)?;
        let at = T::WORDS.iter().position(|word| *word == text);
        let value = at.and_then(|at| T::VALUES.get(at)).copied();
        value.map_or_else(|| T::OTHERWISE.map_err(Refusal::Wanted), Ok)
    }
}

/// A word, where there is one.
impl<T: Worded> FieldType for Option<T> {
    fn write(&self) -> Json {
        self.map_or(Json::Null, |value| value.write())
    }

    fn read(node: &Node) -> Result<Self, Refusal> {
        T::read(node).map(Some)
    }
}

/// The words of a type: `worded!(Rejections, "`log` or `crash`", { "log" => Log, … })`; with `or`
/// and a value in place of what must be written, every other word means that value.
macro_rules! worded {
    ($type:ident, or $usual:ident, { $($word:literal => $value:ident),+ $(,)? }) => {
        worded!(@ $type, Ok(<$type>::$usual), $($word => $value),+);
    };
    ($type:ident, $wanted:literal, { $($word:literal => $value:ident),+ $(,)? }) => {
        worded!(@ $type, Err($wanted), $($word => $value),+);
    };
    (@ $type:ident, $otherwise:expr, $($word:literal => $value:ident),+) => {
        impl $crate::attributes::worded::Worded for $type {
            const WORDS: &'static [&'static str] = &[$($word),+];
            const VALUES: &'static [Self] = &[$(Self::$value),+];
            const OTHERWISE: Result<Self, &'static str> = $otherwise;
        }
    };
}
pub(crate) use worded;
