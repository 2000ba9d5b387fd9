//! What is done inside an app of Node, because PM2 does it: stack traces name the lines of the
//! source, and a promise that is rejected and handled by nobody is written down and counted instead
//! of ending the app.
//!
//! PM2 runs the app inside a program of its own. Here it is plain `node script`; `before.cjs` is
//! loaded by `NODE_OPTIONS`, with the drain hook and in the same way, and leaves no trace in
//! `process.argv`, `process.execArgv` or the environment. Neither threads nor children of the app
//! get it. Where the app has chosen for itself, by an option of Node, that holds.

use std::collections::BTreeMap;
use std::path::Path;

use ostler_core::spec::{AppSpec, Rejections};

use crate::{daemon_log, drain};

/// The beginning of the message by which an app tells how many promises nobody handled.
const REJECTIONS: &str = r#"{"type":"ostler:rejections","data":{"count":"#;

/// The beginning of the message by which an app tells which Node runs it.
const NODE_VERSION: &str = r#"{"node_version":""#;
/// Bytes of a version, at most.
const LONGEST_VERSION: usize = 40;

/// Adds what an app needs of it to its environment.
pub fn add_to(env: &mut BTreeMap<String, String>, spec: &AppSpec, home: &Path) {
    let parts = parts(spec);
    if !drain::can_load(spec) || (parts.is_empty() && !drain::is_wanted(spec)) {
        return;
    }
    if let Err(error) = drain::add_to(env, spec, home, &parts.join(" ")) {
        daemon_log::error(format!(
            "app [{}] starts without what ostler loads into Node: {error}",
            spec.name
        ));
    }
}

/// What is wanted of it.
fn parts(spec: &AppSpec) -> Vec<&'static str> {
    let kept = |name: &str| spec.passthrough.get(name);
    let maps = match (kept("source_map_support"), kept("disable_source_map_support")) {
        (_, Some("true")) | (Some("false"), _) => None,
        // Asked for, also where it is dear.
        (Some("true"), _) => Some("maps!"),
        (_, _) => Some("maps"),
    };
    // It is always told.
    let maps = Some(maps.unwrap_or("version"));
    let logs = spec.unhandled_rejections == Rejections::Log
        && !drain::has_option(spec, "--unhandled-rejections");
    let is_on = |name: &str| kept(name) != Some("false");
    let agent = is_on("pmx").then_some("agent");
    let actions = (is_on("pmx") && is_on("automation")).then_some("actions");
    let rejections = logs.then_some("rejections");
    maps.into_iter().chain(rejections).chain(agent).chain(actions).collect()
}

/// Which Node runs the app, if a message tells that.
pub fn node_version(message: &str) -> Option<&str> {
    let version = message.strip_prefix(NODE_VERSION)?.strip_suffix(r#""}"#)?;
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b".-+".contains(&byte);
    let is_one = (1..=LONGEST_VERSION).contains(&version.len()) && version.bytes().all(is_part);
    is_one.then_some(version)
}

/// How many promises nobody handled, if a message tells that.
pub fn rejections(message: &str) -> Option<u64> {
    message.strip_prefix(REJECTIONS)?.strip_suffix("}}")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(change: impl FnOnce(&mut AppSpec)) -> String {
        let mut spec = AppSpec::new("/srv/a.js".into(), "/srv".into());
        spec.interpreter = Some("/usr/bin/node".to_owned());
        change(&mut spec);
        parts(&spec).join(" ")
    }

    #[test]
    fn what_is_done_inside_an_app_follows_its_attributes_and_its_own_options() {
        let keep = |spec: &mut AppSpec, name: &str, value: &str| {
            spec.passthrough.insert(name, value);
        };
        assert_eq!(node(|_| ()), "maps rejections agent actions");
        assert_eq!(
            node(|spec| spec.unhandled_rejections = Rejections::Crash),
            "maps agent actions"
        );
        assert_eq!(
            node(|spec| spec.interpreter_args.push("--unhandled-rejections=strict".to_owned())),
            "maps agent actions"
        );
        let option = ("NODE_OPTIONS".to_owned(), "--unhandled-rejections warn".to_owned());
        assert_eq!(node(|spec| spec.env.extend([option])), "maps agent actions");
        let without = "version rejections agent actions";
        assert_eq!(node(|spec| keep(spec, "disable_source_map_support", "true")), without);
        assert_eq!(node(|spec| keep(spec, "source_map_support", "false")), without);
        assert_eq!(
            node(|spec| keep(spec, "source_map_support", "true")),
            "maps! rejections agent actions"
        );
        assert_eq!(node(|spec| keep(spec, "automation", "false")), "maps rejections agent");
        assert_eq!(node(|spec| keep(spec, "pmx", "false")), "maps rejections");
    }

    #[test]
    fn a_version_is_told_by_a_message_of_its_own() {
        assert_eq!(node_version(r#"{"node_version":"20.20.2"}"#), Some("20.20.2"));
        let long = format!(r#"{{"node_version":"{}"}}"#, "1".repeat(41));
        for other in [r#"{"node_version":""}"#, r#"{"node_version":"a\"b"}"#, &long, "{}"] {
            assert_eq!(node_version(other), None, "{other}");
        }
    }

    #[test]
    fn only_its_own_message_tells_a_count() {
        let message = r#"{"type":"ostler:rejections","data":{"count":12}}"#;
        assert_eq!(rejections(message), Some(12));
        for other in ["\"ready\"", r#"{"type":"ostler:rejections","data":{"count":-1}}"#, "{}", ""]
        {
            assert_eq!(rejections(other), None, "{other}");
        }
    }
}
