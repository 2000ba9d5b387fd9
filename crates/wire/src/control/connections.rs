//! What became of the connections of a process that was ended.

use serde::{Deserialize, Serialize};

/// What became of the connections that clients had to a process when it was ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Connections {
    /// Nothing was ended that listened anywhere.
    Nowhere,
    /// So many were open when a signal ended it. 0: it had none, or had finished them all.
    Dropped(u64),
    /// Nobody counted, or the app had the last word on them.
    #[default]
    Unknown,
}

impl Connections {
    /// Returns what became of the connections of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Nowhere, known) | (known, Self::Nowhere) => known,
            (Self::Dropped(one), Self::Dropped(more)) => Self::Dropped(one.saturating_add(more)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_told_of_all_or_of_none() {
        let check = |one: Connections, other: Connections, both: Connections| {
            assert_eq!((one.and(other), other.and(one)), (both, both));
        };
        let [two, three] = [2, 3].map(Connections::Dropped);
        check(two, three, Connections::Dropped(5));
        check(two, Connections::Nowhere, two);
        check(two, Connections::Unknown, Connections::Unknown);
        check(Connections::Nowhere, Connections::Unknown, Connections::Unknown);
    }
}
