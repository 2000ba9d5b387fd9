//! OpenRC: a script for `supervise-daemon`, which keeps `ostler boot` running.

use super::installation::{Installation, Step};
use super::service::Service;
use ostler_shell::word as shell;

/// Returns the installation in `/etc/init.d`.
pub(super) fn installation(service: &Service) -> Installation {
    // One service per machine, as PM2 has it, unless it is named.
    let name = if service.named { service.name.as_str() } else { service.program.name() };
    Installation {
        target: format!("/etc/init.d/{name}").into(),
        mode: 0o755,
        text: text(service),
        enable: vec![Step::of(["rc-update", "add", name, "default"])],
        disable: vec![
            Step::of(["rc-service", name, "stop"]),
            Step::of(["rc-update", "delete", name, "default"]),
        ],
        forget: Vec::new(),
    }
}

fn text(service: &Service) -> String {
    format!(
        "\
#!/sbin/openrc-run
# Made by `{command} startup openrc`; `{command} unstartup openrc` removes it.

description={description}
supervisor=supervise-daemon
command={exe}
command_args=boot
command_user={user}
export PATH={path}
export {variable}={home}
export HOME={user_home}
respawn_delay=1
respawn_max=0
# `boot` stops every app before it ends.
retry=\"TERM/180/KILL/5\"
extra_started_commands=\"reload\"

depend() {{
\tneed localmount
\twant net
\tuse logger dns
\tafter bootmisc
}}

reload() {{
\tebegin \"Reloading all apps\"
\tsu -s /bin/sh -c 'exec \"$0\" reload all' -- \"$command_user\" \"$command\"
\teend $?
}}
",
        command = service.program.name(),
        description = shell(&service.description()),
        exe = shell(&service.exe()),
        user = shell(&service.user),
        path = shell(&service.path),
        variable = service.home_variable(),
        home = shell(&service.home()),
        user_home = shell(&service.user_home.display().to_string()),
    )
}
