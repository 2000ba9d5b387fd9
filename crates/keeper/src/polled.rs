//! What the keeper waits for, as the poll's tokens.

use ostler_poll::{Token, pack, unpack};

/// A descriptor that the keeper polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Polled {
    /// The descriptor that signals are read from.
    Signals,
    /// The link to the daemon.
    Link,
    /// The pidfd of a daemon that is not our child.
    Daemon,
    /// The pidfd of an adopted run, by its pid.
    Adopted(u32),
}

impl Token for Polled {
    fn to_raw(self) -> u64 {
        match self {
            Self::Signals => pack(1, 0),
            Self::Link => pack(2, 0),
            Self::Daemon => pack(3, 0),
            Self::Adopted(pid) => pack(4, u64::from(pid)),
        }
    }

    fn from_raw(raw: u64) -> Option<Self> {
        let (kind, number) = unpack(raw);
        match kind {
            1 => Some(Self::Signals),
            2 => Some(Self::Link),
            3 => Some(Self::Daemon),
            4 => u32::try_from(number).ok().map(Self::Adopted),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_comes_back() {
        let all = [Polled::Signals, Polled::Link, Polled::Daemon, Polled::Adopted(u32::MAX)];
        for token in all {
            assert_eq!(Polled::from_raw(token.to_raw()), Some(token));
        }
        assert_eq!(Polled::from_raw(0), None);
    }
}
