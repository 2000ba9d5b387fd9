//! `update`: the running daemon and keeper are replaced by this program; apps go on.

use std::os::unix::fs::MetadataExt as _;

use ostler_client::Answer;
use ostler_wire::control::{Reply, Request};

use super::list;
use crate::failed::Failed;
use crate::session::{Session, unexpected};

/// Runs the command `update`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let exe = std::env::current_exe()
        .map_err(|error| Failed::new(format!("cannot find this program's own file: {error}")))?;
    let exe = exe
        .into_os_string()
        .into_string()
        .map_err(|exe| Failed::new(format!("the path {exe:?} is not valid UTF-8")))?;
    match session.ask(&Request::Update { exe: exe.clone() })? {
        Answer::Reply(Reply::Done) => {}
        other => return Err(unexpected(&other)),
    }
    session.disconnect();
    check(session, &exe)?;
    session.out.message(">>>>>>>>>> PM2 updated");
    list::table(session)
}

/// Whether the new program came up: its daemons may have died, and then the keeper went back to
/// the old one.
fn check(session: &mut Session, exe: &str) -> Result<(), Failed> {
    let pid = match session.ask(&Request::Hello)? {
        Answer::Reply(Reply::Hello { pid, .. }) => pid,
        other => return Err(unexpected(&other)),
    };
    let file = |path: &str| std::fs::metadata(path).map(|meta| (meta.dev(), meta.ino())).ok();
    let (wanted, runs) = (file(exe), file(&format!("/proc/{pid}/exe")));
    // Where the system does not show what a process runs, nothing can be said.
    if wanted.is_none() || runs.is_none() || wanted == runs {
        return Ok(());
    }
    Err(Failed::new(format!(
        "the daemon of `{exe}` did not come up; the old program goes on, apps were not touched"
    ))
    .hint("its last words are in `pm2.log` in the home"))
}
