//! Our words. What was done is one line on standard output; what is wrong, and what goes on
//! meanwhile, is on standard error: `error:` and `warning:` say what and where, `hint:` says
//! what to type.

use std::path::Path;
use std::time::Duration;

use ostler_shell::word;
use ostler_wire::control::Step;

use super::line::{DAEMONS_END, error_lines, hint_line, labelled, number, ready, warning};
use super::span::span;
use super::tally::Tally;
use super::{Act, Line, Notice, Problem, Progress, ServiceNotice, Standing, Target, Under};
use super::{module, release, setting, talk};
use crate::args::Typed;
use crate::paint::{Ink, Paint};

/// Returns what we say of a fact.
pub(super) fn lines(
    notice: &Notice<'_>,
    tally: &mut Tally,
    now: Duration,
    (progress, typed): (Progress, &Typed),
    paint: Paint,
) -> Vec<Line> {
    let out = |text: String| vec![Line::out(text)];
    let err = |text: String| vec![Line::err(text)];
    match notice {
        Notice::DaemonStarted { home } => err(format!("started the daemon in {}", home.display())),
        Notice::DaemonReplaced => warning(paint, REPLACED, None),
        Notice::DaemonsEnd => warning(paint, DAEMONS_END, None),
        Notice::Waits { text } => warning(paint, text, None),
        Notice::HomeOpen { home } => {
            let (text, hint) = open_home(home);
            warning(paint, &text, Some(&hint))
        }
        Notice::Begun { act: Act::Reload, targets, .. } => gaps(targets, paint),
        Notice::Stepped { step: Step::CanaryServes, .. } => Vec::new(),
        Notice::Stepped { id, name, step } => {
            // The block shows what goes on; what went wrong stays.
            let stays = matches!(step, Step::Failed { .. } | Step::RollingBack { .. });
            let sentence = || format!("{name}: {}", step.sentence(*id, name));
            match progress {
                Progress::Plain => err(sentence()),
                Progress::Live if stays => err(sentence()),
                Progress::Live | Progress::Json | Progress::Silent => Vec::new(),
            }
        }
        Notice::Acted { id, name, .. } | Notice::Scaled { id, name, .. }
            if progress == Progress::Plain =>
        {
            tally.line(now, &format!("{name} (id {id})")).into_iter().map(Line::err).collect()
        }
        Notice::Starts { id, name, up: true } if progress == Progress::Plain => {
            tally.line(now, &format!("{name} (id {id})")).into_iter().map(Line::err).collect()
        }
        // Of each process it was told when it was up.
        Notice::Started { .. } | Notice::Restored { .. } if tally.tells_each() => Vec::new(),
        Notice::Started { name, .. } | Notice::Restored { name, .. }
            if progress == Progress::Plain =>
        {
            tally.line(now, name).into_iter().map(Line::err).collect()
        }
        Notice::Stands { id, stand: Standing::Ready | Standing::Finished }
            if progress == Progress::Plain =>
        {
            tally.ready_line(now, *id).into_iter().map(Line::err).collect()
        }
        Notice::Interrupted { under } => {
            let (text, hint) = interrupted(*under);
            warning(paint, text, Some(hint))
        }
        Notice::Missed { subject, error } => {
            error_lines(paint, &subject.about(&error.message), error.hint.as_deref())
        }
        // The end of what follows says both.
        Notice::Finished { .. } if tally.goes_on() => Vec::new(),
        Notice::Finished { urls, .. } => {
            tally.summary(now, urls).into_iter().map(Line::out).collect()
        }
        // The end of what was begun says it.
        Notice::Ready { .. } | Notice::AllReady { .. } if tally.ends_ready() => Vec::new(),
        Notice::Ready { name, processes, urls } => out(ready(name, *processes, urls)),
        Notice::AllReady { apps, processes } => {
            let processes = number(*processes, "process", "processes");
            out(format!("{apps} apps are ready ({processes})"))
        }
        Notice::CanaryWaits { app } => {
            let mut lines = out(format!("one worker of {app} runs the new version"));
            let pasted = ostler_shell::operand(app);
            let hint = format!(
                "`ostler promote {pasted}` rolls it out, `ostler rollback {pasted}` ends it"
            );
            lines.push(hint_line(paint, &hint));
            lines
        }
        Notice::NotYet { text } => warning(paint, text, None),
        Notice::NoApps => vec![
            Line::err("nothing is managed yet"),
            hint_line(
                paint,
                "`ostler start app.js` starts a script, `ostler start` the apps of \
                 `ecosystem.config.js`, `ostler resurrect` what was saved",
            ),
        ],
        Notice::Saved { path, apps } => {
            out(format!("saved {} to {path}", number(*apps, "app", "apps")))
        }
        Notice::NothingToSave => warning(
            paint,
            "there is no app, and the saved list stays as it is",
            Some("`ostler save --force` saves the empty list"),
        ),
        Notice::NothingSaved { problem } => {
            let (text, hint) = problem.words(typed);
            warning(paint, &text, hint.as_deref())
        }
        Notice::DumpCleared { path } => out(format!("emptied the saved list {}", path.display())),
        Notice::TookProfile { file } => out(format!("wrote the profile to {}", file.display())),
        Notice::Flushed { files } => {
            out(format!("emptied {}", number(*files, "log file", "log files")))
        }
        Notice::ReopenedLogs => out("reopened all log files".to_owned()),
        Notice::Killed { home, ran: false } => out(format!("no daemon runs in {}", home.display())),
        Notice::Killed { ran: true, .. } => {
            let apps = match tally.total() {
                0 => String::new(),
                count => format!("{} and ", number(count, "process", "processes")),
            };
            let dropped = tally.of_connections(Act::Kill);
            out(format!("stopped {apps}the daemon in {}{dropped}", tally.took(now)))
        }
        Notice::Updated => out(format!(
            "updated daemon and keeper to {} in {}, no app was touched",
            env!("CARGO_PKG_VERSION"),
            span(now)
        )),
        Notice::Pong { version, pid } => out(format!("daemon {version} answers, pid {pid}")),
        Notice::FirstSteps { steps } => {
            let steps = steps.iter().map(|(command, what)| format!("  {command:<28} {what}"));
            let head = ["".to_owned(), "What next:".to_owned()];
            head.into_iter().chain(steps).map(Line::err).collect()
        }
        Notice::Generated { path } => out(format!("wrote {}", path.display())),
        Notice::Deploy(notice) => super::deployment::own_lines(notice),
        Notice::Release(notice) => release::ostler(*notice),
        Notice::Talk(notice) => talk::ostler(notice, paint),
        Notice::Service(notice) => service(notice, paint),
        Notice::Migration(notice) => super::migration::lines(notice, paint),
        Notice::Module(notice) => module::own_lines(notice, |text| hint_line(paint, text)),
        Notice::Setting(notice) => setting::own_lines(notice),
        Notice::Warning { text, hint, apart: _ } => warning(paint, text, *hint),
        Notice::Note { text } => note(paint, text),
        Notice::Problem(problem) => {
            let (text, hint) = problem.words(typed);
            // Only what was not worded here has lines of its own.
            let text = match problem {
                Problem::Other { .. } => text.into(),
                _ => ostler_text::shown(&text),
            };
            error_lines(paint, &text, hint.as_deref())
        }
        // What goes on is progress, and its end is in the summary.
        Notice::DaemonStarting { .. }
        | Notice::Begun { .. }
        | Notice::StartsScript { .. }
        | Notice::StartsMissing { .. }
        | Notice::Resurrects { .. }
        | Notice::KeepsEnvironment
        | Notice::Started { .. }
        | Notice::Starts { .. }
        | Notice::EndedEarly { .. }
        | Notice::Looks
        | Notice::Restores { .. }
        | Notice::Does { .. }
        | Notice::ScalesTo { .. }
        | Notice::ScalesNext
        | Notice::BroughtUp
        | Notice::Awaits { .. }
        | Notice::Stands { .. }
        | Notice::Acted { .. }
        | Notice::Replaced { .. }
        | Notice::Scaled { .. }
        | Notice::Resets { .. }
        | Notice::Restored { .. }
        | Notice::Saves
        | Notice::TakesProfile { .. }
        // Where it answers is told when it does.
        | Notice::Serves { .. }
        | Notice::FlushesOwn { .. }
        | Notice::Flushes { .. }
        | Notice::ReopensLogs => Vec::new(),
    }
}

