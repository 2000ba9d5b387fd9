//! What the daemon says of itself, in the form of PM2's `getReport`.

use ostler_pm2::rpc::{Answer, PM2_VERSION};
use serde_json::json;

/// Returns the answer; `version`: ours, `apps`: how many processes there are, `since`: when the
/// daemon began, ms since 1970.
pub fn report(version: &str, apps: usize, since: u64) -> Answer {
    let args: Vec<String> = std::env::args().collect();
    let program = std::env::current_exe().map(|path| path.display().to_string());
    Answer::of(&json!({
        "pm2_version": PM2_VERSION,
        "ostler_version": version,
        "node_version": "N/A",
        "node_path": program.unwrap_or_default(),
        "argv0": args.first(),
        "argv": args,
        "user": rustix::process::geteuid().as_raw().to_string(),
        "uid": rustix::process::geteuid().as_raw(),
        "gid": rustix::process::getegid().as_raw(),
        // A report is shown to strangers: of the environment only what finds programs.
        "env": { ostler_env::PATH: std::env::var(ostler_env::PATH).ok() },
        "managed_apps": apps,
        "started_at": since,
    }))
}
