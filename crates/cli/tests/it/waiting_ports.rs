//! `start` and `start --wait` of an app whose port somebody has: who that is, and what frees it.

use crate::start_e2e::{SOON, sandbox};
use ostler_testkit::{Victim, pty, wait_for};

#[test]
fn a_port_that_a_stranger_has_is_told_with_its_process_and_the_command_that_frees_it() {
    let sandbox = sandbox();
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let app = sandbox.victim("web", Victim::Http);
    for kind in ["cluster", "fork"] {
        let instances: &[&str] = if kind == "cluster" { &["-i", "2"] } else { &[] };
        let start = sandbox.ostler(["start", "--wait", "--no-autorestart", "-n", kind]).arg(&app);
        let me = std::process::id();
        let output = start
            .args(instances)
            .env("PORT", port.to_string())
            .code(1)
            .shows(format!("`127.0.0.1:{port}` is taken: pid {me} ("))
            .shows(format!("hint: `kill {me}` frees it\n"))
            .run();
        assert!(output.err.contains("EADDRINUSE"), "{}", output.err);
    }
}

/// The hint was to kill the manager, with all of its apps.
#[test]
fn a_port_that_an_app_of_another_home_has_is_never_freed_by_a_kill() {
    let (theirs, ours) = (sandbox(), sandbox());
    let app = theirs.victim("web", Victim::Http);
    let home = theirs.home().display().to_string();
    for kind in ["cluster", "fork"] {
        let port = theirs.port().to_string();
        let instances: &[&str] = if kind == "cluster" { &["-i", "2"] } else { &[] };
        let start = theirs.ostler(["start", "--wait", "-n", kind]).arg(&app).args(instances);
        start.env("PORT", &port).run();
        for mine in ["-i2", "-i0"] {
            let instances: &[&str] = if mine == "-i2" { &["-i", "2"] } else { &[] };
            let name = format!("{kind}{mine}");
            let start = ours.ostler(["start", "--wait", "--no-autorestart", "-n", &name]).arg(&app);
            let said = start
                .args(instances)
                .env("PORT", &port)
                .code(1)
                .shows(format!("is taken by app `{kind}` of the ostler in `{home}`: pid "))
                .shows(format!("hint: `OSTLER_HOME={home} ostler stop {kind}` frees it\n"))
                .run();
            assert!(!said.err.contains("kill"), "{}", said.err);
        }
    }
    let reload = ours.ostler(["reload", "cluster-i2"]);
    reload
        .code(1)
        .shows("none of its processes is online")
        .shows(format!("hint: `OSTLER_HOME={home} ostler stop cluster` frees it\n"))
        .run();
}

#[test]
fn a_port_that_another_app_has_is_told_with_its_name() {
    let sandbox = sandbox();
    let app = sandbox.victim("web", Victim::Http);
    for kind in ["cluster", "fork"] {
        let port = sandbox.port().to_string();
        let instances: &[&str] = if kind == "cluster" { &["-i", "2"] } else { &[] };
        let start = sandbox.ostler(["start", "--wait", "-n", kind]).arg(&app).args(instances);
        start.env("PORT", &port).run();
        let name = format!("second-{kind}");
        let start = sandbox.ostler(["start", "--wait", "--no-autorestart", "-n", &name]).arg(&app);
        start
            .env("PORT", &port)
            .code(1)
            .shows(format!("`127.0.0.1:{port}` is taken by app `{kind}`"))
            .shows(format!("hint: `ostler stop {kind}` frees it\n"))
            .run();
        // Whoever looks later is told the same.
        let described = sandbox.ostler(["describe", &name]);
        let line = format!("(Error: listen EADDRINUSE: address already in use 127.0.0.1:{port})");
        described.shows(line).shows(format!("`127.0.0.1:{port}` is taken by app `{kind}`")).run();
    }
}

#[test]
fn a_plain_start_names_who_has_the_port_where_somebody_reads() {
    let mut sandbox = sandbox();
    sandbox.set_env("TERM", "xterm");
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let complaint = format!("Error: listen EADDRINUSE: address already in use 127.0.0.1:{port}");
    let app = format!("#!/bin/sh\necho '{complaint}' >&2\nexit 1\n");
    let app = sandbox.write_executable("taken.sh", app);
    let me = std::process::id();
    // It is looked at for a moment only, in which a busy machine may not come to it.
    let seen = wait_for("the holder's name", SOON, || {
        let mut command = sandbox.command();
        command.args(["start", "--force", "--no-autorestart"]).arg(&app);
        let seen = pty::in_window(command, 120);
        assert_eq!(seen.code, 0, "{}", seen.out);
        seen.out.contains(&format!("`127.0.0.1:{port}` is taken: pid {me} (")).then_some(seen.out)
    });
    assert!(seen.contains("warning: taken (id 0) ended with exit code 1 before"), "{seen}");
    assert!(seen.contains(&format!("hint: `kill {me}` frees it")), "{seen}");
}

/// Nobody ever listened there, and the hint to start it again failed again.
#[test]
fn a_port_that_a_connection_has_is_told_with_its_process_and_a_hint_that_works() {
    let sandbox = sandbox();
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let client = std::net::TcpStream::connect(server.local_addr().unwrap()).unwrap();
    let port = client.local_addr().unwrap().port();
    let me = std::process::id();
    let app = sandbox.victim("web", Victim::Http);
    let start = sandbox.ostler(["start", "--wait", "--no-autorestart", "-n", "web"]).arg(&app);
    let said = start
        .env("PORT", port.to_string())
        .code(1)
        .shows(format!("`127.0.0.1:{port}` is taken by a connection of pid {me} ("))
        .run();
    let (_, hint) = said.err.split_once("hint: `PORT=").unwrap_or_else(|| panic!("{}", said.err));
    let (other, hint) = hint.split_once(" ostler ").unwrap();
    let (line, _) = hint.split_once('`').unwrap();
    assert_eq!(line, "restart web --update-env");
    let again = sandbox.ostler(line.split(' ')).arg("--wait").env("PORT", other);
    again.shows(format!("http://127.0.0.1:{other}")).run();
}

/// The program did not say where, and it was said to be everywhere.
#[test]
fn the_address_of_the_holder_is_told_where_the_complaint_has_none() {
    let sandbox = sandbox();
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let text = "#!/bin/sh\necho 'OSError: [Errno 98] Address already in use' >&2\nexit 1\n";
    let app = sandbox.write_executable("app.sh", text);
    let start = sandbox.ostler(["start", "--wait", "--no-autorestart"]).arg(&app);
    let me = std::process::id();
    let shown = format!("`127.0.0.1:{port}` is taken: pid {me} (");
    start.env("PORT", port.to_string()).code(1).shows(shown).run();
    drop(holder);
    let described = sandbox.ostler(["describe", "app"]).run().out;
    assert!(
        described.contains(&format!("; port {port} was taken; nobody has it now")),
        "{described}"
    );
}
