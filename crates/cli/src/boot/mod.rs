//! Services of init systems: which one this machine has, and the text, place and commands
//! that each wants.
//!
//! Every text starts the same thing. Where the init system supervises what it starts, that
//! is `ostler boot`, which stays in the foreground; where it only runs scripts,
//! `resurrect` and `kill`.

pub(crate) mod account;
mod bsd;
mod installation;
mod launchd;
pub(crate) mod notify;
mod openrc;
pub(crate) mod path;
mod platform;
mod quote;
mod service;
mod smf;
mod systemd;
mod sysv;

#[cfg(test)]
mod tests;

pub(crate) use installation::{Installation, Step};
pub(crate) use platform::Platform;
pub(crate) use service::{Service, service_name};

/// Returns text, place and commands for a service.
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

/// Returns the unit of systemd that a package brings.
pub(crate) fn unit_of_package() -> String {
    systemd::template()
}
