//! An app in full: why it is as it is, then what it is.
//!
//! The facts are a list of names and values, made once. A person gets them in columns, below a
//! sentence and above the instances, the processes and the last lines; a program gets a line of
//! `name: value` for each.

use ostler_text::{quoted, shown};
use ostler_wire::control::{Details, ProcView};

use crate::app::App;
use crate::cells::Look;
use crate::facts::facts;
use crate::list::list;
use crate::paint::Ink;
use crate::seen::Seen;
use crate::tree::lines;
use crate::why::{advice, why};
use crate::width::{columns, cut};
use crate::words;
use crate::wrap::{beside, wrap};

/// Returns the screen for a person.
pub fn describe(seen: &Seen<'_>, look: &Look<'_>) -> String {
    let mut out = String::new();
    let Some((worst, details)) = worst(seen) else { return out };
    let (sign, inks) = words::sign(worst.phase);
    let (sign, name) = (look.paint.ink(inks, &sign.to_string()), shown(&seen.app.name));
    let summary = summary(seen);
    let head = format!("{name}: {summary}");
    if columns(&head) + 2 <= look.window {
        let name = look.paint.ink(&[Ink::Bold], &name);
        out.push_str(&format!("{sign} {name}: {summary}\n"));
    } else {
        let mut lines = String::new();
        wrap(&mut lines, &head, 2, look.window);
        out.push_str(&format!("{sign} {}", lines.trim_start()));
    }
    wrap(&mut out, &reason_of(seen, (worst, details), look), 2, look.window);
    let frees = seen.taken.iter().find_map(|(_, hint)| hint.clone());
    if let Some(advice) = frees.or_else(|| advice(details, &seen.app.name)) {
        let mut text = String::new();
        wrap(&mut text, &format!("hint: {advice}"), 2, look.window);
        out.push_str(&text.replacen("hint:", &look.paint.ink(&[Ink::Cyan], "hint:"), 1));
    }
    out.push('\n');
    let facts = facts(seen, look);
    let width = facts.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
    for (key, value) in &facts {
        let lead = |text: &str| look.paint.ink(&[Ink::Grey], text);
        beside(&mut out, (&format!("  {key:width$}  "), lead), value, look.window);
    }
    if 1 < seen.details.len() || is_in_motion(seen) {
        section(&mut out, "instances", look);
        let apps = [App { name: seen.app.name.clone(), processes: seen.app.processes.clone() }];
        let inner = Look { all: true, window: look.window.saturating_sub(2), ..*look };
        for line in list(&apps, &inner).lines() {
            out.push_str(&format!("  {line}\n"));
        }
    }
    if seen.trees.iter().any(|tree| !tree.children.is_empty()) {
        section(&mut out, "processes", look);
        for line in seen.trees.iter().flat_map(lines) {
            out.push_str(&format!("  {}\n", cut(&line, look.window.saturating_sub(2))));
        }
    }
    if let Some((path, tail)) = &seen.tail {
        section(&mut out, &format!("last lines of {path}"), look);
        for line in tail {
            let line = format!("  {}", cut(&quoted(line), look.window.saturating_sub(2)));
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
    out
}

/// Returns the facts for a program: a line each, nothing cut.
pub fn plain(seen: &Seen<'_>, look: &Look<'_>) -> String {
    let mut out = String::new();
    let Some((worst, details)) = worst(seen) else { return out };
    let mut line = |key: &str, value: &str| out.push_str(&format!("{key}: {}\n", shown(value)));
    line("name", &seen.app.name);
    line("status", words::status(worst));
    line("summary", &summary(seen));
    line("why", &reason_of(seen, (worst, details), look));
    for (key, value) in facts(seen, look) {
        line(key, &value);
    }
    for process in seen.app.processes.iter().filter(|_| 1 < seen.details.len()) {
        let status = words::status(process);
        let pid = if process.pid == 0 { "-".to_owned() } else { process.pid.to_string() };
        line("instance", &format!("id {} pid {pid} {status}", process.id));
    }
    for text in seen.trees.iter().flat_map(lines) {
        line("process", &text);
    }
    for text in seen.tail.iter().flat_map(|(_, lines)| lines) {
        line("log", &quoted(text));
    }
    out
}

/// Why its worst process is as it is, and who is in its way.
fn reason_of(seen: &Seen<'_>, (worst, details): (&ProcView, &Details), look: &Look<'_>) -> String {
    let word = look.reasons.get(&worst.id).copied();
    let mut text = why(details, seen.app.since(), seen.said.as_deref().or(word), look.now);
    if let Some((sentence, _)) = &seen.taken {
        text = format!("{text}; {sentence}");
    }
    // Of others it is not true.
    match seen.app.worst() {
        Some((_, count)) if count < seen.app.processes.len() => format!("id {}: {text}", worst.id),
        Some(_) | None => text,
    }
}

/// The process that is most worth a look.
fn worst<'a>(seen: &Seen<'a>) -> Option<(&'a ProcView, &'a Details)> {
    let (worst, _) = seen.app.worst()?;
    let details = seen.details.iter().find(|details| details.view.id == worst.id)?;
    Some((worst, details))
}

fn is_in_motion(seen: &Seen<'_>) -> bool {
    seen.app.processes.iter().any(|of| of.candidate.is_some() || !of.leaving.is_empty())
}

/// What holds for the app as a whole.
#[must_use]
pub fn summary(seen: &Seen<'_>) -> String {
    let (online, all) = seen.app.count();
    let mut text = match all {
        1 => seen.app.worst().map_or_else(String::new, |(of, _)| words::status(of).to_owned()),
        _ => format!("{online} of {all} instances online"),
    };
    if let Some((word, part)) = seen.app.rollout() {
        text = format!("{text}, {word} {part} of {all}");
    }
    match seen.app.leaving() {
        0 => text,
        1 => format!("{text}, 1 old worker draining"),
        leaving => format!("{text}, {leaving} old workers draining"),
    }
}

fn section(out: &mut String, title: &str, look: &Look<'_>) {
    let title = cut(title, look.window);
    out.push_str(&format!("\n{}\n", look.paint.ink(&[Ink::Bold], &title)));
}

#[cfg(test)]
mod tests;
