//! What became of requests whose client may ask again.
//!
//! Problem: a daemon dies in the middle of a request, its successor finishes it, and the client
//! that waits knows nothing. Rule: a client gives its request a ticket, and asks the very same
//! again when the connection ends. What was begun under a ticket is saved together with what
//! follows from it, is never begun twice, and its end is kept for a while. How a process came out
//! of it is seen by the process itself; only of a reload the end is noted.

use ostler_core::{AppId, ProcId};
use ostler_wire::control::Failure;
use serde::{Deserialize, Serialize};

use super::operations::Target;

/// Tickets that are kept when all that was begun under them is over.
const KEPT: usize = 16;
/// Tickets that are kept in all: a client that never asks again leaves one that is not over.
const MOST: usize = 256;

/// What was begun under one ticket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The client's word for it.
    pub name: String,
    /// Reloads, each of another app.
    pub parts: Vec<Part>,
    /// Processes that were told to restart, because they cannot be reloaded.
    #[serde(default)]
    pub restarted: Vec<u32>,
    /// What else was begun with processes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub begun: Vec<Begun>,
    /// Apps that were added, each with its processes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub started: Vec<(String, Vec<u32>)>,
    /// Which of these have been online: that is what is waited for, whatever becomes of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub online: Vec<u32>,
    /// The request is not over.
    #[serde(default)]
    pub open: bool,
}

/// What was begun with a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Number of the process.
    pub id: u32,
    /// Its name, since it may be gone when that is asked for.
    pub name: String,
    /// What it must come to.
    pub target: Target,
}

/// The reload of one app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Number of the app.
    pub app: u32,
    /// It has ended.
    pub over: bool,
    /// The first thing that went wrong, also while it is not over.
    pub failure: Option<Failure>,
}

impl Ticket {
    /// What is known of an app's reload.
    pub fn part(&self, app: AppId) -> Option<&Part> {
        self.parts.iter().find(|part| part.app == app.0)
    }

    /// Whether the process was told to restart.
    pub fn has_restarted(&self, id: ProcId) -> bool {
        self.restarted.contains(&id.0)
    }

    /// What was begun with the process, if anything was.
    pub fn begun(&self, id: ProcId) -> Option<&Begun> {
        self.begun.iter().find(|begun| begun.id == id.0)
    }

    fn is_over(&self) -> bool {
        !self.open && self.parts.iter().all(|part| part.over)
    }
}

/// All tickets, oldest first.
#[derive(Debug, Default)]
pub struct Tickets(Vec<Ticket>);

impl Tickets {
    /// As they were saved.
    pub fn new(saved: Vec<Ticket>) -> Self {
        Self(saved)
    }

    /// To be saved.
    pub fn to_saved(&self) -> Vec<Ticket> {
        self.0.clone()
    }

    /// What was begun under this ticket.
    pub fn find(&self, name: &str) -> Option<&Ticket> {
        self.0.iter().find(|ticket| ticket.name == name)
    }

    /// A reload of the app begins.
    pub fn begin(&mut self, name: &str, app: AppId) {
        self.change(name, |ticket| {
            if ticket.part(app).is_none() {
                ticket.parts.push(Part { app: app.0, over: false, failure: None });
            }
        });
    }

    /// A process is told to restart.
    pub fn restart(&mut self, name: &str, id: ProcId) {
        self.change(name, |ticket| {
            ticket.open = true;
            ticket.restarted.push(id.0);
        });
    }

    /// Something else is begun with a process.
    pub fn note(&mut self, name: &str, begun: Begun) {
        self.change(name, |ticket| {
            ticket.open = true;
            ticket.begun.push(begun);
        });
    }

    /// Apps are added.
    pub fn start(&mut self, name: &str, started: Vec<(String, Vec<u32>)>) {
        self.change(name, |ticket| {
            ticket.open = true;
            ticket.started = started;
        });
    }

    /// A process is online; it may be one that was added.
    pub fn online(&mut self, id: ProcId) {
        for ticket in self.0.iter_mut().filter(|ticket| ticket.open) {
            let added = ticket.started.iter().any(|(_, ids)| ids.contains(&id.0));
            if added && !ticket.online.contains(&id.0) {
                ticket.online.push(id.0);
            }
        }
    }

    /// The request is over, and whoever waits is told.
    pub fn close(&mut self, name: &str) {
        if let Some(ticket) = self.0.iter_mut().find(|ticket| ticket.name == name) {
            ticket.open = false;
        }
    }

    /// Something went wrong in the app's reload; what was first stays.
    pub fn fail(&mut self, app: AppId, failure: &Failure) {
        for part in self.open(app) {
            part.failure.get_or_insert_with(|| failure.clone());
        }
    }

