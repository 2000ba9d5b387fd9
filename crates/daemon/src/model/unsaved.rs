//! What clients are told while the state cannot be saved: a command that says 0 did it, and what it
//! did is to be known also when keeper and daemon are killed.

use ostler_wire::control::{Code, Failure, Reply};

use super::input::Effect;

/// The effect as it is carried out: where the last save failed, for the reason `unsaved`, nobody is
/// told that all is done.
pub fn told(effect: Effect, unsaved: Option<&str>) -> Effect {
    match (effect, unsaved) {
        (Effect::Reply { client, reply: Reply::Done }, Some(why)) => {
            Effect::Reply { client, reply: Reply::Error(failure(why)) }
        }
        (effect, _) => effect,
    }
}

fn failure(why: &str) -> Failure {
    Failure {
        code: Code::System,
        message: format!("it is done, but {why}"),
        hint: Some(
            "is the disk full or the home not writable? it is tried again every two seconds; until \
             then it is lost when keeper and daemon both die"
                .to_owned(),
        ),
    }
}
