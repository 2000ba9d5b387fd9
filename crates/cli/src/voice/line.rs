//! Lines, and what they say alike under both names.

/// A line, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// What was done: standard output.
    Out(String),
    /// Standard output, also when the command is to be silent: somebody needs it to go on.
    Data(String),
    /// What is wrong or goes on: standard error.
    Err(String),
}

/// That an app is ready, and where.
pub(super) fn ready(name: &str, processes: usize, urls: &[String]) -> String {
    let count = match processes {
        0 => return format!("{name} ended with exit code 0"),
        1 => String::new(),
        count => format!(" ({count} processes)"),
    };
    let at = if urls.is_empty() { String::new() } else { format!(": {}", urls.join(", ")) };
    format!("{name} is ready{count}{at}")
}
