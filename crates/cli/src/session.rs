//! One run of a command: its arguments, its output, and the daemon, connected when it
//! is first needed.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ostler_client::{
    Answer, Client, Heard as Told, Home, Manager, Starter, Starting, connect_living,
    connect_or_start, last_words,
};
use ostler_wire::control::{Code, Event, ProcView, Reply, Request, resumable_since};

use crate::args::{CommandId, FlagId, Parsed};
use crate::caller;
use crate::failed::Failed;
use crate::heard::{Heard, ids_in};
use crate::output::Output;
use crate::program::Program;
use crate::select;
use crate::sys::Interrupts;
use crate::voice::{EVERY, Notice, Progress};
use crate::wait;

/// The most daemons that may die under one request.
const TRIES: u32 = 5;

/// Something that a command does.
type Deed = fn(&mut Session) -> Result<(), Failed>;

/// One run of a command.
#[derive(Debug)]
pub(crate) struct Session {
    /// The command line.
    pub(crate) args: Parsed,
    /// The output of the command.
    pub(crate) out: Output,
    /// The name the program was called by.
    pub(crate) program: Program,
    /// The home directory.
    pub(crate) home: Home,
    /// Whether this command started the daemon.
    pub(crate) started: bool,
    /// A daemon that it starts ends with it.
    pub(crate) foreground: bool,
    /// Processes of which it was told that something was done with them.
    pub(crate) changed: BTreeSet<u32>,
    /// Those of them whose files were asked about.
    pub(crate) looked: BTreeSet<u32>,
    /// When requests that start apps are not waited for any more.
    pub(crate) until: Option<Instant>,
    /// The apps that requests of this command start.
    pub(crate) begun: Begun,
    /// What is done as soon as this command has started a daemon.
    pub(crate) when_started: Option<Deed>,
    client: Option<Client>,
}

/// How far a request has come, daemon by daemon.
#[derive(Debug, Default)]
struct Asked {
    /// A daemon was asked, and may have begun it.
    begun: bool,
    /// The daemons that were asked begin nothing twice.
    resumable: bool,
    /// Daemons that died and had begun nothing that matters.
    tries: u32,
    /// Daemons in a row that died and told nothing.
    fruitless: u32,
}

/// Apps that a command starts.
#[derive(Debug, Default)]
pub(crate) struct Begun {
    /// Names of apps that are added.
    pub(crate) names: BTreeSet<String>,
    /// Numbers of processes that are there already.
    pub(crate) ids: BTreeSet<u32>,
}

impl Session {
    /// Makes a session that is not connected yet.
    pub(crate) fn new(args: Parsed, out: Output, program: Program, home: Home) -> Self {
        Self {
            args,
            out,
            program,
            home,
            started: false,
            foreground: false,
            changed: BTreeSet::new(),
            looked: BTreeSet::new(),
            until: None,
            begun: Begun::default(),
            when_started: None,
            client: None,
        }
    }

    /// Whether the option was given.
    pub(crate) fn has(&self, id: FlagId) -> bool {
        self.args.has(id)
    }

    /// Sends a request whose events are of no interest.
    pub(crate) fn ask(&mut self, request: &Request) -> Result<Answer, Failed> {
        self.ask_with(request, |_, _| ())
    }

    /// Sends a request; every event is handed over with the output. Warnings are printed here.
    pub(crate) fn ask_with(
        &mut self,
        request: &Request,
        on_event: impl FnMut(&mut Output, Event),
    ) -> Result<Answer, Failed> {
        match self.answer(request, on_event)? {
            Answer::Reply(Reply::Error(failure)) => Err(failure.into()),
            answer => Ok(answer),
        }
    }

    /// The same, where the answer may be a refusal.
    fn answer(
        &mut self,
        request: &Request,
        mut on_event: impl FnMut(&mut Output, Event),
    ) -> Result<Answer, Failed> {
        // What was printed so far must be readable while the daemon works.
        let waits = ostler_client::waits_for_apps(request);
        if waits {
            self.out.flush()?;
        }
        let until = self.until.filter(|_| waits);
        let mut heard = Heard::default();
        let mut asked = Asked::default();
        let answer = loop {
            while !self.find_daemon(request, &mut asked)? {}
            let Self { client: Some(client), out, changed, .. } = self else {
                return Err(Failed::new("not connected"));
            };
            heard.begin();
            // A limit is kept instead of a block that moves.
            let live = until.is_none() && waits && out.progress() == Some(Progress::Live);
            let interrupts = if live { Some(hold_back()?) } else { None };
            let on = |told: Told| {
                let event = match told {
                    Told::Event(event) => event,
                    Told::Nothing => return pause(out, interrupts.as_ref()),
                    Told::DaemonsEnd => return out.tell(&Notice::DaemonsEnd),
                };
                changed.extend(ids_in(&event));
                match heard.is_news(&event).then_some(event) {
                    Some(Event::Warning { text }) => out.warn(&text),
                    Some(event) => on_event(out, event),
                    None => {}
                }
            };
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let answer = match left {
                Some(left) if left.is_zero() => Err(timeout(left)),
                left => client.request_heard(request, left, live.then_some(EVERY), on),
            };
            match answer {
                Err(ostler_client::Error::Timeout { .. }) if until.is_some() => {
                    // Its answer is still to come.
                    self.client = None;
                    return Err(Failed::quiet(wait::TIMED_OUT));
                }
                Err(ostler_client::Error::Broken) if self.is_done_by_end(request) => {
                    break Answer::Reply(Reply::Done);
                }
                Err(ostler_client::Error::Broken) => {
                    self.after_death(request, &mut asked, heard.progressed())?;
                }
                other => break other?,
            }
        };
        match answer {
            // The reply repeats the first failure for clients that look at nothing else.
            Answer::Reply(Reply::Error(_)) if heard.failure() => Err(Failed::quiet(1)),
            answer => Ok(answer),
        }
    }

