//! Messages and descriptors between a real app and us.

use std::io::Read;
use std::net::TcpStream;

use ostler_cluster::{Config, HandleId, Received, WorkerId};
use ostler_wire::node::HandleType;

use crate::driver::{Cluster, nodes};

#[test]
fn t4_a_socket_goes_to_us_and_back_and_the_server_closes() {
    for node in nodes() {
        let script = "const s = net.createServer(c => {
                say('before'); process.send('take it', c); say('after');
                s.close(() => say('closed')) });
            process.on('message', (m, c) => c.end(m.text)); s.listen(0, '127.0.0.1');";
        let mut cluster = Cluster::new(&node, script, Config::default());
        cluster.start(1);
        let port: u16 = cluster.until("1 listening").parse().unwrap();
        let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let given = cluster.until("1 gives");
        let handle = HandleId(given.split(' ').next().unwrap().parse().unwrap());
        assert!(given.ends_with(r#"NetSocket "take it""#), "{given}");
        cluster.until(r#"1 says "after""#);
        assert_eq!(cluster.find(r#"1 says "closed""#), None);
        let json = "{\"text\":\n\"back\"}";
        cluster
            .primary
            .send_handle(WorkerId(1), handle, HandleType::NetSocket, json, None, &mut cluster.out)
            .unwrap();
        cluster.drive();
        // Our copy is closed when the app has its own, and then the server hears that its socket is
        // gone.
        cluster.until_that(|cluster| cluster.handles.is_empty().then_some(()));
        cluster.until(r#"1 says "closed""#);
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        assert_eq!(text, "back");
    }
}

#[test]
fn t3_large_messages_with_sockets_keep_their_sockets() {
    for node in nodes() {
        let script = "process.on('message', (m, c) => c.end('' + m.length)); say('up');";
        let mut cluster = Cluster::new(&node, script, Config::default());
        cluster.start(1);
        cluster.until("1 says");
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut clients = Vec::new();
        for size in [300_000, 300_001, 300_002, 5] {
            clients.push((TcpStream::connect(server.local_addr().unwrap()).unwrap(), size));
            let (socket, _) = server.accept().unwrap();
            socket.set_nonblocking(true).unwrap();
            let handle = HandleId(size);
            cluster.handles.insert(handle, socket.into());
            let json = format!("\"{}\"", "x".repeat(usize::try_from(size).unwrap()));
            cluster
                .primary
                .send_handle(
                    WorkerId(1),
                    handle,
                    HandleType::NetSocket,
                    &json,
                    None,
                    &mut cluster.out,
                )
                .unwrap();
            cluster.drive();
        }
        cluster.until_that(|cluster| cluster.handles.is_empty().then_some(()));
        for (mut client, size) in clients {
            let mut text = String::new();
            client.read_to_string(&mut text).unwrap();
            assert_eq!(text, size.to_string());
        }
    }
}

#[test]
fn a_worker_that_leaves_by_its_own_will_says_so() {
    for node in nodes() {
        let script =
            "net.createServer().listen(0, '127.0.0.1', () => cluster.worker.disconnect());";
        let mut cluster = Cluster::new(&node, script, Config::default());
        cluster.start(1);
        cluster.until("1 voluntary");
        assert_eq!(cluster.exit_code(1), Some(0));
    }
}

#[test]
fn t8_ready_is_a_message_like_any_other_and_may_come_first() {
    for node in nodes() {
        let script =
            "say('ready'); say('\\ud800 lone'); net.createServer().listen(0, '127.0.0.1');";
        let mut cluster = Cluster::new(&node, script, Config::default());
        cluster.start(1);
        cluster.until("1 listening");
        let order: Vec<_> =
            cluster.log.iter().map(|line| line.split(' ').nth(1).unwrap()).collect();
        assert_eq!(order, ["online", "says", "says", "listening"]);
        assert!(cluster.log[2].contains(r"\ud800 lone"), "{:?}", cluster.log);
    }
}

#[test]
fn t9_a_channel_that_ends_kills_the_worker_with_success() {
    for node in nodes() {
        let script = "net.createServer().listen(0, '127.0.0.1');
            process.on('message', () => process.disconnect());";
        let mut cluster = Cluster::new(&node, script, Config::default());
        cluster.start(1);
        cluster.until("1 listening");
        cluster.send(1, "1");
        assert_eq!(cluster.exit_code(1), Some(0));
        assert_eq!(cluster.find("1 voluntary"), None);
        let late = ostler_wire::node::Incoming::HandleAck;
        cluster.primary.handle_message(0, WorkerId(1), &late, Received::Nothing, &mut cluster.out);
        assert!(cluster.out.is_empty());
    }
}