    /// More is known of a failure of the app's reload, wherever it is noted, also where that
    /// reload is over.
    pub fn amend(&mut self, app: AppId, known: &Failure, failure: &Failure) {
        let parts = self.0.iter_mut().flat_map(|ticket| &mut ticket.parts);
        let noted = parts.filter(|part| part.app == app.0).filter_map(|part| part.failure.as_mut());
        for noted in noted.filter(|noted| *noted == known) {
            noted.clone_from(failure);
        }
    }

    /// The app's reload is over, or waits for the user.
    pub fn end(&mut self, app: AppId, failure: Option<&Failure>) {
        for part in self.open(app) {
            part.over = true;
            if part.failure.is_none() {
                part.failure = failure.cloned();
            }
        }
    }

    /// What went wrong first in the reload of the app that is under way.
    pub fn failure(&mut self, app: AppId) -> Option<Failure> {
        self.open(app).find_map(|part| part.failure.clone())
    }

    fn open(&mut self, app: AppId) -> impl Iterator<Item = &mut Part> {
        self.0
            .iter_mut()
            .flat_map(|ticket| &mut ticket.parts)
            .filter(move |part| part.app == app.0 && !part.over)
    }

    /// Changes the ticket of that name, which is the newest from now on.
    fn change(&mut self, name: &str, change: impl FnOnce(&mut Ticket)) {
        let known =
            self.0.iter().position(|ticket| ticket.name == name).map(|at| self.0.remove(at));
        if KEPT <= self.0.len()
            && let Some(oldest) = self.0.iter().position(Ticket::is_over)
        {
            self.0.remove(oldest);
        }
        if MOST <= self.0.len() {
            self.0.remove(0);
        }
        let new = || Ticket { name: name.to_owned(), ..Ticket::default() };
        let mut ticket = known.unwrap_or_else(new);
        change(&mut ticket);
        self.0.push(ticket);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(message: &str) -> Failure {
        Failure::new(ostler_wire::control::Code::Other, message)
    }

    #[test]
    fn what_went_wrong_first_is_kept_and_an_end_is_the_end() {
        let mut tickets = Tickets::default();
        tickets.begin("a", AppId(1));
        tickets.begin("a", AppId(2));
        tickets.fail(AppId(1), &failure("first"));
        tickets.fail(AppId(1), &failure("second"));
        assert_eq!(tickets.failure(AppId(1)), Some(failure("first")));
        tickets.end(AppId(1), Some(&failure("third")));
        tickets.end(AppId(2), None);
        // The next reload of the same app is another one's.
        tickets.begin("b", AppId(1));
        tickets.fail(AppId(1), &failure("of b"));
        let saved = serde_json::to_string(&tickets.to_saved()).unwrap();
        let tickets = Tickets::new(serde_json::from_str(&saved).unwrap());
        let part =
            |name: &str, app: u32| tickets.find(name).unwrap().part(AppId(app)).unwrap().clone();
        assert_eq!(part("a", 1), Part { app: 1, over: true, failure: Some(failure("first")) });
        assert_eq!(part("a", 2), Part { app: 2, over: true, failure: None });
        assert_eq!(part("b", 1), Part { app: 1, over: false, failure: Some(failure("of b")) });
        assert!(tickets.find("c").is_none());
    }

    #[test]
    fn what_was_added_is_noted_once_when_it_is_online_until_the_request_is_over() {
        let mut tickets = Tickets::default();
        tickets.start("a", vec![("api".to_owned(), vec![1, 3])]);
        tickets.start("b", vec![("web".to_owned(), vec![2])]);
        for id in [1, 2, 1, 4] {
            tickets.online(ProcId(id));
        }
        tickets.close("a");
        tickets.online(ProcId(3));
        let of = |name: &str| {
            let ticket = tickets.find(name).unwrap();
            (ticket.online.clone(), ticket.open)
        };
        assert_eq!((of("a"), of("b")), ((vec![1], false), (vec![2], true)));
    }

    #[test]
    fn the_oldest_that_is_over_is_forgotten_and_none_that_is_not() {
        let mut tickets = Tickets::default();
        tickets.begin("open", AppId(1_000));
        for n in 0..100 {
            tickets.begin(&n.to_string(), AppId(n));
            tickets.end(AppId(n), None);
        }
        assert_eq!(tickets.to_saved().len(), KEPT);
        assert!(
            tickets.find("open").is_some()
                && tickets.find("99").is_some()
                && tickets.find("50").is_none()
        );
    }
}
