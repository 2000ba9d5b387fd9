//! rc.d of FreeBSD and OpenBSD.

use super::installation::{Installation, Step};
use super::service::{Service, service_name};
use ostler_shell::word as shell;

/// Returns the installation in `/usr/local/etc/rc.d`: `resurrect` starts, `kill` stops.
pub(super) fn freebsd(service: &Service) -> Installation {
    let name = name(service);
    let enable = format!("{name}_enable");
    Installation {
        target: format!("/usr/local/etc/rc.d/{name}").into(),
        mode: 0o755,
        text: freebsd_text(service, &name),
        enable: vec![Step::of(["sysrc", &format!("{enable}=YES")])],
        disable: vec![Step::of(["service", &name, "stop"]), Step::of(["sysrc", "-x", &enable])],
        forget: Vec::new(),
    }
}

/// Returns the installation in `/etc/rc.d`: `boot` in the background.
pub(super) fn openbsd(service: &Service) -> Installation {
    let name = name(service);
    Installation {
        target: format!("/etc/rc.d/{name}").into(),
        mode: 0o755,
        text: openbsd_text(service),
        enable: vec![Step::of(["rcctl", "enable", &name])],
        disable: vec![Step::of(["rcctl", "stop", &name]), Step::of(["rcctl", "disable", &name])],
        forget: Vec::new(),
    }
}

/// Names of rc scripts become names of shell variables.
fn name(service: &Service) -> String {
    if service.named {
        return service.identifier();
    }
    Service { name: service_name(service.program, '_', &service.user), ..service.clone() }
        .identifier()
}

fn freebsd_text(service: &Service, name: &str) -> String {
    format!(
        "\
#!/bin/sh
# Made by `{command} startup rcd`; `{command} unstartup rcd` removes it.

# PROVIDE: {name}
# REQUIRE: LOGIN
# KEYWORD: shutdown

. /etc/rc.subr

name={name}
rcvar={name}_enable
load_rc_config $name
: ${{{name}_enable:=NO}}

boot_user={user}
boot_exe={exe}
boot_path={path}
export {variable}={home}
export HOME={user_home}

manager() {{
\tsu -m \"$boot_user\" -c 'PATH=\"$0\"; export PATH; exec \"$@\"' \
\"$boot_path\" \"$boot_exe\" \"$@\"
}}

start_cmd='manager resurrect'
stop_cmd='manager kill'
reload_cmd='manager reload all'
status_cmd='manager list'
extra_commands='reload'

run_rc_command \"$1\"
",
        command = service.program.name(),
        user = shell(&service.user),
        exe = shell(&service.exe()),
        path = shell(&service.path),
        variable = service.home_variable(),
        home = shell(&service.home()),
        user_home = shell(&service.user_home.display().to_string()),
    )
}

fn openbsd_text(service: &Service) -> String {
    format!(
        "\
#!/bin/ksh
# Made by `{command} startup rcd-openbsd`; `{command} unstartup rcd-openbsd` removes it.

daemon={exe}
daemon_flags=boot
daemon_user={user}
daemon_timeout=180
export PATH={path}
export {variable}={home}
export HOME={user_home}

. /etc/rc.d/rc.subr

rc_bg=YES
pexp=\"$daemon boot\"

rc_reload() {{
\trc_exec \"$daemon reload all\"
}}

rc_cmd \"$1\"
",
        command = service.program.name(),
        exe = shell(&service.exe()),
        user = shell(&service.user),
        path = shell(&service.path),
        variable = service.home_variable(),
        home = shell(&service.home()),
        user_home = shell(&service.user_home.display().to_string()),
    )
}
