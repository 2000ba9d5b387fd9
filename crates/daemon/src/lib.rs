//! I/O around the core: the event loop, the driver of its actions, the primary of Node's cluster,
//! the control socket.
//!
//! The daemon may die at any instruction. What it must know again is in the keeper (descriptors,
//! runs and how they ended) and in its state file; everything else it works out.
//!
//! # Invariants
//! - Nothing but the poll is ever waited for.
//! - What must survive is saved before an action that follows from it is carried out.
//! - After the start nothing ends the daemon but a request, a signal or the loss of its poll.

mod alerts;
mod app_files;
mod budget;
mod bus;
mod calendar;
mod clients;
mod clock;
mod complaints;
mod config;
mod daemon;
mod daemon_log;
mod decisions;
mod door;
mod drain;
mod driver;
mod environment;
mod exit;
mod files;
mod foreground;
mod from_thread;
mod gone;
mod guard;
mod home;
mod hooks;
mod in_app;
mod inspect;
mod keeper;
mod leftovers;
mod log_care;
mod log_rules;
mod log_sinks;
mod logs;
mod mailbox;
mod model;
mod node;
mod notes;
mod notify;
mod outbox;
mod probes;
mod profiles;
mod reports;
mod reserve;
mod rest;
mod rights;
mod rpc;
mod runs;
mod saver;
mod starts;
mod state_file;
mod sys;
mod takeover;
mod tokens;
mod watched_files;

use std::process::ExitCode;

pub use config::Config;

/// Runs the daemon until it is told to go.
#[must_use]
pub fn run(config: Config) -> ExitCode {
    let ready = ostler_keeper::link::ready_fd_from_env().unwrap_or_default();
    let started = takeover::link().and_then(|link| takeover::start(config, link));
    let mut daemon = match started {
        Ok(daemon) => daemon,
        Err(problem) => {
            daemon_log::error(&problem);
            daemon_log::flush();
            takeover::tell_ready(ready, Err(&problem));
            return u8::try_from(ostler_keeper::CANNOT_RUN)
                .map_or(ExitCode::FAILURE, ExitCode::from);
        }
    };
    takeover::tell_ready(ready, Ok(()));
    let code = match daemon.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            daemon_log::error(format!("the daemon cannot poll any more: {error}"));
            ExitCode::FAILURE
        }
    };
    daemon_log::flush();
    daemon.end();
    code
}
