//! The smallest owner of a primary: one thread, `poll`, no keeper.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::process::{Child, Command};
use std::rc::Rc;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use ostler_cluster::{
    Command as Act, Config, ConnId, Connections, GroupId, HandleId, ListenerId, ListenerKind,
    ListenerMeta, Output, Primary, Received, Recovered, WorkerId, WorkerOptions,
};
use ostler_wire::node::outgoing::Sockname;
use ostler_wire::node::{self, Framer};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, accept_with,
    recvmsg, sendmsg, socket_with, socketpair,
};
use rustix::process::{Pid, Signal, kill_process};

use crate::notes::Notes;
use crate::{sockets, transcript};

/// Between clearing close-on-exec of a channel and the end of the spawn no other test may spawn, or
/// its worker would keep the channel open.
static SPAWN: Mutex<()> = Mutex::new(());

/// The app of all workers.
pub const APP: GroupId = GroupId(0);

/// What every script begins with.
const HEAD: &str = "const cluster = require('cluster'), net = require('net');
const http = require('http'), tls = require('tls'), dgram = require('dgram');
const say = m => process.send(m);
";

pub fn nodes() -> Vec<String> {
    let list = std::env::var("OSTLER_TEST_NODES").unwrap_or_else(|_| "node".to_owned());
    list.split(':').filter(|path| !path.is_empty()).map(str::to_owned).collect()
}

struct Worker {
    child: Child,
    channel: Option<OwnedFd>,
    framer: Framer<OwnedFd>,
}

pub struct Cluster {
    node: String,
    script: tempfile::NamedTempFile,
    pub primary: Primary,
    pub out: Output,
    started: Instant,
    workers: BTreeMap<u64, Worker>,
    listeners: BTreeMap<ListenerId, OwnedFd>,
    accepting: BTreeSet<ListenerId>,
    pub conns: Connections<OwnedFd, Rc<Notes>>,
    /// The descriptor of each connection, as a successor's guard knows it.
    names: BTreeMap<i32, ConnId>,
    /// The primary dies before it sends what it has noted.
    pub dying: bool,
    pub handles: BTreeMap<HandleId, OwnedFd>,
    /// Sockets for `listen({fd})`.
    pub table: BTreeMap<i64, OwnedFd>,
    next: u64,
    /// Everything that happened: `worker what …`.
    pub log: Vec<String>,
}

impl Cluster {
    pub fn new(node: &str, script: &str, config: Config) -> Self {
        let file = tempfile::Builder::new().suffix(".cjs").tempfile().unwrap();
        std::fs::write(file.path(), format!("{HEAD}{script}")).unwrap();
        Self {
            node: node.to_owned(),
            script: file,
            primary: Primary::new(config),
            out: Output::new(),
            started: Instant::now(),
            workers: BTreeMap::new(),
            listeners: BTreeMap::new(),
            accepting: BTreeSet::new(),
            conns: Connections::new(Rc::default()),
            names: BTreeMap::new(),
            dying: false,
            handles: BTreeMap::new(),
            table: BTreeMap::new(),
            next: 1,
            log: Vec::new(),
        }
    }

    pub fn start(&mut self, worker: u64) {
        let guard = SPAWN.lock().unwrap();
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
                .unwrap();
        rustix::io::fcntl_setfd(&theirs, rustix::io::FdFlags::empty()).unwrap();
        let child = Command::new(&self.node)
            .arg(self.script.path())
            .env("NODE_CHANNEL_FD", theirs.as_raw_fd().to_string())
            .env("NODE_UNIQUE_ID", worker.to_string())
            .current_dir(std::env::temp_dir())
            .spawn()
            .unwrap();
        drop(theirs);
        drop(guard);
        let options = WorkerOptions::node(APP, u32::try_from(worker).unwrap());
        self.primary.handle_worker_added(WorkerId(worker), options);
        self.workers
            .insert(worker, Worker { child, channel: Some(ours), framer: Framer::default() });
    }

    pub fn signal(&self, worker: u64, signal: Signal) {
        kill_process(Pid::from_child(&self.workers[&worker].child), signal).unwrap();
    }

    /// The exit code, after the channel ended.
    pub fn exit_code(&mut self, worker: u64) -> Option<i32> {
        self.until(&format!("{worker} eof"));
        self.workers.get_mut(&worker).unwrap().child.wait().unwrap().code()
    }

    pub fn leave(&mut self, worker: u64) {
        self.primary.handle_leaving(WorkerId(worker), &mut self.out);
        self.drive();
    }

    pub fn send(&mut self, worker: u64, json: &str) {
        self.primary.send_user(WorkerId(worker), json, &mut self.out).unwrap();
        self.drive();
    }

