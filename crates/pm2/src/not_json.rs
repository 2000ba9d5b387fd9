//! What is wrong with a text that should be JSON, in our words and not in those of a library.

use serde_json::error::{Category, Error};

/// Returns why a text could not be read, as the rest of a sentence.
#[must_use]
pub fn not_json(error: &Error) -> String {
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
    fn no_word_of_the_library_is_said() {
        let list = |text: &str| serde_json::from_str::<Vec<u8>>(text).map_err(|it| not_json(&it));
        assert_eq!(list("[1,"), Err("line 1, column 3 is no JSON".to_owned()));
        assert_eq!(list("[1] 2"), Err("line 1, column 5 is no JSON".to_owned()));
        assert_eq!(list("{}"), Err("it is JSON of another form".to_owned()));
    }
}
