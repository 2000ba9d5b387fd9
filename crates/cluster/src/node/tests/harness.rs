//! A primary and what it said, as short lines.

use ostler_wire::node::Incoming;
use ostler_wire::node::outgoing::Sockname;

use crate::{
    Command, Config, ConnId, GroupId, HandleId, ListenerId, Output, Policy, Primary, Received,
    WorkerId, WorkerOptions,
};

pub(super) struct World {
    pub(super) primary: Primary,
    pub(super) now: u64,
    pub(super) out: Output,
}

/// The app of most stories.
pub(super) const APP: GroupId = GroupId(0);

pub(super) fn world(policy: Policy, window: usize) -> World {
    let config = Config { window, first_seq: 100, first_listener: 7 };
    let mut world = World { primary: Primary::new(config), now: 1000, out: Output::new() };
    world.primary.set_policy(APP, policy, &mut world.out);
    world.primary.set_fds(APP, vec![3]);
    world
}

/// A cluster of `count` workers that listen on port 80, which is listener 7.
pub(super) fn serving(policy: Policy, window: usize, count: u64) -> World {
    let mut world = world(policy, window);
    for worker in 0..count {
        world.add(worker, u32::try_from(worker).unwrap());
        world.query(worker, r#""address":null,"port":80,"addressType":4"#);
        if worker == 0 {
            world.opened(7, 80);
        }
    }
    world
}

impl World {
    /// What is to be done since the last time; stored metadata apart.
    pub(super) fn take(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(command) = self.out.pop() {
            lines.extend(line(&command, &self.out));
        }
        lines
    }

    pub(super) fn add(&mut self, worker: u64, slot: u32) {
        self.primary.handle_worker_added(WorkerId(worker), WorkerOptions::node(APP, slot));
    }

    pub(super) fn says(&mut self, worker: u64, line: &str) -> Vec<String> {
        self.says_with(worker, line, Received::Nothing)
    }

    pub(super) fn says_with(&mut self, worker: u64, line: &str, received: Received) -> Vec<String> {
        let incoming = Incoming::parse(line.as_bytes());
        self.primary.handle_message(self.now, WorkerId(worker), &incoming, received, &mut self.out);
        self.take()
    }

    pub(super) fn query(&mut self, worker: u64, fields: &str) -> Vec<String> {
        self.query_numbered(worker, 0, fields, 5)
    }

    /// Another query than that of `query`, for another server.
    pub(super) fn query_again(&mut self, worker: u64, fields: &str) -> Vec<String> {
        self.query_numbered(worker, 1, fields, 6)
    }

    fn query_numbered(&mut self, worker: u64, index: u32, fields: &str, seq: u64) -> Vec<String> {
        let asked = r#""cmd":"NODE_CLUSTER","act":"queryServer""#;
        self.says(worker, &format!(r#"{{{asked},"index":{index},{fields},"seq":{seq}}}"#))
    }

    pub(super) fn opened(&mut self, listener: u64, port: u16) -> Vec<String> {
        let name = Sockname { address: "::".parse().unwrap(), port };
        self.primary.handle_opened(self.now, ListenerId(listener), Ok(Some(name)), &mut self.out);
        self.take()
    }

    /// Nobody but workers has the socket any more.
    pub(super) fn closed(&mut self, listener: u64) -> Vec<String> {
        self.primary.handle_listener_closed(ListenerId(listener), &mut self.out);
        self.take()
    }

    pub(super) fn open_failed(&mut self, listener: u64, errno: i32) -> Vec<String> {
        self.primary.handle_opened(self.now, ListenerId(listener), Err(errno), &mut self.out);
        self.take()
    }

    pub(super) fn accepted(&mut self, conn: u64, peer: u64) -> Vec<String> {
        self.primary.handle_accepted(self.now, ListenerId(7), ConnId(conn), peer, &mut self.out);
        self.take()
    }

    /// Both messages of a worker that takes (or refuses) the connection of our message `seq`.
    pub(super) fn answers(&mut self, worker: u64, seq: u64, accepted: bool) -> Vec<String> {
        let mut lines = self.says(worker, r#"{"cmd":"NODE_HANDLE_ACK"}"#);
        lines.extend(self.says(worker, &ack(seq, accepted)));
        lines
    }

    pub(super) fn nack(&mut self, worker: u64) -> Vec<String> {
        self.says(worker, r#"{"cmd":"NODE_HANDLE_NACK"}"#)
    }

    pub(super) fn eof(&mut self, worker: u64) -> Vec<String> {
        self.primary.handle_eof(self.now, WorkerId(worker), &mut self.out);
        self.take()
    }

    pub(super) fn leave(&mut self, worker: u64) -> Vec<String> {
        self.primary.handle_leaving(WorkerId(worker), &mut self.out);
        self.take()
    }

    /// Goes on to the next deadline.
    pub(super) fn wait(&mut self) -> Vec<String> {
        self.now = self.primary.deadline().expect("something to wait for");
        self.primary.handle_deadline(self.now, &mut self.out);
        self.take()
    }

    /// The worker and the number of each connection that is handed out in `lines`.
    pub(super) fn handed(lines: &[String]) -> Vec<(u64, u64)> {
        lines.iter().filter_map(|line| hand_over(line)).collect()
    }
}

pub(super) fn ack(seq: u64, accepted: bool) -> String {
    format!(r#"{{"cmd":"NODE_CLUSTER","ack":{seq},"accepted":{accepted},"seq":1}}"#)
}

fn hand_over(line: &str) -> Option<(u64, u64)> {
    let (worker, rest) = line.strip_prefix('w')?.split_once(" <- conn ")?;
    let (_, seq) = rest.rsplit_once("\"seq\":")?;
    Some((worker.parse().unwrap(), seq.trim_end_matches('}').parse().unwrap()))
}

pub(super) fn check(actual: &[String], expected: &[&str]) {
    assert_eq!(actual, expected, "\n{actual:#?}");
}

pub(super) fn handle(id: u64) -> Received {
    Received::Fd(HandleId(id))
}

fn line(command: &Command, out: &Output) -> Option<String> {
    let text = |span| out.text(span).trim_end_matches('\n').to_owned();
    Some(match command {
        Command::ListenerMetaChanged { .. } => return None,
        Command::OpenListener { listener, kind } => format!("open {} {kind:?}", listener.0),
        Command::CloseListener { listener, unlink } => format!("close {} {unlink:?}", listener.0),
        Command::SetAccepting { listener, accepting } => {
            format!("accept {} {accepting}", listener.0)
        }
        Command::Send { worker, bytes } => format!("w{} <- {}", worker.0, text(*bytes)),
        Command::SendWithConn { worker, conn, seq, bytes } => {
            let line = text(*bytes);
            assert!(line.ends_with(&format!("\"seq\":{seq}}}}}")), "{line}");
            format!("w{} <- conn {} {line}", worker.0, conn.0)
        }
        Command::SendFence { worker, bytes } => format!("w{} <- fence {}", worker.0, text(*bytes)),
        Command::SendWithListener { worker, listener, bytes } => {
            format!("w{} <- listener {} {}", worker.0, listener.0, text(*bytes))
        }
        Command::SendWithHandle { worker, handle, bytes } => {
            format!("w{} <- handle {} {}", worker.0, handle.0, text(*bytes))
        }
        Command::CloseConn { conn, taken } => {
            format!("{} conn {}", if *taken { "taken" } else { "drop" }, conn.0)
        }
        Command::CloseHandle { handle } => format!("close handle {}", handle.0),
        Command::WorkerOnline { worker } => format!("w{} online", worker.0),
        Command::WorkerListening { worker, query } => {
            let port = query.port.unwrap_or(-2);
            format!("w{} listening {:?} {port}", worker.0, query.address)
        }
        Command::Disagrees { worker, holder, policy, key } => {
            format!("w{} disagrees with app {} ({policy:?}) about {key}", worker.0, holder.0)
        }
        Command::Voluntary { worker } => format!("w{} voluntary", worker.0),
        Command::UserMessage { worker, text: span } => {
            format!("w{} says {}", worker.0, text(*span))
        }
        Command::UserHandle { worker, handle, kind, text: span } => {
            format!("w{} gives {} {kind:?} {}", worker.0, handle.0, text(*span))
        }
        Command::Noise { worker, noise } => format!("w{} noise {noise:?}", worker.0),
    })
}
