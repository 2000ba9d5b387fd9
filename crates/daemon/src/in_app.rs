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
    let kept = |name: &str| spec.passthrough.get(name).map(String::as_str);
    let maps = match (kept("source_map_support"), kept("disable_source_map_support")) {
        (_, Some("true")) | (Some("false"), _) => None,
        // Asked for, also where it is dear.
        (Some("true"), _) => Some("maps!"),
        (_, _) => Some("maps"),
    };
    let logs = spec.unhandled_rejections == Rejections::Log
        && !drain::has_option(spec, "--unhandled-rejections");
    maps.into_iter().chain(logs.then_some("rejections")).collect()
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
            spec.passthrough.insert(name.to_owned(), value.to_owned());
        };
        assert_eq!(node(|_| ()), "maps rejections");
        assert_eq!(node(|spec| spec.unhandled_rejections = Rejections::Crash), "maps");
        assert_eq!(
            node(|spec| spec.interpreter_args.push("--unhandled-rejections=strict".to_owned())),
            "maps"
        );
        let option = ("NODE_OPTIONS".to_owned(), "--unhandled-rejections warn".to_owned());
        assert_eq!(node(|spec| spec.env.extend([option])), "maps");
        assert_eq!(node(|spec| keep(spec, "disable_source_map_support", "true")), "rejections");
        assert_eq!(node(|spec| keep(spec, "source_map_support", "false")), "rejections");
        assert_eq!(node(|spec| keep(spec, "source_map_support", "true")), "maps! rejections");
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
