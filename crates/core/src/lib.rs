//! Supervision as a pure machine, which decides what should happen next from what was wanted and
//! what was reported.
//!
//! Nothing in this crate reads a clock, does I/O, draws a random number or starts a thread. Time
//! enters as [`Millis`], effects leave as [`Action`]s. The way in is [`Supervisor::handle`], the
//! only timer is [`Supervisor::deadline`].
//!
//! From the inside out: an [`Ending`] brings one run to its end; a [`Process`](process::Process)
//! keeps one slot as the user wants it, one run after the other; a `Candidate` is a run that is
//! verified before it takes a slot over; a [`Reload`](reload::Reload) replaces the runs of an app
//! as one transaction; the [`Supervisor`] owns them all and routes reports by run.

mod alerts;
mod allotted;
mod candidate;
pub mod depends;
mod ending;
mod event;
mod health_check;
mod hooks;
mod limits;
mod own_interpreter;
mod phase;
mod place;
mod preparation;
pub mod process;
mod ready;
pub mod reload;
mod restarts;
mod rotation;
mod rules;
mod run;
mod runs;
mod saved;
mod sinks;
pub mod spec;
pub mod supervisor;
mod texts;
mod url;

pub use ending::{Ending, EndingStage};
pub use event::{Action, Event, Notice, Subject};
pub use phase::{Goal, Phase};
pub use place::Taken;
pub use preparation::Preparation;
pub use reload::{ReloadOptions, SavedReload};
pub use run::{AppId, Exit, Failure, ProcId, Role, RunId, SeenRun, SpecId};
pub use saved::SavedProcess;
pub use supervisor::Supervisor;
pub use texts::{Pool, Texts};
pub use url::Url;

/// Milliseconds on the caller's clock. The core only compares and adds; which moment is 0 is for
/// the caller to choose.
pub type Millis = u64;
