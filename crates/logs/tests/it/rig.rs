//! An engine, its events, and pipes to write to.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use ostler_logs::times::{self, Times};
use ostler_logs::{Engine, Event, Sink, SourceId, Stream};
use rustix::pipe::PipeFlags;

/// Longer than anything here takes; only a failing test waits that long.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Rig {
    pub engine: Engine,
    woken: Receiver<()>,
    pub folder: tempfile::TempDir,
    pub seen: Vec<Event>,
}

impl Rig {
    pub fn new() -> Self {
        Self::with(Arc::new(ostler_logs::Plain))
    }

    /// Files are opened by this.
    pub fn with(opener: Arc<dyn ostler_logs::Opener>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let times = Some(times::folder(folder.path()));
        let (wake, woken) = mpsc::channel();
        let engine =
            Engine::start(Box::new(move || wake.send(()).unwrap_or(())), Vec::new(), opener, times)
                .unwrap();
        engine.resumed();
        Self { engine, woken, folder, seen: Vec::new() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Attaches a new pipe and returns its write end.
    pub fn attach(&self, source: SourceId, stream: Stream, sink: &Sink) -> File {
        let (read, write) = pipe();
        self.engine.attach(source, stream, read, &Arc::new(sink.clone()));
        File::from(write)
    }

    /// Waits for an event that `pick` accepts; the others stay in `seen`.
    #[track_caller]
    pub fn wait<T>(&mut self, what: &str, pick: impl Fn(&Event) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            while let Some(event) = self.engine.try_recv() {
                self.seen.push(event);
            }
            let found = self.seen.iter().position(|event| pick(event).is_some());
            if let Some(place) = found {
                return pick(&self.seen.remove(place)).unwrap();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(self.woken.recv_timeout(left).is_ok(), "no {what}; seen: {:?}", self.seen);
        }
    }

    #[track_caller]
    pub fn wait_eof(&mut self, id: SourceId, of: Stream) {
        self.wait("eof", |event| match event {
            Event::Eof { source, stream } if *source == id && *stream == of => Some(()),
            _ => None,
        });
    }

    /// Waits until the engine has had a turn for all that was written until now: streams take
    /// turns, and this is that of a new one.
    #[track_caller]
    pub fn wait_turn(&mut self, id: SourceId) {
        let own = self.path(&format!("turn-{id}.log"));
        drop(self.attach(id, Stream::Out, &sink(&own)));
        self.wait_eof(id, Stream::Out);
    }

    /// How many lines the files of this stream have lost, as far as that was told; after its end.
    pub fn dropped(&mut self, id: SourceId, of: Stream) -> u64 {
        while let Some(event) = self.engine.try_recv() {
            self.seen.push(event);
        }
        let mut told = self.seen.iter().filter_map(|event| match event {
            Event::Dropped { source, stream, lines, .. } => {
                (*source == id && *stream == of).then_some(*lines)
            }
            _ => None,
        });
        told.next_back().unwrap_or(0)
    }

    #[track_caller]
    pub fn wait_drained(&mut self, id: SourceId) {
        self.wait("drained", |event| {
            matches!(event, Event::Drained(source) if *source == id).then_some(())
        });
    }

    #[track_caller]
    pub fn wait_flushed(&mut self, token: u64) {
        self.wait("flushed", |event| {
            matches!(event, Event::Flushed(done) if *done == token).then_some(())
        });
    }

    #[track_caller]
    pub fn wait_error(&mut self, of: &Path) -> Option<i32> {
        self.wait("file error", |event| match event {
            Event::FileError { path, error, .. } if path == of => Some(error.raw_os_error()),
            _ => None,
        })
    }

    #[track_caller]
    pub fn wait_ok(&mut self, of: &Path) {
        self.wait("file ok", |event| {
            matches!(event, Event::FileOk { path } if path == of).then_some(())
        });
    }

    /// What is known of when this log was written.
    pub fn times(&self, log: &Path) -> Times {
        let of = log.metadata().ok().map(|meta| (meta.dev(), meta.ino(), meta.len()));
        Times::read(&times::folder(self.folder.path()), log, of).unwrap()
    }

    /// Waits until that is known; the engine says nothing of it.
    #[track_caller]
    pub fn wait_times(&self, log: &Path) {
        let deadline = Instant::now() + PATIENCE;
        while self.times(log).is_empty() {
            assert!(Instant::now() < deadline, "no times of {}", log.display());
            std::thread::yield_now();
        }
    }

    /// Waits until the file's content satisfies `test`; the engine says nothing when it writes.
    #[track_caller]
    pub fn wait_content(path: &Path, test: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let content =
                String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned();
            if test(&content) {
                return content;
            }
            assert!(Instant::now() < deadline, "{} holds {content:?}", path.display());
            std::thread::yield_now();
        }
    }
}

pub fn pipe() -> (OwnedFd, OwnedFd) {
    rustix::pipe::pipe_with(PipeFlags::CLOEXEC).unwrap()
}

/// Both streams of a process into files of their own.
pub fn sink(out: &Path) -> Sink {
    Sink { proc_id: 1, name: "app".to_owned(), out: Some(out.to_owned()), ..Sink::default() }
}

/// Small numbers without a pattern, the same for the same seed.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Returns how many bytes the files of a folder have together.
pub fn size_of_all(folder: &Path) -> u64 {
    std::fs::read_dir(folder)
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.metadata().ok())
        .map(|meta| meta.len())
        .sum()
}
