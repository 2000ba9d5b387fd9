//! `profile:cpu` and `profile:mem`: profiles of apps of Node, taken by the agent in them.
//!
//! PM2's commands of these names look at its daemon, which here is no program of Node.

use std::time::{SystemTime, UNIX_EPOCH};

use ostler_wire::control::{ProcView, ProfileKind, Request};

use crate::caller;
use crate::failed::Failed;
use crate::program::Program;
use crate::select::select_as;
use crate::session::Session;
use crate::voice::Notice;

/// PM2's usual time, ms.
const USUAL: u64 = 10_000;

/// Ends of scripts that Node runs.
const NODE: [&str; 3] = [".js", ".cjs", ".mjs"];

/// Runs one of the commands.
pub(super) fn run(session: &mut Session, kind: ProfileKind) -> Result<(), Failed> {
    let list = session.list()?;
    let words = session.args.words.clone();
    let mut words = words.iter().map(String::as_str);
    let cwd = caller::cwd()?;
    let first = words.next();
    let named = first.map(|word| (word, select_as(session.program, word, &list, &cwd)));
    let (id, ms) = match named {
        Some((_, Ok(picked))) => (picked.ids().into_iter().next(), words.next()),
        // `pm2 profile:cpu 5000`
        Some((word, Err(_))) if word.parse::<u64>().is_ok() => (None, Some(word)),
        Some((_, Err(problem))) => return Err(problem.into()),
        None => (None, None),
    };
    let process = match id {
        Some(id) => list.iter().find(|of| of.id == id).ok_or_else(|| only(&list, kind))?,
        None => match list.as_slice() {
            [one] => one,
            _ => return Err(only(&list, kind)),
        },
    };
    let ms = ms.map_or(Ok(USUAL), |word| {
        word.parse().map_err(|_| {
            Failed::misuse(format!("`{word}` is not a time")).hint(
                match session.args.typed.corrected(word, "10000") {
                    Some(line) => format!("give milliseconds: `{line}` looks for ten seconds"),
                    None => "give milliseconds, such as `10000` for ten seconds".to_owned(),
                },
            )
        })
    })?;
    let file = cwd.join(name(session.program, process, kind));
    let request =
        Request::Profile { id: process.id, kind, ms, file: file.to_string_lossy().into_owned() };
    session.out.tell(&Notice::TakesProfile { name: &process.name, id: process.id, ms });
    session.ask(&request)?;
    session.out.tell(&Notice::TookProfile { file: &file });
    Ok(())
}

fn only(list: &[ProcView], kind: ProfileKind) -> Failed {
    let message = match list.len() {
        0 => "there is no app to take a profile of".to_owned(),
        count => format!("there are {count} processes, and a profile is of one"),
    };
    let command = match kind {
        ProfileKind::Cpu => "profile:cpu",
        ProfileKind::Heap => "profile:mem",
    };
    let is_node = |of: &&ProcView| of.cluster || NODE.iter().any(|end| of.script.ends_with(end));
    let name = list.iter().find(is_node).or(list.first()).map_or("api", |of| of.name.as_str());
    let pasted = ostler_shell::operand(name);
    Failed::new(message).hint(format!("name an app of Node, as in `ostler {command} {pasted}`"))
}

/// The name of the file: the day and the time, as PM2 has it; under our name also the process.
fn name(program: Program, process: &ProcView, kind: ProfileKind) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let now = ostler_logs::iso(u64::try_from(now).unwrap_or(0)).unwrap_or_default();
    let part = |from: usize, to: usize| now.get(from..to).unwrap_or("");
    let (day, time, end) = (part(8, 10), part(11, 19), kind.ending());
    let clean = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let app: String = process.name.chars().map(clean).collect();
    match program {
        Program::Pm2 => format!("{day}-{time}.{end}"),
        Program::Ostler => format!("{app}-{}-{}.{end}", process.id, time.replace(':', "")),
    }
}
