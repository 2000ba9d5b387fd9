//! Who comes to PM2's sockets: very many at once, and who is not let in.

use std::fs::{self, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;

use ostler_testkit::Sandbox;
use ostler_testkit::run::finish;
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::start_e2e::{SOON, sandbox};

/// How many clients there are at once, of calls and of events together.
const CLIENTS: usize = 1000;

/// A call of `ping` as PM2's client writes it, and the answer.
fn ping() -> (Vec<u8>, Vec<u8>) {
    let frame = |body: &str| {
        let mut frame = vec![0x12];
        for argument in [format!("j:{body}"), "s:1:0".to_owned()] {
            frame.extend(u32::try_from(argument.len()).unwrap().to_be_bytes());
            frame.extend(argument.as_bytes());
        }
        frame
    };
    let call = r#"{"type":"call","method":"ping","args":[{}]}"#;
    (frame(call), frame(r#"{"args":[{"msg":"pong"}]}"#))
}

#[test]
fn a_thousand_clients_at_once_are_answered_and_hear_of_everything() {
    let all = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, rustix::process::Rlimit { current: all.maximum, ..all }).unwrap();
    let s = sandbox();
    s.ostler(["ping"]).run();
    let connect = |name: &str| {
        let path = s.home().join(name);
        let one = || {
            let stream = UnixStream::connect(&path).unwrap();
            stream.set_read_timeout(Some(SOON)).unwrap();
            stream
        };
        (0..CLIENTS / 2).map(|_| one()).collect::<Vec<_>>()
    };
    let (mut callers, mut hearers) = (connect("rpc.sock"), connect("pub.sock"));
    let (call, answer) = ping();
    for _ in 0..3 {
        callers.iter_mut().for_each(|caller| caller.write_all(&call).unwrap());
        for caller in &mut callers {
            let mut got = vec![0; answer.len()];
            caller.read_exact(&mut got).unwrap();
            assert_eq!(got, answer);
        }
    }
    let app = s.write("app.sh", "exec sleep 1000000");
    s.ostler(["start"]).arg(app).run();
    for hearer in &mut hearers {
        let (mut heard, mut piece) = (Vec::new(), [0; 4096]);
        while !String::from_utf8_lossy(&heard).contains("\"event\":\"online\"") {
            let read = hearer.read(&mut piece).unwrap();
            assert_ne!(read, 0, "cut off after {}", String::from_utf8_lossy(&heard));
            heard.extend_from_slice(&piece[..read]);
        }
    }
    drop((callers, hearers));
    assert_eq!(s.statuses_of("app"), ["online"]);
}

/// Asks at PM2's sockets as another user, to whom every folder and file is open.
fn asked_by_another(s: &Sandbox) -> String {
    for folder in [s.root(), &s.home()] {
        fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
    }
    let script = "
        const net = require('net'), frame = Buffer.from(process.argv[2], 'hex');
        const socket = net.connect(process.argv[1], () => socket.write(frame));
        socket.on('data', (data) => { console.log(String(data)); socket.destroy(); });
        socket.on('error', (error) => console.log(error.code));
        socket.on('close', () => console.log('closed'));";
    let hex: String = ping().0.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut command = s.command_of("node");
    command.args(["-e", script]).arg(s.home().join("rpc.sock")).arg(hex);
    command.current_dir("/").uid(65534).gid(65534);
    finish(command, b"", SOON).out
}

#[test]
fn another_user_is_let_in_at_pm2s_sockets_where_the_environment_says_so_and_nowhere_else() {
    if !rustix::process::geteuid().is_root() {
        return println!("only root can be somebody else");
    }
    let open = |path: &Path| fs::set_permissions(path, Permissions::from_mode(0o777)).unwrap();
    let s = sandbox();
    s.ostler(["ping"]).run();
    assert_eq!(asked_by_another(&s), "EACCES\nclosed\n", "the file is not theirs");
    let daemon = s.daemon_pid();
    for name in ["rpc.sock", "pub.sock", "ostler.sock"] {
        open(&s.home().join(name));
    }
    // Somebody has opened it to everybody: who comes is asked who it is.
    let answer = asked_by_another(&s);
    assert!(!answer.contains("pong"), "{answer}");
    assert_eq!(s.daemon_pid(), daemon);

    for (name, number) in [("PM2_SOCKET_USER", "65534"), ("PM2_SOCKET_GROUP", "65534")] {
        let mut s = sandbox();
        s.set_env(name, number);
        s.ostler(["ping"]).run();
        let answer = asked_by_another(&s);
        assert!(answer.contains("pong"), "{name}: {answer}");
    }
}
