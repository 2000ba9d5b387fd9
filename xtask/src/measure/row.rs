//! One figure.

/// One line of the table.
pub struct Row {
    /// What is counted.
    pub what: String,
    /// What was found.
    pub now: String,
    /// What it should be; empty where there is no such figure.
    pub wanted: &'static str,
    /// Where it was found.
    pub places: Vec<String>,
}
