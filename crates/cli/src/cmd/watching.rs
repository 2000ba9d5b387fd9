//! What `--watch` has come to, where it turns the watching round.

use std::collections::BTreeMap;

use ostler_wire::control::Watch;

use crate::apps;
use crate::failed::Failed;
use crate::program::Program;
use crate::session::Session;
use crate::voice::Notice;

/// Says of the apps that were changed whether their files are watched from now on.
pub(super) fn tell(session: &mut Session) -> Result<(), Failed> {
    let turned = apps::watch(session) == Some(Watch::Toggle);
    if session.program == Program::Pm2 || !turned {
        return Ok(());
    }
    let list = session.known()?;
    let changed = list.iter().filter(|process| session.changed.contains(&process.id));
    let watching: BTreeMap<&str, bool> =
        changed.map(|process| (process.name.as_str(), process.watching)).collect();
    for (name, watching) in watching {
        let now = if watching { "are watched now" } else { "are not watched any more" };
        session.out.tell(&Notice::Note { text: &format!("the files of {name} {now}") });
    }
    Ok(())
}