    /// Connects to a daemon that may be asked. `false`: it died over that, and another is to be
    /// found.
    fn find_daemon(&mut self, request: &Request, asked: &mut Asked) -> Result<bool, Failed> {
        self.connect()?;
        let Self { client: Some(client), out, .. } = self else {
            return Err(Failed::new("not connected"));
        };
        // Who is asked must know it again, and so must who was asked before.
        match resumes(client, request, || out.tell(&Notice::DaemonsEnd)) {
            Ok(false) if asked.begun => {
                Err(lost("the daemon was replaced by one that would begin this again,"))
            }
            Ok(resumable) => {
                (asked.resumable, asked.begun) = (resumable, true);
                Ok(true)
            }
            Err(ostler_client::Error::Broken) if asked.begun => {
                asked.fruitless += 1;
                self.client = Some(self.successor(asked.fruitless)?);
                Ok(false)
            }
            Err(ostler_client::Error::Broken) if asked.tries < TRIES => {
                asked.tries += 1;
                self.client = None;
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the end of the daemon is what was asked for. A manager that ends takes its socket
    /// away first; one that was killed does not.
    fn is_done_by_end(&self, request: &Request) -> bool {
        matches!(request, Request::Kill) && !self.home.socket().exists()
    }

    /// The daemon was killed under the request: finds the one that is asked the same.
    fn after_death(
        &mut self,
        request: &Request,
        asked: &mut Asked,
        progressed: bool,
    ) -> Result<(), Failed> {
        if asked.tries < TRIES && !ostler_client::waits_for_apps(request) {
            // One that changes nothing is sent to whatever daemon is next.
            asked.tries += 1;
            (self.client, asked.begun) = (None, false);
            return Ok(());
        }
        if !asked.resumable {
            return Err(match resumable_since(request) {
                Some(_) => lost("the daemon, which is older than this command, died"),
                None => ostler_client::Error::Broken.into(),
            });
        }
        asked.fruitless = if progressed { 0 } else { asked.fruitless + 1 };
        self.client = Some(self.successor(asked.fruitless)?);
        Ok(())
    }

    /// Connects to the daemon that has taken the place of one that died under a request.
    fn successor(&mut self, fruitless: u32) -> Result<Client, Failed> {
        if TRIES < fruitless {
            let last = last_words(&self.home.log());
            return Err(lost("the daemon died again and again").more(&last));
        }
        // Only a successor has learned from the keeper what went on: a new daemon, started now,
        // would know nothing.
        match Client::connect(&self.home) {
            Ok(client) => {
                self.out.tell(&Notice::DaemonReplaced);
                Ok(client)
            }
            Err(ostler_client::Error::NotRunning { .. }) => {
                Err(lost("the daemon and its keeper ended"))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Asks for something that is told only if its answer comes within this time.
    pub(crate) fn ask_soon(&mut self, request: &Request, limit: Duration) -> Option<Reply> {
        let mut client = self.client.take()?;
        // After anything but an answer the connection is of no use.
        match client.request_within(request, limit, |_| ()).ok()? {
            Answer::Reply(reply) => {
                self.client = Some(client);
                Some(reply)
            }
            Answer::Raw(_) => None,
        }
    }

    /// Returns every process, but not what it uses: nobody looks at that.
    pub(crate) fn known(&mut self) -> Result<Vec<ProcView>, Failed> {
        self.listed(&Request::Meant { word: None, script: None })
    }

    /// Returns the processes that a word may mean, and perhaps others, but not what they use.
    pub(crate) fn about(&mut self, word: &str) -> Result<Vec<ProcView>, Failed> {
        if word == "all" || select::is_pattern(word) {
            return self.known();
        }
        let script = caller::cwd()?.join(word).into_os_string().into_string().ok();
        self.listed(&Request::Meant { word: Some(word.to_owned()), script })
    }

    fn listed(&mut self, request: &Request) -> Result<Vec<ProcView>, Failed> {
        match self.answer(request, |_, _| ())? {
            Answer::Reply(Reply::List { processes }) => Ok(processes),
            // A daemon of before version 6 refuses what it does not know, and cuts us off.
            Answer::Reply(Reply::Error(failure)) if failure.code == Code::Invalid => {
                self.disconnect();
                self.list()
            }
            Answer::Reply(Reply::Error(failure)) => Err(failure.into()),
            other => Err(unexpected(&other)),
        }
    }

    /// Returns every process with what it uses.
    pub(crate) fn list(&mut self) -> Result<Vec<ProcView>, Failed> {
        match self.ask(&Request::List)? {
            Answer::Reply(Reply::List { processes }) => Ok(processes),
            other => Err(unexpected(&other)),
        }
    }

    /// Connects, starting a daemon when there is none.
    pub(crate) fn connect(&mut self) -> Result<(), Failed> {
        if self.client.is_some() {
            return Ok(());
        }
        let exe = std::env::current_exe().map_err(|error| {
            Failed::new(format!("cannot find this program's own file: {error}"))
        })?;
        let starter = Starter { foreground: self.foreground, ..Starter::new(exe) };
        let (out, home) = (&mut self.out, self.home.path());
        // The manager of a foreground is a part of it.
        let is_told = self.args.command.is_none_or(|command| command.id != CommandId::Run);
        let connected = connect_or_start(&self.home, &starter, |told| match told {
            Starting::Begun if is_told => out.tell(&Notice::DaemonStarting { home }),
            Starting::Begun => {}
            Starting::Late(says) => out.warn_aside(&format!("the daemon is not ready yet{says}")),
        })?;
        if connected.started && is_told {
            out.tell(&Notice::DaemonStarted { home });
            if self.home.is_open_to_others() {
                out.tell(&Notice::HomeOpen { home });
            }
        }
        self.started |= connected.started;
        self.client = Some(connected.client);
        match self.when_started.take_if(|_| connected.started) {
            Some(act) => act(self),
            None => Ok(()),
        }
    }

    /// Connects only if a daemon runs.
    pub(crate) fn connect_if_running(&mut self) -> Result<bool, Failed> {
        self.client = connect_living(&self.home)?;
        if self.client.is_none() {
            // Whoever asks means the one that does run, perhaps a PM2, or one that cannot be seen.
            self.home.refuse_unusable()?;
        }
        Ok(self.client.is_some())
    }

    /// Ends the connection; the next request makes a new one.
    pub(crate) fn disconnect(&mut self) {
        self.client = None;
    }

    /// Holds daemon and keeper, whose end is going to be asked for, and returns what they manage;
    /// `None` when they end meanwhile.
    pub(crate) fn look_at_manager(&mut self) -> Result<Option<(Vec<ProcView>, Manager)>, Failed> {
        let Some(client) = &mut self.client else { return Ok(None) };
        let manager = match client.hold_manager() {
            Err(ostler_client::Error::Broken) => return Ok(None),
            manager => manager?,
        };
        match client.request(&Request::List, |_| ()) {
            Ok(Answer::Reply(Reply::List { processes })) => Ok(Some((processes, manager))),
            Err(ostler_client::Error::Broken) => {
                manager.wait_end()?;
                Ok(None)
            }
            other => Err(unexpected(&other?)),
        }
    }

    /// Gives the connection away.
    pub(crate) fn take_client(&mut self) -> Result<Client, Failed> {
        self.connect()?;
        self.client.take().ok_or_else(|| Failed::new("not connected"))
    }
}

fn timeout(limit: Duration) -> ostler_client::Error {
    ostler_client::Error::Timeout { limit }
}

/// Holds back the signals that interrupt a command, as long as a block is drawn.
fn hold_back() -> Result<Interrupts, Failed> {
    Interrupts::hold().map_err(|error| Failed::new(format!("cannot hold back signals: {error}")))
}

/// A moment in which nothing came: the block is drawn, and who interrupted the command is let go.
fn pause(out: &mut Output, interrupts: Option<&Interrupts>) {
    match interrupts {
        Some(interrupts) if interrupts.came() => {
            out.tell(&Notice::Interrupted);
            interrupts.let_in();
        }
        Some(_) | None => out.tick(),
    }
}

/// Returns a word that no other request has: when the daemon dies under the request, its
/// successor is asked again by it.
pub(crate) fn ticket() -> String {
    let since =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    format!("{}-{}", std::process::id(), since.as_nanos())
}

/// Finds out whether this daemon begins nothing twice when it is asked the same again. Only of old
/// ones the answer is not known before.
fn resumes(
    client: &mut Client,
    request: &Request,
    on_end: impl FnMut(),
) -> Result<bool, ostler_client::Error> {
    match resumable_since(request) {
        None => Ok(false),
        Some(1) => Ok(true),
        Some(since) => Ok(since <= client.protocol(on_end)?),
    }
}

/// Why it is not known what became of a request.
fn lost(why: &str) -> Failed {
    Failed::new(format!("{why} in the middle of this; how it went on is not known"))
        .hint("see `ostler list` and pm2.log in the home directory")
}

/// Returns the failure for an answer of the wrong kind.
pub(crate) fn unexpected(answer: &Answer) -> Failed {
    let kind = match answer {
        Answer::Raw(_) => "text".to_owned(),
        Answer::Reply(reply) => format!("{reply:?}").chars().take(80).collect(),
    };
    Failed::new(format!("the daemon answered with something else than was asked for: {kind}"))
        .hint("run `ostler update` so that daemon and command are the same version")
}
