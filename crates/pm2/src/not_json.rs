//! What is wrong with a text that should be JSON, in our words and not in those of a library.

use serde::de::IgnoredAny;
use serde_json::error::{Category, Error};

/// Returns why a text could not be read, as the rest of a sentence.
#[must_use]
pub fn not_json(text: &[u8], error: &Error) -> String {
    // A list was wanted, and it begins as something else: that may be no JSON all the same.
    let of_syntax = match error.classify() {
        Category::Data => serde_json::from_slice::<IgnoredAny>(text).err(),
        Category::Io | Category::Syntax | Category::Eof => None,
    };
    let error = of_syntax.as_ref().unwrap_or(error);
    match error.classify() {
        Category::Data => "it is JSON of another form".to_owned(),
        Category::Io | Category::Syntax | Category::Eof => {
            format!("line {}, column {} is no JSON", error.line(), error.column())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_of_the_library_is_said_and_what_is_no_json_is_never_called_so() {
        let list = |text: &str| {
            serde_json::from_str::<Vec<u8>>(text).map_err(|it| not_json(text.as_bytes(), &it))
        };
        assert_eq!(list("[1,"), Err("line 1, column 3 is no JSON".to_owned()));
        assert_eq!(list("[1] 2"), Err("line 1, column 5 is no JSON".to_owned()));
        assert_eq!(list("{}"), Err("it is JSON of another form".to_owned()));
        assert_eq!(list("{bad"), Err("line 1, column 2 is no JSON".to_owned()));
        assert_eq!(list("{\n\"a\": 1,,"), Err("line 2, column 8 is no JSON".to_owned()));
        assert_eq!(list(""), Err("line 1, column 0 is no JSON".to_owned()));
    }
}
