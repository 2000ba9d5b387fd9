//! A request without end, such as a stream of logs, must outlive the daemon: the daemon may be
//! replaced or killed at any time, and its listening socket stays open in the keeper, so the next
//! connection simply waits for the next daemon.

use std::ops::ControlFlow;

use ostler_wire::control::{Event, Request};

use crate::{Answer, Client, Error, Heard, Home, Silence};

/// Connections in a row that may end without an event before it is given up.
const TRIES: u32 = 5;

/// What happens to the daemon while a request without end goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It ended, and its successor is asked: events between the two are not seen.
    Lost,
    /// One after the other ends before it takes the connection.
    DaemonsEnd,
    /// It is there and does not answer.
    Silent(Silence),
}

/// Asks over `client` and, whenever the connection ends, over a new one, until there is an
/// answer or `on_event` stops.
///
/// # Errors
/// When no daemon answers any more, or several connections in a row end at once.
pub fn follow(
    mut client: Client,
    home: &Home,
    request: &Request,
    mut on_event: impl FnMut(Event) -> ControlFlow<()>,
    mut on_trouble: impl FnMut(Trouble),
) -> Result<Option<Answer>, Error> {
    let mut fruitless = 0;
    loop {
        // Whoever is silent afterwards is there.
        let taken = match client.is_taken() {
            true => Ok(()),
            false => client
                .protocol(|heard| match heard {
                    Heard::DaemonsEnd => on_trouble(Trouble::DaemonsEnd),
                    Heard::Silent(silence) => on_trouble(Trouble::Silent(silence)),
                    Heard::Event(_) | Heard::Nothing => {}
                })
                .map(|_| ()),
        };
        let mut on = |event| {
            fruitless = 0;
            on_event(event)
        };
        let result = taken.and_then(|()| client.exchange(request, &mut on));
        match result {
            Err(Error::Broken) if fruitless < TRIES => {
                fruitless += 1;
                client = Client::connect(home)?;
                on_trouble(Trouble::Lost);
            }
            Err(Error::Broken) => return Err(Error::daemons_end(&home.log())),
            other => return other,
        }
    }
}
