//! The engine's thread: commands, pipes and timers, one thing at a time.
//!
//! Rule: pipes are watched edge-triggered and read until they are empty (only then Linux reports
//! all that comes next); whatever is worth a look stands in `ready`, each stream once, and gets one
//! bounded turn. A stream that has to wait for a file is *parked*: its pipe may fill, no one looks
//! at it until the file changes. With nothing to do, the thread sleeps without a timeout.

mod timers;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use ostler_poll::{Events, Interest, Poll, now};

use crate::files::{Files, Key};
use crate::inodes::FileId;
use crate::journal::Journal;
use crate::mailbox::{Command, Outbox};
use crate::opener::Opener;
use crate::scratch::Scratch;
use crate::source::Source;
use crate::subscribe::Subscribers;
use crate::types::{Event, Sink, SourceId, Stream, Token};

/// Pause before what could not be watched is watched, ms.
const WATCH_AGAIN: u64 = 100;

/// The waker's token among the streams' keys.
pub(crate) const COMMANDS: Key = 0;

/// What a stream's turn came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The pipe is empty: wait for more.
    Idle,
    /// There may be more: look again after the others.
    More,
    /// A file must come back first, or a subscriber take what it was sent.
    Parked,
    /// Empty, and nobody can write any more.
    End,
}

/// Everything that the thread owns.
pub(crate) struct Reactor {
    poll: Poll<Key>,
    commands: Receiver<Command>,
    pub(crate) outbox: Outbox,
    pub(crate) sources: BTreeMap<Key, Source>,
    keys: BTreeMap<(SourceId, Stream), Key>,
    next_key: Key,
    pub(crate) files: Files,
    /// The folder for the times of the files, if they are to be kept.
    pub(crate) times: Option<PathBuf>,
    pub(crate) subscribers: Subscribers,
    pub(crate) journal: Journal,
    pub(crate) scratch: Scratch,
    pub(crate) input: Vec<u8>,
    pub(crate) output: Vec<u8>,
    pub(crate) devnull: OwnedFd,
    ready: VecDeque<Key>,
    is_ready: BTreeSet<Key>,
    pub(crate) timers: BinaryHeap<Reverse<(u64, FileId)>>,
    /// When streams are looked at that have begun a line.
    pub(crate) show_at: BTreeSet<(u64, Key)>,
    /// When idle files are to be closed; `None` when none is open.
    pub(crate) idle_at: Option<u64>,
    /// Streams are not watched, out of kernel memory: when that is tried again.
    watch_at: Option<u64>,
    /// Streams that have lost lines of which the daemon does not know, and when it is told.
    pub(crate) untold: BTreeSet<(SourceId, Stream)>,
    pub(crate) tell_at: Option<u64>,
    /// Runs whose `Drained` is owed.
    draining: BTreeSet<SourceId>,
    /// Bytes written to files since that was told.
    pub(crate) grown: u64,
    /// Files still to be truncated, by request.
    pub(crate) flushes: BTreeMap<Token, usize>,
    /// How often something came that waits, and of which stream the last time.
    pub(crate) arrivals: u64,
    pub(crate) arrived_last: Key,
    stopping: bool,
}

impl Reactor {
    pub(crate) fn new(
        poll: Poll<Key>,
        commands: Receiver<Command>,
        outbox: Outbox,
        journal: Journal,
        opener: Arc<dyn Opener>,
        times: Option<PathBuf>,
    ) -> io::Result<Self> {
        let devnull = std::fs::OpenOptions::new().write(true).open("/dev/null")?.into();
        Ok(Self {
            poll,
            commands,
            outbox,
            sources: BTreeMap::new(),
            keys: BTreeMap::new(),
            next_key: COMMANDS,
            files: Files::new(opener),
            times,
            subscribers: Subscribers::default(),
            journal,
            scratch: Scratch::default(),
            input: Vec::new(),
            output: Vec::new(),
            devnull,
            ready: VecDeque::new(),
            is_ready: BTreeSet::new(),
            timers: BinaryHeap::new(),
            show_at: BTreeSet::new(),
            idle_at: None,
            watch_at: None,
            untold: BTreeSet::new(),
            tell_at: None,
            draining: BTreeSet::new(),
            grown: 0,
            flushes: BTreeMap::new(),
            arrivals: 0,
            arrived_last: COMMANDS,
            stopping: false,
        })
    }

