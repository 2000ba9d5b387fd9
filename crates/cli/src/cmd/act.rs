//! `stop`, `restart`, `delete`: one action on every process that the words mean.
//!
//! Under our name all words are understood before anything is done, so that the last of them does
//! not decide what became of the first; PM2 does one word after the other.

use std::collections::BTreeSet;

use ostler_wire::control::{Action, Change, ProcView, Watch};

use super::file::{self, File};
use super::ready::{self, Counts};
use super::{each, list, logs, new_name, perform, resting, told, watching};
use crate::failed::Failed;
use crate::program::Program;
use crate::select::Picked;
use crate::session::Session;
use crate::voice::{Act, Notice};

/// Runs the command `stop`.
pub(super) fn stop(session: &mut Session) -> Result<(), Failed> {
    words(session, Act::Stop, Action::Stop)?;
    list::table(session)
}

/// Runs the command `restart`.
pub(super) fn restart(session: &mut Session) -> Result<(), Failed> {
    let restart = |session: &mut Session| {
        words(session, Act::Restart, Action::Restart)?;
        watching::tell(session)?;
        list::table(session)
    };
    ready::after(session, Counts::FromItsBegin, restart)?;
    logs::attach(session)
}

/// Runs the command `delete`.
pub(super) fn delete(session: &mut Session) -> Result<(), Failed> {
    // Afterwards nobody knows them.
    let shape = told::shape(session, false)?;
    let before = if shape.is_some() { session.list()? } else { Vec::new() };
    words(session, Act::Delete, Action::Delete)?;
    if shape.is_none() {
        return list::table(session);
    }
    let is_gone = |process: &ProcView| session.changed.contains(&process.id);
    let gone = before.into_iter().filter(is_gone).collect();
    list::of_ended(session, gone)
}

fn words(session: &mut Session, act: Act, action: Action) -> Result<(), Failed> {
    match session.program {
        Program::Ostler => all_words(session, act, action),
        Program::Pm2 => each_word(session, act, action),
    }
}

/// What a word means, if it is no process file.
type Named = (String, Picked);

/// Returns what each word means: a process file, or processes, each of them once. `starts`: of a
/// file all is meant or nothing.
pub(super) fn understood(
    session: &mut Session,
    starts: bool,
) -> Result<(Vec<File>, Vec<Named>), Failed> {
    let (mut files, mut named): (Vec<File>, Vec<Named>) = Default::default();
    let words = session.args.words.clone();
    each::word(session, &words, |session, word| {
        if file::is_meant(word) {
            let read = if starts { file::read_whole } else { file::read };
            files.push(read(session, word)?);
        } else {
            named.push((word.to_owned(), perform::pick(session, word)?));
        }
        Ok(())
    })?;
    once_each(&mut named);
    new_name::refuse_taken(session, &named)?;
    Ok((files, named))
}

/// Understands every word, then acts on each process once.
fn all_words(session: &mut Session, act: Act, action: Action) -> Result<(), Failed> {
    let (files, mut named) = understood(session, action == Action::Restart)?;
    if !named.is_empty() {
        let change = change(session, action)?;
        warn_of_canaries(session, &named, action)?;
        if action == Action::Stop {
            resting::leave(session, &mut named, &change)?;
        }
        for (word, picked) in &named {
            perform::announce(session, act, word, picked);
        }
        let ids: Vec<u32> = named.iter().flat_map(|(_, picked)| picked.ids()).collect();
        if !ids.is_empty() {
            perform::act(session, act, action, ids, change)?;
        }
    }
    files.into_iter().try_for_each(|file| file::act(session, file, act, action))
}

/// Says which canaries end by this, before anybody has decided about them.
fn warn_of_canaries(
    session: &mut Session,
    named: &[(String, Picked)],
    action: Action,
) -> Result<(), Failed> {
    if !matches!(action, Action::Restart | Action::Stop) {
        return Ok(());
    }
    let list = session.known()?;
    let meant =
        |name: &str| named.iter().any(|(_, of)| of.targets.iter().any(|of| of.name == name));
    let is_canary = |of: &&ProcView| of.rollout.as_deref() == Some("canary") && meant(&of.name);
    let names: BTreeSet<&str> = list.iter().filter(is_canary).map(|of| of.name.as_str()).collect();
    for name in names {
        let text = format!(
            "this ends the canary of {name}: its worker keeps the new version, the others the old \
             one"
        );
        session.out.tell(&Notice::Warning { text: &text, hint: None, apart: true });
    }
    Ok(())
}

/// Leaves each process with the first word that means it.
pub(super) fn once_each(named: &mut Vec<(String, Picked)>) {
    let mut seen = BTreeSet::new();
    for (_, picked) in named.iter_mut() {
        picked.targets.retain(|target| seen.insert(target.id));
    }
    named.retain(|(_, picked)| !picked.targets.is_empty());
}

/// Acts on what a word means, word after word.
fn each_word(session: &mut Session, act: Act, action: Action) -> Result<(), Failed> {
    for word in session.args.words.clone() {
        if file::is_meant(&word) {
            let file = file::read(session, &word)?;
            file::act(session, file, act, action)?;
            continue;
        }
        let change = change(session, action)?;
        let picked = perform::choose(session, act, &word)?;
        perform::act(session, act, action, picked.ids(), change)?;
    }
    Ok(())
}

fn change(session: &mut Session, action: Action) -> Result<Change, Failed> {
    match action {
        Action::Restart => perform::changes(session),
        Action::Stop => {
            // In PM2 a stop ends the watching, also for the start after it.
            let off = session.program == Program::Pm2 || session.args.has_attribute("watch");
            Ok(Change { watch: off.then_some(Watch::Off), ..perform::unchanged(session)? })
        }
        Action::Delete | Action::Reset => perform::unchanged(session),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::sample::sample;
    use crate::voice::Target;

    #[test]
    fn a_process_that_two_words_mean_is_acted_on_once() {
        let picked = |ids: &[u32]| {
            let targets = ids.iter().map(|id| Target::of(&sample(*id, "api"))).collect();
            Picked::numbered(targets)
        };
        let mut named: Vec<(String, Picked)> = [("0", &[0][..]), ("api", &[0, 1]), ("1", &[1])]
            .map(|(w, ids)| (w.into(), picked(ids)))
            .into();
        once_each(&mut named);
        let ids: Vec<(&str, Vec<u32>)> =
            named.iter().map(|(word, picked)| (word.as_str(), picked.ids())).collect();
        assert_eq!(ids, [("0", vec![0]), ("api", vec![1])]);
    }
}
