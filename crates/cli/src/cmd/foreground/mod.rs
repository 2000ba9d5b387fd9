//! `run`, and `pm2-runtime`: apps in the foreground, for a container or a person.
//!
//! This process starts a manager that is for it alone, keeper and daemon as always, and then only
//! listens: to signals, and to the manager. It holds nothing of the apps, so a daemon or a keeper
//! that dies is replaced as anywhere, and apps go on. The manager knows the process that it is for,
//! and ends everything when that is gone, however it went. As the first process of a container it
//! also collects whatever is left to it.

mod course;
mod ended;
mod place;
mod stream;
mod threads;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ostler_client::{Home, Manager};
use ostler_wire::control::Request;

use super::dev::Dev;
use super::file;
use crate::apps::{self, App};
use crate::args::FlagId;
use crate::cmd::logs::Writer;
use crate::failed::Failed;
use crate::output::Output;
use crate::program::Program;
use crate::session::{Session, ticket};
use crate::voice::{Notice, Progress, Subject};
use course::{AutoExit, Course, News, Seen, Step};
use ended::{seen, told};
use stream::Stream;

/// The foreground, while it lasts.
pub(super) struct Foreground {
    began: Instant,
    news: Receiver<News>,
    tell: Sender<News>,
    course: Course,
    stream: Option<JoinHandle<()>>,
    /// How many times something of the apps was printed.
    printed: Arc<AtomicU64>,
    start: Option<JoinHandle<Result<threads::Missed, ostler_client::Error>>>,
    /// When the ends were that are known, by process.
    ends: BTreeMap<u32, u64>,
    /// The manager ends with it.
    owns: bool,
    /// Apps are worked on.
    dev: Option<Dev>,
}

/// Runs the command `run`, and `pm2-dev`.
pub(super) fn run(session: &mut Session, dev: Option<Dev>) -> Result<(), Failed> {
    let auto_exit = match session.program {
        _ if dev.as_ref().is_some_and(|dev| dev.auto_exit) => AutoExit::AtOnce,
        _ if dev.is_some() || session.has(FlagId::NoAutoExit) => AutoExit::Never,
        Program::Ostler => AutoExit::AtOnce,
        Program::Pm2 => AutoExit::AsPm2,
    };
    let is_dated = session.has(FlagId::Timestamp) && !session.has(FlagId::Formatted);
    if session.program == Program::Ostler && is_dated {
        return Err(Failed::misuse("`--timestamp` dates only lines of `--formatted`")
            .hint("add `--formatted`, or leave it out"));
    }
    session.out.show_progress(Progress::Silent);
    for name in std::mem::take(&mut session.args.ignored) {
        session.out.warn_aside(&format!("`{name}` is not known, and does nothing"));
    }
    let delay = delay(session)?;
    let mut foreground = Foreground { dev, ..Foreground::begin(auto_exit)? };
    if !foreground.sleeps(delay) {
        return Ok(());
    }
    // Whoever works on an app has another home in use.
    let variables = session.program.home_variables();
    let is_home = |name: &str| variables.contains(&name);
    let is_own = foreground.dev.is_some();
    let place = place::choose(session, |name| {
        std::env::var_os(name).filter(|_| !(is_own && is_home(name))).map(PathBuf::from)
    })?;
    session.home = place.home.clone();
    let mut apps = apps(session)?;
    if let Some(dev) = &foreground.dev {
        apps = apps.into_iter().map(|app| dev.watched(app)).collect::<Result<_, _>>()?;
        dev.head(&mut session.out, &apps);
    }
    (session.foreground, session.new_home) = (true, place.own);
    session.connect()?;
    let result = foreground.listen(session).and_then(|()| {
        foreground.start(session, apps)?;
        foreground.stay(session)
    });
    let result = match result {
        Ok(code) => Ok(code),
        // Whatever it was: nothing is left behind.
        Err(failed) => foreground.end(session).and(Err(failed)),
    };
    drop(place);
    match result? {
        0 => Ok(()),
        code => Err(Failed::passed_on(code)),
    }
}

