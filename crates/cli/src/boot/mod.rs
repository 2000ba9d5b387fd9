//! Services of init systems: which one this machine has, and the text, place and commands that each
//! wants.
//!
//! Every text starts the same thing. Where the init system supervises what it starts, that is
//! `ostler boot`, which stays in the foreground; where it only runs scripts, `resurrect` and
//! `kill`.

pub(crate) mod account;
mod bsd;
mod launchd;
pub(crate) mod notify;
mod openrc;
pub(crate) mod path;
mod platform;
pub(crate) mod quote;
mod service;
mod smf;
mod systemd;
mod sysv;

#[cfg(test)]
mod tests;

pub(crate) use platform::Platform;
pub(crate) use service::{Service, service_name};

use std::path::PathBuf;

/// What installing a service does.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Installation {
    /// Where the text goes.
    pub(crate) target: PathBuf,
    /// Permissions of the file.
    pub(crate) mode: u32,
    /// The text.
    pub(crate) text: String,
    /// Commands that make it start at boot.
    pub(crate) enable: Vec<Step>,
    /// Commands that stop it and end that, before the file is removed.
    pub(crate) disable: Vec<Step>,
    /// Commands after the file was removed.
    pub(crate) forget: Vec<Step>,
}

/// A program with its arguments; no shell is involved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step(pub(crate) Vec<String>);

impl Step {
    /// From words.
    pub(crate) fn of<const N: usize>(words: [&str; N]) -> Self {
        Self(words.map(str::to_owned).to_vec())
    }

    /// As a person would type it.
    pub(crate) fn shown(&self) -> String {
        self.0.join(" ")
    }
}

/// Text, place and commands for a service.
pub(crate) fn installation(platform: Platform, service: &Service) -> Installation {
    match platform {
        Platform::Systemd => systemd::system(service),
        Platform::SystemdUser => systemd::user(service),
        Platform::Upstart => sysv::upstart(service),
        Platform::Systemv => sysv::systemv(service),
        Platform::Openrc => openrc::installation(service),
        Platform::Launchd => launchd::installation(service),
        Platform::Rcd => bsd::freebsd(service),
        Platform::RcdOpenbsd => bsd::openbsd(service),
        Platform::Smf => smf::installation(service),
    }
}
