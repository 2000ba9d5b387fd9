//! What a readiness event is about.

use ostler_core::RunId;
use ostler_poll::{Event, Events, Token, pack, unpack};

/// What a descriptor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polled {
    /// The link to the keeper.
    Keeper,
    /// The control socket.
    Control,
    /// A client's connection.
    Client(usize),
    /// An application's IPC channel.
    Channel(RunId),
    /// A listening socket of a cluster app.
    Listener(u64),
    /// Signals to the daemon.
    Signals,
    /// The log engine or a probe has something.
    Waker,
    /// A descendant of a run that has ended.
    Descendant(u32),
    /// Changes of control groups.
    Inotify,
    /// The guard of connections.
    Guard,
    /// Changes of the home.
    Home,
    /// PM2's socket of calls.
    Rpc,
    /// A connection there.
    Caller(usize),
    /// PM2's socket of events.
    Bus,
    /// A connection there.
    Subscriber(usize),
    /// The process in the foreground.
    Foreground,
    /// A time of the calendar.
    Calendar,
    /// The socket of messages of apps.
    Notify,
}

impl Token for Polled {
    fn to_raw(self) -> u64 {
        let (kind, number) = match self {
            Self::Keeper => (0, 0),
            Self::Control => (1, 0),
            Self::Client(number) => (2, number as u64),
            Self::Channel(run) => (3, run.0),
            Self::Listener(number) => (4, number),
            Self::Signals => (5, 0),
            Self::Waker => (6, 0),
            Self::Descendant(pid) => (7, u64::from(pid)),
            Self::Inotify => (8, 0),
            Self::Guard => (9, 0),
            Self::Home => (10, 0),
            Self::Rpc => (11, 0),
            Self::Caller(number) => (12, number as u64),
            Self::Bus => (13, 0),
            Self::Subscriber(number) => (14, number as u64),
            Self::Foreground => (15, 0),
            Self::Calendar => (16, 0),
            Self::Notify => (17, 0),
        };
        pack(kind, number)
    }

    fn from_raw(raw: u64) -> Option<Self> {
        let (kind, number) = unpack(raw);
        Some(match kind {
            0 => Self::Keeper,
            1 => Self::Control,
            2 => Self::Client(usize::try_from(number).ok()?),
            3 => Self::Channel(RunId(number)),
            4 => Self::Listener(number),
            5 => Self::Signals,
            6 => Self::Waker,
            7 => Self::Descendant(u32::try_from(number).ok()?),
            8 => Self::Inotify,
            9 => Self::Guard,
            10 => Self::Home,
            11 => Self::Rpc,
            12 => Self::Caller(usize::try_from(number).ok()?),
            13 => Self::Bus,
            14 => Self::Subscriber(usize::try_from(number).ok()?),
            15 => Self::Foreground,
            16 => Self::Calendar,
            17 => Self::Notify,
            _ => return None,
        })
    }
}

/// The events of one wait: new connections after all others.
///
/// A worker answers in its channel before its client has its answer and comes again. Were that
/// client's connection accepted first, the worker would seem to owe an answer, and lose its turn.
pub fn connections_last(events: &Events<Polled>) -> impl Iterator<Item = Event<Polled>> {
    let is_new = |event: &Event<Polled>| matches!(event.token, Polled::Listener(_));
    let others = events.iter().filter(move |event| !is_new(event));
    others.chain(events.iter().filter(is_new))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use ostler_poll::{Interest, Poll, now};

    use super::*;

    #[test]
    fn answers_are_read_before_new_connections_are_accepted_whatever_was_ready_first() {
        let poll: Poll<Polled> = Poll::new().unwrap();
        let tokens = [
            Polled::Listener(1),
            Polled::Channel(RunId(1)),
            Polled::Listener(2),
            Polled::Keeper,
            Polled::Channel(RunId(2)),
        ];
        let ready = tokens.map(|token| {
            let (read, mut write) = std::io::pipe().unwrap();
            let read = poll.watch(read, token, Interest::READ.edge()).unwrap();
            write.write_all(b"x").unwrap();
            (read, write)
        });
        let mut events = Events::with_capacity(8);
        poll.wait(&mut events, Some(now() + 20_000)).unwrap();
        assert_eq!(events.iter().map(|event| event.token).collect::<Vec<_>>(), tokens);
        let order: Vec<Polled> = connections_last(&events).map(|event| event.token).collect();
        let [one, first, two, keeper, second] = tokens;
        assert_eq!(order, [first, keeper, second, one, two]);
        drop(ready);
    }

    #[test]
    fn every_source_survives_the_packing() {
        let all = [
            Polled::Keeper,
            Polled::Control,
            Polled::Client(7),
            Polled::Channel(RunId(1 << 40)),
            Polled::Listener(3),
            Polled::Signals,
            Polled::Waker,
            Polled::Descendant(4_000_000),
            Polled::Inotify,
            Polled::Guard,
            Polled::Home,
            Polled::Rpc,
            Polled::Caller(9),
            Polled::Bus,
            Polled::Subscriber(1),
            Polled::Foreground,
            Polled::Calendar,
            Polled::Notify,
        ];
        for source in all {
            assert_eq!(Polled::from_raw(source.to_raw()), Some(source));
        }
    }
}
