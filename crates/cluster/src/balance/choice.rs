//! The member that gets a connection.

use super::listener::{Listener, Member, Waiting};
use super::policy::weight;
use super::worker::{Standing, Worker};
use super::{Balance, Policy};

impl Balance {
    /// Returns the place of the member that gets the connection, if any can take it now.
    pub(super) fn choose(&self, listener: &Listener, waiting: Waiting) -> Option<usize> {
        let members = &listener.members;
        let from = listener.cursor.min(members.len());
        let rotation = (from..members.len()).chain(0..from);
        let eligible = rotation.filter_map(|at| Some((at, self.eligible(members.get(at)?)?)));
        match listener.policy {
            Policy::RoundRobin | Policy::Shared => {
                // Of equals the first, which is the next in the rotation.
                let order = |worker: &Worker| (worker.is_warming(self.now), worker.count());
                eligible.min_by_key(|(_, worker)| order(worker)).map(|(at, _)| at)
            }
            Policy::Sticky => {
                // Nobody else takes its clients, so one that hangs must not fill its window first.
                let own = self.own_member(listener, waiting.peer)?;
                let member = listener.members.get(own).and_then(|member| self.eligible(member));
                if member.is_some_and(Worker::keeps_pace) {
                    return Some(own);
                }
                if waiting.patience.is_some() {
                    return None;
                }
                let place = |at: usize| members.get(at).map_or(0, |member| member.place);
                let paced = eligible.filter(|(_, worker)| worker.keeps_pace());
                paced.map(|(at, _)| at).max_by_key(|at| weight(waiting.peer, place(*at)))
            }
        }
    }

    /// Returns the worker of the member, if it may be given a connection now.
    pub(super) fn eligible(&self, member: &Member) -> Option<&Worker> {
        let on_trial = member.refusals > 0 && member.in_flight > 0;
        if member.retry_at.is_some() || on_trial {
            return None;
        }
        self.worker_of(member.worker).filter(|worker| worker.has_room(self.window))
    }

    /// Returns the member whose place the peer belongs to. Of two in one place (a reload) it is the
    /// older, until that leaves. Those that do not answer are passed over, unless none does.
    pub(super) fn own_member(&self, listener: &Listener, peer: u64) -> Option<usize> {
        let best = |with_stuck: bool| {
            let usable = listener.members.iter().enumerate().filter_map(|(at, member)| {
                let worker = self.worker_of(member.worker)?;
                let usable = worker.standing == Standing::Active && (with_stuck || !worker.stuck);
                usable.then_some((at, member))
            });
            usable
                .max_by_key(|(_, member)| {
                    (weight(peer, member.place), std::cmp::Reverse(member.worker))
                })
                .map(|(at, _)| at)
        };
        best(false).or_else(|| best(true))
    }
}
