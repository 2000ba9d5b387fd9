//! A process whose last run found its port taken, in words.

use crate::holder;
use crate::session::Session;
use crate::show;

/// That the run of a process before found its port taken, and who has it.
pub(super) fn words(
    session: &mut Session,
    id: u32,
    name: &str,
) -> Option<(String, Option<String>)> {
    let list = session.known().ok()?;
    let line = show::said(list.iter().find(|of| of.id == id)?)?;
    let taken = holder::taken(session, id, std::slice::from_ref(&line));
    let mut text = format!("{name} (id {id}) ended and was started again: {line}");
    let mut hint = None;
    if let Some(taken) = taken {
        text.push_str(&format!("\n{}", taken.sentence));
        hint = taken.hint;
    }
    Some((text, hint))
}
