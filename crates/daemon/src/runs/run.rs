//! One run, from the request for it until nothing of it is left.
//!
//! What a run has depends on how far it has come, and so it stands in its [`Life`]: descriptors
//! close with the part of the life that they belong to.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use ostler_core::RunId;
use ostler_core::spec::AppSpec;
use ostler_core::{Exit, Millis, ProcId, Role, SpecId};
use ostler_keeper::proto::{ExitStatus, RunFds};

use super::channel::Channel;
use super::gauge::{Gauge, Usage};
use super::life::{Alive, Dead, Descendants, Life, Processes};
use super::meta::Meta;
use crate::exit::status_of;
use crate::model::Counters;

/// What is younger than this is not measured again, ms: two looks in a row would measure noise.
const SAMPLE_INTERVAL: u64 = 200;

/// One run of a slot.
#[derive(Debug)]
pub struct Run {
    /// Of which slot.
    pub proc: ProcId,
    /// With which version of the specification.
    pub spec: SpecId,
    /// That version; `None` when it is not understood any more.
    pub(super) settings: Option<Arc<AppSpec>>,
    /// When it was asked for, on the monotonic clock.
    pub(super) since: Millis,
    /// The same, ms since 1970.
    pub since_wall: u64,
    /// It runs in a control group of its own.
    pub(super) grouped: bool,
    /// The keeper began it by itself, with what it was given when that was prepared.
    pub in_advance: bool,
    /// It was asked to end, or is about to be.
    pub(super) ending: bool,
    /// It ended by itself, and what it left is to go.
    pub(super) swept: bool,
    /// A process of it may not be signalled.
    pub(super) unsignalable: bool,
    /// It said `ready` or is taken as ready.
    pub ready: bool,
    /// Its listeners cover those of the run it replaces.
    pub(super) covers: bool,
    /// A health check is under way.
    pub(super) probing: bool,
    /// As long as this is there, something looks whether it is ready.
    pub(super) watch: Option<Arc<()>>,
    /// There was no room for its descriptors.
    pub(super) short: bool,
    /// Lengths of its files of output and of errors when it began: what comes after is its own.
    pub log_offsets: [u64; 2],
    /// The port of its inspector, if it is a Node that has one.
    pub inspect_port: Option<u16>,
    pub(super) life: Life,
}

/// A run that begins, if at all, when another ends.
#[derive(Debug)]
pub(super) struct Next {
    pub after: RunId,
    pub run: Run,
}

/// What a new keeper must hold of a run.
#[derive(Debug)]
pub struct Adoption {
    /// Its first process, and when that began, clock ticks after boot.
    pub process: (u32, u64),
    /// How it ended, if it did.
    pub status: Option<ExitStatus>,
    /// Pipes, channel and pidfd, those that are open.
    pub fds: RunFds<Arc<OwnedFd>>,
}

/// What a run is that is about to be asked for, or was taken over.
#[derive(Debug)]
pub struct NewRun {
    /// Of which slot.
    pub proc: ProcId,
    /// With which version of the specification.
    pub spec: SpecId,
    /// Specification of that version.
    pub settings: Option<Arc<AppSpec>>,
    /// When it was asked for, on the monotonic clock.
    pub since: Millis,
    /// The same, ms since 1970.
    pub since_wall: u64,
    /// Lengths of its files of output and of errors at that time.
    pub log_offsets: [u64; 2],
}

impl Run {
    /// A run that the keeper is asked for.
    pub(super) fn new(new: NewRun, grouped: bool) -> Self {
        let NewRun { proc, spec, settings, since, since_wall, log_offsets } = new;
        Self {
            proc,
            spec,
            settings,
            since,
            since_wall,
            grouped,
            in_advance: false,
            ending: false,
            swept: false,
            unsignalable: false,
            ready: false,
            covers: false,
            probing: false,
            watch: None,
            short: false,
            log_offsets,
            inspect_port: None,
            life: Life::Asked { then: None },
        }
    }

    /// Returns what is to be kept with it.
    pub(super) fn meta(&self, role: Role, listening: bool, counters: Counters) -> Meta {
        Meta {
            proc: self.proc,
            spec: self.spec,
            role,
            since: self.since,
            since_wall: self.since_wall,
            ready: self.ready,
            listening,
            ending: self.ending,
            cluster: self.is_cluster(),
            grouped: self.grouped,
            counters,
            log_offsets: self.log_offsets,
            inspect_port: self.inspect_port,
        }
    }

    /// Its first process, also when that has ended; 0 while it is not known.
    pub fn pid(&self) -> u32 {
        self.processes().map_or(0, |processes| processes.pid)
    }

    /// Its version of the specification; `None` when it is not understood any more.
    pub fn settings(&self) -> Option<&Arc<AppSpec>> {
        self.settings.as_ref()
    }

    /// Its first process, and when that began, clock ticks after boot; `None` while the number
    /// is not known.
    pub fn process(&self) -> Option<(u32, u64)> {
        let processes = self.processes().filter(|processes| processes.pid != 0)?;
        Some((processes.pid, processes.start_time))
    }

    /// Whether the keeper was asked for it and has not answered.
    pub fn is_asked(&self) -> bool {
        matches!(self.life, Life::Asked { .. })
    }

