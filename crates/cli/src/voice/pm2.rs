//! PM2's words. Scripts look for them: they are the same byte for byte, in the same streams.
//!
//! Where PM2 has no words for a fact, nothing is said, or it is said in PM2's form when nobody
//! would know it otherwise.

use std::path::Path;

use super::line::{DAEMONS_END, info, info_label, ready};
use super::{Act, Line, Notice, Problem, Selector, ServiceNotice, Subject, Text};
use super::{module, release, setting, talk};
use crate::args::Command;
use crate::inspect::inspect;
use crate::paint::{Ink, Paint};
use crate::program::Program;

/// Returns what PM2 says of a fact.
pub(super) fn lines(notice: &Notice<'_>, paint: Paint) -> Vec<Line> {
    let say = |text: String| vec![info(paint, &text)];
    let plain = |text: &str| vec![Line::out(text)];
    match notice {
        Notice::DaemonStarting { home } => {
            say(format!("Spawning PM2 daemon with pm2_home={}", home.display()))
        }
        Notice::DaemonStarted { .. } => say("PM2 Successfully daemonized".to_owned()),
        Notice::DaemonReplaced => vec![Line::Err(warning(paint, REPLACED))],
        Notice::DaemonsEnd => vec![Line::Err(warning(paint, DAEMONS_END))],
        Notice::HomeOpen { home } => vec![Line::Err(warning(paint, &open_home(home)))],
        Notice::Begun { act, selector: Some(selector), .. } => announce(paint, *act, selector),
        Notice::StartsScript { script, mode, app } => {
            let plural = if app.instances == 1 { "" } else { "s" };
            say(format!("Starting {script} in {mode} ({} instance{plural})", app.instances))
        }
        Notice::StartsMissing { apps } => {
            let names: Vec<&str> = apps.iter().map(|app| app.name.as_str()).collect();
            let text = format!("Applications {} not running, starting...", names.join(", "));
            vec![Line::Out(warning(paint, &text))]
        }
        Notice::Resurrects { path, .. } => vec![
            info(paint, "Resurrecting"),
            info(paint, &format!("Restoring processes located in {}", path.display())),
        ],
        Notice::KeepsEnvironment => plain("Use --update-env to update environment variables"),
        Notice::Started { name, asked, of_file: true, .. } => {
            say(format!("App [{name}] launched ({asked} instances)"))
        }
        Notice::Acted { id, name, .. } | Notice::Replaced { id, name } => {
            say(format!("[{name}]({id}) ✓"))
        }
        Notice::Scaled { added: true, .. } => say("Scaling up application".to_owned()),
        Notice::Scaled { id, name, added: false, .. } => vec![
            info(paint, &format!("Applying action deleteProcessId on app [{id}](ids: [ {id} ])")),
            info(paint, &format!("[{name}]({id}) ✓")),
        ],
        Notice::Resets { id } => say(format!("Resetting meta for process id {id}")),
        Notice::Restored { script, .. } => say(format!("Process {script} restored")),
        Notice::Missed { subject, error } => {
            let text = format!("{}{}", about(subject), error.message);
            vec![Line::Err(failure(paint, &text, error.hint.as_deref()))]
        }
        Notice::Finished { act: Act::Start, failed: false, .. } => say("Done.".to_owned()),
        Notice::Finished { act: Act::StartAgain, failed: false, .. } => {
            say("Process successfully started".to_owned())
        }
        Notice::CanaryWaits { .. } => say(format!(
            "One worker is replaced; `{NAME} promote NAME` goes on, `{NAME} rollback NAME` goes \
             back"
        )),
        Notice::NotYet { text } => vec![Line::Out(warning(paint, text))],
        Notice::Saves => say("Saving current process list...".to_owned()),
        Notice::Saved { path, .. } => say(format!("Successfully saved in {path}")),
        Notice::NothingToSave => vec![
            Line::Out(warning(paint, "PM2 is not managing any process, skipping save...")),
            Line::Out(warning(paint, &format!("To force saving use: {NAME} save --force"))),
        ],
        Notice::DumpCleared { path } => say(format!("Successfully created {}", path.display())),
        Notice::FlushesOwn { log } => say(format!("Flushing {}", log.display())),
        Notice::Flushes { files } => {
            let files = files.iter().map(|file| info(paint, file));
            std::iter::once(info(paint, "Flushing:")).chain(files).collect()
        }
        Notice::TakesProfile { name, id, ms } => {
            say(format!("Profiling [{name}]({id}) for {ms} ms"))
        }
        Notice::TookProfile { file } => say(format!("Profile written to {}", file.display())),
        Notice::Flushed { .. } => say("Logs flushed".to_owned()),
        Notice::ReopensLogs => plain("Reloading all logs..."),
        Notice::ReopenedLogs => plain("All logs reloaded"),
        Notice::Killed { .. } => {
            vec![info(paint, "[v] All Applications Stopped"), info(paint, "[v] PM2 Daemon Stopped")]
        }
        Notice::Updated => plain(">>>>>>>>>> PM2 updated"),
        Notice::Pong { .. } => plain("{ msg: 'pong' }"),
        Notice::Ready { name, processes, urls } => say(ready(name, *processes, urls)),
        Notice::Generated { path } => plain(&format!("File {} generated", path.display())),
        Notice::Serves { folder, port } => {
            say(format!("Serving {} on port {port}", folder.display()))
        }
        Notice::Deploy(notice) => super::deployment::pm2_lines(notice),
        Notice::Release(notice) => release::pm2(*notice, paint),
        Notice::Talk(notice) => talk::pm2(notice, paint),
        Notice::Service(notice) => service(notice, paint),
        Notice::Module(notice) => module::pm2_lines(notice, paint),
        Notice::Setting(notice) => setting::pm2_lines(notice, paint),
        Notice::Warning { text, hint: _, apart: true } => vec![Line::Err(warning(paint, text))],
        Notice::Warning { text, hint: _, apart: false } => vec![Line::Out(warning(paint, text))],
        Notice::Note { text } => say((*text).to_owned()),
        Notice::NothingSaved { problem } | Notice::Problem(problem) => {
            vec![Line::Err(problem_line(problem, paint))]
        }
        // PM2 shows an empty table.
        Notice::NoApps
        | Notice::Interrupted { .. }
        | Notice::Begun { selector: None, .. }
        | Notice::Started { of_file: false, .. }
        | Notice::Stepped { .. }
        | Notice::Starts { .. }
        | Notice::EndedEarly { .. }
        | Notice::Looks
        | Notice::Restores { .. }
        | Notice::BroughtUp
        | Notice::Awaits { .. }
        | Notice::Stands { .. }
        | Notice::AllReady { .. }
        | Notice::Finished { .. }
        | Notice::FirstSteps { .. }
        // It is no command of PM2's.
        | Notice::Migration(_)
        // PM2 waits without a word.
        | Notice::Waits { .. }
        | Notice::Does { .. }
        | Notice::ScalesNext
        | Notice::ScalesTo { .. } => Vec::new(),
    }
}

