//! `startup`, `unstartup` and `boot`, with init systems that only note what they are told. A real
//! systemd is in `tests/labs/systemd.sh`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use ostler_testkit::Sandbox;
use ostler_testkit::run::{Output, finish};

use super::start_e2e::{SOON, sandbox};

/// Programs of init systems that write down how they are called.
const TOOLS: [&str; 4] = ["systemctl", "loginctl", "rc-update", "rc-service"];

/// The folder by which systemd is known to run.
const RUNS: &str = "run/systemd/system";

/// A sandbox whose `PATH` has these tools, besides what scripts need, and whose services go
/// below its root.
fn machine(tools: &[&str]) -> Sandbox {
    let mut sandbox = sandbox();
    for tool in TOOLS.iter().filter(|tool| tools.contains(tool)) {
        let notes = sandbox.root().join("calls");
        let script = format!("#!/bin/sh\necho \"{tool} $*\" >> '{}'\n", notes.display());
        sandbox.write_executable(format!("bin/{tool}"), script);
    }
    for tool in ["getent", "setpriv", "sh", "sleep"] {
        let path = std::env::var_os("PATH").unwrap();
        let mut found = std::env::split_paths(&path).map(|dir| dir.join(tool));
        if let Some(found) = found.find(|path| path.is_file()) {
            fs::create_dir_all(sandbox.work().join("bin")).unwrap();
            std::os::unix::fs::symlink(found, sandbox.work().join("bin").join(tool)).unwrap();
        }
    }
    sandbox.set_env("PATH", sandbox.work().join("bin"));
    sandbox.set_env("OSTLER_BOOT_ROOT", sandbox.root().join("machine"));
    if tools.contains(&"systemctl") {
        fs::create_dir_all(sandbox.root().join("machine").join(RUNS)).unwrap();
    }
    sandbox
}

