//! The world in words, to compare with what was expected.

use ostler_core::{Exit, Goal, Notice, Phase};

use super::World;

impl World {
    /// The end state of every slot, in words.
    pub fn state(&self) -> String {
        let slots = self.supervisor.slots().map(|(id, slot)| {
            let process = slot.process();
            let phase = match process.phase() {
                Phase::Stopped => "stopped",
                Phase::Errored => "errored",
                Phase::Starting { .. } => "starting",
                Phase::Online { .. } => "online",
                Phase::Stopping(_) => "stopping",
                Phase::Backoff { .. } => "pausing",
                Phase::Held => "held",
                Phase::Sleeping { .. } => "sleeping",
            };
            let goal = if process.goal() == Goal::Up { "up" } else { "down" };
            let extra = slot.leaving().count() + usize::from(slot.candidate().is_some());
            format!("{}:{goal} {phase} v{}{}", id.0, process.spec().0, "+".repeat(extra))
        });
        slots.collect::<Vec<_>>().join(", ")
    }

    pub(super) fn sentence(&self, notice: &Notice) -> String {
        match notice {
            Notice::Online { proc, late, .. } => {
                format!("{} online{}", proc.0, if *late { " late" } else { "" })
            }
            Notice::Ended { proc, exit, .. } => format!("{} ended {}", proc.0, end(*exit)),
            Notice::WillRestart { proc, delay } => format!("{} restarts in {delay}", proc.0),
            Notice::OverMemory { proc, memory, limit, .. } => {
                format!("{} over memory {memory} > {limit}", proc.0)
            }
            Notice::Unhealthy { proc, .. } => format!("{} unhealthy", proc.0),
            Notice::GaveUp { proc, unstable } => format!("{} gave up after {unstable}", proc.0),
            Notice::Refused { proc } => format!("{} refused", proc.0),
            Notice::Held { proc } => format!("{} held", proc.0),
            Notice::Sleeps { proc, .. } => format!("{} sleeps", proc.0),
            Notice::Wakes { proc } => format!("{} wakes", proc.0),
            Notice::Stopped { proc } => format!("{} stopped", proc.0),
            Notice::Removed { proc } => format!("{} removed", proc.0),
            Notice::Verifying { proc, .. } => format!("{} verifying", proc.0),
            Notice::Replaced { proc, .. } => format!("{} replaced", proc.0),
            Notice::Failed { proc, why, .. } => format!("{} failed {why:?}", proc.0),
            Notice::Left { proc, .. } => format!("{} left", proc.0),
            Notice::CanaryWaits { proc, .. } => format!("{} canary", proc.0),
            Notice::RollingBack { procs, .. } => {
                format!("back {:?}", procs.iter().map(|id| id.0).collect::<Vec<_>>())
            }
            Notice::ReloadEnded { spec, failure, .. } => {
                format!(
                    "reload ended v{}{}",
                    spec.0,
                    if failure.is_some() { " failed" } else { "" }
                )
            }
        }
    }
}

/// How a run ended.
fn end(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("code {code}"),
        Exit::Signal { number, core: false } => format!("signal {number}"),
        Exit::Signal { number, core: true } => format!("signal {number} with a core dump"),
        Exit::Unknown => "unknown".to_owned(),
        Exit::NotSpawned => "not spawned".to_owned(),
        Exit::Refused => "for want of room".to_owned(),
    }
}
