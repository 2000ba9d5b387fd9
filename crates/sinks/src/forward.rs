//! The thread that passes the lines of an app on to one receiver.
//!
//! Problem: a receiver that is slow, away or wrong must cost the app and its log nothing, and what
//! it could not be told must not be forgotten. Rule: the thread reads the log files, as any reader
//! of them, and keeps nothing but how far it is (`kept`), on disk. So lines wait in the files and
//! nowhere else: their rotation bounds them, and whoever dies goes on where it was. A line counts
//! as passed on when the receiver has taken it; who dies before `kept` says so passes it on twice.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use ostler_core::spec::{LogRule, LogSink};
use ostler_logs::{Behind, Chain, Level, Names, Place, now_ms};

use crate::kept::Kept;
use crate::record::{Form, Reader, Record};
use crate::rules::{Hears, RULES, Rules};
use crate::target::{Around, Sent, Target};
use crate::wake::{self, Wake};

/// Bytes of lines that are passed on at a time.
const BATCH: usize = 256 << 10;
/// After a failure it is tried again after this, then after twice as long, and so on.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Files are looked at so often at least: they may be of a kind that tells nothing.
const AT_LEAST: Duration = Duration::from_secs(5);
/// The same while one is not there.
const MISSING: Duration = Duration::from_millis(500);
/// Who is to end passes on what is there, for so long at most.
const LAST: Duration = Duration::from_secs(5);
/// Stack of the thread, bytes.
const STACK: usize = 512 << 10;

/// Whose lines go where.
pub struct Sink {
    /// The namespace and the name of the app.
    pub app: (String, String),
    /// Where they go.
    pub of: Passes,
    /// How the lines look.
    pub form: Form,
    /// What else is needed on the way.
    pub around: Around,
    /// The file that keeps how far it is.
    pub kept: PathBuf,
}

/// Where lines go.
#[derive(Clone)]
pub enum Passes {
    /// To this receiver.
    Sink(LogSink),
    /// Nowhere: they are held against these rules.
    Rules(Vec<LogRule>, Hears),
}

/// A log file of the app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Where it is.
    pub path: PathBuf,
    /// The number of the process that writes it.
    pub id: u32,
    /// Whether it is of standard error.
    pub err: bool,
    /// How its rotated files are called.
    pub names: Vec<Names>,
    /// Where it is begun; `None`: with the file that is written to now.
    pub begin: Option<Place>,
}

enum Word {
    Sink(Box<Sink>),
    Follow(Log),
    Finish,
}

/// A thread that passes lines on.
pub struct Forwarder {
    words: Sender<Word>,
    waker: Arc<OwnedFd>,
    is_over: Arc<AtomicBool>,
}

impl Forwarder {
    /// Starts the thread.
    ///
    /// # Errors
    /// Out of processes, descriptors or memory.
    pub fn start(sink: Sink) -> io::Result<Self> {
        let wake = Wake::new()?;
        let waker = wake.words();
        let (words, heard) = mpsc::channel();
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let thread = std::thread::Builder::new().name("log-sink".to_owned()).stack_size(STACK);
        thread.spawn(move || {
            Work::new(sink, wake, heard).run();
            over.store(true, Ordering::Relaxed);
        })?;
        Ok(Self { words, waker, is_over })
    }

    /// Passes on this log as well.
    pub fn follow(&self, log: Log) {
        self.say(Word::Follow(log));
    }

    /// Passes lines on in this way from now on, to the receiver that it has; also if it was to end.
    pub fn change(&self, sink: Sink) {
        self.say(Word::Sink(Box::new(sink)));
    }

    /// Passes on what is there, ends, and forgets how far it was.
    pub fn finish(&self) {
        self.say(Word::Finish);
    }

    /// Whether the thread has ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    fn say(&self, word: Word) {
        // A thread that has ended needs to hear nothing.
        if self.words.send(word).is_ok() {
            wake::wake(&self.waker);
        }
    }
}

struct Followed {
    log: Log,
    behind: Behind,
    reader: Reader,
}

