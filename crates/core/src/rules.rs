//! What is done when an app writes a line of some kind.

/// A rule about the lines that an app writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRule {
    /// How it is called where it is counted and told of.
    pub name: String,
    /// A regular expression that is found in the line; `None`: in each.
    pub pattern: Option<String>,
    /// The line is as grave as this at least: one of [`LogSink::LEVELS`](crate::spec::LogSink).
    pub level: Option<String>,
    /// What is done; nothing: the line is counted.
    pub then: Vec<RuleAction>,
    /// It is done once in this time, ms.
    pub every: u64,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuleAction {
    /// Tells who is told of alerts.
    Alert,
    /// Restarts the process that wrote the line.
    Restart,
}

impl LogRule {
    /// How often something is done at most, where nothing else is said, ms.
    pub const EVERY: u64 = 60 * 1000;
    /// The word for a rule that counts alone.
    pub const COUNT: &'static str = "count";
}

impl RuleAction {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Alert, Self::Restart];

    /// Returns the word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Restart => "restart",
        }
    }
}
