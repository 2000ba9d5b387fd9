//! The first start of all: what a newcomer may do next.

use ostler_wire::control::ProcView;

use super::address;
use crate::program::Program;
use crate::session::Session;
use crate::voice::Notice;

/// After the very first start: what to do next. `addresses`: what the app listens on, where
/// that is known.
pub(super) fn tell(session: &mut Session, addresses: &[String]) {
    if !session.started || session.program == Program::Pm2 {
        return;
    }
    // Only for the words below: without a list there are none.
    let list = session.known().unwrap_or_default();
    session.out.tell(&Notice::FirstSteps { steps: &steps(&list, addresses) });
}

/// Returns commands for what was started, each with what it is for.
fn steps(list: &[ProcView], addresses: &[String]) -> Vec<(String, &'static str)> {
    let curl = addresses.iter().find_map(|one| address::curl(one));
    let mut steps: Vec<(String, &str)> =
        curl.map(|command| (command, "ask it something")).into_iter().collect();
    let Some(first) = list.first() else { return steps };
    if list.iter().any(|process| process.name != first.name) {
        steps.extend([
            ("ostler list".to_owned(), "see what runs"),
            ("ostler logs".to_owned(), "watch their output"),
        ]);
    } else {
        let name = ostler_shell::operand(&first.name);
        steps.push((format!("ostler logs {name}"), "watch its output"));
        // Processes that are no workers of Node do not share a port.
        steps.push(match (first.cluster, list.len()) {
            (true, 1) => (format!("ostler scale {name} 4"), "run four of it, on one port"),
            (true, _) => (format!("ostler reload {name}"), "a new version, no request lost"),
            (false, _) => (format!("ostler restart {name}"), "start it again after a change"),
        });
    }
    steps.extend([
        ("ostler stop all".to_owned(), "stop everything, keep the list"),
        ("ostler kill".to_owned(), "stop everything and the daemon"),
    ]);
    steps
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use super::*;
    use crate::view::sample::sample;

    #[test]
    fn what_is_proposed_is_true_of_what_was_started() {
        let check = |list: &[ProcView], addresses: &[&str], commands: &[&str]| {
            let addresses: Vec<String> = addresses.iter().map(|one| (*one).to_owned()).collect();
            let steps = steps(list, &addresses);
            let shown: Vec<&str> = steps.iter().map(|(command, _)| command.as_str()).collect();
            assert_eq!(shown, [commands, &["ostler stop all", "ostler kill"]].concat());
        };
        let worker = ProcView { cluster: true, ..sample(0, "my api") };
        let sharing =
            ["curl http://127.0.0.1:3000", "ostler logs 'my api'", "ostler scale 'my api' 4"];
        check(from_ref(&worker), &["*:3000"], &sharing);
        let alone = ProcView { cluster: false, ..sample(0, "job") };
        check(from_ref(&alone), &[], &["ostler logs job", "ostler restart job"]);
        let four: Vec<ProcView> =
            (0..4).map(|id| ProcView { cluster: true, ..sample(id, "api") }).collect();
        check(&four, &[], &["ostler logs api", "ostler reload api"]);
        check(&[worker, alone], &[], &["ostler list", "ostler logs"]);
    }
}
