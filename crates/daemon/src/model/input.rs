//! Everything that the daemon's decisions depend on, and everything they may ask for.
//! Both are closed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use ostler_core::spec::{AppSpec, Hook};
use ostler_core::{Action, AppId, Event, Exit, Millis, ProcId, RunId, SpecId};
use ostler_pm2::in_app::Kept;
use ostler_sinks::Alert;
use ostler_wire::control::{self, Connections, Lifecycle, ListenerView, Reply, Request};
use serde_json::value::RawValue;

use super::listed::Listed;
use super::rule_found::RuleFound;
use super::to_watch::ToWatch;
use super::traffic::Traffic;
use crate::budget::Capacity;
use crate::notify::Message;

/// The time of an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// On the monotonic clock, ms: what deadlines are compared with.
    pub now: Millis,
    /// On the calendar, ms since 1970: what people are shown.
    pub wall: u64,
}

/// A client whose request is being worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub usize);

impl ClientId {
    /// What is set in the numbers of calls at PM2's socket.
    const CALL: usize = 1 << (usize::BITS - 1);

    /// Whoever waits for the call of this number.
    pub const fn of_call(number: usize) -> Self {
        Self(number | Self::CALL)
    }

    /// The number of the call, if it is one.
    pub const fn call(self) -> Option<usize> {
        if self.0 & Self::CALL == 0 { None } else { Some(self.0 & !Self::CALL) }
    }
}

/// What a run uses.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// CPU use, percent of one core.
    pub cpu: f32,
    /// Resident memory, bytes.
    pub memory: u64,
}

/// Everything that can happen to the model.
#[derive(Debug)]
pub enum Input {
    /// A client asks for something. Requests that need no decision do not come here.
    Request { client: ClientId, request: Request },
    /// A client has left; what it began is finished.
    ClientGone(ClientId),
    /// A report for the supervision machine.
    Core(Event),
    /// The keeper started the run in this process.
    Spawned { run: RunId, pid: u32 },
    /// The run was never there.
    NotSpawned { run: RunId, why: String },
    /// The run was not started: there is no room for it, and there will be none the next time.
    Refused { run: RunId, why: String },
    /// The run was started, but its descriptors have no room here yet.
    Unfetched(RunId),
    /// There is room for so much.
    Capacity(Capacity),
    /// So many connections to the run were open before a signal, where [`Model::counted`] wants to
    /// know: as if all were dropped.
    ///
    /// [`Model::counted`]: super::Model::counted
    Counted { run: RunId, open: Connections },
    /// The run's first process ended; of a candidate also the last lines of its standard error.
    /// `next`: the prepared run that was begun by it.
    Exited { run: RunId, exit: Exit, next: Option<RunId>, stderr_tail: Vec<String> },
    /// The kernel ended the run for want of memory, which comes before the report of its end.
    OutOfMemory(RunId),
    /// A process of the run may not be signalled: it became this user's, in words.
    Unsignalable { run: RunId, pid: u32, user: String },
    /// The health check of a candidate is over.
    Probed { run: RunId, result: Result<(), String> },
    /// What [`Effect::CheckHealth`] asked for.
    Checked { run: RunId, result: Result<(), String> },
    /// A run has sent a message to the socket that it was given for that.
    Notified { run: RunId, message: Message },
    /// What was to come before a run is over; where it failed, the run does not begin.
    PreludeOver { run: RunId, result: Result<(), String> },
    /// A command of an app is over.
    HookOver { label: String, run: RunId, hook: Hook, result: Result<(), String> },
    /// What runs use, for whoever is shown it.
    Usage(Vec<(RunId, Usage)>),
    /// The memory that runs with a limit use, bytes.
    Measured(Vec<(RunId, u64)>),
    /// The version of Node that runs it.
    NodeVersion { run: RunId, version: String },
    /// So many promises were rejected in this run and handled by nobody.
    Rejections { run: RunId, count: u64 },
    /// An app said something of itself that is kept.
    Kept { run: RunId, kept: Kept },
    /// A process is shown as monitored, or not.
    Monitored { id: ProcId, on: bool },
    /// Files of a process are watched from now on, or not.
    Watch { id: ProcId, how: control::Watch },
    /// A file of a watched version has changed.
    Changed { spec: SpecId, path: PathBuf },
    /// Not all folders of a watched version are watched: this user may watch `most`, where that is
    /// known, and `folders` are.
    WatchLimited { spec: SpecId, folders: usize, most: Option<u64> },
    /// All that [`Effect::Watch`] asked for is watched now.
    Watching,
    /// Nothing is watched any more, or nothing could be, for this reason.
    WatchEnded { why: String },
    /// What a worker listens on.
    Listeners { run: RunId, listeners: Vec<ListenerView> },
    /// What [`Effect::LookForCallers`] asked for.
    Traffic { app: AppId, traffic: Traffic },
    /// An app sleeps, and whoever connects there wakes it, as [`Effect::AwaitCaller`] asked for.
    Asleep { app: AppId, addresses: Vec<String> },
    /// Somebody waits for an app that sleeps, or nobody could be heard who does.
    Wanted(AppId),
    /// Log files have not got so many lines of an output of this run since it began.
    Dropped { id: ProcId, run: RunId, stream: usize, lines: u64 },
    /// A file of an app can be written again, or could not be.
    Written { path: PathBuf, error: Option<String> },
    /// The home names somebody who is told of all apps, or not.
    HomeTold(bool),
    /// A rule has found a line, for [`Effect::SeenTo`].
    Found { number: u64, found: RuleFound },
    /// Those who are told of this [`Effect::Alert`] will not forget it.
    Alerted(u64),
    /// The last lines of standard error that [`Effect::ReadStderrTail`] asked for.
    StderrTail { run: RunId, lines: Vec<String> },
    /// The saved list, as [`Effect::ReadDump`] asked for it.
    DumpRead {
        client: ClientId,
        told: bool,
        warnings: Vec<String>,
        elements: Result<Vec<Box<RawValue>>, String>,
        /// They are of the list before the last one, as that one cannot be read.
        before: bool,
    },
    /// What became of [`Effect::WriteDump`].
    DumpWritten {
        client: Option<ClientId>,
        count: usize,
        result: Result<PathBuf, control::Failure>,
    },
    /// The state could not be saved; it is tried again.
    SaveFailed,
    /// A signal, or the init system through one, ends everything.
    Shutdown,
    /// The process is gone for which everything runs: everything ends, and no list is saved.
    Abandoned,
    /// The calendar was set.
    ClockSet,
    /// [`Model::deadline`](super::Model::deadline) has passed.
    Deadline,
}

