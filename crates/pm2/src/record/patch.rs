//! Changes to an app that exists: options given at a restart, and the `current_conf` of PM2's
//! client, with its meaning of `null`.

use ostler_config::attributes::find;
use ostler_config::{Diagnostic, attributes};
use ostler_core::spec::AppSpec;
use serde_json::{Map, Value as Json};

use super::{MARK, from_map, to_map, wrong};
use crate::not_json::not_json;

/// Returns the app with the keys of `patch` (a JSON object) put over its record; `null`, also as
/// text, clears a key. `cpus` as for [`from_record`](super::from_record).
///
/// As in PM2, the mode never changes, an empty `env` is ignored and any other replaces all of it.
/// Keys may have the names of a process file or of a record; unknown ones are ignored. `time` sets
/// the date format.
///
/// # Errors
/// What is of the wrong kind, all of it; the app stays as it was.
pub fn patch(spec: &AppSpec, patch: &str, cpus: u32) -> Result<AppSpec, Vec<Diagnostic>> {
    let changes: Map<String, Json> = match serde_json::from_str(patch) {
        Ok(Json::Object(changes)) => changes,
        Ok(_) => return Err(vec![wrong("the changes must be an object")]),
        Err(error) => {
            return Err(vec![wrong(format!(
                "the changes must be JSON: {}",
                not_json(patch.as_bytes(), &error)
            ))]);
        }
    };
    let mut map = to_map(spec);
    for (written, value) in changes {
        let key = find(&written).map_or(written.as_str(), |attribute| attribute.record);
        change(&mut map, key, value);
    }
    from_map(&map, cpus)
}

fn change(map: &mut Map<String, Json>, key: &str, value: Json) {
    let cleared = value.is_null() || value.as_str() == Some("null");
    match key {
        MARK | "exec_mode" => return,
        "env" if value.as_object().is_some_and(Map::is_empty) => return,
        "time" if value == Json::Bool(true) => {
            map.insert("log_date_format".to_owned(), "YYYY-MM-DDTHH:mm:ss".into());
        }
        // It is meant in place of the sign that was there.
        "wait_ready" if value == Json::Bool(true) => _ = map.remove("ready"),
        "instances" if !cleared => _ = map.insert("instances_given".to_owned(), true.into()),
        _ => {}
    }
    // What follows from it must follow the new value.
    for follower in attributes().filter(|attribute| attribute.follows == Some(key)) {
        map.remove(follower.record);
    }
    if cleared {
        map.remove(key);
    } else {
        map.insert(key.to_owned(), value);
    }
}
