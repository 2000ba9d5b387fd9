//! Events on PM2's bus (wire protocol §9): who reads it gets all of them.

use std::fmt::Write as _;

use serde_json::json;

use crate::amp::{Argument, encode};
use crate::json_text::push_json;

/// A process as events name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject<'a> {
    /// Its number (`pm_id`).
    pub id: u32,
    /// The name of its app.
    pub name: &'a str,
    /// The namespace of its app.
    pub namespace: &'a str,
    /// Whether it is a worker of a cluster.
    pub cluster: bool,
}

/// Returns the frame of an event; the payload is JSON text.
#[must_use]
pub fn frame(topic: &str, payload: &str) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&[Argument::Text(topic), Argument::Json(payload)], &mut out);
    out
}

/// The topic of output.
#[must_use]
pub fn output_topic(is_error: bool) -> &'static str {
    if is_error { "log:err" } else { "log:out" }
}

/// Output of a process: whole lines with their ends. Times are ms since 1970.
#[must_use]
pub fn output(of: &Subject<'_>, at: u64, data: &str) -> String {
    let mut out = String::with_capacity(data.len() + data.len() / 8 + 128);
    out.push_str("{\"process\":");
    subject(of, true, &mut out);
    // Writing to a string cannot fail.
    _ = write!(out, ",\"at\":{at},\"data\":");
    push_json(&mut out, data);
    out.push('}');
    out
}

/// A line of the daemon's own log, of the topic `log:PM2`.
#[must_use]
pub fn own_line(at: u64, text: &str) -> String {
    let process = json!({ "pm_id": "PM2", "name": "PM2", "rev": null });
    json!({ "process": process, "at": at, "data": format!("{text}\n") }).to_string()
}

/// How many events a subscriber that does not read has lost, of the topic `log:PM2`, so that
/// whoever reads logs sees it.
#[must_use]
pub fn lost(at: u64, count: u64) -> String {
    let process = json!({ "pm_id": "PM2", "name": "PM2", "rev": null });
    let data = format!("{count} events were left out: this subscriber does not read fast enough\n");
    json!({ "process": process, "at": at, "data": data, "dropped": count }).to_string()
}

/// Something happened to a process, of the topic `process:event`. `process`: its `pm2_env`.
#[must_use]
pub fn lifecycle(event: &str, manually: bool, process: &str, at: u64) -> String {
    let mut out = String::with_capacity(process.len() + 80);
    out.push_str("{\"event\":");
    push_json(&mut out, event);
    _ = write!(out, ",\"manually\":{manually},\"process\":{process},\"at\":{at}}}");
    out
}

/// A message of an app. `key`: `data` of a message with a type, `raw` of any other;
/// `value`: JSON text.
#[must_use]
pub fn message(of: &Subject<'_>, at: u64, key: &str, value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 128);
    _ = write!(out, "{{\"at\":{at},\"{key}\":{value},\"process\":");
    subject(of, of.cluster && key == "data", &mut out);
    out.push('}');
    out
}

/// Everything ends, of the topic `pm2:kill`.
#[must_use]
pub fn killed(by_signal: bool) -> String {
    let by = if by_signal { "by SIGNAL" } else { "via CLI" };
    json!({ "status": "killed", "msg": format!("pm2 has been killed {by}") }).to_string()
}

fn subject(of: &Subject<'_>, revision: bool, out: &mut String) {
    _ = write!(out, "{{\"pm_id\":{},\"name\":", of.id);
    push_json(out, of.name);
    if revision {
        out.push_str(",\"rev\":null");
    }
    out.push_str(",\"namespace\":");
    push_json(out, of.namespace);
    out.push('}');
}