/// The name that a person types.
const NAME: &str = "pm2";

const REPLACED: &str = "the daemon was replaced in the middle of this; \
                        waiting for its successor to finish";

fn open_home(home: &Path) -> String {
    let home = home.to_string_lossy();
    let pasted = ostler_shell::word(&home);
    format!(
        "others can look into `{home}`, where your apps' environment is kept: run \
         `chmod go-rwx {pasted}`"
    )
}

/// Announces an action by the name that PM2's protocol has for it.
fn announce(paint: Paint, act: Act, selector: &Selector<'_>) -> Vec<Line> {
    let method = match act {
        Act::Stop => "stopProcessId",
        Act::Restart | Act::StartAgain => "restartProcessId",
        Act::Delete | Act::Kill => "deleteProcessId",
        Act::Reload => "reloadProcessId",
        // These have an announcement of their own, or none.
        Act::Reset
        | Act::Start
        | Act::StartFile
        | Act::Promote
        | Act::Rollback
        | Act::Scale
        | Act::Resurrect
        | Act::Import => return Vec::new(),
    };
    // Many ids stand in several lines, as PM2 writes them.
    let (word, ids) = (ostler_text::shown(selector.word), inspect(selector.ids));
    let text = format!("Applying action {method} on app [{word}](ids: {ids})");
    vec![Line::Out(Text::labelled_lines(&info_label(paint), text))]
}

fn about(subject: &Subject<'_>) -> String {
    let text = match subject {
        // It was deleted before its name was known.
        Subject::Process { name: "", .. } => String::new(),
        Subject::Process { id, name } => format!("[{name}]({id}) "),
        Subject::Counters { id, .. } => format!("({id}) "),
        Subject::App { name } => format!("[{name}] "),
        Subject::Named { .. } => String::new(),
        Subject::Saved { name, script } => format!("[{name}] {script}: "),
    };
    ostler_text::shown(&text).into_owned()
}

/// That no process has an id: each action has words of its own for it.
fn unknown_id(word: &str, act: Option<Act>) -> String {
    match act {
        Some(Act::Restart | Act::StartAgain) => "God db process id unknown".to_owned(),
        Some(Act::Reload) => "PM2 ID unknown".to_owned(),
        _ => format!("{word} : id unknown"),
    }
}

