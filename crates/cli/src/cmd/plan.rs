//! `plan`: what `apply` of a process file would do, app by app. Nothing is done.

use std::collections::BTreeSet;

use ostler_core::spec::AppSpec;

use super::told;
use crate::apps;
use crate::args::FlagId;
use crate::failed::Failed;
use crate::of_file;
use crate::plan::{Step, lines, objects};
use crate::process_file::ProcessFile;
use crate::session::Session;

/// Runs the command `plan`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let asked = told::asked(session)?;
    let (steps, _) = make(session)?;
    match asked {
        Some(asked) => told::array(session, &asked, &objects(&steps)),
        None => show(session, &steps),
    }
    Ok(())
}

/// Finds out what becomes of the apps of the file, and which file that is. All of it is read before
/// anything is said to be done, so a wrong file touches nothing.
pub(super) fn make(session: &mut Session) -> Result<(Vec<Step>, ProcessFile), Failed> {
    let path = session.args.word().to_owned();
    if path == "-" {
        return Err(Failed::misuse("a file is read again for each of its apps, and `-` cannot be")
            .hint("write what is on standard input into a file"));
    }
    let wanted = apps::specs_of_file(session, &path)?;
    refuse_same_names(session, &wanted, &path)?;
    let (list, running) = if session.connect_if_running()? {
        (session.known()?, of_file::specs(session))
    } else {
        (Vec::new(), Vec::new())
    };
    let file = apps::file_as_read(session, &path)?;
    let mut steps = Vec::new();
    for spec in &wanted {
        let same = |name: &str, space: &str| name == spec.name && space == spec.namespace;
        let processes: Vec<_> = list.iter().filter(|of| same(&of.name, &of.namespace)).collect();
        let now = running.iter().find(|of| same(&of.name, &of.namespace));
        steps.push(match now.filter(|_| !processes.is_empty()) {
            None => Step::add(spec.clone()),
            Some(now) => {
                let planned = of_file::planned(session, &file, now, processes.len());
                let (found, of_file) = planned.map_err(Failed::new)?;
                Step::known(&processes, found, of_file)
            }
        });
    }
    if session.args.value(FlagId::Only).is_none() {
        let is_wanted = |of: &AppSpec| {
            wanted.iter().any(|one| one.name == of.name && one.namespace == of.namespace)
        };
        let gone = of_file::gone(&running, &file.path, is_wanted).into_iter();
        let gone: BTreeSet<_> = gone.map(|of| (&of.namespace, &of.name)).collect();
        let with_profiles = match gone.is_empty() {
            true => Vec::new(),
            false => apps::of_profiles(session, &path)?,
        };
        for (space, name) in gone {
            let is_it =
                |of: &&ostler_wire::control::ProcView| of.name == *name && of.namespace == *space;
            let ids = list.iter().filter(is_it).map(|of| of.id).collect();
            steps.push(match with_profiles.iter().find(|of| of.is(name, space)) {
                Some(of) => Step::other_profile(name.clone(), &of.profiles),
                None => Step::gone(name.clone(), ids, session.has(FlagId::Prune)),
            });
        }
    }
    Ok((steps, file))
}

/// Refuses a file with two apps of one name: they are one app in the list, and nobody can tell to
/// which of the two a process of it belongs.
fn refuse_same_names(session: &Session, wanted: &[AppSpec], path: &str) -> Result<(), Failed> {
    let mut seen = BTreeSet::new();
    let mut names = wanted.iter().map(|of| (&of.namespace, &of.name));
    let Some((_, twice)) = names.find(|of| !seen.insert(*of)) else { return Ok(()) };
    let name = session.args.command.map_or("plan", |command| command.name());
    let message = format!(
        "two apps of `{path}` are called `{twice}`: `{name}` cannot tell their processes apart",
    );
    let pasted = ostler_shell::operand(path);
    let hint =
        format!("give each a `name` of its own; `ostler start {pasted}` starts both as they are");
    Err(Failed::new(message).hint(hint))
}

/// Prints a line for each step.
pub(super) fn show(session: &mut Session, steps: &[Step]) {
    for line in lines(steps) {
        let line = session.out.readable(&line).into_owned() + "\n";
        if session.out.data_only {
            session.out.aside(&line);
        } else {
            session.out.data(&line);
        }
    }
}
