//! When log files are rotated, and what is kept of them.

/// When log files are rotated, beside when they are full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogRotate {
    /// Not even when they are full.
    Never,
    /// Only when they are full.
    Size,
    /// When an hour begins.
    Hourly,
    /// When a day begins, at midnight.
    Daily,
    /// In the night before Monday.
    Weekly,
    /// In the night before the first of a month.
    Monthly,
}

/// How rotated log files are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogCompress {
    /// They stay as they are.
    No,
    /// As `gzip` does it.
    Gzip,
    /// As `zstd` does it.
    Zstd,
}

/// What an app, or somebody for all apps, has said of rotation. What is not said here is for the
/// next one to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogRotation {
    /// When files are rotated, beside when they are full.
    pub rotate: Option<LogRotate>,
    /// At these times as well, a pattern of cron.
    pub cron: Option<String>,
    /// From how many bytes on a file is full.
    pub max_size: Option<u64>,
    /// So many rotated files are kept.
    pub keep: Option<u64>,
    /// Rotated files are kept for so many days.
    pub keep_days: Option<u64>,
    /// So many bytes of rotated files are kept.
    pub keep_size: Option<u64>,
    /// How rotated files are compressed.
    pub compress: Option<LogCompress>,
}

impl LogRotation {
    /// Returns this, and what it does not say as the other says it.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        Self {
            rotate: self.rotate.or(other.rotate),
            cron: self.cron.or_else(|| other.cron.clone()),
            max_size: self.max_size.or(other.max_size),
            keep: self.keep.or(other.keep),
            keep_days: self.keep_days.or(other.keep_days),
            keep_size: self.keep_size.or(other.keep_size),
            compress: self.compress.or(other.compress),
        }
    }
}
