//! One figure, as it is printed.

/// One line of the table.
pub struct Row {
    /// The name of the figure.
    pub what: String,
    /// Its value now.
    pub now: String,
    /// The value that it should have; empty where there is none.
    pub wanted: &'static str,
    /// The places that it counts.
    pub places: Vec<String>,
}