    pub(crate) fn run(mut self) {
        let mut events = Events::with_capacity(256);
        while !self.stopping {
            self.wait(&mut events);
            self.handle_timers();
            // Each stream that is ready now gets one turn before anything is looked at again.
            for _ in 0..self.ready.len() {
                let Some(key) = self.ready.pop_front() else { break };
                self.is_ready.remove(&key);
                if self.is_due_to_write(key) {
                    self.write_out_with(key);
                    self.queue(key);
                } else {
                    self.turn(key);
                }
            }
            self.subscribers.send(&self.outbox);
        }
    }

    fn wait(&mut self, events: &mut Events<Key>) {
        let deadline = self.deadline();
        if self.ready.is_empty() && self.timers.is_empty() {
            self.trim();
        }
        if self.poll.wait(events, deadline).is_err() {
            return;
        }
        for event in events.iter() {
            match event.token {
                COMMANDS => {
                    while let Ok(command) = self.commands.try_recv() {
                        self.handle(command);
                    }
                }
                key => self.queue(key),
            }
        }
    }

    /// Gives memory back that a flood took, while there is nothing to do.
    fn trim(&mut self) {
        self.scratch.trim();
        self.journal.trim();
        for buffer in [&mut self.input, &mut self.output] {
            buffer.clear();
            buffer.shrink_to(64 << 10);
        }
    }

    /// The stream of this run.
    pub(crate) fn find(&self, owner: (SourceId, Stream)) -> Option<&Source> {
        self.sources.get(self.keys.get(&owner)?)
    }

    /// Has a look at this stream soon.
    pub(crate) fn queue(&mut self, key: Key) {
        if self.is_ready.insert(key) {
            self.ready.push_back(key);
        }
    }

    /// Has a look at the streams that wait for a subscriber.
    fn queue_held(&mut self) {
        let held = self.sources.iter_mut().filter(|(_, source)| source.held);
        let keys: Vec<Key> = held
            .map(|(key, source)| {
                source.held = false;
                *key
            })
            .collect();
        for key in keys {
            self.queue(key);
        }
    }

    fn handle(&mut self, command: Command) {
        match command {
            Command::Attach { source, stream, pipe, sink } => {
                self.attach(source, stream, pipe, &sink);
            }
            Command::Resumed => self.journal.forget_all_but(|owner| self.keys.contains_key(owner)),
            Command::Ended(source) => self.ended(source),
            Command::Detach(source) => {
                self.write_all_out();
                self.draining.remove(&source);
                for stream in [Stream::Out, Stream::Err] {
                    self.forget(source, stream);
                }
            }
            Command::Flush { paths, token } => {
                self.write_all_out();
                self.flush(&paths, token);
            }
            Command::Reopen => {
                self.write_all_out();
                self.reopen();
            }
            Command::Rotate(paths) => {
                self.write_all_out();
                self.rotate_all(paths);
            }
            Command::SetRotation(rules) => self.set_rotation(rules),
            Command::Subscribe { subscriber, filter } => {
                self.write_all_out();
                self.subscribers.add(subscriber, filter);
                self.outbox.send(Event::Subscribed(subscriber));
                self.queue_held();
            }
            Command::Unsubscribe(subscriber) => {
                self.subscribers.remove(subscriber);
                self.queue_held();
            }
            Command::Taken(subscriber) => {
                self.subscribers.taken(subscriber);
                self.queue_held();
            }
            Command::AwaitReader(awaits) => {
                self.subscribers.awaits = awaits;
                self.queue_held();
            }
            Command::Stop => self.stopping = true,
        }
    }

