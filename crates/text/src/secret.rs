//! What looks like a secret, in what is shown to others.
//!
//! Nobody can know; names tell. Rule: rather a harmless value masked than a secret shown.

use std::borrow::Cow;

/// What is shown instead of a secret.
pub const MASK: &str = "***";

/// What the name of a secret has in it. Where a dash stands, there may be one, `_`, or nothing.
pub const SECRET_WORDS: [&str; 11] = [
    "secret",
    "token",
    "password",
    "passwd",
    "passphrase",
    "api-key",
    "access-key",
    "private-key",
    "credential",
    "authorization",
    "cookie",
];

/// What the name of a secret may end with, as a word of its own.
const LAST_WORDS: [&str; 5] = ["pass", "key", "auth", "pat", "headers"];

/// Whether a variable or an option of this name is likely to hold a secret.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let is_letter = |c: &char| c.is_ascii_alphanumeric();
    let plain: String = name.chars().filter(is_letter).map(|c| c.to_ascii_lowercase()).collect();
    let last = name.rsplit(['_', '-', '.']).next().unwrap_or(name);
    SECRET_WORDS.iter().any(|word| has(&plain, word))
        || LAST_WORDS.iter().any(|word| last.eq_ignore_ascii_case(word))
}

/// Whether a word of [`SECRET_WORDS`] is in letters.
fn has(plain: &str, word: &str) -> bool {
    match word.split_once('-') {
        Some((first, second)) => plain.match_indices(first).any(|(at, _)| {
            plain.get(at + first.len()..).is_some_and(|rest| rest.starts_with(second))
        }),
        None => plain.contains(word),
    }
}

/// Returns the text with the password of each address in it masked: `postgres://me:pw@host`.
#[must_use]
pub fn without_passwords(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        let end = after.find(|c: char| c == '/' || c.is_whitespace()).unwrap_or(after.len());
        let (authority, further) = after.split_at(end);
        out.extend([before, "://"]);
        match authority.rsplit_once('@').and_then(|(who, host)| Some((who.split_once(':')?, host)))
        {
            Some(((user, _), host)) => out.extend([user, ":", MASK, "@", host]),
            None => out.push_str(authority),
        }
        rest = further;
    }
    if out.is_empty() {
        return Cow::Borrowed(text);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_of_secrets() {
        for name in [
            "SECRET",
            "DB_PASSWORD",
            "PGPASSWD",
            "API_KEY",
            "apiKey",
            "api-key",
            "AWS_ACCESS_KEY_ID",
            "accessToken",
            "SESSION_COOKIE",
            "DB_PASS",
            "STRIPE_KEY",
            "BASIC_AUTH",
            "GITHUB_PAT",
            "privateKey",
            "OTEL_EXPORTER_OTLP_HEADERS",
            "MYSQL_ROOT_PASSWORD",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["PATH", "PWD", "SSH_AUTH_SOCK", "KEYBOARD", "PASSENGER", "NODE_ENV", "HOST"] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn the_password_of_an_address_is_masked_and_nothing_else() {
        let check = |text: &str, expected: &str| assert_eq!(without_passwords(text), expected);
        check("postgres://me:pw@host/db", "postgres://me:***@host/db");
        check("a redis://:p@h b://x/y http://u:q@w", "a redis://:***@h b://x/y http://u:***@w");
        check("amqp://u:p@ss@h:5/v", "amqp://u:***@h:5/v");
        check("http://127.0.0.1:3000/a@b:c", "http://127.0.0.1:3000/a@b:c");
        check("plain", "plain");
    }
}
