//! Why an app is as it is, in a sentence.

use ostler_pm2::words::signal;
use ostler_text::without_numbers;
use ostler_wire::control::{
    Details, Ended, Lacks, NO_INTERPRETER, Outcome, Phase, ProcView, interpreter_hint,
};

use crate::amount::{duration, size};
use crate::words::most_memory;

/// Returns why a process is as it is. `since`: when all of its app that runs has been online;
/// `reason`: what its last lines say of its end.
pub fn why(details: &Details, since: Option<u64>, reason: Option<&str>, now: u64) -> String {
    let view = &details.view;
    let ago = |at: u64| duration(now.saturating_sub(at));
    let within = |what: &str| match details.due_in {
        Some(due_in) => format!("{what} in {} at the latest", duration(due_in)),
        None => what.to_owned(),
    };
    let ended = view.ended.as_ref();
    let end = match (&view.unhealthy, ended) {
        (Some(lost), Some(ended)) => {
            Some(format!("was ended {} ago, since {lost}", ago(ended.at.max(lost.at))))
        }
        (None, Some(ended)) => Some(last_end(details, ended, reason, now)),
        (_, None) => None,
    };
    match view.phase {
        Phase::Online => {
            let readiness = &details.readiness;
            let late = match (details.late, &readiness.to_do, readiness.by_message) {
                (true, Some(to_do), _) => format!("; it did not {to_do} in time"),
                (true, None, true) => "; it did not say in time that it is ready".to_owned(),
                (true, None, false) => {
                    "; it did not begin as a worker of a cluster in time".to_owned()
                }
                (false, ..) => String::new(),
            };
            let online = format!("it has been online for {}", ago(since.unwrap_or(view.since)));
            format!("{online}{}{late}", before(details, end, reason))
        }
        Phase::Starting => {
            let rest = within("taken as ready");
            format!("it was started {} ago and is not ready yet; {rest}", ago(view.since))
        }
        Phase::Stopping => {
            let lost =
                view.unhealthy.as_ref().map_or_else(String::new, |of| format!(", since {of}"));
            format!("it was asked to end{lost}; {}", within("killed"))
        }
        Phase::Backoff { due_in } => {
            let end = end.unwrap_or_else(|| "ended".to_owned());
            match never_ran(details) {
                true => format!("its last try to start {end}; the next is in {}", duration(due_in)),
                false => format!("its last run {end}; the next one starts in {}", duration(due_in)),
            }
        }
        Phase::Waiting => {
            let waits: Vec<String> = view.waits_for.iter().map(ToString::to_string).collect();
            let end = end.map_or_else(String::new, |end| format!("; {} {end}", last(details)));
            format!("it waits for {}{end}", waits.join(", and for "))
        }
        Phase::Sleeping => {
            let nobody = "nobody had a connection to it";
            format!("it sleeps, since {nobody} for its `idle_stop`; the next connection starts it")
        }
        Phase::Errored => given_up(details, end),
        Phase::Stopped => stopped(details, end, reason, now),
    }
}

/// How the last run ended, with the limit at which the kernel did that.
fn last_end(details: &Details, ended: &Ended, reason: Option<&str>, now: u64) -> String {
    let most = most_memory(details).filter(|_| ended.oom);
    let most = most.map(|most| format!(" (its `max_memory` is {})", size(most)));
    past(ended, reason, ended.at, now) + &most.unwrap_or_default()
}

fn stopped(details: &Details, end: Option<String>, reason: Option<&str>, now: u64) -> String {
    let view = &details.view;
    match (view.ended.as_ref(), end) {
        (Some(ended), _) if ended.asked && view.unhealthy.is_none() => {
            let stopped = format!(
                "it was stopped by a command {} ago",
                duration(now.saturating_sub(ended.at))
            );
            match ended.own_at {
                Some(own) => {
                    let past = past(ended, reason, own, now);
                    format!("{stopped}; {} had {past}", last(details))
                }
                None => stopped,
            }
        }
        (Some(_), Some(end)) if view.completed => {
            format!("it is a job that has done its work: its last run {end}")
        }
        (Some(_), Some(end)) => {
            format!("{} {end}, and it is not to be restarted", last(details))
        }
        (Some(_) | None, _) => "it has not run yet".to_owned(),
    }
}

fn given_up(details: &Details, end: Option<String>) -> String {
    let runs = details.unstable.max(details.max_unstable);
    let (what, last) = match (never_ran(details), runs) {
        (true, 1) => ("one try to start it".to_owned(), "it"),
        (true, runs) => (format!("{runs} tries to start it"), "the last try"),
        (false, 1) => ("one short run".to_owned(), "it"),
        (false, runs) => (format!("{runs} short runs in a row"), "the last one"),
    };
    let end = end.map_or_else(String::new, |end| format!("; {last} {end}"));
    format!("it was given up after {what}{end}")
}