    fn attach(&mut self, id: SourceId, stream: Stream, pipe: Arc<OwnedFd>, sink: &Arc<Sink>) {
        // The journal keeps what it holds of this stream, from a former daemon or a former pipe.
        if let Some(mut before) = self.unhook(id, stream) {
            self.leave_files(&mut before);
        }
        self.next_key += 1;
        let key = self.next_key;
        let pipe = self.poll.unwatched(pipe, key);
        let mut source = Source::new(key, id, stream, pipe, sink);
        source.ended = self.draining.contains(&id);
        let own = match stream {
            Stream::Out => &sink.out,
            Stream::Err => &sink.err,
        };
        for path in own.iter().chain(&sink.combined) {
            if path.as_os_str() == "/dev/null" {
                continue;
            }
            let (file, opened) = self.files.attach(path, key, sink.full);
            if let Some(file) = self.files.get_mut(file) {
                file.rotating.rule = sink.rotation.clone().unwrap_or_default();
            }
            if !source.files.contains(&file) {
                source.files.push(file);
            }
            match opened {
                Ok(()) => self.opened(file),
                Err(error) => self.fail(file, error),
            }
            self.joined(file, key);
            self.rest(file);
        }
        if sink.disabled {
            self.leave_files(&mut source);
        }
        if source.pipe.set(Interest::READ.edge()).is_err() {
            self.watch_at = Some(now() + WATCH_AGAIN);
        }
        self.keys.insert((id, stream), key);
        self.sources.insert(key, source);
        self.note_dropped((id, stream));
        self.queue(key);
    }

    fn ended(&mut self, id: SourceId) {
        self.draining.insert(id);
        for stream in [Stream::Out, Stream::Err] {
            if let Some(key) = self.keys.get(&(id, stream)).copied() {
                if let Some(source) = self.sources.get_mut(&key) {
                    source.ended = true;
                }
                self.queue(key);
            }
        }
        self.report_drained(id);
    }

    fn report_drained(&mut self, id: SourceId) {
        let is_drained = |stream| {
            let key = self.keys.get(&(id, stream));
            key.and_then(|key| self.sources.get(key)).is_none_or(|source| source.drained)
        };
        if self.draining.contains(&id) && is_drained(Stream::Out) && is_drained(Stream::Err) {
            self.draining.remove(&id);
            self.subscribers.send(&self.outbox);
            self.outbox.send(Event::Drained(id));
        }
    }

    pub(crate) fn turn(&mut self, key: Key) {
        // Taken out, so that the stream and the rest of the reactor can be used side by side.
        let Some(mut source) = self.sources.remove(&key) else { return };
        let turn = self.pump(&mut source);
        let (id, stream) = (source.origin.source, source.origin.stream);
        let is_done = match turn {
            Turn::Idle => source.ended && !source.drained,
            Turn::More | Turn::Parked => false,
            Turn::End => true,
        };
        if is_done {
            self.subscribers.end(&source.origin, &mut source.partial);
            source.drained = true;
        }
        self.sources.insert(key, source);
        match turn {
            Turn::More => self.queue(key),
            Turn::Idle | Turn::Parked => {}
            Turn::End => {
                self.forget(id, stream);
                self.subscribers.send(&self.outbox);
                self.outbox.send(Event::Eof { source: id, stream });
            }
        }
        if is_done {
            self.report_drained(id);
        }
    }

    fn forget(&mut self, id: SourceId, stream: Stream) {
        if let Some(mut source) = self.unhook(id, stream) {
            self.tell_last_dropped(&source);
            self.bequeath(&source);
            let files = source.files.clone();
            self.leave_files(&mut source);
            for file in files {
                self.tell_bequest(file);
            }
        }
        self.journal.forget((id, stream));
    }

    fn unhook(&mut self, id: SourceId, stream: Stream) -> Option<Source> {
        let key = self.keys.remove(&(id, stream))?;
        self.sources.remove(&key)
    }

    fn leave_files(&mut self, source: &mut Source) {
        for file in std::mem::take(&mut source.files) {
            self.left(file, source.key);
        }
    }
}