    /// Whether its first process runs, as far as is known.
    pub fn is_alive(&self) -> bool {
        matches!(self.life, Life::Alive(_))
    }

    /// Whether its first process has ended.
    pub fn is_dead(&self) -> bool {
        matches!(self.life, Life::Dead(_))
    }

    /// Whether it is dead and only output that is not written keeps it.
    pub fn waits_for_output(&self) -> bool {
        matches!(&self.life, Life::Dead(Dead { descendants: Descendants::Gone, .. }))
    }

    /// Whether it is given a socket for messages.
    pub fn notifies(&self) -> bool {
        self.settings.as_ref().is_some_and(|spec| spec.notifies())
    }

    /// Returns the nice value that its specification gives it.
    pub fn nice(&self) -> i32 {
        self.settings.as_ref().and_then(|spec| spec.limits.nice).unwrap_or(0)
    }

    /// Whether it is a cluster worker.
    pub fn is_cluster(&self) -> bool {
        use ostler_core::spec::ExecMode;
        self.settings.as_ref().is_some_and(|spec| spec.exec_mode == ExecMode::Cluster)
    }

    /// How many descriptors it has only to save time.
    pub(super) fn count_caches(&self) -> usize {
        let gauge = matches!(&self.life, Life::Alive(Alive { gauge: Some(_), .. }));
        let tree = matches!(&self.life, Life::Alive(Alive { tree: Some(_), .. }));
        let events = self.processes().is_some_and(|processes| processes.events.is_some());
        usize::from(gauge) + usize::from(tree) + usize::from(events)
    }

    /// Closes what is open only to save time.
    pub(super) fn close_caches(&mut self) {
        if let Some(alive) = self.alive_mut() {
            alive.gauge = None;
            alive.tree = None;
        }
        if let Some(processes) = self.processes_mut() {
            processes.events = None;
        }
    }

    pub(super) fn processes(&self) -> Option<&Processes> {
        match &self.life {
            Life::Asked { .. } => None,
            Life::Alive(alive) => Some(&alive.processes),
            Life::Dead(dead) => Some(&dead.processes),
        }
    }

    pub(super) fn processes_mut(&mut self) -> Option<&mut Processes> {
        match &mut self.life {
            Life::Asked { .. } => None,
            Life::Alive(alive) => Some(&mut alive.processes),
            Life::Dead(dead) => Some(&mut dead.processes),
        }
    }

    pub(super) fn alive_mut(&mut self) -> Option<&mut Alive> {
        match &mut self.life {
            Life::Alive(alive) => Some(alive),
            Life::Asked { .. } | Life::Dead(_) => None,
        }
    }

    pub(super) fn dead_mut(&mut self) -> Option<&mut Dead> {
        match &mut self.life {
            Life::Dead(dead) => Some(dead),
            Life::Asked { .. } | Life::Alive(_) => None,
        }
    }

    /// Its first process has ended, and its channel was read to the end.
    pub(super) fn die(&mut self, exit: Exit, reported: bool) {
        let processes = self.processes_mut().map_or_else(Processes::default, std::mem::take);
        let descendants = Descendants::Unknown;
        self.life = Life::Dead(Dead { processes, exit, reported, drained: false, descendants });
    }

    /// CPU use since the last look, percent of a core, and resident memory, bytes.
    pub(super) fn measure(&mut self, now: Millis) -> Option<(f32, u64)> {
        let Life::Alive(alive) = &mut self.life else { return None };
        let Usage { cpu, memory } = alive.gauge(Gauge::read)?;
        let elapsed = now.saturating_sub(alive.sample.1);
        if SAMPLE_INTERVAL <= elapsed {
            // Tenths of a percent fit a float exactly.
            let busy = cpu.saturating_sub(alive.sample.0) / 1000 / elapsed;
            alive.cpu = u16::try_from(busy).map_or(f32::MAX, f32::from) / 10.0;
            alive.sample = (cpu, now);
        }
        Some((alive.cpu, memory))
    }

    /// CPU use and memory, to be shown: `None` where it is what it was a moment ago.
    pub(super) fn look(&mut self, now: Millis) -> Option<(f32, u64)> {
        match &mut self.life {
            Life::Asked { .. } => return None,
            Life::Alive(alive) => {
                if alive.shown.is_some_and(|at| now.saturating_sub(at) < SAMPLE_INTERVAL) {
                    return None;
                }
                alive.shown = Some(now);
            }
            Life::Dead(_) => {}
        }
        Some(self.measure(now).unwrap_or_default())
    }

    /// Returns what a new keeper must hold of it; `None` while the keeper was only asked for it.
    pub fn adoption(&self) -> Option<Adoption> {
        let (processes, status, pidfd, ipc) = match &self.life {
            Life::Asked { .. } => return None,
            Life::Alive(alive) => {
                let ipc = alive.channel.as_ref().map(Channel::shared);
                (&alive.processes, None, alive.pidfd.clone(), ipc)
            }
            Life::Dead(dead) => (&dead.processes, Some(status_of(dead.exit)), None, None),
        };
        let [out, err] = processes.pipes.clone();
        let fds = RunFds { pidfd, out, err, ipc };
        Some(Adoption { process: (processes.pid, processes.start_time), status, fds })
    }
}
