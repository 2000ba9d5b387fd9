//! `pull`, `forward` and `backward`: another version of an app by git, and a reload.
//!
//! PM2 keeps what it found out about a repository in its list and never looks again. Here git is
//! asked, in the working directory of the app, when the command runs; what git refuses, such as
//! files that were changed by hand, ends it before anything is reloaded.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use ostler_client::Answer;
use ostler_wire::control::{Reply, Request};

use super::{list, perform, rolling, talk};
use crate::failed::Failed;
use crate::program::Program;
use crate::session::{Session, unexpected};
use crate::voice::{Act, Notice, ReleaseNotice, Way};

/// Runs one of the commands.
pub(super) fn run(session: &mut Session, way: Way) -> Result<(), Failed> {
    let name = session.args.word().to_owned();
    let commit = session.args.words.get(1).cloned();
    session.out.tell(&Notice::Release(ReleaseNotice::Fetches { way, name: &name }));
    let targets = match talk::targets(session, &name) {
        Err(_) if session.program == Program::Pm2 => {
            return Err(talk::bare(format!("No processes with this name or id : {name}"), ""));
        }
        other => other?,
    };
    let Some(first) = targets.first() else { return Ok(()) };
    let folder = match session.ask(&Request::Describe { id: first.id })? {
        Answer::Reply(Reply::Describe(details)) => details.cwd,
        other => return Err(unexpected(&other)),
    };
    let folder = Path::new(&folder);
    if git(folder, ["rev-parse", "--git-dir"]).is_err() {
        return no_repository(session, &name, folder);
    }
    let before = git(folder, ["rev-parse", "--short", "HEAD"])?;
    change(folder, &name, way, commit.as_deref())?;
    let after = git(folder, ["rev-parse", "--short", "HEAD"])?;
    let (from, to) = (before.as_str(), after.as_str());
    session.out.tell(&Notice::Release(ReleaseNotice::Fetched { name: &name, from, to }));
    if before == after {
        return Ok(());
    }
    let change = perform::unchanged(session)?;
    let picked = crate::select::Picked::numbered(targets);
    perform::announce(session, Act::Reload, &name, &picked);
    let all = session.known()?;
    rolling::reload(session, &picked.ids(), change, &all)?;
    list::table(session)
}

/// PM2 takes it for no failure.
fn no_repository(session: &mut Session, name: &str, folder: &Path) -> Result<(), Failed> {
    if session.program == Program::Pm2 {
        session.out.tell(&Notice::Release(ReleaseNotice::NoRepository { name }));
        return Ok(());
    }
    let message = format!("`{}`, where {name} runs, is in no repository of git", folder.display());
    let pasted = ostler_shell::operand(name);
    Err(Failed::new(message)
        .hint(format!("bring the new version there, then run `ostler reload {pasted}`")))
}

/// Checks another version out.
fn change(folder: &Path, name: &str, way: Way, commit: Option<&str>) -> Result<(), Failed> {
    let pasted = ostler_shell::operand(name);
    match (way, commit) {
        (Way::Pull, None) => git(folder, ["pull", "--ff-only", "--quiet"])?,
        (Way::Pull, Some(commit)) => {
            if commit.starts_with('-') {
                return Err(Failed::new(format!("`{commit}` is no commit"))
                    .hint(format!("`git -C {} log --oneline` shows them", of(folder))));
            }
            git(folder, ["fetch", "--quiet"])?;
            check_out(folder, commit)?
        }
        (Way::Backward, _) => check_out(folder, "HEAD~1")?,
        (Way::Forward, _) => {
            // Of every branch that leads on from here.
            let later = ["rev-list", "--reverse", "--ancestry-path", "--all", "^HEAD"];
            let later = git(folder, later)?;
            let Some(next) = later.lines().next() else {
                return Err(Failed::new("this is the newest version that is here")
                    .hint(format!("`ostler pull {pasted}` brings newer ones")));
            };
            check_out(folder, next)?
        }
    };
    Ok(())
}

fn check_out(folder: &Path, commit: &str) -> Result<String, Failed> {
    git(folder, ["checkout", "--quiet", "--detach", commit, "--"]).map_err(|failed| {
        let is_known = git(folder, ["rev-parse", "--verify", "--quiet", commit]).is_ok();
        let pasted = of(folder);
        if is_known {
            failed
        } else {
            failed.hint(format!("`git -C {pasted} log --oneline --all` shows what there is"))
        }
    })
}

/// Runs git, and returns what it says, without the end of its last line.
fn git<S: AsRef<OsStr>>(
    folder: &Path,
    args: impl IntoIterator<Item = S>,
) -> Result<String, Failed> {
    let ran = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(args)
        // Nobody is there to be asked for a password.
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(std::process::Stdio::null())
        .output()
        .map_err(|error| {
            Failed::new(format!("git cannot be run: {error}")).hint("is it installed, in PATH?")
        })?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    if ran.status.success() {
        return Ok(text(&ran.stdout));
    }
    Err(Failed::new(format!("git in `{}`: {}", folder.display(), text(&ran.stderr)))
        .hint(format!("`git -C {} status` shows what is in its way", of(folder))))
}

/// The folder, to be pasted.
fn of(folder: &Path) -> String {
    ostler_shell::word(&folder.to_string_lossy()).into_owned()
}
