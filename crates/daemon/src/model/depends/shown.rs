//! What is said of who waits.

use std::cell::OnceCell;

use ostler_core::{Phase, ProcId};
use ostler_wire::control::{Code, Failure, Lacks, Waits};

use super::super::known::Known;
use super::Look;

impl Known {
    pub(super) fn phase(&self, id: ProcId) -> Option<Phase> {
        Some(self.core.slot(id)?.process().phase())
    }

    /// What a process waits for, if it waits.
    pub(in super::super) fn waits_for<'a>(
        &'a self,
        id: ProcId,
        look: &OnceCell<Look<'a>>,
    ) -> Vec<Waits> {
        match self.phase(id) {
            Some(Phase::Held) => look.get_or_init(|| Look::new(self)).waits(id),
            Some(
                Phase::Stopped
                | Phase::Errored
                | Phase::Starting { .. }
                | Phase::Online { .. }
                | Phase::Stopping(_)
                | Phase::Backoff { .. },
            )
            | Some(Phase::Sleeping { .. })
            | None => Vec::new(),
        }
    }

    /// Why a process that waits waits in vain, as things stand.
    pub(in super::super) fn waits_in_vain(&self, id: ProcId) -> Option<Failure> {
        let look = Look::new(self);
        let waits = look.in_vain(id)?;
        let name = self.registry.proc(id).map_or("", |proc| proc.name.as_str());
        let pasted = ostler_shell::operand(&waits.app);
        let hint = if waits.lacks == Lacks::Missing {
            format!("start `{}`: `{name}` begins by itself then", waits.app)
        } else {
            format!(
                "`ostler describe {pasted}` has more; `{name}` begins by itself when `{}` has come \
                 to it",
                waits.app
            )
        };
        Some(Failure {
            code: Code::NotSpawned,
            message: format!("app `{name}` waits for {waits}"),
            hint: Some(hint),
        })
    }
}
