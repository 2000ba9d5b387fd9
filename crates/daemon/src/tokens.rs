//! What a readiness event is about, packed into the poll's token: four bits of kind, the rest a
//! number.

use mio::Token;
use ostler_core::RunId;

/// What a descriptor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The link to the keeper.
    Keeper,
    /// The control socket.
    Control,
    /// A client.
    Client(usize),
    /// An application's IPC channel.
    Channel(RunId),
    /// A listening socket of a cluster app.
    Listener(u64),
    /// Signals.
    Signals,
    /// The log engine or a probe has something.
    Waker,
    /// A descendant of a run that has ended.
    Descendant(u32),
    /// Control groups.
    Inotify,
    /// The guard of connections.
    Guard,
}

const BITS: u32 = 60;

/// The token for a source.
pub fn token(source: Source) -> Token {
    let (kind, number) = match source {
        Source::Keeper => (0, 0),
        Source::Control => (1, 0),
        Source::Client(number) => (2, number),
        Source::Channel(run) => (3, usize::try_from(run.0).unwrap_or(usize::MAX)),
        Source::Listener(number) => (4, usize::try_from(number).unwrap_or(usize::MAX)),
        Source::Signals => (5, 0),
        Source::Waker => (6, 0),
        Source::Descendant(pid) => (7, usize::try_from(pid).unwrap_or(usize::MAX)),
        Source::Inotify => (8, 0),
        Source::Guard => (9, 0),
    };
    Token((kind << BITS) | (number & ((1 << BITS) - 1)))
}

impl Source {
    /// What a token stands for.
    pub fn of(token: Token) -> Self {
        let number = token.0 & ((1 << BITS) - 1);
        match token.0 >> BITS {
            0 => Self::Keeper,
            1 => Self::Control,
            2 => Self::Client(number),
            3 => Self::Channel(RunId(number as u64)),
            4 => Self::Listener(number as u64),
            5 => Self::Signals,
            7 => Self::Descendant(u32::try_from(number).unwrap_or(0)),
            8 => Self::Inotify,
            9 => Self::Guard,
            _ => Self::Waker,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_survives_the_packing() {
        let all = [
            Source::Keeper,
            Source::Control,
            Source::Client(7),
            Source::Channel(RunId(1 << 40)),
            Source::Listener(3),
            Source::Signals,
            Source::Waker,
            Source::Descendant(4_000_000),
            Source::Inotify,
            Source::Guard,
        ];
        for source in all {
            assert_eq!(Source::of(token(source)), source);
        }
    }
}
