//! A world around the model: a disk, clients that wait, time, and a daemon that dies at any effect.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::tz::TimeZone;
use ostler_core::{Preparation, ProcId, RunId};
use ostler_wire::control::{Connections, Request};
use serde_json::{Value, json};

use super::super::{ClientId, Counters, Effect, Input, Model, Moment, Settings, State, told};
use super::callers::Callers;
use super::reports::{ended, gone};
use super::sim::SimRun;
use super::told::Untold;
use crate::budget::Capacity;

/// What a client asked and was told.
#[derive(Clone, Debug, Default)]
pub struct Talk {
    /// The request, to be asked again when the daemon dies and it has a ticket.
    pub again: Option<String>,
    /// Everything that was said, in order; the reply is last.
    pub heard: Vec<String>,
    /// The reply has come.
    pub over: bool,
    /// The connection has ended: the client left, or the daemon died and is not asked again.
    pub cut: bool,
    /// The disk answers it: that is told also after the client has left.
    pub by_disk: bool,
}

pub struct World {
    pub model: Model,
    pub at: Moment,
    pub runs: BTreeMap<RunId, SimRun>,
    /// What the keeper begins when a run ends.
    pub prepared: BTreeMap<RunId, (ProcId, Preparation, Counters)>,
    /// What was told, with its number.
    pub alerts: Vec<(u64, String)>,
    /// Lines whose rules were followed, by number.
    pub seen_to: Vec<u64>,
    /// The last end of each slot that the daemon has told, as far as it knows.
    pub told: BTreeMap<ProcId, RunId>,
    /// When the daemon dies next, all runs end before there is another.
    pub end_in_crash: bool,
    /// Runs that the keeper began by itself.
    pub begun: usize,
    pub reports: VecDeque<Input>,
    pub talks: BTreeMap<usize, Talk>,
    pub log: Vec<String>,
    /// Things that happened to processes, as watchers are told.
    pub lifecycle: Vec<String>,
    /// What was saved last.
    pub disk: Option<State>,
    /// The saved list.
    pub dump: Option<Vec<u8>>,
    /// What is said before the saved list is read.
    pub dump_warnings: Vec<String>,
    /// Writing to the disk fails.
    pub full: bool,
    /// The last save failed.
    pub unsaved: bool,
    /// The disk and the tails of standard error are read and written later, as a report.
    pub slow: bool,
    /// Saves so far.
    pub saves: usize,
    /// Lists written so far.
    pub dumps: usize,
    /// Saves and effects so far.
    pub steps: usize,
    /// The daemon dies before the step of this number.
    pub crash_at: Option<usize>,
    /// Daemons that died so far.
    pub deaths: usize,
    /// Commands of apps that were run.
    pub hooks: Vec<String>,
    /// What was asked of the parts that hold listening sockets.
    pub parts: Vec<String>,
    /// The most descriptors that the daemon may have, if that is told.
    pub limit: Option<usize>,
    /// Runs that were refused for want of room.
    pub refused: Vec<RunId>,
    /// Pid files that were removed.
    pub removed: Vec<String>,
    /// Ends that are still to be told.
    pub untold: Untold,
    /// Reports come together: all are decided before anything of it is carried out.
    pub together: bool,
    /// What is watched.
    pub watched: Vec<super::super::ToWatch>,
    /// The connections to each run that is signalled.
    pub open: Connections,
    /// Who wants which apps.
    pub callers: Callers,
}

thread_local! {
    /// The ports that somebody has.
    pub static TAKEN: RefCell<BTreeSet<u16>> = const { RefCell::new(BTreeSet::new()) };
}

pub fn settings(seed: u64) -> Settings {
    Settings {
        home: "/home".into(),
        mark: "mark".to_owned(),
        boot: "boot".to_owned(),
        cpus: 4,
        dump_path: "/home/dump.pm2".into(),
        memory_interval: None,
        kills_by_message: false,
        seed,
        zone: |name| TimeZone::posix(name.unwrap_or("UTC0")).unwrap(),
        taken_ports: || TAKEN.with_borrow(Clone::clone),
    }
}

