//! The list as lines, a block for each app: what `--mini-list` asks for, and what is left of a
//! table in a window that has no room for one.

use std::iter::once;

use crate::app::App;
use crate::cells::{self, Look};
use crate::grid::Cell;
use crate::width::{columns, cut};

/// The window from which on a table is shown: a name, how many there are, and a status.
pub(crate) const TABLE: usize = 40;
/// The widest name of a value.
const NAME: usize = "instances".len();

/// Returns the apps, each as its name and a line for each value.
pub fn blocks(apps: &[App<'_>], look: &Look<'_>) -> String {
    let mut out = String::new();
    for app in apps {
        if look.all {
            for process in &app.processes {
                block(&mut out, &App::of_one(process), look);
            }
        } else {
            block(&mut out, app, look);
        }
    }
    out
}

fn block(out: &mut String, app: &App<'_>, look: &Look<'_>) {
    if !out.is_empty() {
        out.push('\n');
    }
    line(out, "", &cells::name(app, look), look);
    let counted = if look.all {
        ("pid", cells::pid(app, look))
    } else {
        ("instances", cells::instances(app, look))
    };
    let values = [
        ("id", cells::id(app, look)),
        counted,
        ("status", cells::status_alone(app, look)),
        ("draining", cells::draining(app, look)),
        ("ports", cells::ports(app, look)),
        ("restarts", cells::restarts(app, look)),
        ("cpu", cells::cpu(app, look)),
        ("memory", cells::memory(app, look)),
        ("uptime", cells::uptime(app, look)),
        ("last end", cells::last(app, look)),
    ];
    for (name, cell) in values.iter().filter(|(_, cell)| !matches!(&*cell.text, "" | "-")) {
        line(out, &format!("  {name:NAME$} "), cell, look);
    }
}

/// Adds a line, cut to the window.
fn line(out: &mut String, head: &str, cell: &Cell<'_>, look: &Look<'_>) {
    let head = cut(head, look.window);
    let text = cut(&cell.text, look.window.saturating_sub(columns(&head)));
    let text = look.paint.ink(cell.inks, &text);
    out.extend(once(head.as_ref()).chain([text.as_str(), "\n"]));
}
