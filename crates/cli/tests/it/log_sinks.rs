//! Lines of apps that go to others besides the log files.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};

use ostler_testkit::built_companion;

use crate::start_e2e::{SOON, sandbox};
use crate::takeover::kill_daemon;

#[test]
fn a_sink_misses_no_line_when_the_daemon_is_killed_and_describe_says_what_became_of_it() {
    let s = sandbox();
    let text = "i=0; while :; do echo \"mark $i\"; i=$((i+1)); sleep 0.005; done";
    let (app, copy) = (s.write("ticker.sh", text), s.file("copy.log"));
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    receiver.set_read_timeout(Some(SOON)).unwrap();
    let address = format!("udp://{}", receiver.local_addr().unwrap());
    s.ostler(["start"])
        .arg(&app)
        .args(["--interpreter", "sh", "--name", "ticker", "--log-max-size", "1K", "--time"])
        .args(["--log-syslog", &address])
        .arg("--log-copy")
        .arg(&copy)
        .run();
    let mut room = [0; 4096];
    let length = receiver.recv(&mut room).unwrap();
    let message = String::from_utf8_lossy(&room[..length]).into_owned();
    assert!(
        message.starts_with("<14>1 20") && message.ends_with(" ticker 0 out - mark 0"),
        "{message}"
    );
    let numbers = || -> Vec<u64> {
        let text = fs::read_to_string(&copy).unwrap_or_default();
        let whole = text.get(..text.rfind('\n').unwrap_or(0)).unwrap_or_default();
        whole.lines().map(|line| line.strip_prefix("mark ").unwrap().parse().unwrap()).collect()
    };
    let wait = |number: u64| {
        s.wait_for("the copy", SOON, || numbers().last().filter(|last| number <= **last).map(drop));
    };
    wait(50);
    kill_daemon(&s);
    s.ostler(["ping"]).run();
    let last = *numbers().last().unwrap();
    wait(last + 100);
    let numbers = numbers();
    assert_eq!(numbers[0], 0);
    // What was passed on in the moment of its death may come again, and nothing is missing.
    assert!(numbers.windows(2).all(|of| of[1] <= of[0] + 1), "{numbers:?}");
    let ran = s.ostler(["describe", "ticker"]).run();
    assert!(ran.out.contains(&format!("syslog {address}: ")), "{}", ran.out);
    assert!(ran.out.contains("log sink: file ") && ran.out.contains("/copy.log: "), "{}", ran.out);
    s.ostler(["delete", "ticker"]).run();
    s.wait_for("nothing to be kept", SOON, || {
        let left = fs::read_dir(s.home().join("ostler.sinks")).unwrap().count();
        (left == 0).then_some(())
    });
}

#[test]
fn a_receiver_that_is_not_there_is_told_by_describe_and_its_app_does_not_notice() {
    let s = sandbox();
    let app = s.write("say.sh", "echo one; exec sleep 1000000");
    let file = s.write(
        "apps.json",
        format!(
            r#"{{"apps":[{{"name":"app","script":{:?},"interpreter":"sh","log_sinks":{{"syslog":
                {{"to":"unix:/nonexistent/log","level":"info"}}}}}}]}}"#,
            app.display().to_string()
        ),
    );
    s.ostler(["start"]).arg(&file).run();
    s.wait_for("describe to tell it", SOON, || {
        let ran = s.ostler(["describe", "app"]).run();
        let tells =
            ran.out.contains("syslog unix:/nonexistent/log: 0 lines passed on; waits since");
        tells.then_some(())
    });
    assert_eq!(fs::read_to_string(s.home().join("logs/app-out.log")).unwrap(), "one\n");
    s.ostler(["start", "say.sh", "--log-syslog", "nowhere"])
        .code(2)
        .shows("no address of syslog")
        .run();
}

#[test]
fn without_the_companion_an_encrypted_sink_is_refused_with_what_to_install() {
    let s = sandbox();
    let alone = s.work().join("bin/ostler");
    fs::create_dir(s.work().join("bin")).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_ostler"), &alone).unwrap();
    s.write("say.sh", "exec sleep 1000000");
    let words = ["start", "say.sh", "--log-syslog", "tls://127.0.0.1:6514"];
    let said = s.command_of(&alone).args(words).output().unwrap();
    let said = String::from_utf8(said.stderr).unwrap();
    let begin = "error: what encrypts syslog is a program of its own, which is not there: `";
    assert!(said.starts_with(begin) && said.contains("\nhint: "), "{said}");
    assert_eq!(s.daemon_pid(), None);
}

#[test]
fn an_encrypted_sink_gives_its_receiver_nothing_before_it_has_seen_its_certificate() {
    built_companion();
    let s = sandbox();
    let receiver = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tls://{}", receiver.local_addr().unwrap());
    s.write("say.sh", "echo secret; exec sleep 1000000");
    s.ostler(["start", "say.sh", "--name", "app", "--log-syslog", &address]).run();
    let (mut stream, _) = receiver.accept().unwrap();
    let mut room = [0; 4096];
    let read = stream.read(&mut room).unwrap();
    // A record of a handshake.
    assert_eq!(room[0], 22);
    assert!(!room[..read].windows(6).any(|of| of == b"secret"));
    stream.write_all(b"this is not TLS\n").unwrap();
    s.wait_for("describe to tell it", SOON, || {
        let ran = s.ostler(["describe", "app"]).run();
        let begin = format!("log sink: syslog {address}: 0 lines passed on; waits since ");
        (ran.out.contains(&begin) && ran.out.contains("corrupt message")).then_some(())
    });
}
