//! What was prepared for the end of a run: kept, revoked, and started in the turn in which the
//! end is seen.

use std::io;
use std::os::fd::OwnedFd;

use ostler_poll::now;

use crate::failpoint::hit;
use crate::keeper::Keeper;
use crate::layout::Layout;
use crate::prepared::Prepared;
use crate::proc_stat::start_time;
use crate::proto::{ExitStatus, Preparation};
use crate::table::{Liveness, Next, Refusal, Run};

impl Keeper {
    /// Lays a start out for the end of a run, in place of an earlier one.
    pub(crate) fn prepare(&mut self, preparation: Preparation, passed: Vec<OwnedFd>) {
        let (after, run) = (preparation.after, preparation.spec.run);
        self.preparations.take(after);
        if self.table.get(after).is_none_or(|entry| entry.status().is_some()) {
            // It ended, and its end says that nothing was started.
            return;
        }
        let refused = if run <= after || self.table.get(run).is_some() {
            Err(Refusal::RunTaken.to_string())
        } else {
            self.try_prepare(preparation, passed)
        };
        if let Err(why) = refused {
            self.refuse(format!("prepare run `{run}`"), &why);
        }
    }

    fn try_prepare(&mut self, wanted: Preparation, passed: Vec<OwnedFd>) -> Result<(), String> {
        let (after, run) = (wanted.after, wanted.spec.run);
        self.table.check_room(&wanted.spec.meta).map_err(|refusal| refusal.to_string())?;
        let layout = Layout::new(wanted.spec, passed)
            .map_err(|(_, errno)| io::Error::from_raw_os_error(errno).to_string())?;
        let prepared = Prepared {
            run,
            window: wanted.not_before..wanted.not_after,
            size: layout.size() + wanted.except_codes.len() * size_of::<i32>(),
            except_codes: wanted.except_codes,
            layout,
        };
        self.preparations.insert(after, prepared).map_err(|refusal| refusal.to_string())
    }

    /// A run ended: starts what was prepared for that, before anything else is done.
    pub(crate) fn start_next(&mut self, after: u64, status: ExitStatus) -> Option<Next> {
        if !self.preparations.contains(after) {
            return None;
        }
        // Who revokes and then ends the run must find it revoked.
        let heard = self.serve_waiting();
        let mut prepared = self.preparations.take(after)?;
        let run = prepared.run;
        let ending = self.shutdown || self.stop_signal.is_some();
        if !heard || ending || !prepared.holds(status, now()) || self.table.get(run).is_some() {
            return None;
        }
        self.table.check_room(&prepared.layout.meta).ok()?;
        let failed = match self.spawner.start(&mut prepared.layout) {
            Ok(born) => {
                let (pid, fds, meta) = (born.pid, born.fds, prepared.layout.meta);
                let start_time = start_time(pid);
                self.note_start(run, (pid, start_time), &meta);
                hit("keeper.born");
                let entry =
                    Run { pid, start_time, liveness: Liveness::Child, meta, next: None, fds };
                // There is room, and the number is free.
                self.table.insert(run, entry).ok()?;
                None
            }
            Err(failure) => Some(failure),
        };
        Some(Next { run, failed })
    }
}
