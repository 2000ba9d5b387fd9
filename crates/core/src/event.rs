//! Everything that can happen, and everything that can be asked for. Both are closed.

use std::sync::Arc;

use crate::preparation::Preparation;
use crate::run::{AppId, Exit, Failure, ProcId, RunId, SpecId};
use crate::spec::Policy;
use crate::{Millis, ReloadOptions};

/// Everything that can happen to the supervisor.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the variants are documented; the fields say what their types say")]
pub enum Event {
    /// A new slot. It stays stopped until [`Event::Start`].
    Add { proc: ProcId, app: AppId, spec: SpecId, policy: Arc<Policy>, cluster: bool },
    /// The user wants it up. Short runs so far no longer count.
    Start(ProcId),
    /// The user wants it down.
    Stop(ProcId),
    /// The user wants a fresh run, with this specification from then on if one is given.
    Restart { proc: ProcId, change: Option<(SpecId, Arc<Policy>)> },
    /// No run of it is to begin from now on, though it is wanted, or it may again.
    Hold { proc: ProcId, held: bool },
    /// Nobody has wanted its worker for long: it leaves, and the next one begins when it is wanted.
    Sleep(ProcId),
    /// Somebody wants the slot that sleeps.
    Wake(ProcId),
    /// The user wants it gone: ended, then [`Notice::Removed`].
    Delete(ProcId),
    /// As [`Event::Delete`], but it may finish its connections first (scaling down).
    Retire(ProcId),
    /// The user wants the counters at zero.
    Reset(ProcId),
    /// Replace the runs of these slots of one app by runs of `spec`, as a transaction.
    Reload {
        app: AppId,
        procs: Vec<ProcId>,
        spec: SpecId,
        policy: Arc<Policy>,
        options: ReloadOptions,
    },
    /// End a canary: `keep` rolls it out, otherwise the old version comes back.
    Promote { app: AppId, keep: bool },
    /// The keeper spawned the run.
    Spawned(RunId),
    /// A worker's runtime said `online`.
    RuntimeOnline(RunId),
    /// The run sent the message `ready`.
    ReadyMessage(RunId),
    /// The run has a listener.
    Listening(RunId),
    /// The candidate listens on everything that the run it replaces listens on.
    Covers(RunId),
    /// The candidate listens on as much as the run it replaces, but not on the same.
    Elsewhere(RunId),
    /// A probe asked for by [`Action::Probe`] ended well or was given up.
    Probed { run: RunId, healthy: bool },
    /// The run was found to use this much resident memory, bytes.
    Measured { run: RunId, memory: u64 },
    /// The health check of a run that serves failed so often that it is to be replaced.
    Unhealthy(RunId),
    /// The run's IPC channel was closed by the run.
    Disconnected(RunId),
    /// The run's first process ended. Its descendants may live. `next`: the run that was prepared
    /// for this end and was begun.
    Exited { run: RunId, exit: Exit, next: Option<RunId> },
    /// The run's first process and all its descendants are gone.
    TreeGone(RunId),
    /// [`Supervisor::deadline`](crate::Supervisor::deadline) has passed.
    Deadline,
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// It is about one slot.
    Slot(ProcId),
    /// It is about one run.
    Run(RunId),
    /// A whole app, or all of them.
    Many,
}

impl Event {
    /// Returns what it is about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        match self {
            Self::Add { proc, .. }
            | Self::Restart { proc, .. }
            | Self::Hold { proc, .. }
            | Self::Sleep(proc)
            | Self::Wake(proc)
            | Self::Start(proc)
            | Self::Stop(proc)
            | Self::Delete(proc)
            | Self::Retire(proc)
            | Self::Reset(proc) => Subject::Slot(*proc),
            Self::Spawned(run)
            | Self::RuntimeOnline(run)
            | Self::ReadyMessage(run)
            | Self::Listening(run)
            | Self::Covers(run)
            | Self::Elsewhere(run)
            | Self::Probed { run, .. }
            | Self::Measured { run, .. }
            | Self::Unhealthy(run)
            | Self::Disconnected(run)
            | Self::Exited { run, .. }
            | Self::TreeGone(run) => Subject::Run(*run),
            Self::Reload { .. } | Self::Promote { .. } | Self::Deadline => Subject::Many,
        }
    }
}