/// What becomes of lines.
enum Way {
    /// Those that are as grave as this go to a receiver.
    Sink(Option<Level>, Box<Target>),
    Rules(Rules),
}

impl Way {
    fn of(sink: &Sink) -> Self {
        match &sink.of {
            Passes::Sink(of) => {
                let target = Target::new(of.target.clone(), sink.around.clone());
                Self::Sink(of.level.as_deref().and_then(Level::named), Box::new(target))
            }
            Passes::Rules(rules, hears) => Self::Rules(Rules::new(rules, Arc::clone(hears))),
        }
    }

    fn level(&self) -> Option<Level> {
        match self {
            Self::Sink(level, _) => *level,
            Self::Rules(_) => None,
        }
    }
}

struct Work {
    sink: Sink,
    way: Way,
    wake: Wake,
    words: Receiver<Word>,
    logs: BTreeMap<PathBuf, Followed>,
    kept: Kept,
    /// The pause after the next failure, and until when the last one holds.
    pause: Duration,
    paused: Option<Instant>,
    ends_by: Option<Instant>,
}

impl Work {
    fn new(sink: Sink, wake: Wake, words: Receiver<Word>) -> Self {
        let way = Way::of(&sink);
        // What cannot be read begins anew.
        let kept = Kept::read(&sink.kept).ok().flatten().unwrap_or_default();
        let text = match &sink.of {
            Passes::Sink(of) => of.target.to_string(),
            Passes::Rules(..) => RULES.to_owned(),
        };
        let app = sink.app.clone();
        let kept = Kept { app, sink: text, ..kept };
        Self {
            sink,
            way,
            wake,
            words,
            logs: BTreeMap::new(),
            kept,
            pause: FIRST_PAUSE,
            paused: None,
            ends_by: None,
        }
    }

    fn run(mut self) {
        loop {
            if !self.listen() {
                return;
            }
            let left = |until: Instant| until.saturating_duration_since(Instant::now());
            self.paused = self.paused.filter(|until| !left(*until).is_zero());
            let (mut more, mut rest) = (false, AT_LEAST);
            if self.paused.is_none() {
                let paths: Vec<PathBuf> = self.logs.keys().cloned().collect();
                for path in paths {
                    if !self.wake.watch(&path) {
                        rest = rest.min(MISSING);
                    }
                    more |= self.paused.is_none() && self.pass(&path);
                }
            }
            if let Some(paused) = self.paused {
                rest = rest.min(left(paused));
            }
            if let Some(ends_by) = self.ends_by {
                let is_done = !more && self.paused.is_none();
                if is_done || left(ends_by).is_zero() {
                    // What stays is of an app that nobody has any more.
                    _ = std::fs::remove_file(&self.sink.kept);
                    return;
                }
                rest = rest.min(left(ends_by));
            }
            if !more && self.wake.wait(rest).is_err() {
                return;
            }
        }
    }

    /// Hears what is said. Returns whether somebody is there.
    fn listen(&mut self) -> bool {
        loop {
            match self.words.try_recv() {
                Ok(Word::Sink(sink)) => self.change(*sink),
                Ok(Word::Follow(log)) => self.follow(log),
                Ok(Word::Finish) => self.ends_by = Some(Instant::now() + LAST),
                Err(mpsc::TryRecvError::Empty) => return true,
                Err(mpsc::TryRecvError::Disconnected) => return self.ends_by.is_some(),
            }
        }
    }

    fn change(&mut self, sink: Sink) {
        self.way = Way::of(&sink);
        for followed in self.logs.values_mut() {
            followed.reader = Reader::new(&sink.form);
        }
        (self.sink, self.ends_by, self.paused) = (sink, None, None);
    }

