//! `env`: the environment of one process.

use ostler_client::Answer;
use ostler_wire::control::{Reply, Request};

use crate::failed::Failed;
use crate::session::{Session, unexpected};
use crate::voice::Problem;

/// Runs the command `env`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let word = session.args.word().to_owned();
    let list = session.list()?;
    let Some(id) = word.parse().ok().filter(|id| list.iter().any(|process| process.id == *id))
    else {
        return Err(Problem::NoEnvironment { word }.into());
    };
    match session.ask(&Request::Env { id })? {
        Answer::Reply(Reply::Env { vars }) => {
            for (name, value) in vars {
                session.out.message(&format!("{name}: {value}"));
            }
            Ok(())
        }
        other => Err(unexpected(&other)),
    }
}
