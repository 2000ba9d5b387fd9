//! An app in full: why it is as it is, then what it is.
//!
//! The facts are a list of names and values, made once. A person gets them in columns, below a
//! sentence and above the instances, the processes and the last lines; a program gets a line of
//! `name: value` for each.

use ostler_text::shown;
use ostler_wire::control::{Details, ListenerView};

use crate::app::App;
use crate::cells::Look;
use crate::list::list;
use crate::of_file::OfFile;
use crate::paint::Ink;
use crate::tree::{Tree, lines};
use crate::why::{advice, end, why};
use crate::width::{columns, cut};
use crate::{amount, words};

/// Everything that is shown of an app.
#[derive(Debug)]
pub struct Seen<'a> {
    /// The app itself, with its counts.
    pub app: &'a App<'a>,
    /// Its processes in full, in their order; at least one.
    pub details: &'a [Details],
    /// What runs, by process.
    pub trees: &'a [Tree],
    /// The file whose last lines are shown, and these lines.
    pub tail: Option<(String, Vec<String>)>,
    /// Variables that differ from those of the caller.
    pub other_env: Vec<String>,
    /// The process file that it is from, and how it differs.
    pub of_file: Option<OfFile>,
}

/// Returns the screen for a person.
pub fn describe(seen: &Seen<'_>, look: &Look<'_>) -> String {
    let mut out = String::new();
    let Some((worst, details)) = worst(seen) else { return out };
    let (sign, inks) = words::sign(worst.phase);
    let name = look.paint.ink(&[Ink::Bold], &shown(&seen.app.name));
    let head = format!("{} {name}: {}\n", look.paint.ink(inks, &sign.to_string()), summary(seen));
    out.push_str(&head);
    let reason = look.reasons.get(&worst.id).copied();
    let since = seen.app.since();
    wrap(&mut out, &why(details, since, reason, look.now), 2, look.window);
    if let Some(advice) = advice(details, &seen.app.name) {
        let mut text = String::new();
        wrap(&mut text, &format!("hint: {advice}"), 2, look.window);
        out.push_str(&text.replacen("hint:", &look.paint.ink(&[Ink::Cyan], "hint:"), 1));
    }
    out.push('\n');
    let facts = facts(seen, look);
    let width = facts.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
    for (key, value) in &facts {
        let lead = look.paint.ink(&[Ink::Grey], &format!("  {key:width$}  "));
        out.push_str(&lead);
        let mut value_lines = String::new();
        wrap(&mut value_lines, value, width + 4, look.window);
        out.push_str(value_lines.trim_start());
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
            let line = format!("  {}", cut(line, look.window.saturating_sub(2)));
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
    line("why", &why(details, seen.app.since(), look.reasons.get(&worst.id).copied(), look.now));
    for (key, value) in facts(seen, look) {
        line(key, &value);
    }
    for process in seen.app.processes.iter().filter(|_| 1 < seen.details.len()) {
        let status = words::status(process);
        line("instance", &format!("id {} pid {} {status}", process.id, process.pid));
    }
    for text in seen.trees.iter().flat_map(lines) {
        line("process", &text);
    }
    for text in seen.tail.iter().flat_map(|(_, lines)| lines) {
        line("log", text);
    }
    out
}

/// The process that is most worth a look.
fn worst<'a>(seen: &Seen<'a>) -> Option<(&'a ostler_wire::control::ProcView, &'a Details)> {
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

/// What is known of an app: names and values, none of them empty.
#[must_use]
pub fn facts(seen: &Seen<'_>, look: &Look<'_>) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let Some(details) = seen.details.first() else { return facts };
    let view = &details.view;
    let mut fact = |key: &'static str, value: String| {
        if !value.is_empty() {
            facts.push((key, value));
        }
    };
    let some = |list: Vec<String>| list.join(", ");
    fact("id", seen.app.ids());
    let pids = seen.app.processes.iter().filter(|of| of.pid != 0);
    fact("pid", some(pids.map(|of| of.pid.to_string()).collect()));
    fact("ports", ports(seen));
    fact("restarts", restarts(seen, look));
    if seen.app.processes.iter().any(|of| of.pid != 0) {
        fact("cpu", amount::cpu(seen.app.cpu()));
        fact("memory", memory(seen, details));
    }
    let since = seen.app.since().and_then(ostler_logs::iso);
    fact("online since", since.unwrap_or_default());
    fact("health check", details.health.clone().unwrap_or_default());
    let rejections: u64 = seen.details.iter().map(|of| of.rejections).sum();
    fact(
        "unhandled rejections",
        if rejections == 0 { String::new() } else { rejections.to_string() },
    );
    let metrics = details.metrics.iter().map(|(name, value)| format!("{name} {value}"));
    fact("measured in it", some(metrics.collect()));
    fact("actions", details.actions.join(", "));
    fact("script", view.script.clone());
    fact("arguments", details.args.join(" "));
    fact("interpreter", interpreter(details));
    fact("directory", details.cwd.clone());
    fact("mode", if view.cluster { "cluster" } else { "fork" }.to_owned());
    fact("version", view.version.clone().unwrap_or_default());
    fact("namespace", view.namespace.clone());
    fact("user", view.user.clone());
    fact("NODE_ENV", details.node_env.clone().unwrap_or_default());
    fact("cron restart", cron_restart(details));
    fact("files", if view.watching { "watched".to_owned() } else { String::new() });
    fact("no effect yet", view.not_yet.join(", "));
    let logs = seen.details.iter().flat_map(|of| of.view.logs.iter().flatten());
    fact("logs", once_each(logs.cloned()));
    let unwritten = seen.details.iter().flat_map(|of| &of.unwritten);
    let unwritten = unwritten.map(|file| format!("{} ({})", file.path, file.error));
    fact("cannot be written", once_each(unwritten));
    fact("created", ostler_logs::iso(details.created_at).unwrap_or_default());
    fact("unlike this shell", seen.other_env.join(", "));
    if let Some(OfFile { path, differs }) = &seen.of_file {
        fact("process file", path.clone());
        fact("file differs", differs.clone().unwrap_or_default());
    }
    facts
}