/// That others can look into the home, and what to do.
pub(super) fn open_home(home: &Path) -> (String, String) {
    let home = home.to_string_lossy();
    let pasted = word(&home);
    let text = format!("others can look into `{home}`, where the environment of your apps is kept");
    (text, format!("run `chmod go-rwx {pasted}`"))
}

/// What goes on when a command is interrupted, and where it is seen.
pub(super) fn interrupted(under: Under) -> (&'static str, &'static str) {
    match under {
        Under::Way => (
            "interrupted: the daemon goes on with what was begun",
            "`ostler list` shows how far it is",
        ),
        Under::Wait => (
            "interrupted: the apps go on, and are not waited for any more",
            "`ostler list` shows how they are",
        ),
    }
}

const REPLACED: &str = "the daemon was replaced in the middle of this; \
                        waiting for its successor to finish";

/// Says which of the apps that are to be reloaded are restarted, and which are started.
fn gaps(targets: &[Target], paint: Paint) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(text) = restarted(targets) {
        lines.extend(warning(paint, &text, Some(WITHOUT_GAP)));
    }
    if let Some(text) = started(targets) {
        lines.extend(note(paint, &text));
    }
    lines
}

/// Says which of the apps that are to be reloaded are restarted.
pub(super) fn restarted(targets: &[Target]) -> Option<String> {
    let (who, is_one) = subjects(targets, |one| !one.cluster && !one.rests)?;
    let runs = if is_one { "runs" } else { "run" };
    Some(format!("{who} {runs} in fork mode: this reload is a restart"))
}

