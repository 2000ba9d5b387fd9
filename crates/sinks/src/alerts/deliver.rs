//! One alert, given to one receiver.

use std::io;
use std::time::Duration;

use ostler_core::spec::AlertTarget;
use serde_json::Value;

use super::{Alert, Receiver, mail, shape};
use crate::http::{self, Answer};

/// How long a command may take.
const LIMIT: Duration = Duration::from_secs(30);
/// The most that is shown of an answer, characters.
const SHOWN: usize = 200;

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// It is there; what the receiver said.
    Taken(String),
    /// The receiver does not want it, and never will; why.
    Refused(String),
    /// It may be tried again.
    Failed {
        /// Why it is not there.
        why: String,
        /// After how long, where the receiver says so.
        again_in: Option<Duration>,
    },
}

/// Gives an alert to a receiver, and waits for its answer.
#[must_use]
pub fn deliver(alert: &Alert, receiver: &Receiver) -> Delivered {
    let host = receiver.host.as_str();
    match &receiver.target {
        AlertTarget::Webhook { url, headers } => {
            answered(http::post(url, headers, &shape::webhook(alert, host)))
        }
        AlertTarget::Slack { url } => answered(http::post(url, &[], &shape::slack(alert, host))),
        AlertTarget::Discord { url } => {
            answered(http::post(url, &[], &shape::discord(alert, host)))
        }
        AlertTarget::Telegram { url, chat } => {
            answered(http::post(url, &[], &shape::telegram(alert, host, chat)))
        }
        AlertTarget::Command { command } => ran(run(command, alert, receiver)),
        AlertTarget::Mail { to } => {
            ran(mail::send(alert, receiver, to).map(|()| "`sendmail` took it".to_owned()))
        }
    }
}

fn answered(answer: io::Result<Answer>) -> Delivered {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return Delivered::Failed { why: error.to_string(), again_in: None },
    };
    let text = String::from_utf8_lossy(&answer.body);
    let text: String = text.trim().chars().filter(|c| !c.is_control()).take(SHOWN).collect();
    let said = match text.as_str() {
        "" => format!("it answered {}", answer.status),
        text => format!("it answered {}: {text}", answer.status),
    };
    match answer.status {
        200..=299 => Delivered::Taken(said),
        408 | 425 | 429 | 500..=599 => {
            let again_in = answer.retry_after.or_else(|| telegram_says(&answer.body));
            Delivered::Failed { why: said, again_in }
        }
        _ => Delivered::Refused(said),
    }
}

/// Telegram says in its answer after how many seconds it takes something again.
fn telegram_says(body: &[u8]) -> Option<Duration> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let seconds = answer.get("parameters")?.get("retry_after")?.as_u64()?;
    Some(Duration::from_secs(seconds))
}

fn ran(result: io::Result<String>) -> Delivered {
    match result {
        Ok(said) => Delivered::Taken(said),
        Err(error) => Delivered::Failed { why: error.to_string(), again_in: None },
    }
}

/// Runs a command, which has the alert on its standard input.
fn run(command: &str, alert: &Alert, receiver: &Receiver) -> io::Result<String> {
    let running = crate::command::Command::start(command, &receiver.runs)?;
    let text = format!("{}\n", shape::webhook(alert, &receiver.host));
    running.finish(text.as_bytes(), LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, retry_after: Option<u64>, body: &str) -> Delivered {
        let retry_after = retry_after.map(Duration::from_secs);
        answered(Ok(Answer { status, retry_after, body: body.as_bytes().to_vec() }))
    }

    #[test]
    fn what_a_receiver_will_never_take_is_not_tried_again() {
        assert_eq!(answer(200, None, "ok\n"), Delivered::Taken("it answered 200: ok".to_owned()));
        assert_eq!(answer(204, None, ""), Delivered::Taken("it answered 204".to_owned()));
        let gone = Delivered::Refused("it answered 404: no_service".to_owned());
        assert_eq!(answer(404, None, "no_service"), gone);
        let wait = |status, after, body| match answer(status, after, body) {
            Delivered::Failed { again_in, .. } => again_in.map(|of| of.as_secs()),
            Delivered::Taken(_) | Delivered::Refused(_) => panic!("{status} is tried again"),
        };
        assert_eq!(wait(429, Some(3), ""), Some(3));
        assert_eq!(wait(429, None, r#"{"ok":false,"parameters":{"retry_after":7}}"#), Some(7));
        assert_eq!(wait(503, None, "busy"), None);
    }
}
