//! What is wrong with a text that is not TOML, in our words and not in those of its parser.

use toml_span::ErrorKind;

use crate::syntax_help::{CLOSE_LIST, CLOSE_TEXT, ONE_OF_TWO};

const VALUE: &str = "a line is a key and a value, as in `name = \"api\"`; a text is in quotes";
const TABLE: &str = "each app is a table of its own, which begins with `[[apps]]`";

/// Returns what is wrong, and what to do where that is known.
pub(super) fn words(kind: &ErrorKind) -> (String, Option<&'static str>) {
    use ErrorKind as Kind;
    let (said, help) = match kind {
        Kind::UnexpectedEof => ("the file ends where a value is missing", Some(VALUE)),
        Kind::ExceededDepthLimit => {
            ("values stand too deep in each other", Some("an app needs three levels"))
        }
        Kind::InvalidCharInString('\n' | '\r') | Kind::UnterminatedString => {
            ("this text has no closing quote on its line", Some(CLOSE_TEXT))
        }
        Kind::InvalidCharInString(char) => {
            let help = "write it as an escape, such as `\\u0007`";
            return (
                format!("a text cannot have `{}` in it", ostler_text::shown(&char.to_string())),
                Some(help),
            );
        }
        Kind::InvalidEscape(_) | Kind::InvalidHexEscape(_) | Kind::InvalidEscapeValue(_) => (
            "`\\` and what follows mean nothing in a text",
            Some("write `\\\\`, or the text in single quotes"),
        ),
        Kind::Unexpected(char) => {
            return (
                format!("`{}` cannot stand here", ostler_text::shown(&char.to_string())),
                Some(VALUE),
            );
        }
        Kind::InvalidNumber | Kind::OutOfRange(_) => {
            ("this is no number", Some("write texts in quotes, and numbers without a `0` before"))
        }
        Kind::Wanted { expected, found } => {
            let closes = ["a right bracket", "a right brace", "a comma"].contains(expected);
            let help = if closes { CLOSE_LIST } else { VALUE };
            let (expected, found) = (thing(expected), thing(found));
            return (format!("{expected} is missing here, and there is {found}"), Some(help));
        }
        Kind::DuplicateTable { name, .. } => {
            return (format!("the table `{name}` was begun before"), Some(TABLE));
        }
        Kind::DuplicateKey { key, .. } => {
            return (format!("`{key}` was given before"), Some(ONE_OF_TWO));
        }
        Kind::RedefineAsArray => ("this was begun as a table, and is no list", Some(TABLE)),
        Kind::MultilineStringKey => ("a key stands on one line", Some(VALUE)),
        Kind::DottedKeyInvalidType { .. } => {
            ("what stands before the dot is no table", Some(TABLE))
        }
        Kind::UnquotedString => ("this text is not in quotes", Some("write texts in quotes")),
        Kind::Custom(_)
        | Kind::UnexpectedKeys { .. }
        | Kind::MissingField(_)
        | Kind::Deprecated { .. }
        | Kind::UnexpectedValue { .. } => ("what stands here is not TOML", Some(VALUE)),
    };
    (said.to_owned(), help)
}

/// A token, as a sentence has it.
fn thing(token: &str) -> String {
    match token {
        "eof" => "the end of the file".to_owned(),
        "newline" | "a newline" => "the end of the line".to_owned(),
        "a table key" => "a key".to_owned(),
        "an equals" => "`=`".to_owned(),
        "a comma" => "`,`".to_owned(),
        "a period" => "`.`".to_owned(),
        "a colon" => "`:`".to_owned(),
        "a plus" => "`+`".to_owned(),
        "an identifier" => "a word".to_owned(),
        "a string" => "a text".to_owned(),
        "whitespace" => "a blank".to_owned(),
        "a left brace" => "`{`".to_owned(),
        "a right brace" => "`}`".to_owned(),
        "a left bracket" => "`[`".to_owned(),
        "a right bracket" => "`]`".to_owned(),
        other => other.to_owned(),
    }
}
