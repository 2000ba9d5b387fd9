//! `start`: a script, a process file, standard input, or processes that exist already.

use std::collections::BTreeSet;
use std::path::Path;

use ostler_wire::control::{Action, Change, Phase, ProcView, Watch};

use super::file::{self, File, Known};
use super::ready::{self, Counts};
use super::running::{runs_already, startable};
use super::{act, behind, each, first_steps, launch, list, logs, new_name, perform, same_name};
use crate::apps::{self, App};
use crate::args::FlagId;
use crate::caller;
use crate::failed::Failed;
use crate::program::Program;
use crate::select::{Picked, is_full_name, select};
use crate::session::Session;
use crate::voice::{Act, Notice, Problem, Target};

/// The process file that is meant where nothing is named.
const USUAL: &str = "ecosystem.config.js";

/// Runs the command `start`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let mut addresses = Vec::new();
    ready::after(session, Counts::FromItsBegin, |session| {
        addresses = words(session)?;
        Ok(())
    })?;
    first_steps::tell(session, &addresses);
    logs::attach(session)
}

/// What a word means.
#[derive(Debug)]
enum Meant {
    File(File),
    /// Processes of the list.
    Known(String, Picked),
    Script(App),
}

/// Starts what the words mean: under our name when every one of them is understood; PM2 does one
/// after the other.
fn words(session: &mut Session) -> Result<Vec<String>, Failed> {
    behind::settle(session)?;
    let mut words = session.args.words.clone();
    if words.is_empty() {
        words.push(if session.args.has_attribute("module") { "" } else { USUAL }.to_owned());
    }
    let mut addresses = Vec::new();
    match session.program {
        Program::Pm2 => {
            for word in &words {
                let meant = meant(session, word)?;
                addresses.extend(start(session, vec![meant])?);
            }
        }
        Program::Ostler => {
            let meant = each::word(session, &words, meant)?;
            addresses = start(session, meant)?;
        }
    }
    list::table(session)?;
    Ok(addresses)
}

/// Understands a word. Nothing is started.
fn meant(session: &mut Session, word: &str) -> Result<Meant, Failed> {
    if session.args.has_attribute("module") {
        return apps::of_script(session, word).map(Meant::Script);
    }
    if word.is_empty() && session.program == Program::Ostler {
        return Err(Failed::misuse("the name of what is to be started is empty")
            .hint("name a script, as in `ostler start app.js`"));
    }
    if file::is_meant(word) {
        refuse_force(session, word)?;
        return file::read_whole(session, word).map(Meant::File);
    }
    if !behind::is_another(session, word)?
        && let Some(picked) = existing(session, word)?
    {
        return Ok(Meant::Known(word.to_owned(), picked));
    }
    perform::refuse_only(session, word)?;
    apps::of_script(session, word).map(Meant::Script)
}

/// Starts what was meant. Returns what it listens on, where that is known.
fn start(session: &mut Session, all: Vec<Meant>) -> Result<Vec<String>, Failed> {
    let (mut files, mut named, mut scripts) = (Vec::new(), Vec::new(), Vec::new());
    for meant in all {
        match meant {
            Meant::File(file) => files.push(file),
            Meant::Known(word, picked) => named.push((word, picked)),
            Meant::Script(app) => scripts.push(app),
        }
    }
    if session.program == Program::Ostler {
        act::once_each(&mut named);
        same_name::refuse(session, &scripts)?;
        let is_all = files.is_empty() && scripts.is_empty();
        leave_running(session, &mut named, is_all)?;
    }
    let mut addresses = Vec::new();
    if !named.is_empty() {
        addresses.extend(again(session, Act::StartAgain, &named)?);
    }
    if 1 < scripts.len() && session.program == Program::Ostler {
        addresses.extend(several(session, scripts)?);
    } else {
        for app in scripts {
            addresses.extend(script(session, app)?);
        }
    }
    files.into_iter().try_for_each(|file| file::start(session, file, Known::Restart))?;
    Ok(addresses)
}

/// Leaves out what runs, which PM2 restarts, and says so; fails when nothing else was asked for
/// (`is_all`: by these words).
fn leave_running(
    session: &mut Session,
    named: &mut Vec<(String, Picked)>,
    is_all: bool,
) -> Result<(), Failed> {
    let list = session.known()?;
    let running = running(&list);
    let mut left: Vec<String> = Vec::new();
    for (word, picked) in named.iter_mut() {
        picked.targets.retain(|target| !running.contains(&target.id));
        if picked.targets.is_empty() {
            left.push(word.clone());
        }
    }
    named.retain(|(_, picked)| !picked.targets.is_empty());
    if left.is_empty() {
        return Ok(());
    }
    let runs = runs(&left);
    if is_all && named.is_empty() {
        let words: Vec<_> = left.iter().map(|word| ostler_shell::word(word)).collect();
        let dashed = left.iter().any(|word| word.starts_with('-'));
        let pasted = if dashed { "-- " } else { "" }.to_owned() + &words.join(" ");
        let what = if left.len() == 1 { "stops it and starts it" } else { "stops and starts them" };
        return Err(Failed::new(runs).hint(format!("`ostler restart {pasted}` {what} again")));
    }
    session.out.tell(&Notice::Note { text: &runs });
    Ok(())
}

