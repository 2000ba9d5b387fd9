//! Root's daemon opens and removes sockets for an app of another user with that user's rights.

use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use ostler_testkit::Sandbox;
use ostler_testkit::procs::{self, Signal};

use crate::cluster::{local, node, start, wait_output};
use crate::reload_world::SOON;
use crate::takeover::kill_daemon;

const NOBODY: u32 = 65534;

/// Listens where `AT` says, and at each signal where `THEN` says; tells what came of it.
const APP: &str = "const listen = (at) => require('net').createServer()
  .on('error', (error) => console.log('error ' + error.code))
  .listen(/^[0-9]+$/.test(at) ? { port: +at, host: '127.0.0.1' } : at,
    () => console.log('open ' + at));
listen(process.env.AT);
process.on('SIGUSR2', () => listen(process.env.THEN));
setInterval(() => {}, 1e9);
";

/// A sandbox that others can look into, with the folder `own` of another user and `closed` of
/// root's; `None` where we are not root.
fn world() -> Option<(Sandbox, PathBuf, PathBuf)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let sandbox = node();
    let open = |path: &Path| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    open(sandbox.root());
    open(&sandbox.work());
    sandbox.write("app.js", APP);
    let (own, closed) = (sandbox.work().join("own"), sandbox.work().join("closed"));
    for folder in [&own, &closed] {
        std::fs::create_dir(folder).unwrap();
        open(folder);
    }
    chown(&own, Some(NOBODY), Some(NOBODY)).unwrap();
    Some((sandbox, own, closed))
}

fn start_as_nobody(sandbox: &Sandbox, at: &Path, then: &Path, keys: &str) {
    let env = format!("AT: '{}', THEN: '{}'", at.display(), then.display());
    start(sandbox, "app.js", &format!("instances: 1, uid: {NOBODY}, gid: {NOBODY}, {keys}"), &env);
}

#[test]
fn a_socket_is_made_as_the_apps_user_and_not_where_that_may_not() {
    let Some((sandbox, own, closed)) = world() else { return };
    let (at, then) = (own.join("door"), closed.join("door"));
    start_as_nobody(&sandbox, &at, &then, "");
    wait_output(&sandbox, "open", 1);
    assert_eq!(at.metadata().unwrap().uid(), NOBODY);
    // Also the next daemon knows whose app it is.
    kill_daemon(&sandbox);
    procs::kill_if(sandbox.pids_of("app")[0], Signal::USR2, || true);
    wait_output(&sandbox, "error EACCES", 1);
    assert!(!then.exists());
    sandbox.ostler(["stop", "app"]).run();
    assert!(!at.exists(), "its own is removed");
}

#[test]
fn roots_file_is_not_unlinked_through_a_link_of_the_app() {
    let Some((sandbox, own, closed)) = world() else { return };
    let (folder, prey) = (own.join("folder"), closed.join("door"));
    std::fs::create_dir(&folder).unwrap();
    chown(&folder, Some(NOBODY), Some(NOBODY)).unwrap();
    std::fs::write(&prey, "root's").unwrap();
    start_as_nobody(&sandbox, &folder.join("door"), &prey, "");
    wait_output(&sandbox, "open", 1);
    // As the app may do at any time.
    std::fs::rename(&folder, own.join("away")).unwrap();
    symlink(&closed, &folder).unwrap();
    sandbox.ostler(["stop", "app"]).run();
    assert!(prey.exists(), "root's file was unlinked");
    sandbox.wait_file("pm2.log", SOON, |text| {
        text.contains("could not remove the socket").then_some(())
    });
}

#[test]
fn roots_file_is_not_written_through_a_link_in_place_of_a_log() {
    let Some((sandbox, own, closed)) = world() else { return };
    let (log, prey) = (own.join("out-0.log"), closed.join("prey"));
    std::fs::write(&prey, "root's").unwrap();
    symlink(&prey, &log).unwrap();
    let keys = format!(
        "out_file: '{}', error_file: '{}',",
        own.join("out.log").display(),
        own.join("err.log").display()
    );
    start_as_nobody(&sandbox, &own.join("door"), &own, &keys);
    sandbox.wait_file("pm2.log", SOON, |text| text.contains("out-0.log`").then_some(()));
    assert_eq!(std::fs::read_to_string(&prey).unwrap(), "root's");
    assert!(own.join("err-0.log").exists(), "the other log is written");
    sandbox.ostler(["flush"]).run();
    assert_eq!(std::fs::read_to_string(&prey).unwrap(), "root's", "it was emptied");
}

#[test]
fn a_low_port_is_only_for_an_app_that_was_granted_it() {
    let Some((sandbox, _, _)) = world() else { return };
    let first = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    if first.is_ok_and(|first| first.trim() != "1024") {
        return;
    }
    let port = (600..1024).find(|port| TcpListener::bind(local(*port)).is_ok()).unwrap();
    let at = PathBuf::from(port.to_string());
    start_as_nobody(&sandbox, &at, &at, "");
    wait_output(&sandbox, "error EACCES", 1);
    sandbox.wait_file("pm2.log", SOON, |text| {
        text.contains(&format!("grant it by `privileged_ports: [{port}]`")).then_some(())
    });
    sandbox.ostler(["delete", "app"]).run();
    start_as_nobody(&sandbox, &at, &at, &format!("privileged_ports: [{port}],"));
    wait_output(&sandbox, "open", 1);
}

/// The log had `Tcp { address: None, port: 4451, .. }`, and not who listens there.
#[test]
fn a_port_that_an_app_of_another_user_has_is_refused_with_its_name() {
    let Some((sandbox, _, _)) = world() else { return };
    let port = TcpListener::bind(local(0)).unwrap().local_addr().unwrap().port();
    let at = PathBuf::from(port.to_string());
    start_as_nobody(&sandbox, &at, &at, "");
    wait_output(&sandbox, "open", 1);
    let root = format!(
        "module.exports = {{ apps: [{{ name: 'root', script: 'app.js', exec_mode: 'cluster', \
         instances: 1, env: {{ AT: '{port}', THEN: '{port}' }} }}] }}"
    );
    sandbox.write("root.config.js", root);
    sandbox.ostler(["start", "root.config.js"]).run();
    let said = format!(
        "app [root] cannot listen on 127.0.0.1:{port}: Address already in use (os error 98); app \
         [app] of another user listens there"
    );
    sandbox.wait_file("pm2.log", SOON, |text| text.contains(&said).then_some(()));
}