/// How much later it begins.
fn delay(session: &Session) -> Result<Duration, Failed> {
    let Some(text) = session.args.value(FlagId::Delay) else { return Ok(Duration::ZERO) };
    let seconds = text.parse::<f64>().ok().and_then(|of| Duration::try_from_secs_f64(of).ok());
    seconds.ok_or_else(|| {
        Failed::misuse(format!("`--delay {text}` is not a number of seconds"))
            .hint("write it as `--delay 2` or `--delay 0.5`")
    })
}

/// Returns the apps that are to be started: all of them, or none.
fn apps(session: &mut Session) -> Result<Vec<App>, Failed> {
    super::behind::settle(session)?;
    let word = session.args.word().to_owned();
    if session.args.has_attribute("module") || !file::is_meant(&word) {
        super::perform::refuse_only(session, &word)?;
        return Ok(vec![apps::of_script(session, &word)?]);
    }
    let (apps, bad) = apps::of_file(session, &word)?;
    if bad {
        return Err(Failed::quiet(1));
    }
    if apps.is_empty() {
        return Err(Failed::new(format!("no app of `{word}` is to be started")));
    }
    Ok(apps)
}

impl Foreground {
    /// Takes the signals. From now on what this process starts must not be waited for by others.
    fn begin(auto_exit: AutoExit) -> Result<Self, Failed> {
        let signals = crate::sys::signal_fd(&crate::sys::heard(&crate::sys::TAKEN))
            .map_err(|error| Failed::new(format!("cannot take signals: {error}")))?;
        let (tell, news) = mpsc::channel();
        let teller = tell.clone();
        spawn("signals", move || threads::signals(&signals, &teller))?;
        Ok(Self {
            began: Instant::now(),
            news,
            tell,
            course: Course::new(auto_exit, std::process::id() == 1),
            stream: None,
            printed: Arc::default(),
            start: None,
            ends: BTreeMap::new(),
            owns: true,
            dev: None,
        })
    }

    /// A foreground for a command that PM2 runs with its daemon in it.
    pub(super) fn with_daemon() -> Result<Self, Failed> {
        Self::begin(AutoExit::Never)
    }

    /// The manager runs anyway, and goes on.
    pub(super) fn disown(&mut self) {
        self.owns = false;
    }

