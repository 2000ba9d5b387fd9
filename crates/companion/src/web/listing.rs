//! The list, which many ask for.
//!
//! Problem: for each list the daemon measures every process, and hundreds of requests a second
//! would keep it from its own work. Rule: it is asked at most once in [`FRESH`], and by one
//! request at a time; what is changed over this API is seen at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ostler_client::{Answer, Error};
use ostler_wire::control::{InProcess, ProcView, Reply, Request};
use tokio::sync::Mutex;

use super::answer::Refused;
use super::api::view::{Process, Processes};
use super::link::Link;

/// How old a list may be.
const FRESH: Duration = Duration::from_millis(250);

/// The last list.
#[derive(Debug, Default)]
pub(crate) struct Listing(Mutex<Option<(Instant, Arc<Listed>)>>);

/// A list, also as the API gives it.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) views: Vec<ProcView>,
    pub(crate) json: Vec<u8>,
}

/// What apps measure in themselves.
pub(crate) async fn in_apps(link: &Link) -> Result<Vec<InProcess>, Refused> {
    match link.ask(&Request::Metrics, |_| ()).await? {
        Answer::Reply(Reply::Metrics { processes }) => Ok(processes),
        // A daemon of an earlier version knows of none.
        Answer::Reply(_) | Answer::Raw(_) => Ok(Vec::new()),
    }
}

impl Listing {
    /// Returns a list that is fresh.
    pub(crate) async fn get(&self, link: &Link) -> Result<Arc<Listed>, Refused> {
        let mut last = self.0.lock().await;
        if let Some((at, listed)) = last.as_ref()
            && at.elapsed() < FRESH
        {
            return Ok(Arc::clone(listed));
        }
        let views = match link.ask(&Request::List, |_| ()).await? {
            Answer::Reply(Reply::List { processes }) => processes,
            Answer::Reply(Reply::Error(failure)) => return Err(failure.into()),
            Answer::Reply(_) | Answer::Raw(_) => {
                return Err(Error::Malformed("no list".to_owned()).into());
            }
        };
        let json = serde_json::to_vec(&Processes { processes: Process::all(&views) })
            .map_err(|error| Error::Malformed(format!("the list cannot be written: {error}")))?;
        let listed = Arc::new(Listed { views, json });
        *last = Some((Instant::now(), Arc::clone(&listed)));
        Ok(listed)
    }

    /// Something was changed.
    pub(crate) async fn forget(&self) {
        *self.0.lock().await = None;
    }
}
