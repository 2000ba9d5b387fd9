//! What only a running daemon knows: the processes.

use std::collections::BTreeSet;
use std::time::Duration;

use ostler_client::{Answer, Client, Home};
use ostler_wire::control::{ProcView, Reply, Request};

/// How long a person waits at most for a daemon that does not answer.
const LIMIT: Duration = Duration::from_millis(300);

/// The processes of one home, asked for when they are needed.
#[derive(Debug)]
pub(super) struct Known {
    home: Option<Home>,
    processes: Option<Vec<ProcView>>,
}

impl Known {
    /// The processes of this home; without a home there are none.
    pub(super) fn new(home: Option<Home>) -> Self {
        Self { home, processes: None }
    }

    /// Processes that are known already, for tests.
    #[cfg(test)]
    pub(super) fn of(processes: Vec<ProcView>) -> Self {
        Self { home: None, processes: Some(processes) }
    }

    /// Returns each name once.
    pub(super) fn names(&mut self) -> BTreeSet<String> {
        self.processes().iter().map(|process| process.name.clone()).collect()
    }

    /// Returns each namespace once, but the one that everything is in.
    pub(super) fn namespaces(&mut self) -> BTreeSet<String> {
        let all = self.processes().iter().map(|process| process.namespace.clone());
        all.filter(|namespace| namespace != "default").collect()
    }

    /// Returns the ids, each with its name.
    pub(super) fn ids(&mut self) -> Vec<(String, String)> {
        let all = self.processes().iter();
        all.map(|process| (process.id.to_string(), process.name.clone())).collect()
    }

    fn processes(&mut self) -> &[ProcView] {
        let home = self.home.take();
        self.processes.get_or_insert_with(|| home.and_then(|home| ask(&home)).unwrap_or_default())
    }
}

/// Asks the daemon if one runs. Whatever is wrong is not said: it would stand in the middle of the
/// line that a person is typing.
fn ask(home: &Home) -> Option<Vec<ProcView>> {
    let mut client = Client::connect(home).ok()?;
    match client.request_within(&Request::List, LIMIT, |_| ()).ok()? {
        Answer::Reply(Reply::List { processes }) => Some(processes),
        Answer::Reply(_) | Answer::Raw(_) => None,
    }
}