    /// Waits before it begins; `false`: it is to end.
    fn sleeps(&mut self, delay: Duration) -> bool {
        let until = Instant::now() + delay;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            if let Ok(news) = self.news.recv_timeout(left)
                && let Some(Step::Stop(_)) = self.course.handle(self.now(), &news)
            {
                return false;
            }
        }
    }

    /// Prints the apps' output from now on.
    pub(super) fn listen(&mut self, session: &mut Session) -> Result<(), Failed> {
        let mut writer = Writer::new(session);
        writer.name_first = self.dev.is_some();
        let stream = Stream {
            out: Output::new(session.program, session.has(FlagId::Silent), session.out.paint),
            writer,
            program: session.program,
            printed: Arc::clone(&self.printed),
            dev: self.dev.clone(),
        };
        session.out.flush()?;
        let client = ostler_client::Client::connect(&session.home)?;
        let (home, tell) = (session.home.clone(), self.tell.clone());
        self.stream = Some(spawn("logs", move || stream.run(client, &home, &tell))?);
        Ok(())
    }

    fn start(&mut self, session: &Session, apps: Vec<App>) -> Result<(), Failed> {
        let apps = apps.into_iter().map(|app| app.record).collect();
        let request = Request::Start {
            apps,
            only_new: false,
            each: false,
            doing: false,
            ticket: Some(ticket()),
        };
        let (home, tell): (Home, _) = (session.home.clone(), self.tell.clone());
        self.start = Some(spawn("start", move || {
            let result = threads::start(&home, &request);
            let failed = result.as_ref().map_or(true, |missed| !missed.is_empty());
            // Who does not listen any more is about to end.
            _ = tell.send(News::Started { failed });
            result
        })?);
        Ok(())
    }

    /// Stays until the end; returns the exit code. Nothing is left behind.
    pub(super) fn stay(&mut self, session: &mut Session) -> Result<u8, Failed> {
        loop {
            let news = self.next()?;
            if let News::Started { .. } = news {
                self.tell_missed(session);
            }
            let mut step = self.course.handle(self.now(), &news);
            while let Some(next) = step.take() {
                match next {
                    Step::Stop(code) => {
                        self.end(session)?;
                        return Ok(code);
                    }
                    Step::Look => {
                        let seen = News::Looked(self.look(session)?);
                        step = self.course.handle(self.now(), &seen);
                    }
                    Step::Say(left) => self.say(session, left),
                    Step::Reopen => drop(session.ask(&Request::ReloadLogs)?),
                    Step::Reap => threads::reap().map_err(|error| {
                        Failed::new(format!("cannot collect children: {error}"))
                    })?,
                    Step::Reconnect if !session.home.socket().exists() => {
                        // The last thing that a daemon does is to remove its socket: it was asked.
                        return Ok(0);
                    }
                    Step::Reconnect => {
                        session.disconnect();
                        session.connect()?;
                        self.listen(session)?;
                    }
                }
            }
            session.out.flush()?;
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn next(&self) -> Result<News, Failed> {
        let left = self.course.deadline().map(|due| due.saturating_sub(self.now()));
        let news = match left {
            None => self.news.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(left) => self.news.recv_timeout(Duration::from_millis(left)),
        };
        match news {
            Ok(news) => Ok(news),
            Err(RecvTimeoutError::Timeout) => Ok(News::Due),
            Err(RecvTimeoutError::Disconnected) => Err(Failed::new("nobody hears signals")),
        }
    }

    /// Says why something was not started.
    fn tell_missed(&mut self, session: &mut Session) {
        match self.start.take().map(JoinHandle::join) {
            Some(Ok(Ok(missed))) => {
                for (name, error) in missed {
                    match &name {
                        Some(name) => {
                            let subject = Subject::Named { name };
                            session.out.tell(&Notice::Missed { subject, error: &error });
                        }
                        None => session.out.problem(&error.into()),
                    }
                }
            }
            Some(Ok(Err(error))) => {
                if let Some(problem) = Failed::from(error).problem {
                    session.out.problem(&problem);
                }
            }
            Some(Err(_)) | None => {}
        }
    }

    /// Sees what the processes do, and tells of those that ended by themselves.
    fn look(&mut self, session: &mut Session) -> Result<Vec<Seen>, Failed> {
        let list = session.list()?;
        for process in &list {
            let Some(ended) = process.ended.as_ref().filter(|ended| !ended.asked) else { continue };
            if self.ends.insert(process.id, ended.at) != Some(ended.at)
                && session.program == Program::Ostler
            {
                session.out.aside(&format!("ostler: {}\n", told(process, &ended.how)));
            }
        }
        Ok(list.iter().map(seen).collect())
    }

    fn say(&self, session: &mut Session, left: u32) {
        if session.program == Program::Pm2 {
            let line = stream::dated(&format!("0 application online, retry = {left}"));
            if session.has(FlagId::Json) {
                session.out.aside(&line);
            } else {
                session.out.data(&line);
            }
        }
    }

    /// Stops everything and ends the manager, and prints what apps had to say until then.
    pub(super) fn end(&mut self, session: &mut Session) -> Result<(), Failed> {
        if !self.owns {
            return Ok(());
        }
        session.disconnect();
        if session.connect_if_running()?
            && let Some((_, manager, _)) = session.look_at_manager()?
        {
            let answer = session.ask(&Request::Kill);
            self.wait_end(&manager)?;
            answer?;
        }
        if let Some(stream) = self.stream.take() {
            // One that panicked has said so.
            _ = stream.join();
        }
        if self.dev.is_some() {
            Dev::ends(&mut session.out);
        } else if session.program == Program::Pm2 && !session.has(FlagId::Json) {
            session.out.data(&stream::dated("PM2 successfully stopped"));
        }
        session.out.flush()
    }

    /// Waits for the end of the manager: as long as lines come, it has some left.
    fn wait_end(&self, manager: &Manager) -> Result<(), Failed> {
        let mut before = 0;
        loop {
            let ended = manager.wait_end();
            let now = self.printed.load(Ordering::Relaxed);
            if ended.is_ok() || now == before {
                return Ok(ended?);
            }
            before = now;
        }
    }
}

fn spawn<T: Send + 'static>(
    name: &str,
    run: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, Failed> {
    let thread = std::thread::Builder::new().name(name.to_owned()).stack_size(256 << 10);
    thread.spawn(run).map_err(|error| Failed::new(format!("cannot start a thread: {error}")))
}
