//! What a command tells, as one JSON object a line, for programs (`--progress json`).

use std::time::Duration;

use serde_json::{Value, json};

use super::line::DAEMONS_END;
use super::ostler::{WITHOUT_GAP, interrupted, open_home, restarted, started};
use super::tally::Tally;
use super::{Act, Line, Notice, Text};
use crate::args::Typed;

/// Returns an object as a line.
pub(super) fn line(object: &Value) -> Line {
    Line::Data(Text::json(&object.to_string()))
}

/// Returns the object of a fact; nothing where the fact is no progress, and `None` inside where it
/// is advice to a person.
pub(super) fn object(
    notice: &Notice<'_>,
    tally: &Tally,
    now: Duration,
    typed: &Typed,
) -> Option<Option<Value>> {
    let object = match notice {
        Notice::DaemonStarted { home } => json!({ "event": "daemon_started", "home": home }),
        Notice::DaemonReplaced => json!({ "event": "daemon_replaced" }),
        Notice::DaemonsEnd => json!({ "event": "warning", "message": DAEMONS_END }),
        Notice::Waits { text } => json!({ "event": "warning", "message": text }),
        Notice::Begun { act, targets, .. } => {
            let processes: Vec<Value> =
                targets.iter().map(|one| json!({ "id": one.id, "app": one.name })).collect();
            json!({ "event": "begun", "act": act.verb(), "processes": processes })
        }
        Notice::StartsScript { app, .. } => {
            json!({ "event": "begun", "act": "start", "apps": [{ "app": app.name,
                "processes": app.instances }] })
        }
        Notice::StartsMissing { apps } => {
            let apps: Vec<Value> = apps
                .iter()
                .map(|app| json!({ "app": app.name, "processes": app.instances }))
                .collect();
            json!({ "event": "begun", "act": "start", "apps": apps })
        }
        Notice::Resurrects { act, path } => {
            json!({ "event": "begun", "act": act.verb(), "path": path })
        }
        Notice::Started { name, ids, .. } => {
            let event = if tally.only_adds(name) { "added" } else { "started" };
            json!({ "event": event, "app": name, "ids": ids })
        }
        Notice::Starts { id, name, up } => {
            let event = if *up { "up" } else { "starting" };
            json!({ "event": event, "app": name, "id": id })
        }
        Notice::Does { id, name, what } => {
            renamed(json!({ "event": "doing", "app": name, "id": id, "doing": what }), tally)
        }
        Notice::Acted { id, name, .. } => {
            renamed(json!({ "event": "done", "app": name, "id": id }), tally)
        }
        Notice::Scaled { id, name, added, .. } => {
            let event = if *added { "added" } else { "removed" };
            json!({ "event": event, "app": name, "id": id })
        }
        Notice::Restored { name, script } => {
            json!({ "event": "restored", "app": name, "script": script })
        }
        Notice::Stepped { id, name, step } => {
            renamed(json!({ "event": "step", "app": name, "id": id, "step": step }), tally)
        }
        Notice::Missed { subject, error } => {
            json!({ "event": "error", "message": subject.about(&error.message),
                "hint": error.hint })
        }
        Notice::CanaryWaits { app } => json!({ "event": "canary_waits", "app": app }),
        Notice::Finished { act, failed, urls } => {
            let counted = tally.counts().map(|(app, done, total)| {
                let mut object = json!({ "app": app, "done": done, "total": total });
                if let (Value::Object(fields), Some(now)) = (&mut object, tally.now_called(app)) {
                    fields.insert("now".to_owned(), json!(now));
                }
                object
            });
            let apps: Vec<Value> = counted.collect();
            let ms = u64::try_from(tally.since(now).as_millis()).unwrap_or(u64::MAX);
            json!({ "event": "finished", "act": act.verb(), "ok": !failed, "apps": apps,
                "ms": ms, "urls": urls, "dropped": tally.dropped() })
        }
        Notice::Ready { name, processes, urls } => {
            json!({ "event": "ready", "app": name, "processes": processes, "urls": urls })
        }
        // The end, and `ready` of each app, have it.
        Notice::FirstSteps { .. }
        | Notice::EndedEarly { .. }
        | Notice::Looks
        | Notice::Restores { .. }
        | Notice::BroughtUp
        | Notice::ScalesTo { .. }
        | Notice::ScalesNext
        | Notice::Awaits { .. }
        | Notice::Stands { .. }
        | Notice::AllReady { .. } => return Some(None),
        Notice::HomeOpen { home } => {
            let (message, hint) = open_home(home);
            json!({ "event": "warning", "message": message, "hint": hint })
        }
        Notice::Killed { ran, .. } => {
            json!({ "event": "killed", "ran": ran, "dropped": tally.dropped() })
        }
        Notice::Interrupted { under } => {
            let (message, hint) = interrupted(*under);
            json!({ "event": "warning", "message": message, "hint": hint })
        }
        Notice::NotYet { text } => json!({ "event": "warning", "message": text }),
        Notice::Warning { text, hint, .. } => {
            json!({ "event": "warning", "message": text, "hint": hint })
        }
        Notice::TookProfile { file } => json!({ "event": "profiled", "file": file }),
        Notice::Note { text } => json!({ "event": "note", "message": text }),
        Notice::NothingSaved { problem } => {
            let (message, hint) = problem.words(typed);
            json!({ "event": "warning", "message": message, "hint": hint })
        }
        Notice::Problem(problem) => {
            let (message, hint) = problem.words(typed);
            json!({ "event": "error", "message": message, "hint": hint })
        }
        _ => return None,
    };
    Some(Some(without_numbers(object)))
}

/// Returns it about the app by the name that `begun` had, with the one that it has `now`.
fn renamed(mut object: Value, tally: &Tally) -> Value {
    let id = object.get("id").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
    let (Some(known), Value::Object(fields)) = (id.and_then(|id| tally.begun_as(id)), &mut object)
    else {
        return object;
    };
    if let Some(now) = fields.insert("app".to_owned(), json!(known)).filter(|now| now != known) {
        fields.insert("now".to_owned(), now);
    }
    object
}

/// Returns it without the numbers that the system has for errors.
fn without_numbers(mut object: Value) -> Value {
    for key in ["message", "hint"] {
        if let Some(Value::String(text)) = object.get_mut(key) {
            *text = ostler_text::without_numbers(text);
        }
    }
    object
}

/// Returns what is to be known of what was begun, such as that a reload is a restart.
pub(super) fn asides(notice: &Notice<'_>) -> Vec<Value> {
    let Notice::Begun { act: Act::Reload, targets, .. } = notice else { return Vec::new() };
    let warning = restarted(targets)
        .map(|text| json!({ "event": "warning", "message": text, "hint": WITHOUT_GAP }));
    let note = started(targets).map(|text| json!({ "event": "note", "message": text }));
    warning.into_iter().chain(note).collect()
}
