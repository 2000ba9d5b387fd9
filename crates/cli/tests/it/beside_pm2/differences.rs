//! What differs, and why. Each stands in `docs/pm2-differences.md`.

/// Commands whose words differ.
pub(super) const WORDS: &[(&str, &str)] = &[];

/// Events that only one side has, or has at other times.
pub(super) const EVENTS: &[(&str, &str)] = &[
    ("process:event exit", "PM2 tells each end that it brought about twice"),
    ("process:event delete", "PM2 never tells it"),
    ("application:dependencies", "PM2 tells what PM2 itself is made of"),
];

/// Keys of the list that differ.
pub(super) const KEYS: &[(&str, &str)] = &[
    ("pm2_env.args", "an app without arguments has an empty list"),
    ("pm2_env.merge_logs", "PM2's client changes it in a restart, and nothing follows from it"),
    ("pm2_env.watch", "it is always there"),
    ("pm2_env.exit_signal", "how a run ended is told"),
    ("pm2_env.instances_given", "whether a number of instances was asked for"),
    ("pm2_env._pm2_version", "there is no PM2 around the worker"),
    ("pm2_env._tree_pids", "what PM2 saw when it stopped the app last"),
    ("pm2_env.prev_restart_delay", "it is there when it says something"),
    ("pm2_env.env_production", "what the file says of other environments is not kept"),
    ("pm2_env.pm_out_log_path", "a process that is added after a reload has a file of its own"),
    ("pm2_env.pm_err_log_path", "the same"),
    ("pm2_env.unstable_restarts", "PM2 counts an end that nothing follows"),
    ("pm2_env.*", "a key of the app's name, empty"),
];
