//! What a request says: the word in its path, its query, its body.
//!
//! Problem: what is wrong with them is said by libraries in their own words, as plain text, and
//! each in another way. Rule: everything that a client sends is read here, and what is wrong with
//! it is said in ours, in the form of every other refusal.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use ostler_wire::control::Code;
use serde_json::{Map, Value};

use crate::web::answer::Refused;

const DESCRIBED: &str = "`GET /api/v1/openapi.json` says what each path takes";

/// The word in a path.
pub(super) struct Word(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Word {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let read = Path::<String>::from_request_parts(parts, state).await;
        read.map(|Path(word)| Self(word)).map_err(|_| {
            invalid("the word in the path is not UTF-8").hint("write `%` and two digits of UTF-8")
        })
    }
}

/// The parts of a query.
pub(super) struct Asked(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let read = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        read.map(|Query(all)| Self(all)).map_err(|_| invalid("the query cannot be read"))
    }
}

impl Asked {
    /// Refuses what is none of these.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Refused> {
        let other = self.0.iter().find(|(key, _)| !known.contains(&key.as_str()));
        other.map_or(Ok(()), |(key, _)| Err(unknown("query", key, known)))
    }

    /// Returns the value of a key.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.0.iter().rev().find(|(of, _)| of == key).map(|(_, value)| value.as_str())
    }

    /// Returns which of these words the value is.
    pub(super) fn one_of<T: Copy>(
        &self,
        key: &str,
        words: [(&str, T); 2],
    ) -> Result<Option<T>, Refused> {
        let Some(text) = self.text(key) else { return Ok(None) };
        let found = words.iter().find(|(word, _)| *word == text);
        let [(one, _), (other, _)] = words;
        found.map(|(_, value)| Some(*value)).ok_or_else(|| {
            invalid(format!("`{key}` is `{text}`, which is neither `{one}` nor `{other}`"))
        })
    }
}

/// The body of a request: an object, or nothing.
pub(super) struct Body(Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let bytes = Bytes::from_request(request, state).await.map_err(|_| {
            let message = "the body of the request is too large, or did not come whole";
            Refused::new(StatusCode::PAYLOAD_TOO_LARGE, Code::Invalid, message).hint(DESCRIBED)
        })?;
        Self::read(&bytes)
    }
}

impl Body {
    fn read(bytes: &[u8]) -> Result<Self, Refused> {
        if bytes.trim_ascii().is_empty() {
            return Ok(Self(Map::new()));
        }
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(map)) => Ok(Self(map)),
            Ok(Value::Null) => Ok(Self(Map::new())),
            Ok(other) => {
                let what = kind(&other);
                Err(invalid(format!("the body must be an object, but is {what}")).hint(DESCRIBED))
            }
            Err(error) => {
                let (line, column) = (error.line(), error.column());
                Err(invalid(format!("the body is no JSON: line {line}, column {column}"))
                    .hint(DESCRIBED))
            }
        }
    }

    /// Refuses what is none of these.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Refused> {
        let other = self.0.keys().find(|key| !known.contains(&key.as_str()));
        other.map_or(Ok(()), |key| Err(unknown("body", key, known)))
    }

    /// Returns a whole number from 1 on, if there is one, of what the document calls `int32`.
    pub(super) fn count(&self, key: &str) -> Result<Option<u32>, Refused> {
        let Some(value) = self.value(key) else { return Ok(None) };
        // `4.0` is a whole number, too.
        let whole = value.as_f64().filter(|number| number.fract() == 0.0);
        let number = whole.and_then(|number| format!("{number:.0}").parse::<i32>().ok());
        let number = number.and_then(|number| u32::try_from(number).ok());
        number.filter(|number| 0 < *number).map(Some).ok_or_else(|| {
            invalid(format!("`{key}` must be a whole number from 1 on, but is {}", shown(value)))
        })
    }

    /// Returns whether something is wanted, if that is said.
    pub(super) fn switch(&self, key: &str) -> Result<Option<bool>, Refused> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Bool(wanted)) => Ok(Some(*wanted)),
            Some(other) => {
                Err(invalid(format!("`{key}` must be `true` or `false`, but is {}", shown(other))))
            }
        }
    }

    /// Returns a text, which must be there.
    pub(super) fn text(&self, key: &str) -> Result<&str, Refused> {
        match self.value(key) {
            Some(Value::String(text)) => Ok(text),
            Some(other) => Err(invalid(format!("`{key}` must be a text, but is {}", shown(other)))),
            None => Err(invalid(format!("the body does not say `{key}`"))),
        }
    }

    fn value(&self, key: &str) -> Option<&Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }
}

