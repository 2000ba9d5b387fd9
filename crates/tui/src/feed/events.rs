//! What happens to processes, and whether the daemon is there.

use std::ops::ControlFlow;
use std::sync::mpsc::SyncSender;

use ostler_client::{Error, Home, Trouble, follow};
use ostler_wire::control::{Event, Request};

use super::{AGAIN, connect, why};
use crate::input::{Input, Link};

/// Tells of it for ever.
pub(crate) fn events(home: Home, tell: SyncSender<Input>) {
    std::thread::spawn(move || {
        loop {
            let ended = listen(&home, &tell);
            let Err(error) = ended else { return };
            if tell.send(Input::Link(Link::Down(why(&error)))).is_err() {
                return;
            }
            std::thread::sleep(AGAIN);
        }
    });
}

/// Listens to one manager; no error is that nobody wants to know any more.
fn listen(home: &Home, tell: &SyncSender<Input>) -> Result<(), Error> {
    let request = Request::Logs {
        ids: Vec::new(),
        out: false,
        err: false,
        events: true,
        own: false,
        confirm: true,
        patient: false,
        places: false,
    };
    let on_event = |event| {
        let input = match event {
            Event::Following { .. } => Input::Link(Link::Up),
            Event::Process { id, name, what, .. } => Input::Happened { id, name, what },
            Event::Acted { .. }
            | Event::Step { .. }
            | Event::Failed { .. }
            | Event::Warning { .. }
            | Event::Started { .. }
            | Event::Starting { .. }
            | Event::Doing { .. }
            | Event::Restoring { .. }
            | Event::Log(_)
            | Event::Own { .. }
            | Event::Restored { .. }
            | Event::Asked { .. }
            | Event::Answered { .. } => return ControlFlow::Continue(()),
        };
        if tell.send(input).is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let on_trouble = |trouble| match trouble {
        // Without a view the next event ends this.
        Trouble::Lost => _ = tell.send(Input::Link(Link::Lost)),
        Trouble::DaemonsEnd => {
            let text = "one daemon after the other ends; `ostler logs daemon` says why";
            _ = tell.send(Input::Link(Link::Down(text.to_owned())));
        }
        Trouble::Silent(silence) => _ = tell.send(Input::Link(Link::Down(silence.meanwhile()))),
    };
    follow(connect(home)?, home, &request, on_event, on_trouble).map(|_| ())
}
