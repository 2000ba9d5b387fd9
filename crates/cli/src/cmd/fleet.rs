//! `--hosts`: a command on other machines, through the ssh of this one. Their own `ostler` does it;
//! here it is said how it went.
//!
//! What shows something asks all hosts at once. What does something is done host after host, and
//! ends with the first on which it fails.

mod lines;
mod list;
mod logs;
mod remote;

use std::sync::mpsc::channel;

use self::lines::{Stream, array, send_all};
use self::remote::Remote;
use crate::args::{CommandId, FlagId};
use crate::failed::Failed;
use crate::session::Session;
use crate::voice::Progress;

/// Whether the command is meant for other machines.
pub(super) fn is_meant(session: &Session) -> bool {
    session.has(FlagId::Hosts)
}

/// Runs the command on each host that is named.
pub(super) fn run(session: &mut Session, command: CommandId) -> Result<(), Failed> {
    if session.has(FlagId::Template) {
        return Err(Failed::misuse("`--format` and `--hosts` exclude each other")
            .hint("`--json name,pid` says of each process on which host it is"));
    }
    let names = names(session)?;
    let remotes: Vec<Remote> =
        names.iter().map(|name| Remote::new(name)).collect::<Result<_, _>>()?;
    match command {
        CommandId::List => list::run(session, &remotes),
        CommandId::Logs => logs::run(session, &remotes),
        _ => act(session, &remotes),
    }
}

/// The hosts, each once.
fn names(session: &Session) -> Result<Vec<String>, Failed> {
    let typed = session.args.value(FlagId::Hosts).unwrap_or_default();
    let mut names: Vec<String> = Vec::new();
    for name in typed.split(',') {
        let odd = |c: char| c.is_whitespace() || c.is_control();
        if name.is_empty() || name.starts_with('-') || name.contains(odd) {
            return Err(Failed::misuse(format!("`--hosts {typed}` names no host at `{name}`"))
                .hint("write names that ssh knows, such as `--hosts web1,deploy@web2`"));
        }
        if names.iter().any(|known| known == name) {
            return Err(Failed::misuse(format!("`--hosts {typed}` names `{name}` twice")));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

/// Does it host after host.
fn act(session: &mut Session, remotes: &[Remote]) -> Result<(), Failed> {
    if session.out.progress() == Some(Progress::Json) {
        return Err(Failed::misuse("`--progress json` and `--hosts` exclude each other")
            .hint("`--json` gives the processes of all hosts at the end"));
    }
    let wants = session.has(FlagId::Fields);
    let mut objects = Vec::new();
    for (at, remote) in remotes.iter().enumerate() {
        let printed = follow(session, remote, wants)?;
        if let Some(why) = printed.why {
            let left: Vec<&str> = remotes.iter().skip(at).map(|of| of.name()).collect();
            return Err(stopped(session, remote, &why, &left));
        }
        if wants {
            objects.extend(remote.objects(printed.text.as_bytes())?);
        }
    }
    if wants {
        array(session, &objects);
    }
    Ok(())
}

/// What a host printed for programs, and why it failed if it did.
struct Printed {
    text: String,
    why: Option<String>,
}

/// Runs the command on a host, and tells its lines as they come, behind the host's name.
fn follow(session: &mut Session, remote: &Remote, keeps: bool) -> Result<Printed, Failed> {
    let mut child = remote.spawn(&remote::words(&session.args, &[]))?;
    let (send, lines) = channel();
    send_all(&mut child, (), &send);
    drop(send);
    let mut text = String::new();
    for (((), stream), line) in lines {
        match stream {
            Stream::Out if keeps => text.push_str(&line),
            Stream::Out => {
                session.out.value(&format!("{}: {line}", remote.name()));
                session.out.flush()?;
            }
            Stream::Err => session.out.aside(&remote.prefixed(&line)),
        }
    }
    let status = child.wait().map_err(|error| remote.broken(&error))?;
    Ok(Printed { text, why: remote.failure(status) })
}

fn stopped(session: &Session, remote: &Remote, why: &str, left: &[&str]) -> Failed {
    let name = session.args.command.map_or("", |command| command.name());
    let untouched = match left.get(1..).unwrap_or_default() {
        [] => String::new(),
        [one] => format!("; {one} was left alone"),
        more => format!("; {} were left alone", more.join(", ")),
    };
    let line = remote::line_here(session, &left.join(","));
    Failed::new(format!("`{name}` on {}: {why}{untouched}", remote.name()))
        .hint(format!("`{line}` goes on when that is mended"))
}