/// What is reloaded without a restart.
pub(super) const WITHOUT_GAP: &str =
    "a cluster of Node (`ostler start app.js -i 2`) is replaced without a gap";

/// Says which of the apps that are to be reloaded do not run.
pub(super) fn started(targets: &[Target]) -> Option<String> {
    let (who, is_one) = subjects(targets, |one| one.rests)?;
    let do_not = if is_one { "does not" } else { "do not" };
    Some(format!("{who} {do_not} run: this reload is a start"))
}

/// Returns the apps of which this is true, and whether that is one; of an app of which it is not
/// true as a whole, the processes.
fn subjects(targets: &[Target], is_meant: impl Fn(&Target) -> bool) -> Option<(String, bool)> {
    let mut names: Vec<&str> = Vec::new();
    for one in targets {
        if !names.contains(&one.name.as_str()) {
            names.push(&one.name);
        }
    }
    let mut is_one = true;
    let mut subjects: Vec<String> = Vec::new();
    for name in names {
        let of_app = || targets.iter().filter(|one| one.name == name);
        let meant: Vec<String> =
            of_app().filter(|one| is_meant(one)).map(|one| one.id.to_string()).collect();
        match meant.as_slice() {
            [] => continue,
            all if all.len() == of_app().count() => subjects.push(name.to_owned()),
            [id] => subjects.push(format!("process {id} of {name}")),
            ids => {
                is_one = false;
                subjects.push(format!("processes {} of {name}", ids.join(", ")));
            }
        }
    }
    is_one &= subjects.len() == 1;
    (!subjects.is_empty()).then(|| (subjects.join(", "), is_one))
}

fn note(paint: Paint, text: &str) -> Vec<Line> {
    labelled(&paint.ink(&[Ink::Bold, Ink::Cyan], "note:"), text, None, paint)
}

fn service(notice: &ServiceNotice<'_>, paint: Paint) -> Vec<Line> {
    let out = |text: String| vec![Line::out(text)];
    match notice {
        ServiceNotice::Other { found, asked } => warning(
            paint,
            &format!("`{asked}` was asked for, and this machine runs `{found}`"),
            Some("`ostler startup` without a word takes what is there"),
        ),
        ServiceNotice::Runs { command } => vec![Line::err(format!("running `{command}`"))],
        ServiceNotice::Copied { from, to } => {
            let (from, to) = (from.display(), to.display());
            let text = format!(
                "`{from}` goes away with a version of Node: the service runs the copy `{to}`"
            );
            warning(paint, &text, Some("run `ostler startup` again after an upgrade"))
        }
        ServiceNotice::Passes { folder } => {
            let text =
                format!("PATH of the service names `{folder}`, which belongs to one version");
            warning(paint, &text, Some("run `ostler startup` again after the next upgrade"))
        }
        ServiceNotice::Installed { platform, target, options: pasted } => vec![
            Line::out(format!("installed the {platform} service {}", target.display())),
            hint_line(
                paint,
                &format!(
                    "`ostler save` chooses the apps that come back, `ostler unstartup \
                     {platform}{pasted}` removes the service"
                ),
            ),
        ],
        ServiceNotice::Removed { target } => {
            out(format!("removed the service {}", target.display()))
        }
        ServiceNotice::NeedsRoot { command, installs } => {
            let what = if *installs { "installs" } else { "removes" };
            vec![Line::err(format!("only root {what} it; run this command:")), Line::data(command)]
        }
        ServiceNotice::Found { .. }
        | ServiceNotice::Planned { .. }
        | ServiceNotice::Writes { .. }
        | ServiceNotice::Enables
        | ServiceNotice::Ran => Vec::new(),
    }
}
