//! What happens to a run, as a fact. Whoever shows it makes the sentence; ours is the `Display` of
//! these types, which the command prints and the daemon writes into its log.
//!
//! Problem: two versions live beside each other in a reload, and one that fails goes back: "the old
//! worker" could be either. Rule: every step says of which version its worker is.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::connections::Connections;

/// What is said of a script whose first line names no program that is there.
pub const NO_INTERPRETER: &str = "names an interpreter that is not there";

/// What to do about it. The name is quoted already.
#[must_use]
pub fn interpreter_hint(script: &str, pasted: &str) -> String {
    format!("change line 1 of `{script}` or install what it names, then `ostler restart {pasted}`")
}

/// What is true of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It does not run, and is not to run.
    Stopped,
    /// It does not run: it was given up.
    Errored,
    /// It was started and is not ready yet.
    Starting,
    /// It runs and is ready.
    Online,
    /// It is being brought to its end.
    Stopping,
    /// It does not run; its next run waits for apps that it depends on.
    Waiting,
    /// It does not run, since nobody wanted it; the next connection begins its next run.
    Sleeping,
    /// It does not run; its next run waits for its time.
    Backoff {
        /// When the next run is due, ms from now.
        due_in: u64,
    },
}

/// How a run ended, or why there was none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It called `exit` with this code.
    Code(i32),
    /// A signal ended it.
    Signal {
        /// Name of the signal, such as `SIGSEGV`.
        name: String,
        /// The kernel wrote a core dump.
        core: bool,
    },
    /// It is gone, and nobody can tell how.
    Unknown,
    /// No process could be started.
    NotSpawned {
        /// What failed, if that is known.
        why: Option<String>,
    },
    /// It ran, but a check that it had to pass failed.
    NotVerified {
        /// Which check, and how it failed.
        why: String,
    },
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal { name, core: false } => write!(f, "signal {name}"),
            Self::Signal { name, core: true } => write!(f, "signal {name} (core dumped)"),
            Self::Unknown => {
                f.write_str("unknown (its parent was killed and the kernel does not tell)")
            }
            Self::NotSpawned { why: None } => f.write_str("it could not be started"),
            Self::NotSpawned { why: Some(why) } | Self::NotVerified { why } => f.write_str(why),
        }
    }
}

/// Which of the two versions in a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The version before the reload.
    Old,
    /// The version that the slot has.
    Same,
    /// The version that the reload brings.
    New,
}

/// Why a worker was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Its process ended.
    Ended(Outcome),
    /// It did not say `ready` within this time, ms, or do what makes it ready.
    NotReady {
        /// The limit that was in force.
        limit: u64,
        /// What makes it ready, if its app says it: `listen on port 3000`.
        #[serde(default)]
        to_do: Option<String>,
    },
    /// It did not listen on what the run it replaces listens on within this time, ms.
    NotListening {
        /// The limit that was in force.
        limit: u64,
    },
    /// It listens, but not on what the run it replaces listens on.
    Elsewhere {
        /// What it listens on.
        new: Vec<String>,
        /// What the other listens on.
        old: Vec<String>,
    },
    /// Its health check failed.
    Unhealthy {
        /// How, if that is known.
        why: Option<String>,
    },
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(Outcome::NotSpawned { why: Some(why) }) => f.write_str(why),
            Self::Ended(Outcome::NotSpawned { why: None }) => f.write_str("could not be started"),
            Self::Ended(outcome) => write!(f, "ended with {outcome}"),
            Self::NotReady { limit, to_do } => {
                let to_do = to_do.as_deref().unwrap_or("say `ready`");
                write!(f, "did not {to_do} within {limit} ms")
            }
            Self::NotListening { limit } => {
                write!(f, "did not listen within {limit} ms on what the old version listens on")
            }
            Self::Elsewhere { new, old } => {
                write!(f, "listens on {}, the old version on {}", new.join(", "), old.join(", "))
            }
            Self::Unhealthy { why: Some(why) } => f.write_str(why),
            Self::Unhealthy { why: None } => f.write_str("did not pass its health check"),
        }
    }
}

/// One step of a reload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A worker is started, to be verified.
    Verifying {
        /// Number of the run.
        run: u64,
        /// Which version it is of.
        side: Side,
    },
    /// A worker was not accepted.
    Failed {
        /// Number of the run.
        run: u64,
        /// Which version it is of.
        side: Side,
        /// What was wrong.
        cause: Cause,
    },
    /// A worker passed its checks and took the slot over.
    Replaced {
        /// Process of the worker.
        pid: u32,
        /// Which version it is of.
        side: Side,
        /// What it listens on.
        listens: Vec<String>,
        /// Another worker had the slot, and finishes its connections.
        leaves: bool,
    },
    /// A worker that was not accepted or was replaced is gone.
    Left {
        /// Process of the worker, if it had one.
        pid: Option<u32>,
        /// Which version it was of.
        side: Side,
        /// What became of its connections, where that was to be told.
        #[serde(default)]
        connections: Connections,
    },
    /// The canary serves, and the user decides.
    CanaryServes,
    /// The slots that were replaced are taken back to the old version.
    RollingBack {
        /// Process ids of the slots.
        ids: Vec<u32>,
    },
}

impl Step {
    /// The step in words, for the slot of this id and the app of this name.
    #[must_use]
    pub fn sentence(&self, id: u32, app: &str) -> String {
        self.words(id, app, |_| String::new())
    }

    /// The same for the daemon's log, where the numbers of runs say something.
    #[must_use]
    pub fn logged(&self, id: u32, app: &str) -> String {
        self.words(id, app, |run| format!(" (run {run})"))
    }

