//! What a rule about the lines of an app has found.

use ostler_core::ProcId;
use ostler_core::spec::RuleAction;

/// A rule has found a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFound {
    /// The process that wrote it.
    pub id: ProcId,
    /// The name of the rule.
    pub rule: String,
    /// What is to be done.
    pub then: Vec<RuleAction>,
    /// The line, or its begin.
    pub line: String,
    /// So many lines were found since something was done last.
    pub held_back: u64,
}
