//! `update`: the running daemon and keeper are replaced by this program; apps go on.

use ostler_client::Answer;
use ostler_wire::control::{Reply, Request};

use super::list;
use crate::failed::Failed;
use crate::session::{Session, unexpected};

/// `update`
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let exe = std::env::current_exe()
        .map_err(|error| Failed::new(format!("cannot find this program's own file: {error}")))?;
    let exe = exe
        .into_os_string()
        .into_string()
        .map_err(|exe| Failed::new(format!("the path {exe:?} is not valid UTF-8")))?;
    match session.ask(&Request::Update { exe })? {
        Answer::Reply(Reply::Done) => {}
        other => return Err(unexpected(&other)),
    }
    session.out.message(">>>>>>>>>> PM2 updated");
    session.disconnect();
    list::table(session)
}
