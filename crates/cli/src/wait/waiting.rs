//! The wait itself: news, looks, and the end of each process that is waited for.

mod for_line;
mod last_lines;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use ostler_ports::Rest;
use ostler_wire::control::{Outcome, Phase, Request};

use super::lines::Wanted;
use super::look::{look, seen};
use super::news::{self, News};
use super::past::Past;
use super::seen::{self, Again, LOADED, Never, NotYet, Seen, Sign, Stand};
use super::taken;
use crate::failed::Failed;
use crate::session::{Session, heed, hold_back};
use crate::sys::Interrupts;
use crate::voice::{EVERY, Notice, Standing, Under};

/// How long the daemon is asked to wait for a worker to listen before news are looked at, ms.
const LISTENS_WITHIN: u32 = 250;
/// How long the first look may take, when the limit is over before.
const FIRST_LOOK: Duration = Duration::from_secs(5);
/// How much longer than the first that fails the others are looked at.
const MOMENT: Duration = Duration::from_millis(500);
/// A sleep without an end, in parts.
const LONG: Duration = Duration::from_secs(3600);

/// What is waited for.
#[derive(Debug)]
pub(crate) enum Awaited {
    /// That each is ready. `first`: by its first run; `late`: the request that starts them has not
    /// come to its end.
    Ready { first: bool, late: bool },
    /// That the current run of each has ended.
    Exit,
    /// That one of them writes a line. `fresh`: from now on, not in its current run.
    Line { wanted: Wanted, fresh: bool },
}

/// How the wait for a process has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It is ready and listens there.
    Ready { listens: Vec<String> },
    /// It did what it was started for.
    Done,
    /// Its run has ended so.
    Exited(Option<Outcome>),
    /// It wrote this line.
    Line(String),
    /// What is waited for cannot come.
    Never(Never),
    /// The limit is over.
    TimedOut(NotYet),
}

/// A process that is not waited for any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) id: u32,
    pub(crate) name: String,
    /// How the wait has ended.
    pub(crate) end: End,
    /// The last lines that it wrote, where they may say why.
    pub(crate) lines: Vec<String>,
    /// They were written to standard error.
    pub(crate) err: bool,
}

/// A process that is waited for.
#[derive(Debug, Default)]
struct Pending {
    name: String,
    /// Its run when it was first looked at; `None` inside: it had none.
    first: Option<Option<u64>>,
    /// When to look at it although nothing was told.
    due: Option<Instant>,
    /// The daemon is to be asked when it listens.
    listening: bool,
    /// What it did at the last look.
    why: Option<NotYet>,
    /// Its log files, of output and of errors.
    logs: [Option<String>; 2],
    /// Whether it used a processor at the last look.
    rest: Option<Rest>,
}

impl Pending {
    /// One that has lived for long enough and still loads has more time for it.
    fn let_load(&mut self, seen: &mut Seen, pid: u32) {
        let Sign::Age { age, enough, .. } = &mut seen.sign else { return };
        let is_online = seen.phase == Phase::Online && seen.listens.is_empty();
        if !is_online || *age < *enough || LOADED <= *age {
            return;
        }
        let rest = Rest::look(pid);
        let is_loaded = self.rest.as_ref().is_some_and(|before| rest.since(before));
        if !is_loaded {
            *enough = LOADED;
        }
        self.rest = Some(rest);
    }
}

/// A wait that is under way.
struct Waiting<'s> {
    session: &'s mut Session,
    awaited: Awaited,
    pending: BTreeMap<u32, Pending>,
    ended: Vec<Ended>,
    /// Log files of those that have ended, of output and of errors.
    logs: BTreeMap<u32, [Option<String>; 2]>,
    past: Past,
    until: Option<Instant>,
    /// One cannot come to it; until then it is seen whether others cannot either.
    decided: Option<Instant>,
    /// Until then the first look is waited for, as long as there was none.
    first_look_by: Option<Instant>,
    /// Those of which it was told that they found their port taken.
    told_taken: BTreeSet<u32>,
    /// Who interrupts it is told what goes on, where that is to be told at all.
    interrupts: Option<Interrupts>,
}

/// Waits for these processes, each with its name, until the limit. Returns how each ended. When one
/// cannot come to it, the others have a moment more, so that whoever fails with it is told, too.
/// Other apps that are started with it are waited for as if it were well.
///
/// # Errors
/// The daemon cannot be asked any more, or a log file cannot be read.
pub(crate) fn wait(
    session: &mut Session,
    named: &[(u32, &str)],
    awaited: Awaited,
    until: Option<Instant>,
) -> Result<Vec<Ended>, Failed> {
    // Whoever waits reads what was said so far.
    session.out.flush()?;
    // Before the thread of the news is started, which would take the signals.
    let interrupts = session.out.progress().map(|_| hold_back()).transpose()?;
    let client = session.take_client()?;
    let lines = matches!(awaited, Awaited::Line { .. });
    let ids = named.iter().map(|(id, _)| *id).collect();
    let news = news::open(client, &session.home, ids, lines)?;
    // One may be gone before the first look at it.
    let of = |name: &str| Pending { name: name.to_owned(), ..Pending::default() };
    let pending = named.iter().map(|(id, name)| (*id, of(name))).collect();
    let (ended, logs, past) = (Vec::new(), BTreeMap::new(), Past::default());
    let first_look_by = Some(Instant::now() + FIRST_LOOK);
    let decided = None;
    Waiting {
        session,
        awaited,
        pending,
        ended,
        logs,
        past,
        until,
        decided,
        first_look_by,
        told_taken: BTreeSet::new(),
        interrupts,
    }
    .run(&news)
}