fn invalid(message: impl Into<String>) -> Refused {
    Refused::new(StatusCode::BAD_REQUEST, Code::Invalid, message)
}

fn unknown(what: &str, key: &str, known: &[&str]) -> Refused {
    let all: Vec<String> = known.iter().map(|key| format!("`{key}`")).collect();
    let hint = if all.is_empty() {
        "this path takes none".to_owned()
    } else {
        format!("it may say {}", all.join(" and "))
    };
    invalid(format!("the {what} says `{key}`, which means nothing here")).hint(hint)
}

/// A value as a sentence has it.
fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) | Value::Object(_) => kind(value).to_owned(),
        other => format!("`{other}`"),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words were those of the library: `missing field`, `invalid type: map, expected u32`.
    #[test]
    fn what_is_wrong_with_a_body_is_said_in_our_words() {
        let scale = |body: &str| -> Result<String, Refused> {
            let body = Body::read(body.as_bytes())?;
            body.only(&["instances"])?;
            body.text("instances").map(str::to_owned)
        };
        let reload = |body: &str| -> Result<Option<u32>, Refused> {
            let body = Body::read(body.as_bytes())?;
            body.only(&["parallel", "surge"])?;
            body.count("parallel")
        };
        let said = |refused: Refused| (refused.status, refused.failure.message);
        let check = |body: &str, message: &str| {
            let expected = (StatusCode::BAD_REQUEST, message.to_owned());
            assert_eq!(scale(body).map_err(said), Err(expected), "{body}");
        };
        check("", "the body does not say `instances`");
        check("{", "the body is no JSON: line 1, column 1");
        check("[4]", "the body must be an object, but is an array");
        check(r#"{"instances":4}"#, "`instances` must be a text, but is `4`");
        check(r#"{"instances":{}}"#, "`instances` must be a text, but is an object");
        check(r#"{"instance":"4"}"#, "the body says `instance`, which means nothing here");
        assert_eq!(scale(r#"{"instances":"4"}"#).ok().as_deref(), Some("4"));
        for body in ["", "null", "{}", r#"{"parallel":null}"#] {
            assert_eq!(reload(body).map_err(said), Ok(None), "{body}");
        }
        for two in ["2", "2.0", "2e0"] {
            let told = reload(&format!("{{\"parallel\":{two}}}")).map_err(said);
            assert_eq!(told, Ok(Some(2)), "{two}");
        }
        for wrong in ["0", "-1", "1.5", "2147483648", "\"2\""] {
            let told = reload(&format!("{{\"parallel\":{wrong}}}")).map_err(said);
            let message = format!("`parallel` must be a whole number from 1 on, but is `{wrong}`");
            assert_eq!(told, Err((StatusCode::BAD_REQUEST, message)));
        }
        let canary = |body: &str| Body::read(body.as_bytes())?.switch("canary");
        assert_eq!(canary("{}").map_err(said), Ok(None));
        assert_eq!(canary(r#"{"canary":true}"#).map_err(said), Ok(Some(true)));
        let message = "`canary` must be `true` or `false`, but is `1`".to_owned();
        let told = canary(r#"{"canary":1}"#).map_err(said);
        assert_eq!(told, Err((StatusCode::BAD_REQUEST, message)));
    }

    #[test]
    fn what_is_wrong_with_a_query_is_said_in_our_words() {
        let asked = Asked(vec![("stream".to_owned(), "both".to_owned())]);
        let refused = asked.one_of("stream", [("out", 1), ("err", 2)]).unwrap_err();
        let said = "`stream` is `both`, which is neither `out` nor `err`";
        assert_eq!(refused.failure.message, said);
        let refused = asked.only(&["word"]).unwrap_err();
        assert_eq!(refused.failure.message, "the query says `stream`, which means nothing here");
        assert_eq!(refused.failure.hint.as_deref(), Some("it may say `word`"));
        assert!(asked.only(&["word", "stream"]).is_ok());
    }
}
