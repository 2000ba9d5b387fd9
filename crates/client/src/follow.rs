//! A request without end, such as a stream of logs, must outlive the daemon: the daemon may be
//! replaced or killed at any time, and its listening socket stays open in the keeper, so the next
//! connection simply waits for the next daemon.

use ostler_wire::control::{Event, Request};

use crate::{Answer, Client, Error, Home, Step};

/// Connections in a row that may end without an event before it is given up.
const TRIES: u32 = 5;

/// Asks over `client` and, whenever the connection ends, over a new one, until there is an
/// answer or `on_event` stops. `on_lost` is told of every loss: events between two connections
/// are not seen.
///
/// # Errors
/// When no daemon answers any more, or several connections in a row end at once.
pub fn follow(
    mut client: Client,
    home: &Home,
    request: &Request,
    mut on_event: impl FnMut(Event) -> Step,
    mut on_lost: impl FnMut(),
) -> Result<Option<Answer>, Error> {
    let mut fruitless = 0;
    loop {
        let result = client.exchange(request, &mut |event| {
            fruitless = 0;
            on_event(event)
        });
        match result {
            Err(Error::Broken) if fruitless < TRIES => {
                fruitless += 1;
                client = Client::connect(home)?;
                on_lost();
            }
            other => return other,
        }
    }
}
