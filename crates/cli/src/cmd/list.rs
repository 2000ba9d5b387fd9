//! `list`: one question, one answer, one write.

use std::path::Path;

use ostler_client::Answer;
use ostler_wire::control::{Phase, ProcView, Reply, Request};

use super::each;
use super::told::shape;
use crate::args::suggest::nearest;
use crate::args::{Command, CommandId, FlagId};
use crate::caller;
use crate::failed::Failed;
use crate::program::Program;
use crate::select::select_own;
use crate::session::{Session, unexpected};
use crate::show::{self, App, Known, Look, Shape};
use crate::view;
use crate::voice::{Notice, Progress};

/// Runs the command `list`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    if session.program == Program::Pm2 {
        return pm2_table(session);
    }
    let shape = shape(session, false)?;
    let mut processes = session.list()?;
    if processes.is_empty() && session.args.words.is_empty() && shape.is_none() {
        session.out.tell(&Notice::NoApps);
        return Ok(());
    }
    pick(session, &mut processes)?;
    let whole = session.args.words.is_empty();
    print(session, processes, whole)
}

/// Leaves those that the words mean.
fn pick(session: &mut Session, processes: &mut Vec<ProcView>) -> Result<(), Failed> {
    if session.args.words.is_empty() {
        return Ok(());
    }
    let cwd = caller::cwd()?;
    let words = session.args.words.clone();
    let ids = each::word(session, &words, |_, word| meant(word, processes, &cwd))?.concat();
    processes.retain(|process| ids.contains(&process.id));
    Ok(())
}

/// Returns the ids of the processes that a word means.
pub(super) fn meant(word: &str, processes: &[ProcView], cwd: &Path) -> Result<Vec<u32>, Failed> {
    Ok(select_own(word, processes, cwd)?.ids())
}

/// Prints the table that ends most commands of PM2; under our name, what a program asked for of the
/// apps that were changed.
pub(super) fn table(session: &mut Session) -> Result<(), Failed> {
    if session.program == Program::Pm2 {
        return pm2_table(session);
    }
    if session.out.progress() == Some(Progress::Json) {
        return Ok(());
    }
    // The end is one line; whoever wants the list asks for it.
    if shape(session, false)?.is_none() {
        return Ok(());
    }
    if session.ends_ready {
        // Before that it would show what is not ready yet.
        session.lists_when_ready = true;
        return Ok(());
    }
    let mut processes = session.list()?;
    let of_all =
        |of: &Command| matches!(of.id, CommandId::Resurrect | CommandId::Save | CommandId::Update);
    let everything = session.args.command.is_some_and(of_all);
    let changed = |process: &ProcView| everything || session.changed.contains(&process.id);
    let apps: Vec<(String, String)> = processes
        .iter()
        .filter(|process| changed(process))
        .map(|process| (process.namespace.clone(), process.name.clone()))
        .collect();
    processes.retain(|of| apps.iter().any(|app| *app == (of.namespace.clone(), of.name.clone())));
    print(session, processes, false)
}

/// Tells that everything is as it was asked for already, and prints what [`table`] does.
pub(super) fn nothing_to_do(session: &mut Session, why: &str) -> Result<(), Failed> {
    let text = format!("nothing to do: {why}");
    if session.out.progress() == Some(Progress::Json) {
        session.out.tell(&Notice::Note { text: &text });
    } else {
        session.out.aside(&(text + "\n"));
    }
    table(session)
}

/// The same where PM2 prints no table.
pub(super) fn asked_for(session: &mut Session) -> Result<(), Failed> {
    if shape(session, false)?.is_some() { table(session) } else { Ok(()) }
}

/// Prints the same when a command has failed that had begun something, unless it was printed.
pub(super) fn after_failure(
    session: &mut Session,
    result: Result<(), Failed>,
) -> Result<(), Failed> {
    if result.is_err() && !session.listed && !session.changed.is_empty() {
        // Where that fails, too, what went wrong first is what is told.
        _ = asked_for(session);
    }
    result
}

/// Prints what a program asked for of these processes, if one did.
pub(super) fn asked_of(session: &mut Session, ids: &[u32]) -> Result<(), Failed> {
    if shape(session, false)?.is_none() {
        return Ok(());
    }
    let mut processes = session.list()?;
    processes.retain(|process| ids.contains(&process.id));
    print(session, processes, false)
}

/// Prints what a program asked for of these processes, which were ended and are in no list any
/// more: as they would stand there, stopped and without a pid, as after `stop`.
pub(super) fn of_ended(session: &mut Session, mut processes: Vec<ProcView>) -> Result<(), Failed> {
    if session.out.progress() == Some(Progress::Json) {
        return Ok(());
    }
    let now = view::now();
    for process in &mut processes {
        let since = if process.pid == 0 { process.since } else { now };
        (process.phase, process.since, process.pid) = (Phase::Stopped, since, 0);
        (process.cpu, process.memory) = (0.0, 0);
        process.listens.clear();
    }
    print(session, processes, false)
}

