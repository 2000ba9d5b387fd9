//! Calls of PM2's clients and the answers to them (wire protocol §3, §6).
//!
//! A call has a number, which stands last and comes back with the answer. PM2's daemon dies of a
//! call with too few arguments; here whatever a call lacks is said in the answer.

mod arguments;
mod caller;
mod method;

use serde_json::Value as Json;

use crate::amp::{Argument, Frame, encode, encode_around};
pub use arguments::{Changes, Slot};
pub use caller::{Answered, read_answer, write_call};
pub use method::{
    Addressee, METHODS, Message, Method, Notification, Profile, asked_for, asked_of_agent,
};

/// The version of PM2 whose protocol this is, as clients are told it.
pub const PM2_VERSION: &str = "7.0.4";

/// What a frame of a client's asks.
#[derive(Debug)]
pub struct Call {
    /// Its number, which the answer repeats; empty where it has none.
    pub id: String,
    /// What is asked, or why that makes no sense.
    pub asked: Result<Asked, String>,
}

/// What a client asks.
#[derive(Debug)]
pub enum Asked {
    /// Which methods there are.
    Methods,
    /// One of them.
    Method(Method),
}

impl Call {
    /// Reads a frame.
    #[must_use]
    pub fn read(frame: &Frame<'_>) -> Self {
        let id = match frame.arguments.last() {
            Some(Argument::Text(id)) => (*id).to_owned(),
            Some(Argument::Json(_) | Argument::Bytes(_)) | None => String::new(),
        };
        let asked = match frame.arguments.as_slice() {
            [Argument::Json(body), Argument::Text(_)] => asked(body),
            [_, Argument::Text(_)] => Err("the call must be JSON".to_owned()),
            all => Err(format!(
                "a call has two arguments, what is asked and its number, but this has {}",
                all.len()
            )),
        };
        Self { id, asked }
    }
}

fn asked(body: &str) -> Result<Asked, String> {
    // The parser refuses what is nested too deeply to be walked.
    let body: Json =
        serde_json::from_str(body).map_err(|error| format!("the call must be JSON: {error}"))?;
    if body.get("type").and_then(Json::as_str) == Some("methods") {
        return Ok(Asked::Methods);
    }
    let Json::Object(mut body) = body else { return Err("the call must be an object".to_owned()) };
    let Some(Json::String(name)) = body.remove("method") else {
        return Err(".method required".to_owned());
    };
    if !METHODS.iter().any(|(known, _)| *known == name) {
        return Err(format!("method \"{name}\" does not exist"));
    }
    match body.remove("args") {
        Some(Json::Array(args)) => Method::read(&name, args).map(Asked::Method),
        Some(_) | None => Err(".args required".to_owned()),
    }
}

/// The answer to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A value, JSON text.
    Value(String),
    /// It is done, and there is nothing to be said.
    Void,
    /// Why it was not done.
    Error(String),
    /// The names of all methods.
    Methods,
}

impl Answer {
    /// The answer of a JSON value.
    #[must_use]
    pub fn of(value: &Json) -> Self {
        Self::Value(value.to_string())
    }

    /// Adds the frame of this answer to the call of that number. A list is half a megabyte: its
    /// text becomes the frame, in its own memory, where nothing stands before it.
    pub fn write(self, id: &str, out: &mut Vec<u8>) {
        const BEFORE: &str = "{\"args\":[";
        let body = match self {
            Self::Value(text) if out.is_empty() => {
                *out = encode_around(BEFORE, text, "]}", Argument::Text(id));
                return;
            }
            Self::Value(text) => [BEFORE, &text, "]}"].concat(),
            Self::Void => [BEFORE, "]}"].concat(),
            Self::Error(why) => serde_json::json!({ "error": why }).to_string(),
            Self::Methods => methods(),
        };
        encode(&[Argument::Json(&body), Argument::Text(id)], out);
    }
}

fn methods() -> String {
    let one = |(name, params): &(&str, &[&str])| {
        let params = params.iter().copied().chain(["cb"]).collect::<Vec<_>>();
        (String::from(*name), serde_json::json!({ "name": name, "params": params }))
    };
    let all: serde_json::Map<String, Json> = METHODS.iter().map(one).collect();
    serde_json::json!({ "methods": all }).to_string()
}
