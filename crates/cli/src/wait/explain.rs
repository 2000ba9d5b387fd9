//! Why what was waited for did not come, in words.

use std::time::Duration;

use ostler_wire::control::{Outcome, ProcView, interpreter_hint};

use super::TIMED_OUT;
use super::limit::Limit;
use super::seen::{By, Never, NotYet};
use super::waiting::{End, Ended};
use crate::failed::Failed;
use crate::holder;
use crate::session::Session;
use crate::show;
use crate::voice::{Problem, span};

/// What is waited for, in words: that a run ends.
pub(crate) const AT_ITS_END: &str = "at its end";

/// Returns the failure that tells why a process did not come to what it was waited for; `None` when
/// it did. `what`: that in words, such as `ready`.
pub(crate) fn explain(
    session: &mut Session,
    ended: &Ended,
    what: &str,
    limit: Option<&Limit>,
) -> Option<Failed> {
    let reason = reason(ended, what, limit)?;
    let program = session.program.name();
    let taken = holder::taken(session, ended.id, &ended.lines);
    let mut message = format!("{} (id {}) {reason}", ended.name, ended.id);
    let pasted = ostler_shell::operand(&ended.name);
    let mut hint = match &ended.end {
        End::Never(Never::Stopped) => format!("`{program} start {pasted}` starts it"),
        End::Never(Never::Unmanaged) => {
            format!("`{program} resurrect` starts what was saved")
        }
        // It has written nothing.
        end if never_ran(end) => format!("fix what it says, then `{program} restart {pasted}`"),
        _ if ended.lines.is_empty() => format!("see `{program} describe {pasted}`"),
        _ if ended.err => format!("see `{program} logs --err {pasted}`"),
        _ => format!("see `{program} logs {pasted}`"),
    };
    let list = session.known().unwrap_or_default();
    if let Some(view) = list.iter().find(|of| of.id == ended.id) {
        if let Some(said) = said(ended, view) {
            message.push_str(&format!(": {said}"));
        }
        if never_ran(&ended.end) && show::is_without_interpreter(view) {
            hint = interpreter_hint(&view.script, &pasted);
        }
        if view.cluster && ended.end == End::TimedOut(NotYet::Silent) {
            let pasted_script = ostler_shell::word(&view.script);
            let pasted_name = ostler_shell::word(&ended.name);
            hint = format!(
                "a worker of a cluster is ready when it listens; `{program} delete {pasted}`, then \
                 `{program} start {pasted_script} --name={pasted_name}` runs it in fork mode"
            );
        }
    }
    if let Some(taken) = taken {
        message.push_str(&format!("\n{}", taken.sentence));
        hint = taken.hint.unwrap_or(hint);
    }
    if !ended.lines.is_empty() {
        let output = if ended.err { "stderr" } else { "stdout" };
        message.push_str(&format!("\nits last lines on {output}:"));
        for line in &ended.lines {
            message.push_str(&format!("\n  {}", ostler_text::quoted(line)));
        }
    }
    let code = if matches!(ended.end, End::TimedOut(_)) { TIMED_OUT } else { 1 };
    Some(Failed { code, ..Problem::Other { message, hint: Some(hint) }.into() })
}

/// The line that says why a process ended, where that is its memory or its last lines lack it.
fn said(ended: &Ended, view: &ProcView) -> Option<String> {
    let End::Never(Never::Ended(_) | Never::GivenUp(_) | Never::Rests(_)) = ended.end else {
        return None;
    };
    let said = show::said(view)?;
    let reasons = show::reasons(std::slice::from_ref(view));
    let is_of_memory = reasons.get(&view.id).is_some_and(|reason| *reason == show::OUT_OF_MEMORY);
    let is_quoted = ended.lines.iter().any(|line| line.contains(&said));
    (is_of_memory || !is_quoted).then_some(said)
}

/// Whether the last run did not even begin.
fn never_ran(end: &End) -> bool {
    let (End::Never(Never::Rests(last) | Never::Ended(last) | Never::GivenUp(last))
    | End::TimedOut(NotYet::Pauses { last, .. })) = end
    else {
        return false;
    };
    matches!(last, Some(Outcome::NotSpawned { .. }))
}

/// What comes behind the name of the process.
fn reason(ended: &Ended, what: &str, limit: Option<&Limit>) -> Option<String> {
    match &ended.end {
        End::Ready { .. } | End::Done | End::Exited(_) | End::Line(_) => None,
        End::Never(never) => Some(match never {
            Never::Gone => "was deleted".to_owned(),
            Never::Unmanaged => "was stopped: the daemon was ended".to_owned(),
            Never::Stopped => format!("is stopped, so it will not be {what}"),
            Never::Rests(last) => {
                format!("{}, so it will not be {what}", how_it_ended(last.as_ref()))
            }
            Never::Ended(last) => format!("{} before it was {what}", how_it_ended(last.as_ref())),
            Never::GivenUp(last) => {
                format!("was given up after its last run {}", how_it_ended(last.as_ref()))
            }
            Never::Late { by, limit } => {
                let to_do = match by {
                    By::Does(to_do) => to_do.as_str(),
                    By::Message | By::Runtime => "say `ready`",
                };
                format!("did not {to_do} within {limit} ms (`listen_timeout`)")
            }
        }),
        End::TimedOut(why) => {
            let limit = limit.map_or_else(String::new, |limit| format!(" within {limit}"));
            let did_not = if what == AT_ITS_END { "did not end" } else { "was not ready" };
            Some(format!("{did_not}{limit}{}", state(why, what)))
        }
    }
}

