//! Why reloads failed: what is known only when more has come than the failure itself.

use std::collections::BTreeMap;

use ostler_core::spec::Ready;
use ostler_core::{AppId, Exit, Failure as Why, ProcId, RunId};
use ostler_wire::control::{self, Cause, Code, Failure};

use super::facts::RunFacts;
use super::failures::see_logs;
use super::known::Known;
use super::outcome::exit_fact;

/// How the failure of a reload ends where the way back did not fail too.
const OLD_SERVES: &str = "the old version goes on serving";
/// The same where there is nothing to go on.
const NOTHING_RUNS: &str = "none of its processes is online";

/// Why reloads failed, as far as it is known.
#[derive(Debug, Default)]
pub struct ReloadFailures {
    /// Last lines on standard error of failed candidates, until their reload has ended.
    pub tails: BTreeMap<RunId, (AppId, Vec<String>)>,
    /// Ways back that failed too, of reloads that are under way.
    pub not_back: BTreeMap<AppId, Vec<Failure>>,
    /// Failures whose last lines are being read.
    pub awaited: BTreeMap<RunId, AwaitedTail>,
}

/// A reload's failure whose last lines on standard error are still being read.
#[derive(Clone, Debug)]
pub struct AwaitedTail {
    /// App whose reload failed.
    pub app: AppId,
    /// What was noted of it before its last lines were known.
    pub noted: Failure,
    /// The reload has ended, for this reason.
    pub ended: Option<Failure>,
}

impl ReloadFailures {
    /// Whether the reload of an app goes on, or its end is still to be told.
    pub(super) fn reload_goes_on(&self, known: &Known, app: AppId) -> bool {
        known.core.reload(app).is_some()
            || self.awaited.values().any(|of| of.app == app && of.ended.is_some())
    }

    /// The failure of a reload, with all that is known of it.
    pub(super) fn reload_failure(
        &self,
        known: &Known,
        app: AppId,
        id: ProcId,
        run: RunId,
        why: Why,
    ) -> Failure {
        let tail = self.tails.get(&run).map_or(&[] as &[String], |(_, lines)| lines);
        let name = known.registry.app_name(app);
        let what = known.cause(id, run, why);
        let rest = if known.has_online(app) { OLD_SERVES } else { NOTHING_RUNS };
        let message =
            format!("the new version of app `{name}` failed: worker {} {what}\n{rest}", id.0);
        let hint = match what {
            Cause::Elsewhere { .. } => "use `--allow-port-change` if it is to listen there, or \
                                        give it its `PORT` in a process file"
                .to_owned(),
            Cause::Ended(_)
            | Cause::NotReady { .. }
            | Cause::NotListening { .. }
            | Cause::Unhealthy { .. } => {
                format!("{}; fix it and reload again", see_logs(&name))
            }
        };
        let failure = Failure { code: Code::NotVerified, message, hint: Some(hint) };
        let not_back = self.not_back.get(&app).into_iter().flatten();
        not_back.fold(with_tail(failure, tail), not_serving)
    }
}

impl Known {
    /// The failure of a way back.
    pub(super) fn rollback_failure(&self, app: AppId, id: ProcId, run: RunId, why: Why) -> Failure {
        let name = self.registry.app_name(app);
        let what = self.cause(id, run, why);
        Failure {
            code: Code::NotVerified,
            message: format!(
                "the old version of app `{name}` did not come back: worker {} {what}\n\
                 process {} stays with the new version",
                id.0, id.0
            ),
            hint: Some(see_logs(&name)),
        }
    }

    /// Why a worker was not accepted.
    pub(super) fn cause(&self, id: ProcId, run: RunId, why: Why) -> Cause {
        let facts = self.facts.get(&run);
        let spec = facts.map(|facts| facts.spec);
        let spec = spec.or_else(|| Some(self.core.slot(id)?.process().spec()));
        let version = spec.and_then(|spec| self.registry.version(spec));
        let limit = version.map_or(0, |version| version.policy.verify_timeout);
        let why_not = facts.and_then(|facts| facts.why.clone());
        let budget = version.and_then(|version| version.policy.health_budget);
        match why {
            Why::Exited(Exit::NotSpawned | Exit::Refused) => {
                Cause::Ended(control::Outcome::NotSpawned { why: why_not })
            }
            Why::Exited(exit) => Cause::Ended(exit_fact(exit)),
            Why::NotReady => {
                let ready = version.and_then(|version| version.spec.ready.as_ref());
                Cause::NotReady { limit, to_do: ready.map(Ready::to_do) }
            }
            Why::NotListening => Cause::NotListening { limit },
            Why::Elsewhere => {
                let addresses = |run| self.facts.get(&run).map(RunFacts::addresses);
                let current = self.core.slot(id).and_then(|slot| slot.process().run());
                Cause::Elsewhere {
                    new: addresses(run).unwrap_or_default(),
                    old: current.and_then(addresses).unwrap_or_default(),
                }
            }
            Why::Unhealthy => {
                let late = || Some(format!("did not pass its health check within {} ms", budget?));
                Cause::Unhealthy { why: why_not.or_else(late) }
            }
        }
    }
}

/// The failure of a reload with the last lines that the worker wrote, which follow the reason.
pub(super) fn with_tail(mut failure: Failure, tail: &[String]) -> Failure {
    if let (false, Some((why, rest))) = (tail.is_empty(), failure.message.split_once('\n')) {
        let tail: String = tail.iter().map(|line| format!("\n  {line}")).collect();
        failure.message = format!("{why}\nits last lines on stderr:{tail}\n{rest}");
    }
    failure
}

/// The failure of a reload with that of a way back: the old version does not serve everywhere.
pub(super) fn not_serving(mut failure: Failure, not_back: &Failure) -> Failure {
    let without = |rest: &str| failure.message.strip_suffix(rest);
    let before = without(OLD_SERVES).or_else(|| without(NOTHING_RUNS));
    let before = before.unwrap_or(&failure.message);
    failure.message = format!("{}\n{}", before.trim_end_matches('\n'), not_back.message);
    failure
}