fn memory(seen: &Seen<'_>, details: &Details) -> String {
    let now = amount::size(seen.app.memory());
    match details.max_memory {
        Some(limit) => format!("{now} (restarted above {} each)", amount::size(limit)),
        None => now,
    }
}

/// The texts in their order, none of them twice.
fn once_each(texts: impl Iterator<Item = String>) -> String {
    let mut all: Vec<String> = Vec::new();
    for text in texts {
        if !all.contains(&text) {
            all.push(text);
        }
    }
    all.join(", ")
}

fn ports(seen: &Seen<'_>) -> String {
    let balance = |address: &str| {
        let all = seen.details.iter().flat_map(|details| &details.listeners);
        let of: Vec<&ListenerView> = all.filter(|of| of.address == address).collect();
        let sum = |count: fn(&ListenerView) -> u64| of.iter().map(|of| count(of)).sum::<u64>();
        let (handed, refused) = (sum(|of| of.handed), sum(|of| of.refused));
        let again = sum(|of| of.redistributed);
        let balance = &of.first()?.balance;
        Some(match balance.as_str() {
            "shared" => balance.clone(),
            _ => format!("{balance}, {handed} handed, {refused} refused, {again} redistributed"),
        })
    };
    let shown = seen.app.addresses().into_iter().map(|address| {
        let local = ostler_ports::Address::parse(address).is_none_or(|of| of.is_local());
        let notes = [balance(address), (!local).then(|| "open to other machines".to_owned())];
        let notes: Vec<String> = notes.into_iter().flatten().collect();
        match notes.as_slice() {
            [] => address.to_owned(),
            notes => format!("{address} ({})", notes.join(", ")),
        }
    });
    shown.collect::<Vec<_>>().join(", ")
}

fn restarts(seen: &Seen<'_>, look: &Look<'_>) -> String {
    let mut text = seen.app.restarts().to_string();
    let short = seen.details.iter().map(|details| details.unstable).max().unwrap_or(0);
    if let Some((process, ended)) = seen.app.last_end() {
        let ago = amount::duration(look.now.saturating_sub(ended.at));
        let reason = look.reasons.get(&process.id).copied();
        text.push_str(&format!("; {} ago it ended with {}", ago, end(ended, reason)));
    }
    let most = seen.details.first().map_or(0, |details| details.max_unstable);
    if 0 < short && short < most {
        let runs = if short == 1 { "run" } else { "runs" };
        text.push_str(&format!("; {short} short {runs} in a row, given up at {most}"));
    }
    text
}

fn interpreter(details: &Details) -> String {
    let mut text = details.interpreter.clone();
    for arg in &details.interpreter_args {
        text = format!("{text} {arg}");
    }
    match &details.node_version {
        Some(version) => format!("{text} (Node {version})"),
        None => text,
    }
}

