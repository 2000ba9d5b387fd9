//! What is told of a process that waits before its next run begins.

use ostler_wire::control::{Phase, ProcView};
use serde_json::{Value, json};

/// In how many seconds its next run begins; null when it waits for no time.
pub(super) fn retry_in(view: &ProcView) -> Value {
    match view.phase {
        Phase::Backoff { due_in } => json!(due_in.div_ceil(1000)),
        Phase::Stopped
        | Phase::Errored
        | Phase::Starting
        | Phase::Online
        | Phase::Stopping
        | Phase::Sleeping
        | Phase::Waiting => Value::Null,
    }
}

/// The apps that it waits for, each with what it is to come to and why it has not.
pub(super) fn waits_for(view: &ProcView) -> Value {
    let waits = view.waits_for.iter();
    waits
        .map(|on| json!({ "app": on.app, "condition": on.condition, "why": on.lacks.to_string() }))
        .collect()
}
