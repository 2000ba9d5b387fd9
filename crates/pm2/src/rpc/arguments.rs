//! Arguments of calls, taken out of JSON one by one.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value as Json};

/// A process as a call names it: a number, also as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot(String);

impl Slot {
    /// Its number, if it is one.
    #[must_use]
    pub fn number(&self) -> Option<u32> {
        self.0.parse().ok()
    }

    fn of(value: &Json) -> Option<Self> {
        match value {
            Json::Number(number) => Some(Self(number.to_string())),
            Json::String(text) => Some(Self(text.clone())),
            Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
        }
    }
}

impl From<u32> for Slot {
    fn from(number: u32) -> Self {
        Self(number.to_string())
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a restart or a reload changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Keys of the record.
    pub keys: Map<String, Json>,
    /// Variables of its environment.
    pub env: BTreeMap<String, String>,
}

/// Keys that PM2's client sends at each restart and that change nothing in PM2 either: where
/// output goes is settled when a process is added.
const SETTLED: [&str; 2] = ["merge_logs", "km_link"];

impl Changes {
    /// Reads `env` of a call: variables, and among them the keys as `current_conf`.
    pub(super) fn read(env: Option<Json>) -> Result<Self, String> {
        let mut env = match env {
            Some(Json::Object(env)) => env,
            Some(Json::Null) | None => return Ok(Self::default()),
            Some(other) => return Err(format!("`env` must be an object, but is `{other}`")),
        };
        let mut keys = match env.remove("current_conf") {
            Some(Json::Object(keys)) => keys,
            Some(Json::Null) | None => Map::new(),
            Some(other) => {
                return Err(format!("`current_conf` must be an object, but is `{other}`"));
            }
        };
        keys.retain(|key, _| !SETTLED.contains(&key.as_str()));
        // It says that there are variables, and is none.
        env.remove("updateEnv");
        let text = |(name, value)| match value {
            Json::String(text) => Some((name, text)),
            Json::Number(number) => Some((name, number.to_string())),
            Json::Bool(value) => Some((name, value.to_string())),
            Json::Null | Json::Array(_) | Json::Object(_) => None,
        };
        Ok(Self { keys, env: env.into_iter().filter_map(text).collect() })
    }
}

/// The arguments of one call.
pub(super) struct Arguments<'a> {
    method: &'a str,
    rest: std::vec::IntoIter<Json>,
}

impl<'a> Arguments<'a> {
    /// Takes as many as the method has.
    pub(super) fn new(method: &'a str, args: Vec<Json>, wanted: usize) -> Result<Self, String> {
        let given = args.len();
        if given == wanted {
            return Ok(Self { method, rest: args.into_iter() });
        }
        let plural = if wanted == 1 { "" } else { "s" };
        Err(format!("`{method}` takes {wanted} argument{plural}, but got {given}"))
    }

    /// The next one.
    pub(super) fn next(&mut self) -> Json {
        self.rest.next().unwrap_or_default()
    }

    /// The next one, an object.
    pub(super) fn object(&mut self) -> Result<Map<String, Json>, String> {
        match self.next() {
            Json::Object(map) => Ok(map),
            other => Err(format!("`{}` takes an object, but got `{other}`", self.method)),
        }
    }

    /// The next one, a process: its number, or an object with that as `id`.
    pub(super) fn slot(&mut self) -> Result<Slot, String> {
        let value = self.next();
        let id = value.get("id").unwrap_or(&value);
        Slot::of(id).ok_or_else(|| {
            format!("`{}` takes the number of a process, but got `{value}`", self.method)
        })
    }
}

/// A process in an object.
pub(super) fn slot_at(map: &Map<String, Json>, key: &str) -> Option<Slot> {
    map.get(key).and_then(Slot::of)
}

/// A text in an object; a number is one, too.
pub(super) fn text_at(map: &Map<String, Json>, key: &str) -> Option<String> {
    slot_at(map, key).map(|text| text.0)
}
