//! Whether runs are asked to end by a message, as PM2 can be told for all of them.

/// Whether every run is asked to end by a message.
pub fn kills_by_message() -> bool {
    std::env::var(ostler_env::PM2_KILL_USE_MESSAGE)
        .is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}