/// Everything the supervisor may ask of the outside.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are documented; the fields say what their types say")]
pub enum Action {
    /// Start a run. Answered by `Spawned` or `Exited` with `NotSpawned` or `Refused`.
    Spawn { proc: ProcId, run: RunId, spec: SpecId },
    /// Begin a run as soon as another ends, without being asked again. Takes the place of what was
    /// prepared for that end before.
    Prepare { proc: ProcId, preparation: Preparation },
    /// Begin nothing when the run ends. Comes before anything else that is asked for with it.
    Revoke { after: RunId },
    /// The prepared run was begun: keep it from now on. Answered as `Spawn` is.
    Begun { proc: ProcId, run: RunId, spec: SpecId },
    /// Take the run off its listeners and ask it to disconnect by the cluster protocol.
    Disconnect(RunId),
    /// Take the run off its listeners and ask it to end, by message or signal.
    Terminate(RunId),
    /// SIGKILL the run, and its descendants where the specification says so.
    Kill(RunId),
    /// Kill the orphans that a dead run left.
    Sweep(RunId),
    /// Watch the run's health until it passes or fails as configured.
    Probe(RunId),
    /// The run has another role now; note it where it survives.
    Note { run: RunId },
    /// Nothing to do, something to know.
    Tell(Notice),
}

/// News for observers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are documented; the fields say what their types say")]
pub enum Notice {
    /// The slot's current run is ready; `late` when only because the time for it ran out.
    Online { proc: ProcId, run: RunId, late: bool },
    /// The slot's current run ended; `asked`: it was being brought to its end; `again`: that was
    /// told before the memory was lost.
    Ended { proc: ProcId, run: RunId, exit: Exit, asked: bool, again: bool },
    /// It will be started again in `delay` ms.
    WillRestart { proc: ProcId, delay: Millis },
    /// The slot's current run uses more memory than it may: a plain process is restarted, a worker
    /// is reloaded as soon as no other reload of its app is under way.
    OverMemory { proc: ProcId, run: RunId, memory: u64, limit: u64 },
    /// The slot's current run is brought to its end for want of health, which counts as a crash.
    Unhealthy { proc: ProcId, run: RunId },
    /// Too many short runs in a row: it is errored.
    GaveUp { proc: ProcId, unstable: u32 },
    /// There was no room for its run: it is errored, and not tried again.
    Refused { proc: ProcId },
    /// A run of it is due and waits, since it is held.
    Held { proc: ProcId },
    /// It sleeps from now on, and its run is leaving.
    Sleeps { proc: ProcId, run: RunId },
    /// It was wanted, and does not sleep any more.
    Wakes { proc: ProcId },
    /// The slot is at rest, stopped.
    Stopped { proc: ProcId },
    /// The slot is gone.
    Removed { proc: ProcId },
    /// A candidate was spawned and is being verified.
    Verifying { proc: ProcId, run: RunId },
    /// A candidate took the slot over; the `old` run, if there was one, is leaving.
    Replaced { proc: ProcId, run: RunId, old: Option<RunId> },
    /// A candidate failed.
    Failed { proc: ProcId, run: RunId, why: Failure },
    /// A leaving run is gone.
    Left { proc: ProcId, run: RunId },
    /// A canary serves and waits for [`Event::Promote`].
    CanaryWaits { app: AppId, proc: ProcId },
    /// The slots already replaced are taken back to the old specification.
    RollingBack { app: AppId, procs: Vec<ProcId> },
    /// The reload is over, and `spec` is in force from now on. `failure`: the first candidate that
    /// failed, if one did.
    ReloadEnded { app: AppId, spec: SpecId, failure: Option<(ProcId, RunId, Failure)> },
}
