//! What happened to an app without a command: the last of what its processes tell.

use ostler_wire::control::{Details, Happened};

/// What happened to an app, each with its date.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The last restart that nobody asked for, and why.
    pub restarted: String,
    /// The last reload, where it failed, and why.
    pub failed_reload: String,
}

impl History {
    /// Returns what the processes of an app say.
    #[must_use]
    pub fn of(details: &[Details]) -> Self {
        let last = |told: fn(&Details) -> Option<&Happened>| {
            let last = details.iter().filter_map(told).max_by_key(|of| of.at);
            last.map(|Happened { at, what }| {
                format!("{}, {what}", ostler_logs::date(*at, "YYYY-MM-DD HH:mm:ss"))
            })
        };
        Self {
            restarted: last(|of| of.restarted.as_ref()).unwrap_or_default(),
            failed_reload: last(|of| of.failed_reload.as_ref()).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn the_last_of_what_happened_to_any_process_of_an_app_is_told() {
        let details = |restarted: Option<(u64, &str)>| Details {
            restarted: restarted.map(|(at, what)| Happened { at, what: what.to_owned() }),
            ..sample::details(sample::sample(0, "api"))
        };
        let all = [None, Some((9_000, "by its `cron_restart`")), Some((2_000, "`/a` changed"))];
        let History { restarted, failed_reload } = History::of(&all.map(details));
        assert!(restarted.ends_with(":09, by its `cron_restart`"), "{restarted}");
        assert_eq!(failed_reload, "");
    }
}
