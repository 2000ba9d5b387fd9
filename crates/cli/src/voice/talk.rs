//! What is told about things that are said to processes which run: signals, lines, actions.

use super::{Line, Target};
use crate::paint::Paint;

/// A fact about something that was said to processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TalkNotice<'a> {
    /// A signal is about to be sent to what a word means.
    Signals { word: &'a str, is_id: bool },
    /// A signal was sent.
    Signalled { signal: &'a str, word: &'a str, is_id: bool, targets: &'a [Target] },
    /// A line was written to a standard input.
    Sent { target: &'a Target },
    /// So many processes were asked for an action.
    Asked { count: usize, action: &'a str },
    /// A process answered; JSON text.
    Answered { id: u32, name: &'a str, namespace: &'a str, answer: Option<&'a str> },
    /// What a process writes is shown, and what is typed is sent to it.
    Attached { target: &'a Target },
    /// The inspector of a process listens.
    Inspects { target: &'a Target, address: &'a str },
    /// It does not, which PM2 takes for no failure.
    InspectsNot { word: &'a str },
    /// Processes are shown as monitored, or not.
    Marked { on: bool, targets: &'a [Target] },
}

/// Returns what PM2 says.
pub(super) fn pm2(notice: &TalkNotice<'_>, paint: Paint) -> Vec<Line> {
    let info = |text: String| vec![super::line::info(paint, &text)];
    let kind = |is_id: &bool| if *is_id { "id" } else { "name" };
    match notice {
        TalkNotice::Signals { word, is_id } => {
            info(format!("Sending signal to process {} {word}", kind(is_id)))
        }
        TalkNotice::Signalled { signal, word, is_id, .. } => vec![Line::out(format!(
            "successfully sent signal {signal} to process {} {word}",
            kind(is_id)
        ))],
        TalkNotice::Asked { count, action } => {
            vec![Line::out(format!("{count} processes have received command {action}"))]
        }
        TalkNotice::Answered { id, name, namespace, answer } => {
            let answer = answer.unwrap_or("undefined");
            vec![Line::out(format!("[{name}:{id}:{namespace}]={answer}"))]
        }
        TalkNotice::Inspects { target, address } => {
            info(format!("Inspector of {} ({}) listens on {address}", target.name, target.id))
        }
        TalkNotice::InspectsNot { word } => {
            vec![Line::out(format!("Unable to activate inspect mode on {word} !!!"))]
        }
        TalkNotice::Sent { .. } | TalkNotice::Attached { .. } | TalkNotice::Marked { .. } => {
            Vec::new()
        }
    }
}

/// Returns what we say.
pub(super) fn ostler(notice: &TalkNotice<'_>, paint: Paint) -> Vec<Line> {
    let out = |text: String| vec![Line::out(text)];
    match notice {
        TalkNotice::Signalled { signal, targets, .. } => {
            out(format!("sent {signal} to {}", names(targets)))
        }
        TalkNotice::Sent { target } => {
            out(format!("sent a line to {} (id {})", target.name, target.id))
        }
        TalkNotice::Answered { id, name, answer, .. } => {
            vec![Line::data(format!("{name} (id {id}): {}", answer.unwrap_or("no value")))]
        }
        TalkNotice::Attached { target } => vec![Line::err(format!(
            "attached to {} (id {}): lines that you type go to its standard input, Ctrl-C leaves",
            target.name, target.id
        ))],
        TalkNotice::Inspects { target, address } => {
            vec![
                Line::out(format!(
                    "the inspector of {} (id {}) listens on {address}",
                    target.name, target.id
                )),
                super::line::hint_line(
                    paint,
                    &format!(
                        "open chrome://inspect, or run `node inspect {address}`; whoever \
                     reaches that port controls the app"
                    ),
                ),
            ]
        }
        TalkNotice::Marked { on, targets } => {
            let marked = if *on { "marked" } else { "unmarked" };
            out(format!("{marked} {} as monitored", names(targets)))
        }
        TalkNotice::Signals { .. } | TalkNotice::Asked { .. } | TalkNotice::InspectsNot { .. } => {
            Vec::new()
        }
    }
}

/// The apps that processes are of, each with how many.
fn names(targets: &[Target]) -> String {
    let mut names: Vec<(&str, usize)> = Vec::new();
    for target in targets {
        match names.iter_mut().find(|(name, _)| *name == target.name) {
            Some((_, count)) => *count += 1,
            None => names.push((&target.name, 1)),
        }
    }
    let names = names.iter().map(|(name, count)| match count {
        1 => (*name).to_owned(),
        count => format!("{name} ({count} processes)"),
    });
    names.collect::<Vec<_>>().join(", ")
}