impl World {
    pub fn new() -> Self {
        Self {
            model: Model::new(settings(1)),
            at: Moment { now: 1000, wall: 1_000_000 },
            runs: BTreeMap::new(),
            prepared: BTreeMap::new(),
            alerts: Vec::new(),
            seen_to: Vec::new(),
            told: BTreeMap::new(),
            end_in_crash: false,
            begun: 0,
            reports: VecDeque::new(),
            talks: BTreeMap::new(),
            log: Vec::new(),
            lifecycle: Vec::new(),
            disk: None,
            dump: None,
            dump_warnings: Vec::new(),
            full: false,
            unsaved: false,
            slow: false,
            saves: 0,
            dumps: 0,
            steps: 0,
            crash_at: None,
            deaths: 0,
            hooks: Vec::new(),
            parts: Vec::new(),
            limit: None,
            refused: Vec::new(),
            removed: Vec::new(),
            untold: Untold::default(),
            together: false,
            watched: Vec::new(),
            open: Connections::Nowhere,
            callers: Callers::default(),
        }
    }

    /// A world in which one app is up.
    pub fn with(name: &str, script: &str, instances: u32) -> Self {
        Self::with_more(name, script, instances, json!({}))
    }

    /// The same with more keys in the record.
    pub fn with_more(name: &str, script: &str, instances: u32, more: Value) -> Self {
        let mut world = Self::new();
        world.start_with(name, script, instances, more);
        world.wait(50);
        world.quiet();
        world
    }

    /// A client asks; its number is for [`heard`](Self::heard).
    pub fn request(&mut self, request: Request) -> usize {
        let client = self.talks.len();
        let again = match &request {
            Request::Reload { ticket: Some(_), .. }
            | Request::Promote { ticket: Some(_), .. }
            | Request::Start { ticket: Some(_), .. }
            | Request::Act { ticket: Some(_), .. }
            | Request::Scale { ticket: Some(_), .. } => {
                Some(serde_json::to_string(&request).unwrap())
            }
            _ => None,
        };
        let by_disk =
            matches!(request, Request::Save { .. } | Request::Resurrect | Request::ResurrectTold);
        self.talks.insert(client, Talk { again, by_disk, ..Talk::default() });
        self.input(Input::Request { client: ClientId(client), request });
        client
    }

    /// The daemon may have so many descriptors from now on.
    pub fn limit(&mut self, limit: usize) {
        self.limit = Some(limit);
        self.tell_room();
    }

    pub(super) fn tell_room(&mut self) {
        if let Some(limit) = self.limit {
            self.input(Input::Capacity(Capacity { limit, listeners: 1 }));
        }
    }

    /// The client closes its connection.
    pub fn leave(&mut self, client: usize) {
        let talk = self.talks.get_mut(&client).unwrap();
        if !talk.over && !std::mem::replace(&mut talk.cut, true) {
            self.input(Input::ClientGone(ClientId(client)));
        }
    }

    /// What a client heard, one thing a line.
    pub fn heard(&self, client: usize) -> String {
        self.talks[&client].heard.join("\n")
    }

    /// The last thing that a client heard, which must be a reply.
    #[track_caller]
    pub fn reply(&self, client: usize) -> &str {
        let talk = &self.talks[&client];
        assert!(talk.over, "no reply yet: {:?}", talk.heard);
        talk.heard.last().unwrap()
    }

    /// Clients that still wait for their reply.
    pub fn waiting(&self) -> BTreeSet<usize> {
        let waits = self.talks.iter().filter(|(_, talk)| !talk.over && !talk.cut);
        waits.map(|(client, _)| *client).collect()
    }

    /// One input, and everything that follows from it at once.
    pub fn input(&mut self, input: Input) {
        self.turn(VecDeque::from([input]));
    }

