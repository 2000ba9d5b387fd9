//! A port of its own for the inspector of each Node process.
//!
//! The problem: processes that are started with the same `--inspect=PORT` want the same port, and
//! only the first gets it; in a reload the old one still has it.
//!
//! The rule: as the primary of Node's cluster does, each process is given a further
//! `--inspect-port`, counting up from the port that was asked for. Here it is the first that no
//! live run has, so the ports stay together, and a process that comes back gets one that is free
//! again. The first is the port itself, and then the command line is as it was given. Port 0 means
//! any, and stays.

use std::path::Path;

use ostler_core::spec::AppSpec;

/// Node's port when none is named.
const DEFAULT: u16 = 9229;
/// The lowest port that Node counts on from behind the highest.
const LOWEST: u16 = 1024;
/// Options of Node that name the inspector's port or may.
const OPTIONS: [&str; 6] =
    ["inspect", "inspect-brk", "inspect-wait", "inspect-brk-node", "inspect-port", "debug-port"];

/// Returns the port that a specification asks for; `None` when it is no Node, no option names the
/// inspector, or any port will do.
pub fn wanted(spec: &AppSpec) -> Option<u16> {
    let program = Path::new(spec.interpreter.as_deref()?).file_name()?.to_str()?;
    let rest = program.strip_prefix("node")?;
    if rest.trim_start_matches("js").contains(char::is_alphabetic) {
        return None; // Another program: `nodemon`.
    }
    let options = spec.env.get("NODE_OPTIONS").unwrap_or_default();
    let options = options.split([' ', '"']).filter(|word| !word.is_empty());
    let mut words = options.chain(spec.interpreter_args.iter().map(String::as_str)).peekable();
    let mut wanted = None;
    while let Some(word) = words.next() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            // These two take their value also as a word of its own.
            None if ["--inspect-port", "--debug-port"].contains(&word) => (word, words.next()),
            None => (word, None),
        };
        let name = name.strip_prefix("--").map(|name| name.replace('_', "-"));
        if name.is_some_and(|name| OPTIONS.contains(&name.as_str())) {
            // An option without a port leaves what was said before.
            wanted = value.and_then(port_of).or(wanted).or(Some(DEFAULT));
        }
    }
    wanted.filter(|port| *port != 0)
}

/// Returns the first port from `wanted` on that is not taken.
pub fn first_free(wanted: u16, is_taken: impl Fn(u16) -> bool) -> u16 {
    let ports = (wanted..=u16::MAX).chain(LOWEST..wanted);
    ports.into_iter().find(|port| !is_taken(*port)).unwrap_or(wanted)
}

/// Returns the option that gives a process this port, unless it has it without.
pub fn option(spec: &AppSpec, port: u16) -> Option<String> {
    (wanted(spec) != Some(port)).then(|| format!("--inspect-port={port}"))
}

/// The port in `PORT`, `HOST:PORT` and `[HOST]:PORT`.
fn port_of(value: &str) -> Option<u16> {
    let port = match value.rsplit_once(':') {
        Some((host, port)) if host.ends_with(']') || !host.contains(':') => port,
        Some(_) => return None, // An IPv6 address alone.
        None => value,
    };
    port.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn spec(program: &str, args: &[&str], options: &str) -> AppSpec {
        let mut spec = AppSpec::new(PathBuf::from("/a.js"), PathBuf::from("/"));
        spec.interpreter = Some(program.to_owned());
        spec.interpreter_args = args.iter().map(|arg| (*arg).to_owned()).collect();
        spec.env.insert("NODE_OPTIONS", options);
        spec
    }

    #[test]
    fn the_port_that_was_asked_for() {
        let check = |args: &[&str], options: &str, port: Option<u16>| {
            assert_eq!(wanted(&spec("/usr/bin/node", args, options)), port, "{args:?} {options}");
        };
        check(&[], "", None);
        check(&["--no-warnings", "--inspect-publish-uid=http"], "--enable-source-maps", None);
        check(&["--inspect"], "", Some(9229));
        check(&["--inspect=19310"], "", Some(19310));
        check(&["--inspect-brk=0.0.0.0:19310"], "", Some(19310));
        check(&["--inspect_brk=[::1]:19310"], "", Some(19310));
        check(&["--inspect=::1"], "", Some(9229));
        check(&["--inspect=localhost"], "", Some(9229));
        check(&["--inspect-port", "19310"], "", Some(19310));
        check(&["--inspect-port=19310", "--inspect"], "", Some(19310));
        check(&["--inspect=0"], "", None);
        check(&["--inspect=127.0.0.1:0"], "", None);
        check(&[], "--no-warnings --inspect=19310", Some(19310));
        check(&["--inspect"], "--inspect-port=19310", Some(19310));
        check(&["--inspect=19320"], "--inspect=19310", Some(19320));
    }

    #[test]
    fn others_than_node_are_left_alone() {
        assert_eq!(wanted(&spec("bun", &["--inspect=19310"], "")), None);
        assert_eq!(wanted(&spec("nodemon", &["--inspect=19310"], "")), None);
        assert_eq!(wanted(&spec("nodejs", &["--inspect=19310"], "")), Some(19310));
        assert_eq!(wanted(&spec("node-22", &["--inspect=19310"], "")), Some(19310));
        let mut none = spec("node", &["--inspect"], "");
        none.interpreter = None;
        assert_eq!(wanted(&none), None);
    }

    #[test]
    fn ports_count_up_and_begin_anew_behind_the_last() {
        assert_eq!(first_free(19310, |_| false), 19310);
        assert_eq!(first_free(19310, |port| [19310, 19311, 19313].contains(&port)), 19312);
        assert_eq!(first_free(65534, |port| 65534 <= port), 1024);
        assert_eq!(first_free(19310, |_| true), 19310);
    }

    #[test]
    fn who_has_the_port_anyway_is_told_nothing() {
        let spec = spec("node", &["--inspect=19310"], "");
        assert_eq!(option(&spec, 19310), None);
        assert_eq!(option(&spec, 19311).unwrap(), "--inspect-port=19311");
    }
}
