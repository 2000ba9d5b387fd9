//! What `migrate` tells.

use std::path::Path;
use std::time::Duration;

use super::Line;
use super::line::{hint_line, number, warning};
use crate::paint::Paint;

/// How an app is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MoveWay {
    /// The new workers share the port with the old ones, which end when the new ones serve.
    Shared,
    /// The old processes hold what the new ones need: these start when those have ended.
    Restarted,
    /// It does not run: it comes into the list.
    Listed,
    /// It stays with PM2, and why.
    Left(&'static str),
}

/// A row of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlannedMove<'a> {
    pub(crate) name: &'a str,
    pub(crate) processes: usize,
    pub(crate) way: MoveWay,
    /// What it listens on by itself.
    pub(crate) ports: Vec<String>,
}

/// A fact about a move from PM2, or back.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum MigrationNotice<'a> {
    /// What becomes of each app.
    Plan { from: &'a Path, to: &'a Path, moves: &'a [PlannedMove<'a>] },
    /// An app was moved. `gap`: how long nobody listened.
    Moved { app: &'a str, processes: usize, way: MoveWay, gap: Option<Duration> },
    /// An app could not be moved, which was told.
    Kept { app: &'a str },
    /// Some apps stay with PM2, which goes on.
    Partly { apps: usize, left: usize, from: &'a Path },
    /// All are moved, and PM2 has ended.
    Done { apps: usize, from: &'a Path },
    /// Only root may replace PM2's service.
    ServiceLeft { unit: &'a str },
    /// PM2's service is disabled, ours installed.
    ServiceMoved { unit: &'a str },
    /// An app was given back.
    Returned { app: &'a str, processes: usize },
    /// All that could be given back was.
    Back {
        apps: usize,
        to: &'a Path,
        /// PM2 has saved its list.
        saved: bool,
    },
    /// PM2's service is enabled, ours disabled.
    ServiceReturned { unit: &'a str, ours: &'a str },
    /// Only root may give PM2's service back.
    ServiceStays { unit: &'a str, ours: &'a str },
}

/// Returns what we say of it.
pub(super) fn lines(notice: &MigrationNotice<'_>, paint: Paint) -> Vec<Line> {
    let out = |text: String| vec![Line::out(text)];
    match notice {
        MigrationNotice::Plan { from, to, moves } => plan(from, to, moves),
        MigrationNotice::Moved { app, processes, way, gap } => {
            let processes = number(*processes, "process", "processes");
            let how = match (way, gap) {
                (MoveWay::Listed, _) => "stopped".to_owned(),
                (_, Some(gap)) => format!("nobody listened for {} ms", gap.as_millis()),
                (MoveWay::Shared, None) => "its port stayed open".to_owned(),
                (MoveWay::Restarted | MoveWay::Left(_), None) => "restarted".to_owned(),
            };
            out(format!("moved {app}, {processes}: {how}"))
        }
        MigrationNotice::Kept { app } => vec![Line::err(format!("{app} stays with PM2"))],
        MigrationNotice::Partly { apps, left, from } => {
            let mut lines = out(format!(
                "moved {}; {} with the PM2 in {}, which keeps running",
                number(*apps, "app", "apps"),
                number(*left, "stays", "stay"),
                from.display()
            ));
            lines.push(hint_line(
                paint,
                "`ostler migrate` again moves what is left when its reason is gone",
            ));
            lines
        }
        MigrationNotice::Done { apps, from } => {
            let mut lines = out(format!(
                "moved {} and ended the PM2 in {}",
                number(*apps, "app", "apps"),
                from.display()
            ));
            lines.push(hint_line(
                paint,
                "`ostler list` shows them, `ostler migrate --back` gives them back to PM2",
            ));
            lines
        }
        MigrationNotice::ServiceLeft { unit } => warning(
            paint,
            &format!("`{unit}` still starts PM2 with the machine"),
            Some(&format!(
                "`ostler startup`, then `sudo systemctl disable --now {pasted}`",
                pasted = ostler_shell::word(unit)
            )),
        ),
        MigrationNotice::ServiceMoved { unit } => {
            out(format!("disabled `{unit}`: ostler starts with the machine in its place"))
        }
        MigrationNotice::Returned { app, processes } => {
            out(format!("gave back {app}, {}", number(*processes, "process", "processes")))
        }
        MigrationNotice::Back { apps, to, saved } => {
            let apps = number(*apps, "app", "apps");
            let mut lines = out(format!("gave {apps} back to the PM2 in {}", to.display()));
            let hint = match saved {
                true => "`ostler kill` ends ostler",
                false => "`pm2 save` saves the list there, `ostler kill` ends ostler",
            };
            lines.push(hint_line(paint, hint));
            lines
        }
        MigrationNotice::ServiceReturned { unit, ours } => {
            out(format!("enabled `{unit}` and disabled `{ours}`: PM2 starts with the machine"))
        }
        MigrationNotice::ServiceStays { unit, ours } => warning(
            paint,
            &format!("`{ours}` still starts ostler with the machine, and not PM2"),
            Some(&format!(
                "`sudo systemctl enable {pasted}`, then `sudo systemctl disable {pasted_ours}`",
                pasted = ostler_shell::word(unit),
                pasted_ours = ostler_shell::word(ours)
            )),
        ),
    }
}

fn plan(from: &Path, to: &Path, moves: &[PlannedMove<'_>]) -> Vec<Line> {
    let head = format!("from {} to {}:", from.display(), to.display());
    let width = moves.iter().map(|one| one.name.chars().count()).max().unwrap_or_default();
    let row = |one: &PlannedMove<'_>| {
        let what = match one.way {
            MoveWay::Shared => {
                "old and new workers share the port until the old ones are gone".to_owned()
            }
            MoveWay::Restarted if one.ports.is_empty() => "restarted".to_owned(),
            MoveWay::Restarted => {
                format!("restarted: nobody listens on {} meanwhile", one.ports.join(", "))
            }
            MoveWay::Listed => "does not run, and comes into the list".to_owned(),
            MoveWay::Left(why) => format!("stays: {why}"),
        };
        Line::out(format!("  {:<width$}  {:>3} ×  {what}", one.name, one.processes))
    };
    let mut lines = vec![Line::out(head)];
    lines.extend(moves.iter().map(row));
    lines
}