fn problem_line(problem: &Problem, paint: Paint) -> Text {
    let words = format!("`{NAME} list` shows names, namespaces and ids");
    let names = format!("`{NAME} list` shows the names");
    let (text, hint) = match problem {
        Problem::NoProcess { .. } => return warning(paint, "No process found"),
        Problem::NotDescribed { word } => {
            return warning(paint, &format!("{word} doesn't exist"));
        }
        Problem::NotReset { .. } => return Text::line("Unknown process name"),
        Problem::Bare { pm2, .. } => return Text::lines(pm2),
        Problem::NoSuch { word, near: _ } => {
            (format!("Process or Namespace {word} not found"), Some(words.as_str()))
        }
        Problem::NoSuchId { word, act } => (unknown_id(word, *act), Some(words.as_str())),
        Problem::BadPattern { text } => (format!("not a regular expression: {text}"), None),
        Problem::NoApp { name, near: _ } => {
            (format!("Application {name} not found"), Some(names.as_str()))
        }
        Problem::NoEnvironment { word } => {
            let hint = format!("`{NAME} list` shows the ids");
            return failure(paint, &format!("Modules with id {word} not found"), Some(&hint));
        }
        Problem::NotResetId { id } => (format!("{id} id unknown"), None),
        Problem::NothingToScale { .. } => ("Nothing to do".to_owned(), None),
        Problem::AlreadyRuns { name, .. } => {
            let text = "Script already launched, add -f option to force re-execution";
            let pasted = ostler_shell::word(name);
            return failure(paint, text, Some(&format!("`{NAME} restart {pasted}` restarts it")));
        }
        Problem::EnvWithoutFile { .. } => {
            let text = "Using --env [env] without passing the ecosystem.config.js does not work";
            (text.to_owned(), None)
        }
        Problem::NoInit { known } => {
            let hint = format!("name one: `{NAME} startup PLATFORM`; {known}");
            return failure(paint, "Init system not found", Some(&hint));
        }
        Problem::Other { message, hint } => (message.clone(), hint.as_deref()),
    };
    failure(paint, &text, hint)
}

fn service(notice: &ServiceNotice<'_>, paint: Paint) -> Vec<Line> {
    let say = |text: String| vec![info(paint, &text)];
    match notice {
        ServiceNotice::Found { platform } => say(format!("Init System found: {platform}")),
        ServiceNotice::Other { found, asked } => {
            let line = "-".repeat(59);
            vec![Line::Out(Text::lines(format!(
                "{line}\n PM2 detected {found} but you precised {asked}\n \
                 Please verify that your choice is indeed your init system\n \
                 If you arent sure, just run : {NAME} startup\n{line}"
            )))]
        }
        ServiceNotice::Planned { platform, text, target, commands } => {
            let target = target.display();
            vec![
                Line::Out(Text::lines(format!(
                    "Platform {platform}\nTemplate\n{text}\nTarget path\n{target}\nCommand list"
                ))),
                Line::Out(Text::lines(inspect(&serde_json::Value::from(*commands)))),
            ]
        }
        ServiceNotice::Writes { target } => {
            say(format!("Writing init configuration in {}", target.display()))
        }
        ServiceNotice::Enables => say("Making script booting at startup...".to_owned()),
        ServiceNotice::Runs { command } => say(format!("[-] Executing: {command}...")),
        ServiceNotice::Ran => say("[v] Command successfully executed.".to_owned()),
        ServiceNotice::Copied { from, to } => {
            let text = format!(
                "`{}` goes away with a version of Node: the service runs the copy `{}`; \
                 run `{NAME} startup` again after an upgrade",
                from.display(),
                to.display()
            );
            vec![Line::Out(warning(paint, &text))]
        }
        ServiceNotice::Passes { folder } => {
            let text = format!(
                "PATH of the service names `{folder}`, which belongs to one version: after the \
                 next upgrade, run `{NAME} startup` again"
            );
            vec![Line::Out(warning(paint, &text))]
        }
        ServiceNotice::Installed { platform, .. } => vec![
            Line::out("+---------------------------------------+"),
            info(paint, "Freeze a process list on reboot via:"),
            Line::Out(Text::lines(format!("$ {NAME} save\n"))),
            info(paint, "Remove init script via:"),
            Line::out(format!("$ {NAME} unstartup {platform}")),
        ],
        ServiceNotice::Removed { .. } => say("Init file disabled.".to_owned()),
        ServiceNotice::NeedsRoot { command, installs } => {
            let what = if *installs { "setup" } else { "unsetup" };
            let text = format!("To {what} the Startup Script, copy/paste the following command:");
            vec![info(paint, &text), Line::data(command)]
        }
    }
}

fn warning(paint: Paint, text: &str) -> Text {
    Text::labelled(&paint.ink(&[Ink::Yellow], "[PM2][WARN] "), by_this_name(text))
}

/// Calls commands by the name that was used: under the other one they are about another home.
/// What that name alone has stays.
fn by_this_name(text: &str) -> String {
    let mut parts = text.split("`ostler ");
    let mut named = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let command = part.split([' ', '`']).next().unwrap_or_default();
        let is_here = Command::find(command, Program::Pm2).is_some();
        named.push_str(if is_here { "`pm2 " } else { "`ostler " });
        named.push_str(part);
    }
    named
}

fn failure(paint: Paint, text: &str, hint: Option<&str>) -> Text {
    let text = Text::labelled(&paint.ink(&[Ink::Red], "[PM2][ERROR] "), by_this_name(text));
    let label = format!("{} ", paint.ink(&[Ink::Cyan], "hint:"));
    match hint {
        Some(hint) => text.above(&Text::labelled(&label, by_this_name(hint))),
        None => text,
    }
}
