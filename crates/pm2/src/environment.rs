//! What of its record an app sees in its environment.
//!
//! PM2 flattens its whole record into the application's environment, and libraries recognise it by
//! that (`pm_id`, `NODE_APP_INSTANCE`, `unique_id`): kept (configuration §8.3, quirk A1).

use std::collections::BTreeMap;

use ostler_config::attributes;
use ostler_core::ProcId;
use ostler_core::spec::AppSpec;
use serde_json::Value as Json;

use crate::files;

/// Keys that tell PM2's clients of parts that ostler has not.
pub(crate) const ABSENT_PARTS: [&str; 2] = ["km_link", "vizion_running"];

/// Returns the scalar fields of PM2's record that do not change from run to run.
#[must_use]
pub fn flattened(spec: &AppSpec, id: ProcId) -> BTreeMap<String, String> {
    let mut flat = BTreeMap::new();
    for attribute in attributes().filter(|attribute| attribute.in_environment) {
        let value = match attribute.get(spec) {
            Json::String(text) => text,
            Json::Bool(value) => value.to_string(),
            Json::Number(number) => number.to_string(),
            // They have no form in an environment.
            Json::Null | Json::Array(_) | Json::Object(_) => continue,
        };
        flat.insert(attribute.record.to_owned(), value);
    }
    let files = files::of_record(spec, id).into_iter();
    flat.extend(files.filter_map(|(key, path)| Some((key.to_owned(), path?))));
    flat.extend(ABSENT_PARTS.map(|key| (key.to_owned(), "false".to_owned())));
    flat
}
