//! Every kind of listener under real Nodes.

use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};

use ostler_cluster::{Config, Policy, WorkerId};

use crate::driver::{APP, Cluster, nodes};

const SERVE: &str =
    "http.createServer((q, r) => r.end('' + cluster.worker.id)).listen(0, '127.0.0.1');";

pub fn pair(node: &str, script: &str, config: Config) -> Cluster {
    let mut cluster = Cluster::new(node, script, config);
    cluster.start(1);
    cluster.start(2);
    cluster
}

/// One request on a connection of its own; the body.
pub fn get(port: u16) -> String {
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text.split_once("\r\n\r\n")
        .unwrap()
        .1
        .lines()
        .find(|l| l.len() != 1 || l.parse::<u32>().is_ok())
        .unwrap()
        .into()
}

#[test]
fn port_zero_is_one_port_for_all_and_two_calls_are_two() {
    for node in nodes() {
        let script = "const s = http.createServer((q, r) => r.end()).listen(0, () => {
            const t = net.createServer().listen(0, () => {
                say([s.address().port, t.address().port]) }) });";
        let mut cluster = pair(&node, script, Config::default());
        let ports = cluster.until("1 says");
        assert_eq!(cluster.until("2 says"), ports);
        let (first, second) = ports.trim_matches(['[', ']']).split_once(',').unwrap();
        assert_ne!(first, second);
        assert_eq!(cluster.primary.addresses(WorkerId(1)).count(), 2);
        assert!(cluster.primary.covers(WorkerId(2), WorkerId(1)));
    }
}

#[test]
fn an_address_in_use_is_an_error_of_the_app_and_may_be_tried_again() {
    for node in nodes() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let script = format!(
            "const failed = e => say(e.code + e.syscall);
             const go = () => net.createServer().on('error', failed).listen({port}, '127.0.0.1');
             go(); process.on('message', go);"
        );
        let mut cluster = Cluster::new(&node, &script, Config::default());
        cluster.start(1);
        assert_eq!(cluster.until("1 says"), r#""EADDRINUSEbind""#);
        drop(taken);
        cluster.send(1, "1");
        assert_eq!(cluster.until("1 listening"), port.to_string());
    }
}

#[test]
fn t6_a_descriptor_from_the_table_is_served() {
    for node in nodes() {
        let script =
            "net.createServer().listen({fd: 3}, () => say('ok')).on('error', e => say(e.code));";
        let mut cluster = Cluster::new(&node, script, Config::default());
        cluster.primary.set_fds(APP, vec![3]);
        cluster.table.insert(3, TcpListener::bind("127.0.0.1:0").unwrap().into());
        cluster.start(1);
        assert_eq!(cluster.until("1 says"), r#""ok""#);
    }
}

#[test]
fn t6_a_descriptor_that_is_not_in_the_table_is_einval() {
    for node in nodes() {
        let script = "net.createServer().on('error', e => say(e.code)).listen({fd: 4});";
        let mut cluster = Cluster::new(&node, script, Config::default());
        cluster.start(1);
        assert_eq!(cluster.until("1 says"), r#""EINVAL""#);
    }
}

#[test]
fn t7_an_exclusive_listener_is_the_workers_own_and_silent() {
    for node in nodes() {
        let script = "const at = {port: 0, host: '127.0.0.1', exclusive: true};
            net.createServer().listen(at, () => say('up'));";
        let mut cluster = Cluster::new(&node, script, Config::default());
        cluster.start(1);
        cluster.until("1 says");
        assert_eq!(cluster.find("1 listening"), None);
        assert_eq!(cluster.primary.addresses(WorkerId(1)).count(), 0);
    }
}

#[test]
fn t12_tls_servers_share_their_ticket_keys() {
    for node in nodes() {
        let script = "const s = tls.createServer({ciphers: 'PSK', pskCallback: () => null});
            s.listen(0, '127.0.0.1', () => say(s.getTicketKeys().toString('hex')));";
        let mut cluster = pair(&node, script, Config::default());
        let keys = cluster.until("1 says");
        assert_eq!(keys.len(), 98);
        assert_eq!(cluster.until("2 says"), keys);
    }
}

#[test]
fn udp_is_shared() {
    for node in nodes() {
        let script = "const s = dgram.createSocket('udp4', (m, r) => s.send(m, r.port, r.address));
            s.bind(0, '127.0.0.1');";
        let mut cluster = pair(&node, script, Config::default());
        let port = cluster.until("1 listening");
        assert_eq!(cluster.until("2 listening"), port);
        assert!(cluster.primary.listeners_of(WorkerId(2)).all(|used| used.shared));
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
        socket.send_to(b"hello", ("127.0.0.1", port.parse().unwrap())).unwrap();
        let mut buffer = [0; 16];
        assert_eq!(socket.recv(&mut buffer).unwrap(), 5);
    }
}

#[test]
fn t17_the_socket_itself_is_shared_where_that_is_wanted() {
    for node in nodes() {
        let mut cluster = pair(&node, SERVE, Config::default());
        cluster.primary.set_policy(APP, Policy::Shared, &mut cluster.out);
        let port = cluster.until("1 listening").parse().unwrap();
        cluster.until("2 listening");
        assert!(["1", "2"].contains(&get(port).as_str()));
    }
}

#[test]
fn unix_and_abstract_sockets() {
    for node in nodes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let name = format!("ostler-test-{}-{}", std::process::id(), node.replace('/', "-"));
        let script = format!(
            "const reply = c => c.end('' + cluster.worker.id);
             const s = net.createServer(reply).listen({path:?}, () => {{
                const t = net.createServer(reply).listen('\\0{name}', () => say('up'));
                t.on('error', e => say(e.code)) }});",
        );
        let mut cluster = pair(&node, &script, Config::default());
        assert_eq!(
            (cluster.until("1 says"), cluster.until("2 says")),
            (r#""up""#.into(), r#""up""#.into())
        );
        let streams = [
            UnixStream::connect(&path).unwrap(),
            UnixStream::connect_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap(),
        ];
        for mut stream in streams {
            let client = std::thread::spawn(move || {
                let mut text = String::new();
                stream.read_to_string(&mut text).unwrap();
                text
            });
            cluster.until_that(|_| client.is_finished().then_some(()));
            assert!(["1", "2"].contains(&client.join().unwrap().as_str()));
        }
        cluster.primary.close_all(0, APP, &mut cluster.out);
        cluster.drive();
        assert!(!path.exists());
    }
}
