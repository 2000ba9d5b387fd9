//! Looks at how things are: the list, and everything about what is selected.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel};
use std::time::Duration;

use ostler_client::{Answer, Client, Error, Home};
use ostler_machine::Counters;
use ostler_wire::control::{Details, ProcView, Reply, Request};

use super::{connect, files, why};
use crate::input::{Facts, Host, Input, Link};

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(20);
/// Looks after which the machine's figures are read again.
const HOST_EVERY: u32 = 3;

/// Looks whenever processes come through the sender that is returned, and at everything of those.
pub(crate) fn looks(home: Home, tell: SyncSender<Input>) -> Sender<Vec<u32>> {
    let (ask, asked) = channel();
    std::thread::spawn(move || run(&home, &asked, &tell));
    ask
}

fn run(home: &Home, asked: &Receiver<Vec<u32>>, tell: &SyncSender<Input>) {
    let mut looker = Looker::default();
    while let Ok(first) = asked.recv() {
        // Of several questions the last one counts.
        let ids = asked.try_iter().last().unwrap_or(first);
        let input = match looker.look(home, &ids) {
            Ok(facts) => Input::Facts(Box::new(facts)),
            Err(error) => {
                looker.client = None;
                match error {
                    Error::Broken => Input::Link(Link::Lost),
                    other => Input::Link(Link::Down(why(&other))),
                }
            }
        };
        if tell.send(input).is_err() {
            return;
        }
    }
}

#[derive(Default)]
struct Looker {
    client: Option<Client>,
    ports: files::Ports,
    reasons: files::Reasons,
    counters: Option<Counters>,
    host: Option<Host>,
    looks: u32,
}

impl Looker {
    fn look(&mut self, home: &Home, ids: &[u32]) -> Result<Facts, Error> {
        let mut client = match self.client.take() {
            Some(client) => client,
            None => connect(home)?,
        };
        let mut processes = list(&mut client)?;
        let mut details = Vec::new();
        for id in ids.iter().filter(|id| processes.iter().any(|of| of.id == **id)) {
            details.extend(describe(&mut client, *id)?);
        }
        self.client = Some(client);
        let at = ostler_show::now();
        self.ports.note(home, &mut processes, at);
        let running = processes.iter().filter(|of| of.pid != 0 && ids.contains(&of.id));
        let trees = running.map(|process| ostler_show::tree(process.pid)).collect();
        let reasons = self.reasons.of(&processes);
        self.measure();
        Ok(Facts { at, processes, details, trees, reasons, host: self.host })
    }

    fn measure(&mut self) {
        if self.looks.is_multiple_of(HOST_EVERY) {
            let now = Counters::read();
            let (used, memory) = now.memory();
            let before = self.counters.as_ref();
            self.host = before.map(|before| Host { cpu: now.cpu_since(before), used, memory });
            self.counters = Some(now);
        }
        self.looks = self.looks.wrapping_add(1);
    }
}

fn list(client: &mut Client) -> Result<Vec<ProcView>, Error> {
    match client.request_within(&Request::List, LIMIT, |_| ())? {
        Answer::Reply(Reply::List { processes }) => Ok(processes),
        Answer::Reply(Reply::Error(failure)) => Err(Error::Malformed(failure.message)),
        Answer::Reply(_) | Answer::Raw(_) => Err(Error::Malformed("no list".to_owned())),
    }
}

/// Everything about a process; nothing when it was deleted meanwhile.
fn describe(client: &mut Client, id: u32) -> Result<Option<Details>, Error> {
    match client.request_within(&Request::Describe { id }, LIMIT, |_| ())? {
        Answer::Reply(Reply::Describe(details)) => Ok(Some(*details)),
        Answer::Reply(_) | Answer::Raw(_) => Ok(None),
    }
}