    /// All that is there in one turn, and everything that follows from it at once.
    fn turn(&mut self, mut inputs: VecDeque<Input>) {
        let deaths = self.deaths;
        while !inputs.is_empty() {
            let asked = inputs.iter().any(|input| matches!(input, Input::Request { .. }));
            let mut out = Vec::new();
            for input in inputs.drain(..) {
                let before = out.len();
                self.model.handle(self.at, input, &mut out);
                self.untold.drop_replaced(&self.model, &out[before..]);
            }
            self.perform(out, asked, &mut inputs);
            if deaths < self.deaths {
                return;
            }
            self.model.check();
        }
    }

    /// Saves if need be, and carries out effects in their order; what follows at once goes into
    /// `inputs`. Where the daemon dies, what is left of them is lost with it. `asked`: they follow
    /// from a request, which counts as asked only once it is saved.
    pub(super) fn perform(&mut self, out: Vec<Effect>, asked: bool, inputs: &mut VecDeque<Input>) {
        if self.model.take_unsaved() {
            if !asked && self.dies() {
                return self.forget();
            }
            self.unsaved = !self.save();
            self.untold.unsaved |= self.unsaved;
            if self.unsaved {
                inputs.push_back(Input::SaveFailed);
            }
        }
        for effect in out {
            if self.dies() {
                return self.forget();
            }
            let unsaved = self.unsaved && !self.model.known().is_closing();
            let effect = told(effect, unsaved.then_some("could not save the state"));
            inputs.extend(self.carry_out(effect));
        }
    }

    fn dies(&mut self) -> bool {
        let dies = self.crash_at.is_some_and(|at| at <= self.steps);
        if dies {
            self.crash_at = None;
        }
        self.steps += usize::from(!dies);
        dies
    }

    fn save(&mut self) -> bool {
        let state = self.model.snapshot();
        if !self.full {
            self.saves += 1;
            self.disk = Some(state);
        }
        !self.full
    }

    /// Delivers one report that is on its way.
    pub fn deliver(&mut self) -> bool {
        let count = if self.together { self.reports.len() } else { 1 };
        self.deliver_together(count)
    }

    /// Delivers so many reports in one turn. `false`: there is none.
    pub fn deliver_together(&mut self, count: usize) -> bool {
        let count = count.min(self.reports.len());
        let inputs: VecDeque<Input> = self.reports.drain(..count).collect();
        // What a run leaves is looked for when its end was acted upon.
        let now: BTreeSet<RunId> = inputs.iter().filter_map(ended).collect();
        let later = |input: &Input| gone(input).is_some_and(|run| now.contains(&run));
        let (later, inputs): (VecDeque<_>, VecDeque<_>) = inputs.into_iter().partition(later);
        for report in later.into_iter().rev() {
            self.reports.push_front(report);
        }
        let released: Vec<RunId> = inputs.iter().filter_map(gone).collect();
        self.turn(inputs);
        for run in released {
            // A memory that was lost over it is told again.
            if !self.reports.iter().any(|report| gone(report) == Some(run)) {
                self.runs.retain(|id, sim| *id != run || sim.is_there());
            }
        }
        0 < count
    }

    /// Lets everything happen that happens within `ms`.
    pub fn wait(&mut self, ms: u64) {
        let until = self.at.now + ms;
        while self.deliver() {}
        while self.next_deadline(until) {
            while self.deliver() {}
        }
        self.advance_to(until);
    }

    /// Lets time go by while reports are on their way: all that is due is told before them.
    pub fn late(&mut self, ms: u64) {
        let until = self.at.now + ms;
        while self.next_deadline(until) {}
        self.advance_to(until);
    }

    fn next_deadline(&mut self, until: u64) -> bool {
        let Some(at) = self.model.deadline().filter(|at| *at <= until) else { return false };
        self.advance_to(self.at.now.max(at));
        let deaths = self.deaths;
        self.input(Input::Deadline);
        let next = self.model.deadline();
        assert!(
            deaths < self.deaths || next.is_none_or(|next| self.at.now < next),
            "a deadline stays in the past: {next:?} at {}",
            self.at.now
        );
        true
    }

    fn advance_to(&mut self, now: u64) {
        self.at.wall += now - self.at.now;
        self.at.now = now;
    }
}
