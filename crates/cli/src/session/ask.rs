//! A request, and the daemons that die under it.
//!
//! Problem: a daemon may be killed in the middle of a request. Its successor goes on with what was
//! begun, if it is asked by the same ticket; an older one would begin it again. Rule: what changes
//! nothing is asked of whatever daemon is next; the rest only of a successor that begins nothing
//! twice; and nobody waits for ever for one that stays.

use std::time::{Duration, Instant};

use ostler_client::{Answer, Client, Heard as Told, last_words};
use ostler_wire::control::{Event, Reply, Request, resumable_since};

use super::Session;
use crate::failed::Failed;
use crate::heard::{Heard, ids_in};
use crate::output::Output;
use crate::sys::Interrupts;
use crate::voice::{EVERY, Notice, Under};
use crate::wait;

/// The most daemons that may die under one request.
const TRIES: u32 = 5;
/// The least time that an answer is waited for.
const LEAST: Duration = Duration::from_millis(1);

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

/// How long an answer is waited for. It is asked in any case: a limit says no more than that.
fn left(until: Option<Instant>) -> Option<Duration> {
    let left = until.map(|until| until.saturating_duration_since(Instant::now()));
    left.map(|left| left.max(LEAST))
}

impl Session {
    /// Sends a request, of which the answer may be a refusal.
    pub(super) fn answer(
        &mut self,
        request: &Request,
        mut on_event: impl FnMut(&mut Output, Event),
    ) -> Result<Answer, Failed> {
        // What was printed so far must be readable while the daemon works.
        let waits = ostler_client::waits_for_apps(request);
        if waits {
            self.out.flush()?;
        }
        let mut heard = Heard::default();
        let mut asked = Asked::default();
        let answer = loop {
            if !self.meet(request, &mut asked)? {
                return self.of_nothing(request);
            }
            let until = if waits { self.deadline() } else { None };
            let Self { client: Some(client), out, changed, begun, ends_ready, .. } = self else {
                return Err(Failed::new("not connected"));
            };
            heard.begin();
            // What was begun goes on, also while something else is asked about it.
            let holds = out.progress().is_some() && (waits || begun.is_any());
            let interrupts = if holds { Some(hold_back()?) } else { None };
            let on = |told: Told| {
                heed(out, interrupts.as_ref(), Under::Way);
                let event = match told {
                    Told::Event(event) => event,
                    Told::Nothing => return out.tick(),
                    told => return out.heard(&told),
                };
                changed.extend(ids_in(&event));
                match heard.is_news(&event).then_some(event) {
                    Some(Event::Warning { unready: Some(_), .. }) if *ends_ready => {}
                    Some(Event::Warning { text, .. }) => out.warn(&text),
                    Some(event) => on_event(out, event),
                    None => {}
                }
                out.keep_up();
            };
            let answer = client.request_heard(request, left(until), holds.then_some(EVERY), on);
            heed(out, interrupts.as_ref(), Under::Way);
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
        self.met = true;
        untold(answer, &heard)
    }

    /// Connects to a daemon that can be asked. `false`: there is none.
    fn meet(&mut self, request: &Request, asked: &mut Asked) -> Result<bool, Failed> {
        while self.reach()? {
            if self.may_be_asked(request, asked)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The answer where there is no manager: it has nothing.
    fn of_nothing(&self, request: &Request) -> Result<Answer, Failed> {
        if matches!(request, Request::List | Request::Meant { .. }) {
            Ok(Answer::Reply(Reply::List { processes: Vec::new() }))
        } else if matches!(request, Request::Jlist) {
            Ok(Answer::Raw(b"[]".to_vec()))
        } else {
            Err(self.no_daemon())
        }
    }

    /// When a request that waits for apps is not waited for any more.
    fn deadline(&mut self) -> Option<Instant> {
        let limit = self.limit;
        self.until = self.until.or_else(|| Some(Instant::now() + limit?));
        self.until
    }

    /// Whether the daemon that was reached may be asked. `false`: it died over that, and another
    /// is to be found.
    fn may_be_asked(&mut self, request: &Request, asked: &mut Asked) -> Result<bool, Failed> {
        let Self { client: Some(client), out, .. } = self else {
            return Err(Failed::new("not connected"));
        };
        // Who is asked must know it again, and so must who was asked before.
        match resumes(client, request, |heard| out.heard(&heard)) {
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
        matches!(request, Request::Kill | Request::KillTold) && !self.home.socket().exists()
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
}

/// Holds back the signals that interrupt a command, as long as something goes on of which whoever
/// interrupts it is told.
pub(crate) fn hold_back() -> Result<Interrupts, Failed> {
    Interrupts::hold().map_err(|error| Failed::new(format!("cannot hold back signals: {error}")))
}

/// Tells who has interrupted the command what goes on, and lets the signal in.
pub(crate) fn heed(out: &mut Output, interrupts: Option<&Interrupts>, under: Under) {
    if let Some(interrupts) = interrupts.filter(|interrupts| interrupts.came()) {
        out.tell(&Notice::Interrupted { under });
        interrupts.let_in();
    }
}

/// Finds out whether this daemon begins nothing twice when it is asked the same again. Only of old
/// ones the answer is not known before.
fn resumes(
    client: &mut Client,
    request: &Request,
    on: impl FnMut(Told),
) -> Result<bool, ostler_client::Error> {
    match resumable_since(request) {
        None => Ok(false),
        Some(1) => Ok(true),
        Some(since) => Ok(since <= client.protocol(on)?),
    }
}

/// Why it is not known what became of a request.
fn lost(why: &str) -> Failed {
    Failed::new(format!("{why} in the middle of this; how it went on is not known"))
        .hint("`ostler list` shows how far it is, `ostler logs daemon` why the daemon ended")
}

/// Returns an answer, unless it is a refusal that was told: it repeats the first failure for
/// clients that look at nothing else.
fn untold(answer: Answer, heard: &Heard) -> Result<Answer, Failed> {
    let told = matches!(answer, Answer::Reply(Reply::Error(_))) && heard.failure();
    if told { Err(Failed::quiet(1)) } else { Ok(answer) }
}
