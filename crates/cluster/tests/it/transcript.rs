//! What workers said, as lines.

use ostler_cluster::{Command, Output};

/// Returns the line for the log; `None` for a command that is to be carried out.
pub fn line(command: &Command, out: &Output) -> Option<String> {
    Some(match command {
        Command::WorkerOnline { worker } => format!("{} online", worker.0),
        Command::WorkerListening { worker, query } => {
            format!("{} listening {}", worker.0, query.port.unwrap_or(-1))
        }
        Command::Voluntary { worker } => format!("{} voluntary", worker.0),
        Command::UserMessage { worker, text } => format!("{} says {}", worker.0, out.text(*text)),
        Command::UserHandle { worker, handle, kind, text } => {
            format!("{} gives {} {kind:?} {}", worker.0, handle.0, out.text(*text))
        }
        Command::Noise { worker, noise } => format!("{} noise {noise:?}", worker.0),
        _ => return None,
    })
}