/// The processes that run, or are about to.
fn running(list: &[ProcView]) -> BTreeSet<u32> {
    list.iter().filter(|process| runs_now(process)).map(|process| process.id).collect()
}

fn runs_now(process: &ProcView) -> bool {
    match process.phase {
        Phase::Online | Phase::Starting | Phase::Waiting => true,
        // One that waits for its restart is started now.
        Phase::Stopped
        | Phase::Stopping
        | Phase::Errored
        | Phase::Sleeping
        | Phase::Backoff { .. } => false,
    }
}

/// Says what these words mean that is left as it is.
fn runs(words: &[String]) -> String {
    match words {
        [word] if word == "all" => "every app runs already".to_owned(),
        [word] => format!("`{word}` runs already"),
        words => {
            format!("{} run already", each::quoted(words))
        }
    }
}

/// Runs the command `startOrRestart`.
pub(super) fn or_restart(session: &mut Session) -> Result<(), Failed> {
    ready::after(session, Counts::FromItsBegin, |session| only_file(session, Known::Restart))
}

/// Runs the command `startOrReload`.
pub(super) fn or_reload(session: &mut Session) -> Result<(), Failed> {
    ready::after(session, Counts::FromItsEnd, |session| only_file(session, Known::Reload))
}

fn only_file(session: &mut Session, known: Known) -> Result<(), Failed> {
    let word = session.args.word().to_owned();
    if !file::is_meant(&word) {
        return Err(Failed::misuse(format!("`{word}` is not a process file"))
            .hint("give a file such as ecosystem.config.js or apps.json"));
    }
    let file = file::read_whole(session, &word)?;
    file::start(session, file, known)?;
    list::table(session)
}

/// Returns the processes of the list that the word means, if it means any.
fn existing(session: &mut Session, word: &str) -> Result<Option<Picked>, Failed> {
    let path = Path::new(word);
    // The directory here is a script, also where its app is in the list.
    if matches!(word, "." | "..") {
        return Ok(None);
    }
    let picked = if word.contains('/') {
        full_name(session, word)?
    } else if path.extension().is_some() || word.contains(char::is_whitespace) {
        None
    } else {
        of_list(session, word)?
    };
    let Some(picked) = picked else { return Ok(None) };
    perform::refuse_only(session, word)?;
    refuse_force(session, word)?;
    refuse_for_new(session, word)?;
    Ok(Some(picked))
}

/// Returns the app whose namespace and name a word is. A file of that path comes first, and
/// nobody is asked where no daemon runs.
fn full_name(session: &mut Session, word: &str) -> Result<Option<Picked>, Failed> {
    let is_path = Path::new(word).is_absolute() || word.starts_with('.');
    if session.program == Program::Pm2
        || is_path
        || is_program(word)?
        || !session.connect_if_running()?
    {
        return Ok(None);
    }
    let list = session.known()?;
    let named: Vec<Target> =
        list.iter().filter(|process| is_full_name(word, process)).map(Target::of).collect();
    Ok((!named.is_empty()).then(|| Picked::numbered(named)))
}

/// Returns the processes that a word means which is no path.
fn of_list(session: &mut Session, word: &str) -> Result<Option<Picked>, Failed> {
    let list = session.known()?;
    let picked = match select(word, &list, &caller::cwd()?) {
        Ok(picked) => picked,
        Err(none) if word == "all" => return Err(none.into()),
        Err(slip @ Problem::NoSuch { near: Some(_), .. })
            if session.program == Program::Ostler && !is_program(word)? =>
        {
            return Err(slip.into());
        }
        Err(Problem::NoSuchId { word, .. })
            if session.program == Program::Pm2 && !is_program(&word)? =>
        {
            return Err(perform::unknown_id(session, Act::StartAgain, word));
        }
        Err(_) => return Ok(None),
    };
    Ok(Some(picked))
}

/// Refuses options that mean something for an app that is not in the list yet.
fn refuse_for_new(session: &Session, word: &str) -> Result<(), Failed> {
    if let Some(option) = apps::given_for_new_apps(session) {
        let pasted = ostler_shell::word(word);
        let number = session.args.attribute("instances").map(ostler_shell::word);
        let hint = match number {
            Some(number) if option == "instances" => {
                let pasted = format!("{pasted} {number}");
                format!("`ostler scale {pasted}` changes how many processes there are")
            }
            Some(_) | None => format!("`ostler delete {pasted}`, then start it anew"),
        };
        let message = format!("`--{option}` is for an app that is not in the list yet");
        return Err(Failed::new(message).hint(hint));
    }
    Ok(())
}