/// `ostler ARGS` as someone who is not root.
fn as_nobody(sandbox: &Sandbox, args: &[&str]) -> Output {
    if !rustix::process::geteuid().is_root() {
        return sandbox.run(args);
    }
    fs::set_permissions(sandbox.root(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = sandbox.command_of("/usr/bin/setpriv");
    command
        .args(["--reuid", "1", "--regid", "1", "--clear-groups"])
        .arg(env!("CARGO_BIN_EXE_ostler"))
        .args(args);
    command.current_dir("/");
    finish(command, &[], SOON)
}

fn calls(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.root().join("calls")).unwrap_or_default()
}

#[test]
fn without_root_the_command_for_root_is_printed() {
    let mut sandbox = machine(&["systemctl"]);
    sandbox.remove_env("OSTLER_HOME");
    sandbox.set_env("PM2_HOME", "/srv/my pm2");
    let output = as_nobody(&sandbox, &["startup", "--hp", "/home/o'neil", "--service-name", "web"]);
    assert_eq!(output.code, 1);
    let user = procs_user();
    let ostler = env!("CARGO_BIN_EXE_ostler");
    assert_eq!(
        output.out,
        format!(
            "sudo env PATH=\"$PATH\" PM2_HOME='/srv/my pm2' {ostler} startup systemd \
             -u {user} --hp '/home/o'\\''neil' --service-name web\n"
        )
    );
    let output = as_nobody(&sandbox, &["unstartup", "systemd"]);
    assert_eq!(output.code, 1);
    assert!(output.out.contains(" unstartup systemd -u "), "{}", output.out);
    assert_eq!(calls(&sandbox), "");
}

/// The name of whoever [`as_nobody`] is.
fn procs_user() -> String {
    let uid = match rustix::process::geteuid() {
        root if root.is_root() => 1,
        other => other.as_raw(),
    };
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let line =
        passwd.lines().find(|line| line.split(':').nth(2) == Some(&uid.to_string())).unwrap();
    line.split(':').next().unwrap().to_owned()
}

#[test]
fn no_service_is_installed_for_a_home_that_its_manager_would_refuse() {
    let sandbox = machine(&["systemctl"]);
    fs::set_permissions(sandbox.home(), fs::Permissions::from_mode(0o770)).unwrap();
    for platform in ["systemd", "systemd-user"] {
        if platform == "systemd" && !rustix::process::geteuid().is_root() {
            continue;
        }
        let output = sandbox.run(&["startup", platform]);
        assert_eq!(output.code, 1, "{platform}: {output:?}");
        assert!(output.err.contains("others can write it"), "{platform}: {}", output.err);
        assert_eq!(calls(&sandbox), "", "{platform}");
    }
    assert!(!sandbox.root().join("machine/etc").exists());
}

#[test]
fn an_unknown_init_system_is_refused_with_the_known_ones() {
    let sandbox = machine(&[]);
    let check = |args: &[&str], code: i32, message: &str| {
        let output = sandbox.run(args);
        assert_eq!(output.code, code, "{}", output.err);
        assert!(output.err.contains(message), "{}", output.err);
        for known in
            ["systemd", "openrc", "launchd", "rcd-openbsd", "smf", "ubuntu", "systemd-user"]
        {
            assert!(output.err.contains(known), "no `{known}` in {}", output.err);
        }
    };
    check(&["startup"], 1, "no init system was found on this machine");
    check(&["startup", "windows"], 2, "no init system is called `windows`");
    check(&["unstartup", "a;id"], 2, "no init system is called `a;id`");
}

#[test]
fn a_systemd_unit_is_written_enabled_and_removed() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let sandbox = machine(&["systemctl"]);
    let output = sandbox.run(&["startup", "--service-name", "web.service", "--wait-ip"]).success();
    let unit = sandbox.root().join("machine/etc/systemd/system/web.service");
    let text = fs::read_to_string(&unit).unwrap();
    for line in [
        "Type=notify".to_owned(),
        "KillMode=process".to_owned(),
        "Delegate=yes".to_owned(),
        "OOMPolicy=continue".to_owned(),
        "Wants=network-online.target".to_owned(),
        "After=network-online.target".to_owned(),
        "WantedBy=network-online.target".to_owned(),
        format!("ExecStart=\"{}\" boot", env!("CARGO_BIN_EXE_ostler")),
        format!("Environment=\"OSTLER_HOME={}\"", sandbox.home().display()),
    ] {
        assert!(text.lines().any(|found| found == line), "no `{line}` in\n{text}");
    }
    assert_eq!(fs::metadata(&unit).unwrap().permissions().mode() & 0o7777, 0o644);
    assert_eq!(calls(&sandbox), "systemctl enable web\n");
    let installed = "installed the systemd service /etc/systemd/system/web.service\n";
    assert_eq!(output.out, installed);
    for hint in ["`ostler save`", "`ostler unstartup systemd --service-name web.service`"] {
        assert!(output.err.contains(hint), "no {hint} in\n{}", output.err);
    }
    verify(&unit);
    let nowhere = sandbox.run(&["startup", "--hp", "/nope"]);
    assert!(nowhere.code == 1 && nowhere.err.contains("there is no directory `/nope`"));
    let output = sandbox.run(&["unstartup", "--service-name", "web"]).success();
    assert_eq!(output.out, "removed the service /etc/systemd/system/web.service\n");
    assert!(!unit.exists());
    let all = "systemctl enable web\nsystemctl stop web\nsystemctl disable web\n\
               systemctl daemon-reload\n";
    assert_eq!(calls(&sandbox), all);
    let again = sandbox.run(&["unstartup", "--service-name", "web"]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("there is no service to remove"), "{}", again.err);
}

/// What systemd itself says about a unit: nothing.
fn verify(unit: &Path) {
    let verdict =
        Command::new("systemd-analyze").arg("verify").arg(unit).stdin(Stdio::null()).output();
    // Where there is no systemd, the lab does the same inside of one.
    let Ok(verdict) = verdict else { return };
    assert_eq!(String::from_utf8_lossy(&verdict.stderr), "");
    assert!(verdict.status.success());
}

#[test]
fn a_choice_that_is_not_what_was_found_is_warned_of_and_followed() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let sandbox = machine(&["systemctl", "rc-update", "rc-service"]);
    let output = sandbox.run(&["startup", "openrc"]).success();
    let warning = "warning: `openrc` was asked for, and this machine runs `systemd`\n";
    assert!(output.err.contains(warning), "{}", output.err);
    let script = sandbox.root().join("machine/etc/init.d/ostler");
    assert_eq!(fs::metadata(&script).unwrap().permissions().mode() & 0o7777, 0o755);
    sandbox.run(&["unstartup", "openrc"]).success();
    assert!(!script.exists());
    assert_eq!(
        calls(&sandbox),
        "rc-update add ostler default\nrc-service ostler stop\nrc-update delete ostler default\n"
    );
}

