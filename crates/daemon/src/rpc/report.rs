//! What the daemon says of itself, in the form of PM2's `getReport`.

use ostler_pm2::rpc::{Answer, PM2_VERSION};
use serde_json::{Map, Value as Json, json};

/// Variables of ours that say nothing secret.
const SHOWN: [&str; 6] = ["PATH", "HOME", "SHELL", "LANG", "USER", "TZ"];

/// Returns the answer; `version`: ours, `apps`: how many processes there are, `since`: when the
/// daemon began, ms since 1970.
pub fn report(version: &str, apps: usize, since: u64) -> Answer {
    let args: Vec<String> = std::env::args().collect();
    let shown = |name: &&str| Some(((*name).to_owned(), Json::String(std::env::var(name).ok()?)));
    let env: Map<String, Json> = SHOWN.iter().filter_map(shown).collect();
    let program = std::env::current_exe().map(|path| path.display().to_string());
    Answer::of(&json!({
        "pm2_version": PM2_VERSION,
        "ostler_version": version,
        "node_version": "N/A",
        "node_path": program.unwrap_or_default(),
        "argv0": args.first(),
        "argv": args,
        "user": std::env::var("USER").ok(),
        "uid": rustix::process::geteuid().as_raw(),
        "gid": rustix::process::getegid().as_raw(),
        "env": env,
        "managed_apps": apps,
        "started_at": since,
    }))
}