/// Why the run that is online is not the one before: short runs in a row, or too much memory.
fn before(details: &Details, end: Option<String>, reason: Option<&str>) -> String {
    let view = &details.view;
    let over = view
        .over_memory
        .filter(|over| view.ended.as_ref().is_none_or(|ended| ended.asked || ended.at < over.at));
    if let Some(lost) = &view.unhealthy {
        return format!(", since it was restarted: {lost}");
    }
    let is_reasoned = reason.is_some() && ended_badly(view);
    match (details.unstable, end, over) {
        (0, _, Some(over)) => format!(
            ", since it was restarted for its memory: {} is above {}",
            size(over.memory),
            size(over.limit)
        ),
        // A run that lives longer than a short one, and ends for the same reason each time.
        (0, Some(end), None) if is_reasoned => format!("; the run before {end}"),
        (0, _, None) | (_, None, _) => String::new(),
        (1, Some(end), _) => format!("; the run before was short and {end}"),
        (runs, Some(end), _) => format!(" after {runs} short runs in a row; the last one {end}"),
    }
}

/// What is told of an end: the run, or the try to begin one.
fn last(details: &Details) -> &'static str {
    if never_ran(details) { "its last try to start" } else { "its last run" }
}

/// How a run ended at this time, or that none began, as a sentence without its subject.
fn past(ended: &Ended, reason: Option<&str>, at: u64, now: u64) -> String {
    let ago = duration(now.saturating_sub(at));
    match not_started(ended) {
        Some(why) => format!("failed {ago} ago{why}"),
        None => format!("ended {ago} ago with {}", end(ended, reason)),
    }
}

/// Why no run began or none was accepted, with a colon before it, if that was the end.
pub(crate) fn not_started(ended: &Ended) -> Option<String> {
    match &ended.how {
        Outcome::NotSpawned { why: None } => Some(String::new()),
        Outcome::NotSpawned { why: Some(why) } => {
            // The words around it say that.
            let why = why.strip_prefix("could not be started: ").unwrap_or(why);
            Some(format!(": {}", without_numbers(why)))
        }
        Outcome::NotVerified { why } => Some(format!(": {}", without_numbers(why))),
        Outcome::Code(_) | Outcome::Signal { .. } | Outcome::Unknown => None,
    }
}

/// Returns how a run ended, with everything that is known about it.
pub(crate) fn end(ended: &Ended, reason: Option<&str>) -> String {
    let how = match &ended.how {
        // What a shell makes of the end of its child.
        Outcome::Code(code @ 129..=159) => {
            format!("exit code {code} (as after {})", signal(code - 128))
        }
        how => without_numbers(&how.to_string()),
    };
    let killed = matches!(&ended.how, Outcome::Signal { name, .. } if name == "SIGKILL");
    match reason {
        _ if ended.oom => format!(
            "{how}: the kernel ended it, since the machine or its control group had no memory left"
        ),
        Some(reason) => format!("{how} ({reason})"),
        None if killed && !ended.asked => {
            format!("{how}, which ostler did not send: did memory run out? `dmesg` tells")
        }
        None => how,
    }
}

/// Whether it ended by itself, not well, and nobody has stopped it since.
fn ended_badly(view: &ProcView) -> bool {
    view.ended.as_ref().is_some_and(|ended| !ended.asked && !ended.is_clean())
}

/// Whether its last run did not even begin.
fn never_ran(details: &Details) -> bool {
    let how = details.view.ended.as_ref().map(|ended| &ended.how);
    matches!(how, Some(Outcome::NotSpawned { .. }))
}

/// Whether its last run did not begin for want of the interpreter that its script names.
pub fn is_without_interpreter(view: &ProcView) -> bool {
    let how = view.ended.as_ref().map(|ended| &ended.how);
    matches!(how, Some(Outcome::NotSpawned { why: Some(why) }) if why.contains(NO_INTERPRETER))
}

/// Returns what to do about a state that is not wanted.
pub fn advice(details: &Details, name: &str) -> Option<String> {
    let pasted = ostler_shell::operand(name);
    let failed = ended_badly(&details.view);
    match details.view.phase {
        Phase::Errored if is_without_interpreter(&details.view) => {
            Some(interpreter_hint(&details.view.script, &pasted))
        }
        // It has written nothing.
        Phase::Errored if never_ran(details) => {
            Some(format!("fix what it says, then `ostler restart {pasted}`"))
        }
        Phase::Errored => {
            Some(format!("fix it, then `ostler restart {pasted}`; `ostler logs {pasted}` has more"))
        }
        Phase::Backoff { .. } => Some(format!("`ostler logs {pasted}` has more")),
        Phase::Stopped if failed => Some(format!("`ostler logs {pasted}` has more")),
        // What stands behind `--` would be arguments of a new app to `start`.
        Phase::Stopped if name.starts_with('-') => {
            Some(format!("`ostler restart {pasted}` starts it again"))
        }
        Phase::Stopped => Some(format!("`ostler start {pasted}` starts it again")),
        Phase::Waiting => {
            let stopped = details.view.waits_for.iter().find(|on| on.lacks == Lacks::Stopped)?;
            let pasted = ostler_shell::operand(&stopped.app);
            Some(format!("`ostler start {pasted}` starts `{}`", stopped.app))
        }
        Phase::Sleeping => Some(format!("`ostler restart {pasted}` starts it now")),
        Phase::Starting | Phase::Online | Phase::Stopping => None,
    }
}
