//! systemd: the unit, for the machine and for one user.
//!
//! The main process is `ostler boot`: it starts the manager, resurrects, says `READY=1`, and stays
//! to watch it. It is neither keeper nor daemon, so that nothing depends on it: killed, it is
//! started again and finds everything running.

use std::path::{Path, PathBuf};

use super::installation::{Installation, Step};
use super::quote::unit;
use super::service::Service;
use crate::program::Program;

/// Returns the unit of the machine, in `/etc/systemd/system`.
pub(super) fn system(service: &Service) -> Installation {
    let name = &service.name;
    Installation {
        target: format!("/etc/systemd/system/{name}.service").into(),
        mode: 0o644,
        text: text(service, &Parts::of_machine(service)),
        enable: vec![Step::of(["systemctl", "enable", name])],
        disable: vec![
            Step::of(["systemctl", "stop", name]),
            Step::of(["systemctl", "disable", name]),
        ],
        forget: vec![Step::of(["systemctl", "daemon-reload"])],
    }
}

/// Returns the unit of the user's own manager. Lingering makes it start with the machine instead of
/// the first login.
pub(super) fn user(service: &Service) -> Installation {
    let name = &service.name;
    let mut enable = vec![Step::of(["systemctl", "--user", "enable", name])];
    // Allowed to the user on most machines; where it is not, an administrator may have done it
    // before.
    if !Path::new("/var/lib/systemd/linger").join(&service.user).exists() {
        enable.push(Step::of(["loginctl", "enable-linger", &service.user]));
    }
    Installation {
        target: service.user_home.join(format!(".config/systemd/user/{name}.service")),
        mode: 0o644,
        text: text(service, &Parts::of_user(service)),
        enable,
        // Other services of this user may need the lingering: it stays.
        disable: vec![
            Step::of(["systemctl", "--user", "stop", name]),
            Step::of(["systemctl", "--user", "disable", name]),
        ],
        forget: vec![Step::of(["systemctl", "--user", "daemon-reload"])],
    }
}

/// Returns the unit that a package brings: of any user, whose name is a parameter of it.
pub(super) fn template() -> String {
    let service = Service {
        program: Program::Ostler,
        name: "ostler@USER".to_owned(),
        named: true,
        user: "%i".to_owned(),
        user_home: PathBuf::new(),
        home: PathBuf::new(),
        exe: "/usr/bin/ostler".into(),
        path: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
        wait_ip: false,
    };
    text(&service, &Parts::of_package(&service))
}

/// The parts in which the units of the machine, of a user and of a package differ.
struct Parts {
    head: String,
    description: String,
    /// Empty: that of the user that systemd starts it for.
    home: String,
    after: String,
    wants: &'static str,
    wanted_by: &'static str,
    who: String,
    bounds: &'static str,
}

impl Parts {
    fn of_machine(service: &Service) -> Self {
        let online = "network-online.target";
        let (network, wanted_by, wants) = if service.wait_ip {
            (online, online, "Wants=network-online.target\n")
        } else {
            ("network.target", "multi-user.target", "")
        };
        Self {
            head: made_by(service, "systemd"),
            description: service.description().replace('%', "%%"),
            home: home(service),
            after: format!("After={network}\n"),
            wants,
            wanted_by,
            who: format!("User={}\n", service.user.replace('%', "%%")),
            bounds: BOUNDS,
        }
    }

    fn of_user(service: &Service) -> Self {
        Self {
            head: made_by(service, "systemd-user"),
            description: service.description().replace('%', "%%"),
            home: home(service),
            after: String::new(),
            wants: "",
            wanted_by: "default.target",
            who: String::new(),
            bounds: "",
        }
    }

    fn of_package(service: &Service) -> Self {
        Self {
            head: "`systemctl enable --now ostler@USER` starts the manager of USER with the \
                   machine; `ostler startup` makes a\n# unit with the paths of a user's own."
                .to_owned(),
            description: service.description(),
            home: String::new(),
            who: "User=%i\n".to_owned(),
            ..Self::of_machine(service)
        }
    }
}

fn made_by(service: &Service, platform: &str) -> String {
    let command = service.program.name();
    format!("Made by `{command} startup {platform}`; `{command} unstartup {platform}` removes it.")
}

fn home(service: &Service) -> String {
    let home = unit(&format!("{}={}", service.home_variable(), service.home()));
    format!("Environment={home}\n")
}

fn text(service: &Service, parts: &Parts) -> String {
    let exe = unit(&service.exe());
    let Parts { head, description, home, after, wants, wanted_by, who, bounds } = parts;
    let path = unit(&format!("PATH={}", service.path));
    format!(
        "\
# {head}
# Changes of your own survive in a drop-in: `systemctl edit {name}`.

[Unit]
Description={description}
{after}{wants}# Whatever kills it, and however often, it is started again.
StartLimitIntervalSec=0

[Service]
# Ready when the saved apps are back. The main process only watches keeper and daemon, so that \
it may be killed: with
# KillMode=process keeper, daemon and apps go on, and the next main process finds them.
Type=notify
NotifyAccess=main
{who}Environment={path}
{home}ExecStart={exe} boot
ExecReload={exe} reload all
ExecStop={exe} kill
KillMode=process
Restart=on-failure
RestartSec=1
# Pings are sent only while the daemon answers; one that hangs is replaced before this time is over.
WatchdogSec=90
TimeoutStartSec=600
TimeoutStopSec=180

# Each app gets a control group of its own, so that nothing it started outlives it.
Delegate=yes
# One app that the kernel kills for want of memory is no reason to stop the others.
OOMPolicy=continue
LimitNOFILE=infinity
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity

{bounds}[Install]
WantedBy={wanted_by}
",
        name = service.name,
    )
}

/// Bounds that no app can miss. Everything else that systemd offers would bind the apps too.
const BOUNDS: &str = "\
# Apps inherit every restriction made here. NoNewPrivileges, and what implies it for a user other \
than root (system
# call filters, ProtectKernel*, RestrictNamespaces, LockPersonality, …), would break sudo, ping \
and whatever else is
# setuid; PrivateTmp and ProtectSystem would hide files that apps share; \
MemoryDenyWriteExecute breaks every JIT. Add
# what your apps can bear in a drop-in.
CapabilityBoundingSet=~CAP_MAC_ADMIN CAP_MAC_OVERRIDE CAP_AUDIT_CONTROL

";