/// Reported for PM2 in #6089.
#[test]
fn nothing_odd_becomes_the_name_of_a_service_or_user() {
    let sandbox = machine(&["systemctl"]);
    for name in ["a;touch pwned", "$(touch pwned)", "../../../tmp/pwned", "a\nUser=root", "-x y"] {
        for (args, code) in [
            (["startup", "--service-name", name], 2),
            (["unstartup", "--service-name", name], 2),
            (["startup", "-u", name], 1),
        ] {
            let output = sandbox.run(&args);
            assert_eq!(output.code, code, "{args:?}: {}", output.out);
            assert!(!output.err.is_empty(), "{args:?}");
        }
    }
    assert_eq!(calls(&sandbox), "");
    assert!(!sandbox.root().join("machine/etc").exists());
    assert!(!sandbox.work().join("pwned").exists());
}

/// Reported for PM2 in #2006.
#[test]
fn a_program_of_one_version_of_node_is_copied_to_where_it_stays() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let sandbox = machine(&["systemctl"]);
    let versioned = sandbox.work().join("versions/node/v20.1.0/bin/ostler");
    fs::create_dir_all(versioned.parent().unwrap()).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_ostler"), &versioned).unwrap();
    let mut command = sandbox.command_of(&versioned);
    command.arg("startup");
    let output = finish(command, &[], SOON).success();
    let copy = sandbox.home().join("bin/ostler");
    assert!(
        output.err.contains(&format!("the service runs the copy `{}`", copy.display())),
        "{}",
        output.err
    );
    let unit =
        fs::read_to_string(sandbox.root().join("machine/etc/systemd/system/ostler-root.service"))
            .unwrap();
    assert!(unit.contains(&format!("ExecStart=\"{}\" boot\n", copy.display())), "{unit}");
    fs::remove_file(&versioned).unwrap();
    let copied = sandbox.root().join("machine").join(copy.strip_prefix("/").unwrap());
    let version = Command::new(copied).arg("--version").output().unwrap();
    assert!(version.status.success());
}

/// `startup` said nothing of it, `unstartup` complained twice and removed the service all the same.
#[test]
fn without_systemd_at_work_a_service_is_installed_only_by_name_and_removed_in_peace() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let sandbox = machine(&["systemctl"]);
    fs::remove_dir(sandbox.root().join("machine").join(RUNS)).unwrap();
    let said = sandbox.run(&["startup"]);
    let (error, hint) = said.err.split_once("\nhint: ").unwrap();
    let text = "error: systemd is installed and does not run: it cannot start a service here";
    assert_eq!((said.code, error, said.out.as_str()), (1, text, ""));
    assert!(hint.contains("`ostler startup systemd`") && hint.ends_with("by systemd\n"), "{hint}");
    assert!(!sandbox.root().join("machine/etc").exists());
    let said = sandbox.run(&["startup", "systemd"]).success();
    let warning = "warning: systemd does not run on this machine: the service begins when it has";
    assert!(said.err.contains(warning), "{}", said.err);
    let unit = sandbox.root().join("machine/etc/systemd/system/ostler-root.service");
    assert!(unit.exists());
    let said = sandbox.run(&["unstartup"]).success();
    let removed = "removed the service /etc/systemd/system/ostler-root.service\n";
    assert_eq!((said.out.as_str(), said.err.as_str()), (removed, ""));
    assert!(!unit.exists());
    assert_eq!(calls(&sandbox), "systemctl enable ostler-root\nsystemctl disable ostler-root\n");
}

#[test]
fn what_fails_when_a_service_is_removed_is_one_error_with_a_hint() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let sandbox = machine(&["systemctl"]);
    sandbox.run(&["startup"]).success();
    sandbox.write_executable("bin/systemctl", "#!/bin/sh\nexit 4\n");
    let said = sandbox.run(&["unstartup"]);
    assert_eq!((said.code, said.err.matches("error:").count()), (1, 1), "{}", said.err);
    let text = "the service is removed, but it may still run: `systemctl stop ostler-root` failed";
    assert!(said.err.contains(text) && said.err.contains("\nhint: `ostler kill`"), "{}", said.err);
    assert!(said.out.starts_with("removed the service"), "{}", said.out);
}
