//! What a process may take of the machine, by the kernel's word.

/// The limits of each process of an app; what is `None` is as it was for the manager.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The most files that it may have open, soft and hard.
    pub nofile: Option<u64>,
    /// Its nice value: -20 goes first, 19 last.
    pub nice: Option<i32>,
    /// Its score for the out-of-memory killer: -1000 is never killed, 1000 first.
    pub oom_score: Option<i32>,
    /// The most processor time that it and its descendants may take together, percent of one core.
    pub max_cpu: Option<u32>,
    /// The most memory that it and its descendants may have together, bytes.
    pub max_memory: Option<u64>,
}

impl Limits {
    /// Whether the keeper sets any of them in the new process.
    #[must_use]
    pub fn concern_process(&self) -> bool {
        self.nofile.is_some() || self.nice.is_some() || self.oom_score.is_some()
    }
}
