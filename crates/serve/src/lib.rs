//! A server of static files: what an app with the script `serve` is.
//!
//! Problem: a folder that is served to strangers holds what is not for them: `.env`, `.git`, links
//! that lead out of it. Strangers are slow, many, and send anything. Rule: a path is taken apart
//! before a file is opened; the kernel opens it, and follows no link out of the folder; each
//! connection has a deadline in every state, and bounded memory.
//!
//! One thread and one loop. What is decided about a request is pure: [`request`] reads it,
//! [`target`] says what it asks for, [`answer`] what it gets.

#![forbid(unsafe_code)]

mod answer;
mod auth;
mod coding;
mod connection;
mod date;
mod files;
mod log;
mod packed;
mod range;
mod request;
mod server;
mod settings;
mod site;
mod target;
mod types;

#[cfg(test)]
mod tests;

use std::os::fd::OwnedFd;
use std::process::ExitCode;

pub use settings::Settings;

use log::Log;
use server::Server;

/// Serves until a signal arrives on this descriptor, then finishes the answers that are under
/// way. The settings are in the environment. Standard output says where it listens, standard
/// error why it cannot.
#[must_use]
pub fn run(signals: OwnedFd) -> ExitCode {
    let mut log = Log::default();
    let listens = || {
        let here = std::env::current_dir()
            .map_err(|error| format!("cannot find the working directory: {error}"))?;
        let settings = Settings::read(|name| std::env::var(name).ok(), &here)?;
        settings.check()?;
        Server::listen(settings, signals)
    };
    let server = match listens() {
        Ok(server) => server,
        Err(why) => {
            log.error(&why);
            return ExitCode::FAILURE;
        }
    };
    log.begins(server.settings());
    match server.run(&mut log) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log.error(&format!("cannot wait for connections: {error}"));
            ExitCode::FAILURE
        }
    }
}