    fn words(&self, id: u32, app: &str, numbered: impl Fn(u64) -> String) -> String {
        match self {
            Self::Verifying { run, side } => {
                let what = match side {
                    Side::Old => "a worker of the old version",
                    Side::Same | Side::New => "a new worker",
                };
                format!("starting {what} for {id}{}", numbered(*run))
            }
            Self::Failed { run, side, cause } => {
                let who = worker_for(*side);
                format!("{who} {id}{} failed: {cause}", numbered(*run))
            }
            Self::Replaced { pid, side, listens, leaves } => {
                let (who, other) = (worker_for(*side), other_than(*side));
                let on = if listens.is_empty() {
                    // That was all that was asked of it.
                    " by living on, since it listens on nothing".to_owned()
                } else {
                    format!(" and listens on {}", listens.join(", "))
                };
                let leaves = if *leaves {
                    format!("; {other} finishes its connections")
                } else {
                    String::new()
                };
                format!("{who} {id} (pid {pid}) passed its checks{on}{leaves}")
            }
            Self::Left { pid, side, connections } => {
                let of = match side {
                    Side::Old => " of the old version",
                    Side::Same => "",
                    Side::New => " of the new version",
                };
                let pid = pid.map_or_else(String::new, |pid| format!(" (pid {pid})"));
                let dropped = match connections {
                    Connections::Dropped(1) => " with 1 open connection".to_owned(),
                    Connections::Dropped(count @ 2..) => format!(" with {count} open connections"),
                    Connections::Dropped(0) | Connections::Nowhere | Connections::Unknown => {
                        String::new()
                    }
                };
                format!("worker {id}{of}{pid} has left{dropped}")
            }
            Self::CanaryServes => {
                let pasted = ostler_shell::operand(app);
                format!(
                    "the canary serves; `ostler promote {pasted}` or `ostler rollback {pasted}`"
                )
            }
            Self::RollingBack { ids } => {
                let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
                format!("rolling back to the old version: {}", ids.join(", "))
            }
        }
    }
}

fn worker_for(side: Side) -> &'static str {
    match side {
        Side::Old => "worker of the old version for",
        Side::Same | Side::New => "new worker",
    }
}

fn other_than(side: Side) -> &'static str {
    match side {
        Side::Old => "the one of the new version",
        Side::Same | Side::New => "the old one",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_says_of_which_version_its_worker_is() {
        let check = |step: Step, expected: &str| {
            assert_eq!(step.sentence(3, "api"), expected);
            let text = serde_json::to_string(&step).unwrap();
            assert_eq!(serde_json::from_str::<Step>(&text).unwrap(), step, "{text}");
        };
        check(Step::Verifying { run: 7, side: Side::New }, "starting a new worker for 3");
        let why = "could not execute `node`".to_owned();
        let cause = Cause::Ended(Outcome::NotSpawned { why: Some(why) });
        check(
            Step::Failed { run: 7, side: Side::Old, cause },
            "worker of the old version for 3 failed: could not execute `node`",
        );
        let begun = Step::Verifying { run: 7, side: Side::New };
        assert_eq!(begun.logged(3, "api"), "starting a new worker for 3 (run 7)");
        let listens = vec!["*:80".to_owned(), "/run/x.sock".to_owned()];
        check(
            Step::Replaced { pid: 9, side: Side::New, listens, leaves: true },
            "new worker 3 (pid 9) passed its checks and listens on *:80, /run/x.sock; \
             the old one finishes its connections",
        );
        check(
            Step::Replaced { pid: 9, side: Side::Old, listens: Vec::new(), leaves: true },
            "worker of the old version for 3 (pid 9) passed its checks by living on, since it \
             listens on nothing; the one of the new version finishes its connections",
        );
        let left = |pid, side, connections| Step::Left { pid, side, connections };
        check(left(None, Side::Same, Connections::Unknown), "worker 3 has left");
        check(
            left(Some(9), Side::New, Connections::Dropped(0)),
            "worker 3 of the new version (pid 9) has left",
        );
        check(
            left(Some(9), Side::Old, Connections::Dropped(1)),
            "worker 3 of the old version (pid 9) has left with 1 open connection",
        );
        check(
            left(Some(9), Side::Old, Connections::Dropped(2)),
            "worker 3 of the old version (pid 9) has left with 2 open connections",
        );
        check(Step::RollingBack { ids: vec![0, 2] }, "rolling back to the old version: 0, 2");
        check(
            Step::CanaryServes,
            "the canary serves; `ostler promote api` or `ostler rollback api`",
        );
    }

    #[test]
    fn a_cause_names_the_limit_that_was_in_force() {
        let check = |cause: Cause, expected: &str| assert_eq!(cause.to_string(), expected);
        let unready = |to_do| Cause::NotReady { limit: 700, to_do };
        check(unready(None), "did not say `ready` within 700 ms");
        let port = Some("listen on port 1".to_owned());
        check(unready(port), "did not listen on port 1 within 700 ms");
        check(
            Cause::NotListening { limit: 700 },
            "did not listen within 700 ms on what the old version listens on",
        );
        let [new, old] = ["*:80", "*:3000"].map(|address| vec![address.to_owned()]);
        check(Cause::Elsewhere { new, old }, "listens on *:80, the old version on *:3000");
        check(Cause::Unhealthy { why: None }, "did not pass its health check");
        let core = Outcome::Signal { name: "SIGSEGV".to_owned(), core: true };
        check(Cause::Ended(core), "ended with signal SIGSEGV (core dumped)");
    }
}
