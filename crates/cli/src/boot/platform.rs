//! The init systems that are known, how they are called, and how they are found.

/// An init system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Platform {
    /// systemd, started with the machine.
    Systemd,
    /// systemd's manager of one user: no root needed.
    SystemdUser,
    /// Scripts in `/etc/init.d`, made known by `update-rc.d`.
    Upstart,
    /// Scripts in `/etc/init.d`, made known by `chkconfig`.
    Systemv,
    /// OpenRC, which supervises with `supervise-daemon`.
    Openrc,
    /// launchd of macOS.
    Launchd,
    /// The scripts of FreeBSD's rc.d.
    Rcd,
    /// The scripts of OpenBSD's rc.d.
    RcdOpenbsd,
    /// Solaris's service management facility.
    Smf,
}

/// The programs by which init systems are recognised, in the order of the search.
const SIGNS: [(&str, Platform); 8] = [
    ("systemctl", Platform::Systemd),
    ("update-rc.d", Platform::Upstart),
    ("chkconfig", Platform::Systemv),
    ("rc-update", Platform::Openrc),
    ("launchctl", Platform::Launchd),
    ("sysrc", Platform::Rcd),
    ("rcctl", Platform::RcdOpenbsd),
    ("svcadm", Platform::Smf),
];

/// Names that a person may give.
const NAMES: [(&str, Platform); 24] = [
    ("systemd", Platform::Systemd),
    ("systemd-user", Platform::SystemdUser),
    ("upstart", Platform::Upstart),
    ("systemv", Platform::Systemv),
    ("openrc", Platform::Openrc),
    ("launchd", Platform::Launchd),
    ("rcd", Platform::Rcd),
    ("rcd-openbsd", Platform::RcdOpenbsd),
    ("smf", Platform::Smf),
    ("ubuntu", Platform::Systemd),
    ("centos", Platform::Systemd),
    ("arch", Platform::Systemd),
    ("oracle", Platform::Systemd),
    ("ubuntu12", Platform::Upstart),
    ("ubuntu14", Platform::Upstart),
    ("amazon", Platform::Systemv),
    ("centos6", Platform::Systemv),
    ("gentoo", Platform::Openrc),
    ("macos", Platform::Launchd),
    ("darwin", Platform::Launchd),
    ("freebsd", Platform::Rcd),
    ("openbsd", Platform::RcdOpenbsd),
    ("sunos", Platform::Smf),
    ("solaris", Platform::Smf),
];

impl Platform {
    /// Returns the init system whose tool is found first.
    pub(crate) fn detect(is_there: impl Fn(&str) -> bool) -> Option<Self> {
        SIGNS.iter().find(|(program, _)| is_there(program)).map(|(_, platform)| *platform)
    }

    /// Returns the init system of a name or a synonym.
    pub(crate) fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, platform)| *platform)
    }

    /// Returns the name that is shown, the first in the table.
    pub(crate) fn name(self) -> &'static str {
        NAMES.iter().find(|(_, platform)| *platform == self).map_or("", |(name, _)| name)
    }

    /// Returns every name, the synonyms after the others.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// Returns the folder that is there while the init system runs, where it has one: its tools may
    /// be installed on a machine that was started by something else, as a container is.
    pub(crate) fn sign_of_life(self) -> Option<&'static str> {
        matches!(self, Self::Systemd | Self::SystemdUser).then_some("/run/systemd/system")
    }

    /// Whether only root may install a service.
    pub(crate) fn needs_root(self) -> bool {
        self != Self::SystemdUser
    }

    /// Whether this choice is at home where `detected` was found.
    pub(crate) fn agrees_with(self, detected: Self) -> bool {
        self == detected || (self, detected) == (Self::SystemdUser, Self::Systemd)
    }
}
