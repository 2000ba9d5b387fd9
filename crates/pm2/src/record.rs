//! PM2's record of an app: what `prepare` sends, `jlist` shows and the dump keeps.
//!
//! One flat JSON object with PM2's key names, so that PM2's client and a dump written by PM2 are
//! understood. What ostler writes carries the key `ostler_record` with the format's version; keys
//! at their default that PM2 would not write either are left out. Reading then gives back the same
//! specification: `from_record(to_record(spec)) == spec`. Each direction is one loop over the
//! table of attributes.
//!
//! A dump written by PM2 differs in three ways: the environment lies flattened beside the keys
//! (ignored, except where it hides a known key, as in PM2), `instances` is missing (1), and log and
//! pid paths carry the old id (taken off).

use std::sync::LazyLock;

use ostler_config::attributes::{find, kept_value};
use ostler_config::{Diagnostic, attributes};
use ostler_core::spec::AppSpec;
use serde_json::{Map, Value as Json};

mod patch;
mod read;

pub use patch::patch;
pub use read::{from_map, from_record};

/// Version of what [`to_record`] writes.
pub const VERSION: u64 = 1;

/// Key that tells ostler's own records from PM2's.
pub(crate) const MARK: &str = "ostler_record";

/// What is left out of a record.
static USUAL: LazyLock<AppSpec> = LazyLock::new(|| AppSpec::new("/".into(), "/".into()));

/// Returns the app as a record, JSON text.
#[must_use]
pub fn to_record(spec: &AppSpec) -> String {
    Json::Object(to_map(spec)).to_string()
}

/// As [`to_record`], as a map to which run-time keys can be added.
#[must_use]
pub fn to_map(spec: &AppSpec) -> Map<String, Json> {
    let mut map = Map::new();
    map.insert(MARK.to_owned(), VERSION.into());
    for attribute in attributes().filter(|attribute| attribute.is_recorded(spec, &USUAL)) {
        map.insert(attribute.record.to_owned(), attribute.get(spec));
    }
    for (key, text) in spec.passthrough.iter() {
        map.insert(key.to_owned(), kept_value(text));
    }
    map
}

/// Returns the variables of the app, as they are shown: those that were written as a number or a
/// truth are one.
pub(crate) fn variables(spec: &AppSpec) -> Map<String, Json> {
    match find("env").map(|attribute| attribute.get(spec)) {
        Some(Json::Object(variables)) => variables,
        Some(_) | None => Map::new(),
    }
}

/// One complaint about a record as a whole.
pub(crate) fn wrong(message: impl Into<String>) -> Diagnostic {
    Diagnostic::error("bad-record", message)
}
