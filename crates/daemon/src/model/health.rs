//! What is known of the health of a run, where somebody waits for it.

use ostler_core::Millis;
use ostler_wire::control::Lacks;

/// A check that failed is made again after this, ms, besides the pauses that it makes itself.
pub const AGAIN: Millis = 500;

/// The health of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RunHealth {
    /// Nobody has asked for it.
    #[default]
    Unknown,
    /// It is looked at; the last time, it failed for this reason.
    Checked { failed: Option<String> },
    /// The check has passed.
    Passed,
    /// The check failed for this reason, and is made again at this time.
    Failed { why: String, again_at: Millis },
}

impl RunHealth {
    /// When the check is to be made, if somebody waits for it; `None` while it is made, and after
    /// it has passed.
    pub fn due(&self) -> Option<Millis> {
        match self {
            Self::Unknown => Some(0),
            Self::Failed { again_at, .. } => Some(*again_at),
            Self::Checked { .. } | Self::Passed => None,
        }
    }

    /// The check begins.
    pub fn begin(&mut self) {
        let failed = match std::mem::take(self) {
            Self::Failed { why, .. } => Some(why),
            Self::Checked { failed } => failed,
            Self::Unknown | Self::Passed => None,
        };
        *self = Self::Checked { failed };
    }

    /// The check is over; one that failed is made again at this time.
    pub fn end(&mut self, result: Result<(), String>, again_at: Millis) {
        *self = match result {
            Ok(()) => Self::Passed,
            Err(why) => Self::Failed { why, again_at },
        };
    }

    /// Why the run is not known as healthy.
    pub fn lacks(&self) -> Option<Lacks> {
        match self {
            Self::Passed => None,
            Self::Unknown | Self::Checked { failed: None } => Some(Lacks::Unchecked),
            Self::Checked { failed: Some(why) } | Self::Failed { why, .. } => {
                Some(Lacks::Unhealthy { why: why.clone() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_made_once_and_again_when_it_failed() {
        let mut health = RunHealth::default();
        assert_eq!(health.due(), Some(0));
        health.begin();
        assert_eq!((health.due(), health.lacks()), (None, Some(Lacks::Unchecked)));
        health.end(Err("it is sick".to_owned()), 7);
        assert_eq!(health.due(), Some(7));
        health.begin();
        let why = "it is sick".to_owned();
        assert_eq!((health.due(), health.lacks()), (None, Some(Lacks::Unhealthy { why })));
        health.end(Ok(()), 9);
        assert_eq!((health.due(), health.lacks()), (None, None));
    }
}
