//! Whether the kernel ended processes for want of memory.
//!
//! A process that it ends so looks like one that somebody killed: SIGKILL, and nothing more. But
//! the kernel counts them. When the count has risen by the time a run is found killed that nobody
//! here killed, that is why, as far as anybody without the kernel's log can tell.

/// The kernel's count, as it was last seen.
#[derive(Debug)]
pub(super) struct OomKills {
    seen: Option<u64>,
}

impl OomKills {
    /// The count as of now.
    pub(super) fn new() -> Self {
        Self { seen: count() }
    }

    /// Whether it has risen since it was last seen.
    pub(super) fn have_risen(&mut self) -> bool {
        self.note(count())
    }

    fn note(&mut self, now: Option<u64>) -> bool {
        let before = self.seen;
        self.seen = now.or(before);
        now.zip(before).is_some_and(|(now, before)| before < now)
    }
}

/// The kernel's count; `None` when it does not tell.
fn count() -> Option<u64> {
    parse(&std::fs::read_to_string("/proc/vmstat").ok()?)
}

fn parse(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_count_that_has_risen_is_news() {
        assert_eq!(parse("nr_free_pages 5\noom_kill 3\noom_kill_disable 9\n"), Some(3));
        assert_eq!(parse("nr_free_pages 5\n"), None);
        let mut kills = OomKills { seen: Some(3) };
        let told = [Some(3), Some(5), Some(5), None, Some(6)].map(|now| kills.note(now));
        assert_eq!(told, [false, true, false, false, true]);
        assert!(!OomKills { seen: None }.note(Some(7)), "since when is not known");
    }
}