/// Whether a word names something that could be run.
fn is_program(word: &str) -> Result<bool, Failed> {
    Ok(caller::in_path(word).is_some() || caller::cwd()?.join(word).exists())
}

/// Refuses `--force` where no script is named, of which another process could be started.
fn refuse_force(session: &Session, word: &str) -> Result<(), Failed> {
    if session.program == Program::Pm2 || !session.has(FlagId::Force) {
        return Ok(());
    }
    let message = format!("`--force` starts a script once more, and `{word}` is none");
    Err(Failed::misuse(message).hint("leave it out, or name the script"))
}

/// Starts processes of the list again. Returns what they listen on, where that is known.
fn again(
    session: &mut Session,
    act: Act,
    named: &[(String, Picked)],
) -> Result<Vec<String>, Failed> {
    perform::refuse_env(session)?;
    new_name::refuse_taken(session, named)?;
    let patch = apps::patch(session, false)?;
    let watch = session.args.has_attribute("watch").then_some(Watch::Configured);
    let env = session.has(FlagId::UpdateEnv).then(caller::environment);
    for (word, picked) in named {
        perform::announce(session, act, word, picked);
    }
    let change = Change { patch, env, watch, ..perform::unchanged(session)? };
    let ids: Vec<u32> = named.iter().flat_map(|(_, picked)| picked.ids()).collect();
    let first = named.iter().flat_map(|(_, picked)| &picked.targets).next();
    let first = first.map_or(("", false), |target| (target.name.as_str(), target.cluster));
    let started = perform::ask(session, Action::Restart, ids, change);
    let mut names = named.iter().flat_map(|(_, picked)| &picked.targets).map(|of| &of.name);
    let is_one = names.all(|name| name == first.0);
    launch::end(session, act, started, first, is_one)
}

/// Starts a script. Returns what it listens on, where that is known.
fn script(session: &mut Session, app: App) -> Result<Vec<String>, Failed> {
    let list = session.known()?;
    let force = session.has(FlagId::Force);
    let known = match startable(&app, &list) {
        // PM2 starts another one beside those that run, and those that do not run again.
        known if force => known.ok().flatten().filter(|_| session.program == Program::Pm2),
        Err(running) => return Err(runs_already(session, &app.name, running)),
        Ok(known) => known,
    };
    if let Some(targets) = known {
        // The same command as before is no mistake, another number would be ignored.
        let count = usize::try_from(app.instances).unwrap_or(usize::MAX);
        if session.program == Program::Ostler
            && session.args.has_attribute("instances")
            && count != targets.len()
        {
            let (name, now) = (&app.name, targets.len());
            let processes = if now == 1 { "process" } else { "processes" };
            let pasted = ostler_shell::operand(name);
            let message = format!("`{name}` is in the list with {now} {processes}, not {count}");
            return Err(Failed::new(message)
                .hint(format!("`ostler scale {pasted} {count}` changes how many there are")));
        }
        return again(session, Act::StartAgain, &[(app.name, Picked::numbered(targets))]);
    }
    launch::one(session, app)
}

/// Starts scripts together, each of which is to be a new app unless it stands still in the list.
/// Returns what the new ones listen on, where that is known.
fn several(session: &mut Session, apps: Vec<App>) -> Result<Vec<String>, Failed> {
    let list = session.known()?;
    let (mut new, mut known) = (Vec::new(), Vec::new());
    for app in apps {
        match startable(&app, &list) {
            _ if session.has(FlagId::Force) => new.push(app),
            Ok(None) => new.push(app),
            Ok(Some(_)) => known.push(app),
            Err(running) => return Err(runs_already(session, &app.name, running)),
        }
    }
    let mut addresses = Vec::new();
    for app in known {
        addresses.extend(script(session, app)?);
    }
    if !new.is_empty() {
        addresses.extend(launch::several(session, new)?);
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::sample::sample;

    #[test]
    fn what_runs_is_left_and_what_does_not_is_started() {
        let phases = [
            Phase::Online,
            Phase::Stopped,
            Phase::Starting,
            Phase::Errored,
            Phase::Backoff { due_in: 9000 },
        ];
        let list = (0..).zip(phases).map(|(id, phase)| ProcView { phase, ..sample(id, "api") });
        assert_eq!(running(&list.collect::<Vec<_>>()), BTreeSet::from([0, 2]));
        let said =
            |words: &[&str]| runs(&words.iter().map(|word| (*word).into()).collect::<Vec<_>>());
        assert_eq!(said(&["api"]), "`api` runs already");
        assert_eq!(said(&["all"]), "every app runs already");
        assert_eq!(said(&["api", "web"]), "`api`, `web` run already");
    }
}
