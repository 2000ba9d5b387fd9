//! `docs/SKILL.md`: what a coding agent must know to use the command.
//!
//! An agent reads it before its work, so it is short: the way of a day, how to read what is
//! printed, and which commands there are.

use super::commands::STATUS;
use super::markdown::{code, table};
use crate::args::commands::Group;
use crate::args::{Command, sentence};

/// The begin, by which an agent decides whether it is meant.
const HEAD: &str = "\
---
name: ostler
description: Runs apps and dev servers in the background with ostler - starts them and waits until \
they are ready, shows their ports, looks for lines in their logs, restarts, reloads, scales and \
stops them. Use it instead of `npm run dev &`, nohup or pm2.
---

# ostler

ostler runs apps in the background, restarts them when they crash and keeps their logs. An app has \
a name; a command takes names, ids, or `all`.

";

/// The lines of a day, which are run as they stand.
const DAY: &[(&str, &str)] = &[
    ("ostler start app.js -i 1 --name api --wait", "returns when it is ready, with its address"),
    ("ostler list --json name,status,ports", "what runs, and where it listens"),
    ("ostler describe api", "why it is as it is"),
    ("ostler logs api --lines 50 --nostream", "its last lines"),
    ("ostler logs api --grep up --json --nostream", "lines that match, an object a line"),
    ("ostler restart api --wait", "after a change; says why if it is not ready"),
    ("ostler scale api 2", "two workers of its port, as of `-i`"),
    ("ostler reload api --wait", "a new version, workers one by one"),
    ("ostler wait api --for ready --timeout 30s", "124 is the exit status when it is late"),
    ("ostler stop api", "stays in the list"),
    ("ostler delete api", "and is forgotten"),
];

/// How what is printed is to be read.
const READING: &str = "\
- Data goes to standard output, everything else to standard error. `--json` gives objects, \
`--json name,pid` these fields of them.
- A failure is `error:` and, where something can be done, `hint:` with a command that can be pasted.
- `start --wait`, `restart --wait` and `reload --wait` say why an app is not ready, with its last \
lines. What runs already is not started twice: the answer has its address.
- `logs --nostream` ends with `-- cursor: X`; `ostler logs api --nostream --cursor X` goes on there.
- `delete`, `stop all` and `kill` end what others may use: ask first. `kill` also ends the manager.
- `ostler help COMMAND` has every option. `ostler mcp` offers the same as tools.

";

/// Returns the text.
pub(super) fn page() -> String {
    let mut out = HEAD.to_owned();
    out.push_str("## A day\n\n```sh\n");
    let width = DAY.iter().map(|(line, _)| line.len()).max().unwrap_or_default();
    for (line, about) in DAY {
        out.push_str(&format!("{line:width$}  # {about}\n"));
    }
    out.push_str("```\n\n## What is printed\n\n");
    out.push_str(READING);
    out.push_str(&table(["exit status", "means"], &STATUS.map(|row| row.map(str::to_owned))));
    out.push_str("## Commands\n\n");
    let groups = [Group::Run, Group::Release, Group::Watch, Group::Persist];
    let commands = groups.into_iter().flat_map(Group::commands);
    let row = |command: &Command| {
        [code(&format!("{}{}", command.name(), command.arguments())), sentence(command.doc)]
    };
    out.push_str(&table(["command", "does"], &commands.map(row).collect::<Vec<_>>()));
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}
