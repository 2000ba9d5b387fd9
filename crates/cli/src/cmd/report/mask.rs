//! Secrets in what is shown to others.

use std::borrow::Cow;
use std::sync::LazyLock;

use ostler_text::{MASK, SECRET_WORDS, without_passwords};
use regex_lite::{Captures, Regex};

/// A name that tells of a secret, with what follows it.
static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let words = SECRET_WORDS.map(|word| word.replace('-', "[_-]?")).join("|");
    let value = r#""[^"]*"|'[^']*'|(?:bearer\s+|basic\s+)?[^\s,;&"']+"#;
    Regex::new(&format!(r#"(?i)([\w.-]*(?:{words})[\w.-]*["']?\s*[:=]\s*)({value})"#)).ok()
});

/// Returns the text with whatever looks like a secret masked.
pub(super) fn mask(text: &str) -> Cow<'_, str> {
    let Some(named) = NAMED.as_ref() else {
        // A pattern that is not understood must not let a secret through.
        return Cow::Borrowed(MASK);
    };
    let text = named.replace_all(text, |found: &Captures<'_>| format!("{}{MASK}", &found[1]));
    Cow::Owned(without_passwords(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn what_looks_like_a_secret_is_masked_and_nothing_else() {
        let check = |text: &str, expected: &str| assert_eq!(mask(text), expected, "{text}");
        check("DB_PASSWORD=hunter2 PORT=80", "DB_PASSWORD=*** PORT=80");
        check("--api-key=abc --name x", "--api-key=*** --name x");
        check("{\"accessToken\": \"a b\", \"id\": 1}", "{\"accessToken\": ***, \"id\": 1}");
        check("Authorization: Bearer abc.def", "Authorization: ***");
        check("postgres://me:pw@host/db", "postgres://me:***@host/db");
        check("http://127.0.0.1:3000/x", "http://127.0.0.1:3000/x");
        check("App [web:0] online", "App [web:0] online");
        check("the token was refused", "the token was refused");
    }
}
