//! What is done with processes: asked for, told of, and asked of the next daemon if one dies.

use std::sync::mpsc::SyncSender;

use ostler_client::{Answer, Error, Home};
use ostler_wire::control::{Event, Reply, Request, resumable_since};

use super::{connect, why};
use crate::deed::Deed;
use crate::input::{Input, Remark, Tone};

/// The most daemons that may die under one request.
const TRIES: u32 = 5;

/// Does something in a thread of its own, and tells how it goes.
pub(crate) fn act(home: Home, deed: Deed, tell: SyncSender<Input>) {
    std::thread::spawn(move || {
        let ticket = format!("{}-monit-{}", std::process::id(), ostler_show::now());
        let said = match ask(&home, &deed.request(ticket), &tell) {
            Ok(None) => Remark { text: deed.done(), tone: Tone::Answer },
            Ok(Some(failure)) => Remark { text: deed.failed(&failure), tone: Tone::Failure },
            Err(error) => Remark { text: deed.failed(&why(&error)), tone: Tone::Failure },
        };
        // Without a view nobody wants to know.
        _ = tell.send(Input::Remark(said));
    });
}

/// Asks for it, and returns what went wrong with the first process with which something did. A
/// daemon that dies has begun it: its successor is asked the same if it begins nothing twice.
fn ask(home: &Home, request: &Request, tell: &SyncSender<Input>) -> Result<Option<String>, Error> {
    let mut tries = 0;
    loop {
        let mut failure = None;
        let mut client = connect(home)?;
        let protocol = client.protocol(|_| ())?;
        let answer = client.request(request, |event| {
            let text = match event {
                Event::Acted { error: Some(error), .. } | Event::Failed { error, .. } => {
                    failure.get_or_insert(error.message);
                    return;
                }
                Event::Step { name, id, step } => format!("{name}: {}", step.sentence(id, &name)),
                Event::Warning { text, .. } => text,
                Event::Acted { error: None, .. }
                | Event::Started { .. }
                | Event::Starting { .. }
                | Event::Doing { .. }
                | Event::Restoring { .. }
                | Event::Log(_)
                | Event::Following { .. }
                | Event::Process { .. }
                | Event::Own { .. }
                | Event::Restored { .. }
                | Event::Asked { .. }
                | Event::Answered { .. } => return,
            };
            // Without a view it goes on all the same.
            _ = tell.send(Input::Remark(Remark { text, tone: Tone::Answer }));
        });
        let is_resumed = resumable_since(request).is_some_and(|since| since <= protocol);
        match answer {
            Ok(Answer::Reply(Reply::Error(error))) => {
                return Ok(Some(failure.unwrap_or(error.message)));
            }
            Ok(Answer::Reply(_) | Answer::Raw(_)) => return Ok(failure),
            Err(Error::Broken) if is_resumed && tries < TRIES => tries += 1,
            Err(error) => return Err(error),
        }
    }
}