/// The pattern, and when its next time is.
fn cron_restart(details: &Details) -> String {
    let pattern = details.cron_restart.clone().unwrap_or_default();
    match details.next_restart {
        Some(at) => format!("{pattern} (next {})", ostler_logs::date(at, "YYYY-MM-DD HH:mm:ss")),
        None => pattern,
    }
}

fn section(out: &mut String, title: &str, look: &Look<'_>) {
    let title = cut(title, look.window);
    out.push_str(&format!("\n{}\n", look.paint.ink(&[Ink::Bold], &title)));
}

/// Adds a text that is broken between words, each line after `indent` blanks.
fn wrap(out: &mut String, text: &str, indent: usize, window: usize) {
    let width = window.saturating_sub(indent).max(10);
    let mut line = String::new();
    let mut add = |line: &str| {
        out.extend(std::iter::repeat_n(' ', indent));
        out.push_str(line);
        out.push('\n');
    };
    for word in shown(text).split(' ') {
        let mut word = word.to_owned();
        if !line.is_empty() && width < columns(&line) + 1 + columns(&word) {
            add(&line);
            line.clear();
        }
        // A path that is longer than the window goes on in the next line.
        while width < columns(&word) {
            // Some letters are two columns wide.
            let count = if word.is_ascii() { width } else { width / 2 };
            add(&word.chars().take(count).collect::<String>());
            word = word.chars().skip(count).collect();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    add(&line);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use expect_test::expect_file;

    use super::*;
    use crate::app::fold;
    use crate::paint::Paint;
    use crate::sample::{self, NOW};

    /// The screen of a sample app; a window of 0 is a pipe.
    fn screen(name: &str, window: usize) -> String {
        let mut processes = sample::processes();
        processes.retain(|process| process.name == name);
        let details: Vec<Details> = processes.iter().cloned().map(sample::details).collect();
        let leaf = |pid| Tree { pid, command: "node /srv/app.js".to_owned(), children: Vec::new() };
        let running = processes.iter().filter(|process| process.pid != 0);
        let trees: Vec<Tree> = running
            .map(|process| Tree { children: vec![leaf(9000 + process.id)], ..leaf(process.pid) })
            .collect();
        let apps = fold(&processes);
        let line = "Error: listen EADDRINUSE: address already in use 127.0.0.1:3000";
        let seen = Seen {
            app: &apps[0],
            details: &details,
            trees: &trees,
            tail: Some((
                format!("/h/logs/{name}-error.log"),
                vec!["  ".to_owned(), line.to_owned()],
            )),
            other_env: vec!["LANG".to_owned(), "NODE_ENV".to_owned()],
            of_file: Some(OfFile {
                path: "/srv/my app/ecosystem.config.js".to_owned(),
                differs: Some("instances 2 → 4 (to apply: `ostler scale api 4`)".to_owned()),
            }),
        };
        let reasons = BTreeMap::from([(5, "port in use")]);
        let look = Look { window, now: NOW, paint: Paint::PLAIN, all: true, reasons: &reasons };
        if window == 0 { plain(&seen, &look) } else { describe(&seen, &look) }
    }

    #[test]
    fn an_app_says_why_it_is_as_it_is_before_what_it_is() {
        for name in ["api", "worker", "web"] {
            for window in [80, 120, 200] {
                let path = format!("snapshots/describe_{name}_{window}.txt");
                expect_file![path].assert_eq(&screen(name, window));
            }
            let path = format!("snapshots/describe_{name}_piped.txt");
            expect_file![path].assert_eq(&screen(name, 0));
        }
    }

    #[test]
    fn no_line_is_wider_than_the_window() {
        for name in ["api", "worker", "web", "mail", "import", "idle", "db"] {
            for window in 72..220 {
                let text = screen(name, window);
                let widest = text.lines().map(columns).max();
                assert!(widest <= Some(window), "{window} {widest:?}\n{text}");
            }
        }
    }

    #[test]
    fn every_state_has_a_reason() {
        let why = |name: &str| screen(name, 200).lines().nth(1).unwrap().trim().to_owned();
        assert_eq!(
            why("import"),
            "its last run ended 60m ago with exit code 0, and it is not to be restarted"
        );
        assert_eq!(why("idle"), "it was stopped by a command 60s ago");
        assert_eq!(
            why("db"),
            "it was started 9s ago and is not ready yet; taken as ready in 3s at the latest"
        );
        assert_eq!(
            why("mail"),
            "its last run ended 1s ago with signal SIGKILL, which ostler did not send: did memory \
             run out? `dmesg` tells; the next one starts in 5s"
        );
    }
}