    fn follow(&mut self, log: Log) {
        if self.logs.get(&log.path).is_some_and(|of| of.log == log) {
            return;
        }
        let known = self.kept.places.get(&*log.path.to_string_lossy()).copied();
        if let (None, Some(begin)) = (known, log.begin) {
            // A successor begins there, too.
            self.kept.places.insert(log.path.to_string_lossy().into_owned(), begin);
            _ = self.kept.write(&self.sink.kept);
        }
        let place = known.or(log.begin).unwrap_or_else(|| begin(&log));
        let behind = Behind::new(&log.path, log.names.clone(), place);
        let reader = Reader::new(&self.sink.form);
        let path = log.path.clone();
        self.logs.insert(path, Followed { log, behind, reader });
    }

    /// Passes on the next lines of a log. Returns whether there may be more.
    fn pass(&mut self, path: &Path) -> bool {
        let Some(followed) = self.logs.get_mut(path) else { return false };
        let Followed { log, behind, reader } = followed;
        let was = behind.place();
        let (mut records, mut places): (Vec<Record>, Vec<Place>) = (Vec::new(), Vec::new());
        let (app, level) = (self.sink.app.1.as_str(), self.way.level());
        let read = behind.read(BATCH, |line, place| {
            // A line is mostly read as soon as it is written.
            let record = reader.read((app, log.id, log.err), line, place.written);
            if level.is_none_or(|least| least <= record.level) {
                records.push(record);
                places.push(place);
            }
            Ok(())
        });
        let (end, names) = (behind.place(), log.names.clone());
        let (more, gone) = match read {
            Ok(read) => (read.more, read.gone),
            Err(error) => {
                self.fail(&format!("cannot read `{}`: {error}", path.display()), None);
                (false, false)
            }
        };
        let words = &self.words;
        // Somebody who ends the daemon waits for nobody.
        let stop = || matches!(words.try_recv(), Err(mpsc::TryRecvError::Disconnected));
        let sent = match (records.as_slice(), &mut self.way) {
            ([], _) => Sent::default(),
            (records, Way::Sink(_, target)) => target.send(records, &stop),
            (records, Way::Rules(rules)) => {
                rules.send(records, &mut self.kept.counts, Instant::now())
            }
        };
        self.kept.gaps += u64::from(gone);
        self.kept.sent += (sent.taken as u64).saturating_sub(sent.refused);
        self.kept.refused += sent.refused;
        let is_whole = sent.taken == records.len();
        let place = match (is_whole, sent.taken.checked_sub(1)) {
            (true, _) => end,
            (false, Some(last)) => places.get(last).copied().unwrap_or(was),
            (false, None) => was,
        };
        let is_moved = place != was;
        if is_moved {
            self.kept.places.insert(path.to_string_lossy().into_owned(), place);
        }
        if is_whole {
            self.succeed(sent, !records.is_empty());
        } else {
            if let Some(followed) = self.logs.get_mut(path) {
                followed.behind = Behind::new(path, names, place);
            }
            self.fail(&sent.why.unwrap_or_default(), sent.again_in);
        }
        if is_moved || gone || !is_whole {
            // What cannot be written now is with the next lines; nothing is lost, at most doubled.
            _ = self.kept.write(&self.sink.kept);
        }
        more && is_whole
    }

    fn succeed(&mut self, sent: Sent, some: bool) {
        if some {
            self.pause = FIRST_PAUSE;
            self.kept.since = None;
            self.kept.trouble = sent.why;
        }
    }

    fn fail(&mut self, why: &str, again_in: Option<Duration>) {
        let pause = again_in.unwrap_or(self.pause).min(LONGEST_PAUSE);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        self.paused = Some(Instant::now() + pause);
        self.kept.trouble = Some(why.to_owned());
        self.kept.since.get_or_insert_with(now_ms);
    }
}

/// The begin of the file that is written to now: what was rotated before that is history.
fn begin(log: &Log) -> Place {
    let chain = Chain::of(&log.path, &log.names, false).unwrap_or_default();
    let past =
        chain.files.len() - usize::from(chain.now(chain.files.len().wrapping_sub(1)).is_some());
    let last = past.checked_sub(1).and_then(|last| chain.files.get(last));
    Place::behind(last.map_or(0, |file| file.written))
}