/// What a process does that was not ready in time.
fn state(why: &NotYet, what: &str) -> String {
    match why {
        // What has yet to end may be as it is for long.
        NotYet::Starts { .. } | NotYet::Silent | NotYet::Young { .. } if what == AT_ITS_END => {
            ": it runs".to_owned()
        }
        NotYet::Starts { by: By::Message } => ": it has not said `ready` yet".to_owned(),
        NotYet::Starts { by: By::Does(to_do) } => format!(": it did not {to_do} yet"),
        NotYet::Starts { by: By::Runtime } => ": it is still starting".to_owned(),
        NotYet::Silent => ": it runs, and listens on nothing".to_owned(),
        NotYet::Young { enough, taken } => {
            let before = if *taken { ", after one that found its port taken" } else { "" };
            format!(
                ": it runs, listens on nothing, and has not lived for {} yet{before}",
                time(*enough)
            )
        }
        NotYet::Pauses { due_in, last } => format!(
            ": it {}, and is started again in {}",
            how_it_ended(last.as_ref()),
            time(*due_in)
        ),
        NotYet::Waits { waits_for } => {
            let waits: Vec<String> = waits_for.iter().map(ToString::to_string).collect();
            format!(": it waits for {}", waits.join(", and for "))
        }
        NotYet::Stops => ": it is being stopped".to_owned(),
        NotYet::Queued => ": its turn to start has not come yet".to_owned(),
        NotYet::Unseen => String::new(),
    }
}

/// A time as a person says it.
fn time(ms: u64) -> String {
    span(Duration::from_millis(ms))
}

/// How a run ended, as a sentence without its subject.
pub(crate) fn how_it_ended(last: Option<&Outcome>) -> String {
    match last {
        None => "ended".to_owned(),
        Some(Outcome::Code(code)) => format!("ended with exit code {code}"),
        Some(Outcome::Signal { name, core: false }) => format!("was ended by {name}"),
        Some(Outcome::Signal { name, core: true }) => {
            format!("was ended by {name} (core dumped)")
        }
        Some(Outcome::Unknown) => "ended; how is not known".to_owned(),
        Some(Outcome::NotSpawned { why: None }) => "could not be started".to_owned(),
        Some(Outcome::NotSpawned { why: Some(why) } | Outcome::NotVerified { why }) => {
            format!("did not run: {why}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_says_what_was_in_force() {
        let limit = Limit::usual();
        let check = |end: End, text: &str| {
            let ended = Ended { id: 0, name: "web".into(), end, lines: Vec::new(), err: true };
            assert_eq!(reason(&ended, "ready", Some(&limit)).as_deref(), Some(text));
        };
        let signal = Outcome::Signal { name: "SIGSEGV".to_owned(), core: true };
        check(
            End::Never(Never::Ended(Some(signal))),
            "was ended by SIGSEGV (core dumped) before it was ready",
        );
        check(
            End::Never(Never::GivenUp(Some(Outcome::Code(1)))),
            "was given up after its last run ended with exit code 1",
        );
        check(
            End::Never(Never::Late { by: By::Message, limit: 3000 }),
            "did not say `ready` within 3000 ms (`listen_timeout`)",
        );
        check(
            End::TimedOut(NotYet::Silent),
            "was not ready within 30s: it runs, and listens on nothing",
        );
        let why = NotYet::Pauses { due_in: 100, last: Some(Outcome::Code(3)) };
        check(
            End::TimedOut(why),
            "was not ready within 30s: it ended with exit code 3, and is started again in 0.1 s",
        );
        // `41655 ms` is to be read twice.
        let why = NotYet::Pauses { due_in: 41_655, last: None };
        check(
            End::TimedOut(why),
            "was not ready within 30s: it ended, and is started again in 41.7 s",
        );
        check(
            End::TimedOut(NotYet::Young { enough: 1000, taken: false }),
            "was not ready within 30s: it runs, listens on nothing, and has not lived for 1.0 s \
             yet",
        );
        check(
            End::TimedOut(NotYet::Young { enough: 10_000, taken: true }),
            "was not ready within 30s: it runs, listens on nothing, and has not lived for 10.0 s \
             yet, after one that found its port taken",
        );
        check(
            End::Never(Never::Rests(Some(Outcome::Code(3)))),
            "ended with exit code 3, so it will not be ready",
        );
        let ready = End::Ready { listens: Vec::new() };
        let ended = Ended { id: 0, name: "web".into(), end: ready, lines: Vec::new(), err: true };
        assert_eq!(reason(&ended, "ready", None), None);
    }
}
