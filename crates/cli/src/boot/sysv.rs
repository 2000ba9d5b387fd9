//! Scripts in `/etc/init.d` that are run and end: `resurrect` starts, `kill` stops.

use super::installation::{Installation, Step};
use super::service::Service;
use ostler_shell::word as shell;

/// Returns the installation that `update-rc.d` makes known.
pub(super) fn upstart(service: &Service) -> Installation {
    let name = &service.name;
    let target = target(service);
    Installation {
        disable: vec![Step::of([&target, "stop"])],
        target: target.into(),
        mode: 0o755,
        text: text(service, "upstart"),
        enable: vec![Step::of(["update-rc.d", name, "defaults"])],
        // It refuses to forget a script that is still there.
        forget: vec![Step::of(["update-rc.d", name, "remove"])],
    }
}

/// Returns the installation that `chkconfig` makes known.
pub(super) fn systemv(service: &Service) -> Installation {
    let name = &service.name;
    let target = target(service);
    Installation {
        disable: vec![Step::of([&target, "stop"]), Step::of(["chkconfig", "--del", name])],
        target: target.into(),
        mode: 0o755,
        text: text(service, "systemv"),
        enable: vec![Step::of(["chkconfig", "--add", name]), Step::of(["chkconfig", name, "on"])],
        forget: Vec::new(),
    }
}

fn target(service: &Service) -> String {
    format!("/etc/init.d/{}", service.name)
}

fn text(service: &Service, platform: &str) -> String {
    format!(
        "\
#!/bin/sh
# Made by `{command} startup {platform}`; `{command} unstartup {platform}` removes it.
# chkconfig: 2345 98 02
# description: {description}
### BEGIN INIT INFO
# Provides:          {name}
# Required-Start:    $local_fs $remote_fs $network
# Required-Stop:     $local_fs $remote_fs $network
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: {description}
### END INIT INFO

user={user}
exe={exe}
path={path}
lock=/var/lock/subsys/{name}
export {variable}={home}
export HOME={user_home}

{ACTIONS}",
        command = service.program.name(),
        name = service.name,
        description = service.description(),
        user = shell(&service.user),
        exe = shell(&service.exe()),
        path = shell(&service.path),
        variable = service.home_variable(),
        home = shell(&service.home()),
        user_home = shell(&service.user_home.display().to_string()),
    )
}

/// What each action of the script does.
const ACTIONS: &str = "\
# `su` may set PATH anew, so it is set after it.
manager() {
\tif [ \"$user\" = \"$(id -un)\" ]; then
\t\tPATH=$path \"$exe\" \"$@\"
\telse
\t\tsu -s /bin/sh -c 'PATH=$0; export PATH; exec \"$@\"' -- \"$user\" \"$path\" \"$exe\" \"$@\"
\tfi
}

case \"$1\" in
start)
\tmanager resurrect || exit 1
\t# Red Hat's rc stops only what has a lock here.
\tif [ -d /var/lock/subsys ]; then touch \"$lock\"; fi
\t;;
stop)
\tmanager kill || exit 1
\trm -f \"$lock\"
\t;;
restart)
\t\"$0\" stop && exec \"$0\" start
\t;;
reload | force-reload)
\tmanager reload all
\t;;
status)
\tmanager list
\t;;
*)
\techo \"usage: $0 start|stop|restart|reload|status\" >&2
\texit 2
\t;;
esac
";
