//! What is known of a file that cannot be written; what is done about it is in `failing`.

/// A file that could not be written the last time.
pub(crate) struct Failing {
    pub code: Option<i32>,
    pub since: u64,
    pub retry_at: u64,
    /// The daemon knows of it.
    pub told: bool,
}