    /// Runs until the log has the line; what follows it there.
    #[track_caller]
    pub fn until(&mut self, start: &str) -> String {
        self.until_that(|cluster| cluster.find(start));
        self.find(start).unwrap()
    }

    pub fn find(&self, start: &str) -> Option<String> {
        self.log.iter().find_map(|line| line.strip_prefix(start)).map(|rest| rest.trim().to_owned())
    }

    #[track_caller]
    pub fn until_that<T>(&mut self, mut done: impl FnMut(&mut Self) -> Option<T>) -> T {
        let limit = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(result) = done(self) {
                return result;
            }
            assert!(Instant::now() < limit, "did not happen in time: {:#?}", self.log);
            self.turn();
        }
    }

    /// The primary dies and another one takes its place.
    pub fn take_over(&mut self, config: Config) {
        let ids: Vec<_> = self.listeners.keys().copied().collect();
        let metas = ids
            .iter()
            .map(|id| {
                ListenerMeta::from_bytes(&self.primary.listener_meta(*id).unwrap().to_bytes())
                    .unwrap()
            })
            .collect();
        let workers: Vec<_> = self
            .workers
            .iter()
            .filter(|(_, worker)| worker.channel.is_some())
            .map(|(id, _)| (WorkerId(*id), WorkerOptions::node(APP, u32::try_from(*id).unwrap())))
            .collect();
        self.dying = false;
        self.accepting.clear();
        self.primary = Primary::restore(config, Vec::new(), metas, &workers, &mut self.out);
        let mut conns: Vec<_> = self
            .conns
            .ledger()
            .notes
            .borrow()
            .iter()
            .map(|(fd, (listener, sent))| Recovered {
                conn: self.names[fd],
                listener: *listener,
                peer: 0,
                sent: *sent,
            })
            .collect();
        conns.sort_unstable_by_key(|one| one.conn);
        self.primary.handle_recovered(self.now(), &conns, &mut self.out);
        self.drive();
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap()
    }

    /// Waits for one event, a little.
    fn turn(&mut self) {
        let workers: Vec<_> =
            self.workers.iter().filter(|(_, w)| w.channel.is_some()).map(|(id, _)| *id).collect();
        let listeners: Vec<_> = self.accepting.iter().copied().collect();
        let channels = workers.iter().map(|id| self.workers[id].channel.as_ref().unwrap());
        let mut fds: Vec<_> = channels
            .chain(listeners.iter().map(|id| &self.listeners[id]))
            .map(|fd| PollFd::new(fd, PollFlags::IN))
            .collect();
        let wait = rustix::event::Timespec { tv_sec: 0, tv_nsec: 5_000_000 };
        poll(&mut fds, Some(&wait)).unwrap();
        let ready: Vec<_> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        let now = self.now();
        if self.primary.deadline().is_some_and(|at| at <= now) {
            self.primary.handle_deadline(now, &mut self.out);
            self.drive();
        }
        for (id, _) in workers.iter().zip(&ready).filter(|(_, ready)| **ready) {
            self.read(*id);
        }
        for (id, _) in listeners.iter().zip(&ready[workers.len()..]).filter(|(_, ready)| **ready) {
            // As long as the primary wants more and there is more.
            while self.accepting.contains(id) {
                let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
                let accept = |socket: &OwnedFd| {
                    let fd = accept_with(socket, flags)?;
                    let number = fd.as_raw_fd();
                    Ok::<_, rustix::io::Errno>((fd, number))
                };
                let accepted = self.conns.accepted(*id, &self.listeners[id], accept);
                let Ok((conn, number)) = accepted else { break };
                self.names.insert(number, conn);
                self.primary.handle_accepted(now, *id, conn, 0, &mut self.out);
                self.drive();
            }
        }
    }

    fn read(&mut self, id: u64) {
        let now = self.now();
        let mut buffer = vec![0; 65536];
        let worker = self.workers.get_mut(&id).unwrap();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let channel = worker.channel.as_ref().unwrap();
        let got = recvmsg(
            channel,
            &mut [IoSliceMut::new(&mut buffer)],
            &mut control,
            RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT,
        );
        match got {
            Err(rustix::io::Errno::AGAIN) => return,
            Ok(message) if message.bytes > 0 => {
                let mut any = false;
                for message in control.drain() {
                    if let RecvAncillaryMessage::ScmRights(fds) = message {
                        fds.for_each(|fd| {
                            any = true;
                            worker.framer.push_fd(fd);
                        });
                    }
                }
                if !any && message.flags.contains(ReturnFlags::CTRUNC) {
                    worker.framer.push_missing();
                }
                worker.framer.push(&buffer[..message.bytes]);
            }
            Ok(_) | Err(_) => {
                worker.channel = None;
                self.log.push(format!("{id} eof"));
                self.primary.handle_eof(now, WorkerId(id), &mut self.out);
                return self.drive();
            }
        }
        let worker = self.workers.get_mut(&id).unwrap();
        while let Some(message) = worker.framer.next_message() {
            let received = match message.fd {
                Some(node::Received::Fd(fd)) => {
                    self.next += 1;
                    self.handles.insert(HandleId(self.next), fd);
                    Received::Fd(HandleId(self.next))
                }
                Some(node::Received::Missing) => Received::Missing,
                None if message.wants_ack => Received::Missing,
                None => Received::Nothing,
            };
            self.primary.handle_message(
                now,
                WorkerId(id),
                &message.incoming,
                received,
                &mut self.out,
            );
        }
        self.drive();
    }

    pub fn drive(&mut self) {
        while let Some(command) = self.out.pop() {
            self.act(command);
        }
    }

    fn act(&mut self, command: Act) {
        match command {
            Act::OpenListener { listener, kind } => {
                let result = self.open(listener, &kind);
                self.primary.handle_opened(self.now(), listener, result, &mut self.out);
            }
            Act::CloseListener { listener, unlink } => {
                self.listeners.remove(&listener);
                self.accepting.remove(&listener);
                unlink.iter().for_each(|path| std::fs::remove_file(path).unwrap());
                self.primary.handle_listener_closed(listener, &mut self.out);
            }
            Act::SetAccepting { listener, accepting: true } => {
                self.accepting.insert(listener);
            }
            Act::SetAccepting { listener, accepting: false } => {
                self.accepting.remove(&listener);
            }
            Act::ListenerMetaChanged { .. } => {}
            Act::Send { worker, bytes } => self.write(worker, self.out.bytes(bytes), None),
            Act::SendWithConn { worker, conn, seq, bytes } => {
                let fd = self.conns.sent(conn, worker, seq).unwrap().try_clone().unwrap();
                if !self.dying {
                    self.write(worker, self.out.bytes(bytes), Some(fd.as_fd()));
                }
            }
            Act::SendFence { worker, bytes } => {
                let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
                let fd = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None).unwrap();
                self.log.push(format!("{} fence", worker.0));
                self.write(worker, self.out.bytes(bytes), Some(fd.as_fd()));
            }
            Act::SendWithListener { worker, listener, bytes } => {
                let fd = self.listeners[&listener].as_fd();
                self.write(worker, self.out.bytes(bytes), Some(fd));
            }
            Act::SendWithHandle { worker, handle, bytes } => {
                self.write(worker, self.out.bytes(bytes), Some(self.handles[&handle].as_fd()));
            }
            Act::CloseConn { conn, taken: true } => {
                self.conns.acknowledged(conn).unwrap();
                self.log.push(format!("conn {} taken", conn.0));
            }
            Act::CloseConn { conn, taken: false } => {
                self.conns.closed(conn).unwrap();
                self.log.push(format!("conn {} dropped", conn.0));
            }
            Act::CloseHandle { handle } => _ = self.handles.remove(&handle),
            Act::WorkerOnline { .. }
            | Act::WorkerListening { .. }
            | Act::Disagrees { .. }
            | Act::Voluntary { .. }
            | Act::UserMessage { .. }
            | Act::UserHandle { .. }
            | Act::Noise { .. } => self.log.extend(transcript::line(&command, &self.out)),
        }
    }

    /// Small messages go out whole. A channel that is full is waited for.
    fn write(&self, worker: WorkerId, bytes: &[u8], fd: Option<BorrowedFd<'_>>) {
        let Some(channel) = &self.workers[&worker.0].channel else { return };
        let fds: Vec<_> = fd.into_iter().collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() {
            assert!(control.push(SendAncillaryMessage::ScmRights(&fds)));
        }
        let sent = sendmsg(channel, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL);
        // A worker that is dead has its end read soon.
        let Ok(mut sent) = sent else { return };
        while sent < bytes.len() {
            sent += rustix::io::write(channel, &bytes[sent..]).unwrap();
        }
    }

    fn open(&mut self, id: ListenerId, kind: &ListenerKind) -> Result<Option<Sockname>, i32> {
        let (fd, sockname) = sockets::open(kind, &self.table)?;
        self.listeners.insert(id, fd);
        Ok(sockname)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for worker in self.workers.values_mut() {
            // It may be dead already; then there is nothing to kill.
            let _ = worker.child.kill();
            let _ = worker.child.wait();
        }
    }
}