/// Everything that the model may ask of the parts around it, to be done in order.
#[derive(Debug)]
pub enum Effect {
    /// An action of the supervision machine; never [`Action::Tell`].
    Core(Action),
    /// The reply that ends a client's request.
    Reply { client: ClientId, reply: Reply },
    /// The list, or some of it, as it is when this is done, which ends a client's request:
    /// [`Model::list_reply`](super::Model::list_reply).
    List { client: ClientId, which: Listed },
    /// Text that ends a client's request.
    Raw { client: ClientId, text: String },
    /// Something to tell a client on the way to its reply.
    Event { client: ClientId, event: control::Event },
    /// Something happened to a process, for whoever watches. `by_call`: a client of PM2's brought
    /// it about, and says so on the bus itself.
    Lifecycle { id: ProcId, name: String, what: Lifecycle, by_call: bool },
    /// A line for the daemon's log.
    Log(String),
    /// The end of the run of this place in the slot has just been told.
    Told { id: ProcId, end: RunId },
    /// A complaint for the daemon's log.
    Complain(String),
    /// Tell it to whoever wants to know, for [`Input::Alerted`].
    Alert { number: u64, alert: Box<Alert> },
    /// What is to be done about the line of this [`Input::Found`] is saved.
    SeenTo(u64),
    /// A run is over; its slot's pid file is of no use.
    RemovePidFile(PathBuf),
    /// Close listening sockets of an app.
    CloseListeners { app: AppId, which: Unneeded },
    /// The app is gone; so is its cluster.
    ForgetApp(AppId),
    /// The worker passed its checks: clients may meet it.
    Admit(RunId),
    /// This version's way to spread connections is in force.
    SetBalance { app: AppId, spec: SpecId },
    /// Look who has a connection to these workers, for [`Input::Traffic`]. `seen`: how many they
    /// had been handed at the last look; where that has changed, somebody had one. `pause`: where
    /// nobody has one, they get none until they sleep, or [`Effect::Unpause`] comes.
    LookForCallers { app: AppId, runs: Vec<RunId>, seen: Option<u64>, pause: bool },
    /// These workers get connections again.
    Unpause(Vec<RunId>),
    /// An app sleeps: tell where it can be woken, by [`Input::Asleep`], and when somebody waits for
    /// it, by [`Input::Wanted`].
    AwaitCaller(AppId),
    /// Look at the memory of these runs, for [`Input::Measured`]: of all processes of each
    /// together, of which a limit is given, or of the first alone.
    Measure(Vec<(RunId, Option<u64>)>),
    /// Ask a run that serves for its health once, for [`Input::Checked`].
    CheckHealth(RunId),
    /// Read the secrets of a run and run its `pre_start`, for [`Input::PreludeOver`].
    Prelude(Box<HookRun>),
    /// Run a command of an app, for [`Input::HookOver`].
    Hook(Box<HookRun>),
    /// End the commands of this run at once.
    EndHooks(RunId),
    /// The run will not begin: what was read for it is dropped.
    ForgetPrelude(RunId),
    /// Watch the files of these versions from now on, and of no others, for [`Input::Changed`].
    Watch(Vec<ToWatch>),
    /// Read the last lines that the run wrote to standard error, for [`Input::StderrTail`].
    ReadStderrTail(RunId),
    /// Write the saved list durably; `client` waits for [`Input::DumpWritten`].
    WriteDump { client: Option<ClientId>, count: usize, text: Vec<u8> },
    /// Read the saved list, for [`Input::DumpRead`]; `told`: of each process, too.
    ReadDump { client: ClientId, told: bool },
}

/// A command of an app, or what comes before a run.
#[derive(Clone, Debug)]
pub struct HookRun {
    /// The process that it is run for.
    pub id: ProcId,
    /// The run that it is about.
    pub run: RunId,
    /// How the process is called in a log.
    pub label: String,
    /// The moment at which it is run.
    pub hook: Hook,
    /// The app whose command it is.
    pub spec: Arc<AppSpec>,
    /// The variables of the run, without secrets.
    pub env: BTreeMap<String, String>,
}

/// Which listening sockets of an app nobody needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unneeded {
    /// All: the app is at rest.
    All,
    /// Those that no worker uses: a change of the app is over.
    Unused,
}

#[cfg(test)]
mod tests {
    use super::ClientId;

    #[test]
    fn a_call_is_no_client_of_the_same_number() {
        assert_eq!((ClientId(3).call(), ClientId::of_call(3).call()), (None, Some(3)));
        assert_ne!(ClientId(0), ClientId::of_call(0));
    }
}
