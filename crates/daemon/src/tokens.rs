//! What a readiness event is about.

use ostler_core::RunId;
use ostler_poll::{Token, pack, unpack};

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
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        ];
        for source in all {
            assert_eq!(Polled::from_raw(source.to_raw()), Some(source));
        }
    }
}