impl Waiting<'_> {
    fn run(mut self, news: &Receiver<News>) -> Result<Vec<Ended>, Failed> {
        while !self.is_over() {
            heed(&mut self.session.out, self.interrupts.as_ref(), Under::Wait);
            self.session.out.keep_up();
            let now = Instant::now();
            if self.deadline().is_some_and(|until| until <= now) {
                self.time_out();
                break;
            }
            match news.recv_timeout(self.sleep(now)) {
                Ok(News::Following(starts)) => {
                    if !matches!(self.awaited, Awaited::Line { fresh: true, .. }) {
                        self.past.begin(&starts);
                    }
                    for id in self.pending.keys().copied().collect::<Vec<_>>() {
                        self.look_at(id)?;
                        self.session.out.keep_up();
                    }
                    self.first_look_by = None;
                }
                Ok(News::Happened(id)) => self.look_at(id)?,
                Ok(News::Line(line)) => self.on_line(&line),
                Ok(News::DaemonsEnd) => self.session.out.tell(&Notice::DaemonsEnd),
                Ok(News::Silent(silence)) => self.session.out.waits(&silence.meanwhile()),
                Ok(News::Over(ostler_client::Error::NotRunning { .. }))
                    if !self.session.home.socket().exists() =>
                {
                    for id in self.pending.keys().copied().collect::<Vec<_>>() {
                        self.leave(id, Never::Unmanaged)?;
                    }
                }
                Ok(News::Over(error)) => return Err(error.into()),
                Err(RecvTimeoutError::Timeout) => self.on_time()?,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failed::new("the daemon tells nothing more"));
                }
            }
        }
        self.quote_last_lines()?;
        Ok(self.ended)
    }

    /// Whether there is nothing left to wait for: all have come to it, one cannot any more, or the
    /// one line is there.
    fn is_over(&mut self) -> bool {
        let decides = |of: &Ended| match of.end {
            End::Line(_) => true,
            // Another one may still write the line.
            End::Never(_) => !matches!(self.awaited, Awaited::Line { .. }),
            End::Ready { .. } | End::Done | End::Exited(_) | End::TimedOut(_) => false,
        };
        if self.pending.is_empty() {
            return true;
        }
        let is_decided = self.ended.iter().any(decides) && !self.waits_for_each();
        let is_final = self.ended.iter().any(|of| matches!(of.end, End::Line(_)));
        if is_decided && !is_final && self.decided.is_none() {
            self.decided = Some(Instant::now() + MOMENT);
        }
        is_final || self.decided.is_some_and(|until| until <= Instant::now())
    }

    /// Whether apps that were started are still to be told of, beside those that failed.
    fn waits_for_each(&self) -> bool {
        let has_failed = |name: &str| {
            self.ended.iter().any(|of| of.name == name && matches!(of.end, End::Never(_)))
        };
        matches!(self.awaited, Awaited::Ready { first: true, .. })
            && self.pending.values().any(|of| !has_failed(&of.name))
    }

    /// How long to sleep, unless news come.
    fn sleep(&self, now: Instant) -> Duration {
        if self.pending.values().any(|pending| pending.listening) {
            return Duration::ZERO;
        }
        let due = self.pending.values().filter_map(|pending| pending.due);
        let due = due.chain(self.deadline()).chain(self.decided).min();
        let most = if self.interrupts.is_some() { EVERY } else { LONG };
        due.map_or(most, |due| due.saturating_duration_since(now).min(most))
    }

    /// When the limit is over. One that is over already leaves time for the first look, which says
    /// what there is.
    fn deadline(&self) -> Option<Instant> {
        self.until.map(|until| self.first_look_by.map_or(until, |by| by.max(until)))
    }

    /// Nothing was told until the next look.
    fn on_time(&mut self) -> Result<(), Failed> {
        let now = Instant::now();
        let is_due = |pending: &Pending| pending.due.is_some_and(|due| due <= now);
        let due: Vec<u32> =
            self.pending.iter().filter(|(_, of)| is_due(of)).map(|(id, _)| *id).collect();
        let silent = self.pending.iter().find(|(_, of)| of.listening).map(|(id, _)| *id);
        if let Some(id) = silent {
            let left = self.until.map(|until| until.saturating_duration_since(now).as_millis());
            let left = left.and_then(|ms| u32::try_from(ms).ok()).unwrap_or(u32::MAX);
            let within = LISTENS_WITHIN.min(left.max(1));
            // What it listens on is seen in the look; it may be gone.
            if self.session.ask(&Request::Listens { id, within }).is_ok() {
                self.look_at(id)?;
            } else {
                look(self.session, id)?;
            }
        }
        for id in due {
            self.look_at(id)?;
            self.session.out.keep_up();
        }
        Ok(())
    }

    /// Looks at a process, if it is still waited for.
    fn look_at(&mut self, id: u32) -> Result<(), Failed> {
        if !self.pending.contains_key(&id) {
            return Ok(());
        }
        let Some(details) = look(self.session, id)? else {
            let is_unmanaged = self.session.is_without_manager();
            return self.leave(id, if is_unmanaged { Never::Unmanaged } else { Never::Gone });
        };
        let mut seen = seen(&details);
        let Some(pending) = self.pending.get_mut(&id) else { return Ok(()) };
        pending.name.clone_from(&details.view.name);
        let [out, err, _] = details.view.logs.clone();
        pending.logs = [out, err];
        let first = *pending.first.get_or_insert(seen.run);
        let since = self.session.since;
        let ended = details.view.ended.as_ref();
        seen.is_next = first.is_some() && seen.run.is_some() && seen.run != first
            || ended.is_some_and(|ended| ended.is_own_since(since));
        pending.let_load(&mut seen, details.view.pid);
        (pending.due, pending.listening) = (None, false);
        match &self.awaited {
            Awaited::Ready { first, late: false } => {
                self.judge_ready(id, seen::ready(&seen, *first), seen);
            }
            Awaited::Ready { first, late: true } => {
                self.judge_ready(id, seen::ready_in_turn(&seen, *first), seen);
            }
            Awaited::Exit => {
                if let Some(outcome) = seen::ended(&seen, first) {
                    self.end(id, End::Exited(outcome));
                }
            }
            Awaited::Line { .. } => return self.look_for_line(id, &details, &seen),
        }
        Ok(())
    }

    /// One that is waited for is not there any more.
    fn leave(&mut self, id: u32, why: Never) -> Result<(), Failed> {
        let end = match self.awaited {
            Awaited::Exit => End::Exited(None),
            Awaited::Ready { .. } => End::Never(why),
            Awaited::Line { .. } => self.find_in_files(id)?.map_or(End::Never(why), End::Line),
        };
        self.end(id, end);
        Ok(())
    }

    fn judge_ready(&mut self, id: u32, stand: Stand, seen: Seen) {
        let told = match &stand {
            Stand::Ready => Standing::Ready,
            Stand::Done => Standing::Finished,
            Stand::Never(_) => Standing::Failed,
            Stand::NotYet { why, .. } => Standing::Does(why.doing()),
        };
        self.session.out.tell(&Notice::Stands { id, stand: told });
        self.tell_taken(id, &stand);
        match stand {
            Stand::Ready => self.end(id, End::Ready { listens: seen.listens }),
            Stand::Done => self.end(id, End::Done),
            Stand::Never(never) => self.end(id, End::Never(never)),
            Stand::NotYet { why, again } => {
                let Some(pending) = self.pending.get_mut(&id) else { return };
                pending.why = Some(why);
                match again {
                    Some(Again::After(ms)) => {
                        pending.due = Some(Instant::now() + Duration::from_millis(ms));
                    }
                    Some(Again::Listening) => pending.listening = true,
                    None => {}
                }
            }
        }
    }

    /// Warns once of a process that may never be ready, since its last run found its port taken.
    fn tell_taken(&mut self, id: u32, stand: &Stand) {
        let Stand::NotYet { why: NotYet::Young { taken: true, .. }, .. } = stand else { return };
        if self.session.out.progress().is_none() || !self.told_taken.insert(id) {
            return;
        }
        let name = self.pending.get(&id).map(|pending| pending.name.clone()).unwrap_or_default();
        if let Some((text, hint)) = taken::words(self.session, id, &name) {
            let hint = hint.as_deref();
            self.session.out.tell(&Notice::Warning { text: &text, hint, apart: true });
        }
    }

    fn time_out(&mut self) {
        for id in self.pending.keys().copied().collect::<Vec<_>>() {
            let why = self.pending.get_mut(&id).and_then(|pending| pending.why.take());
            self.end(id, End::TimedOut(why.unwrap_or(NotYet::Unseen)));
        }
    }

    fn end(&mut self, id: u32, end: End) {
        if let Some(Pending { name, logs, .. }) = self.pending.remove(&id) {
            self.logs.insert(id, logs);
            self.ended.push(Ended { id, name, end, lines: Vec::new(), err: true });
        }
    }
}