/// Prints the apps of these processes, which may be the whole list.
fn print(session: &mut Session, mut processes: Vec<ProcView>, whole: bool) -> Result<(), Failed> {
    session.listed = true;
    let shape = shape(session, false)?;
    if shape.as_ref().is_none_or(Shape::shows_ports) {
        show::note_ports(&session.home, &mut processes, whole);
    }
    let reasons = show::reasons(&processes);
    let mut apps = show::fold(&processes);
    let by = session.args.value(FlagId::Sort).unwrap_or("name");
    show::order(&mut apps, by).ok_or_else(|| not_sorted(session, by))?;
    if let Some(shape) = shape {
        let known = apps.iter().flat_map(|app| &app.processes).map(|view| Known {
            view,
            details: None,
            reason: reasons.get(&view.id).copied(),
            now: view::now(),
        });
        let text = shape.render(&known.collect::<Vec<_>>(), session.out.terminal);
        session.out.data(&text);
        return Ok(());
    }
    let look = Look {
        window: view::width(),
        now: view::now(),
        paint: session.out.paint,
        all: session.has(FlagId::All),
        reasons: &reasons,
    };
    let as_blocks = session.has(FlagId::MiniList);
    if !as_blocks && !session.out.terminal {
        session.out.data(&show::piped(&apps, &look));
        warn_of_no_effect(session, &processes);
        warn_of_dropped(session, &processes);
        return Ok(());
    }
    tables(session, apps, as_blocks, &look);
    warn_of_no_effect(session, &processes);
    warn_of_dropped(session, &processes);
    Ok(())
}

/// Why it cannot be sorted like that: the field, or the direction behind it.
fn not_sorted(session: &Session, by: &str) -> Failed {
    let line = |right: &str| session.args.typed.with_value("sort", by, right);
    match by.split_once(':').filter(|(field, _)| show::SORT_FIELDS.contains(field)) {
        Some((field, direction)) => Failed::misuse(format!(
            "`{direction}` is no direction to sort `{field}` in"
        ))
        .hint(format!("`{}`; the other way is `{field}:asc`", line(&format!("{field}:desc")))),
        None => {
            let near = nearest(by, show::SORT_FIELDS.iter().copied()).unwrap_or("memory:desc");
            let fields = show::SORT_FIELDS.join(", ");
            Failed::misuse(format!("cannot sort by `{by}`"))
                .hint(format!("`{}`; the fields are {fields}", line(near)))
        }
    }
}

/// Prints apps, then modules.
fn tables(session: &mut Session, apps: Vec<App>, as_blocks: bool, look: &Look<'_>) {
    let (modules, apps): (Vec<_>, Vec<_>) = apps.into_iter().partition(|app| app.is_module());
    if !apps.is_empty() {
        let text = if as_blocks { show::blocks } else { show::list };
        session.out.data(&text(&apps, look));
    }
    if !modules.is_empty() {
        let blank = if apps.is_empty() { "" } else { "\n" };
        session.out.data(&format!("{blank}Modules\n{}", show::list(&modules, look)));
    }
}

fn pm2_table(session: &mut Session) -> Result<(), Failed> {
    let mut processes = session.list()?;
    // Of lines, PM2 keeps the order of the ids.
    if session.has(FlagId::MiniList) {
        processes.sort_by_key(|process| process.id);
        return mini(session, &processes);
    }
    view::sort(&mut processes, session.args.value(FlagId::Sort));
    let (modules, apps): (Vec<_>, Vec<_>) = processes.into_iter().partition(|of| of.module);
    let text = view::list(&apps, view::width(), view::now(), session.out.paint);
    session.out.screen(text.trim_end_matches('\n'));
    if !modules.is_empty() {
        session.out.screen(view::modules(&modules, session.out.paint).trim_end_matches('\n'));
    }
    let processes = [apps, modules].concat();
    warn_of_no_effect(session, &processes);
    Ok(())
}

fn warn_of_no_effect(session: &mut Session, processes: &[ProcView]) {
    if let Some(text) = view::not_yet(processes) {
        session.out.tell(&Notice::NotYet { text: &text });
    }
}

/// Says whose log files have not got all lines.
fn warn_of_dropped(session: &mut Session, processes: &[ProcView]) {
    if let Some((text, hint)) = show::dropped(processes) {
        session.out.tell(&Notice::Warning { text: &text, hint: Some(&hint), apart: false });
    }
}

fn mini(session: &mut Session, processes: &[ProcView]) -> Result<(), Failed> {
    for process in processes {
        let details = match session.ask(&Request::Describe { id: process.id }) {
            Ok(Answer::Reply(Reply::Describe(details))) => details,
            Ok(other) => return Err(unexpected(&other)),
            // It was deleted since the list was made.
            Err(_) => continue,
        };
        let text = view::mini(process, &details.pid_file, view::now());
        session.out.screen(text.strip_suffix('\n').unwrap_or(&text));
    }
    Ok(())
}
