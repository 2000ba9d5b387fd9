//! The name that `--name` gives to apps of the list.
//!
//! PM2 puts processes of two programs under one name, and `scale` and `delete` of it then mean
//! both. Here a name that another app has is refused.

use crate::failed::Failed;
use crate::program::Program;
use crate::select::Picked;
use crate::session::Session;

/// Refuses a new name for these processes that another app of their namespace has.
pub(super) fn refuse_taken(
    session: &mut Session,
    named: &[(String, Picked)],
) -> Result<(), Failed> {
    let name = session.args.attribute("name").map(str::to_owned);
    let Some(name) = name.filter(|_| session.program == Program::Ostler) else { return Ok(()) };
    let list = session.known()?;
    let ids: Vec<u32> = named.iter().flat_map(|(_, picked)| picked.ids()).collect();
    let meant = || list.iter().filter(|of| ids.contains(&of.id));
    let namespace = session.args.attribute("namespace");
    let is_there = |space: &str| {
        namespace.map_or_else(|| meant().any(|of| of.namespace == space), |given| given == space)
    };
    let is_new = meant().any(|of| of.name != name);
    let other =
        list.iter().find(|of| !ids.contains(&of.id) && of.name == name && is_there(&of.namespace));
    let Some(other) = other.filter(|_| is_new) else { return Ok(()) };
    let shown = ostler_text::shown(&name);
    let message = format!("`{shown}` is the name of another app, which runs `{}`", other.script);
    Err(Failed::new(message).hint("`ostler list` shows which names are taken"))
}
