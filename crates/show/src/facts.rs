//! What is known of an app, as names and values.

use ostler_wire::control::{Details, ListenerView};

use crate::amount;
use crate::app::in_ranges;
use crate::cells::Look;
use crate::history::History;
use crate::numbered::numbered;
use crate::of_file::{OfFile, Unlike};
use crate::seen::Seen;
use crate::why::{end, not_started};
use crate::words::most_memory;

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
    fact("id", seen.app.ids());
    fact("pid", pids(seen));
    fact("ports", ports(seen));
    fact("restarts", restarts(seen, look));
    let History { restarted, failed_reload } = History::of(seen.details);
    fact("restart by itself", restarted);
    fact("failed reload", failed_reload);
    if seen.app.processes.iter().any(|of| of.pid != 0) {
        fact("cpu", amount::cpu(seen.app.cpu()));
        fact("memory", memory(seen, details));
    }
    for (key, value) in seen.last_hour.facts() {
        fact(key, value.clone());
    }
    let since = seen.app.since().and_then(ostler_logs::iso);
    fact("online since", since.unwrap_or_default());
    fact("health check", details.health.clone().unwrap_or_default());
    fact("says of itself", notified(seen));
    fact("unhandled rejections", rejections(seen));
    fact("measured in it", metrics(seen));
    fact("actions", details.actions.join(", "));
    fact("script", of_each(seen, |of| of.view.script.clone()));
    fact("arguments", of_each(seen, |of| of.args.join(" ")));
    fact("interpreter", interpreter(seen));
    fact("directory", of_each(seen, |of| of.cwd.clone()));
    fact("mode", of_each(seen, |of| mode(of).to_owned()));
    fact("version", of_each(seen, |of| of.view.version.clone().unwrap_or_default()));
    fact("namespace", view.namespace.clone());
    fact("user", view.user.clone());
    fact("NODE_ENV", details.node_env.clone().unwrap_or_default());
    fact("cron restart", cron_restart(details));
    fact("settings", settings(details));
    fact("files", files(seen, details));
    fact("no effect yet", view.not_yet.join(", "));
    fact("logs", logs(seen));
    fact("log rotation", seen.rotation.clone().unwrap_or_default());
    for (key, all) in
        [("log sink", &seen.sinks), ("log rule", &seen.rules), ("alerts", &seen.alerts)]
    {
        all.iter().for_each(|one| fact(key, one.clone()));
    }
    fact("cannot be written", unwritten(seen));
    fact("log lines dropped", dropped(seen));
    fact("log writes", writes(seen, details));
    fact("created", ostler_logs::iso(details.created_at).unwrap_or_default());
    fact("unlike this shell", seen.other_env.join(", "));
    let (file, differs) = seen.of_file.as_ref().map(process_file).unwrap_or_default();
    fact("process file", file);
    fact("file differs", differs);
    facts
}

fn pids(seen: &Seen<'_>) -> String {
    let pids = seen.app.processes.iter().filter(|of| of.pid != 0);
    pids.map(|of| of.pid.to_string()).collect::<Vec<_>>().join(", ")
}

/// What its processes say of themselves.
fn notified(seen: &Seen<'_>) -> String {
    of_each(seen, |of| of.notified.as_ref().map(ToString::to_string).unwrap_or_default())
}

/// The process file of an app, and how the app differs from it.
fn process_file(OfFile { path, unlike }: &OfFile) -> (String, String) {
    match unlike {
        None => (path.clone(), String::new()),
        Some(Unlike::Differs(how)) => (path.clone(), how.clone()),
        Some(Unlike::Unknown(why)) => (format!("{path} ({why})"), String::new()),
    }
}

/// A value of all processes; where they differ, each value with the ids that have it: an app may
/// have been added to with another script, as PM2 allows it.
fn of_each(seen: &Seen<'_>, value: impl Fn(&Details) -> String) -> String {
    let mut values: Vec<(String, Vec<u32>)> = Vec::new();
    for details in seen.details {
        let (value, id) = (value(details), details.view.id);
        match values.iter_mut().find(|(known, _)| *known == value) {
            Some((_, ids)) => ids.push(id),
            None => values.push((value, vec![id])),
        }
    }
    if let [(value, _)] = values.as_slice() {
        return value.clone();
    }
    let values = values.into_iter().map(|(value, ids)| {
        let value = if value.is_empty() { "none".to_owned() } else { value };
        format!("{value} (id {})", in_ranges(ids))
    });
    values.collect::<Vec<_>>().join(", ")
}

fn mode(details: &Details) -> &'static str {
    if details.view.cluster { "cluster" } else { "fork" }
}

/// What the first process that measures itself has measured. Figures of several processes are no
/// sum, so the process is named.
fn metrics(seen: &Seen<'_>) -> String {
    let Some(of) = seen.details.iter().find(|of| !of.metrics.is_empty()) else {
        return String::new();
    };
    let all = of.metrics.iter().map(|(name, value)| format!("{name} {value}"));
    let all = all.collect::<Vec<_>>().join(", ");
    if seen.details.len() == 1 { all } else { format!("in id {}: {all}", of.view.id) }
}

/// The files of each kind; those of many processes as one pattern.
fn logs(seen: &Seen<'_>) -> String {
    let kinds = (0..3).filter_map(|kind| {
        let files = seen.details.iter().filter_map(|of| of.view.logs.get(kind)?.clone());
        let files: Vec<String> = files.collect();
        (!files.is_empty()).then(|| numbered(&files))
    });
    once_each(kinds)
}

fn rejections(seen: &Seen<'_>) -> String {
    match seen.details.iter().map(|of| of.rejections).sum::<u64>() {
        0 => String::new(),
        count => count.to_string(),
    }
}

fn unwritten(seen: &Seen<'_>) -> String {
    let files = seen.details.iter().flat_map(|of| &of.unwritten);
    once_each(files.map(|file| format!("{} ({})", file.path, file.error)))
}

/// Lines that log files have not got: by `log_full`, or after a minute, or at an end.
fn dropped(seen: &Seen<'_>) -> String {
    match seen.details.iter().map(|of| of.view.dropped_lines).sum::<u64>() {
        0 => String::new(),
        count => count.to_string(),
    }
}

/// What a disk has to bear, where somebody cares (`log_buffer`).
fn writes(seen: &Seen<'_>, details: &Details) -> String {
    if details.settings.iter().all(|(name, _)| name != "log_buffer") {
        return String::new();
    }
    let bytes = seen.details.iter().map(|of| of.view.log_bytes).sum();
    format!("{} in the last hour", amount::size(bytes))
}

fn memory(seen: &Seen<'_>, details: &Details) -> String {
    let now = amount::size(seen.app.memory());
    let restart =
        details.max_memory.map(|limit| format!("restarted above {} each", amount::size(limit)));
    let most = most_memory(details);
    let kernel =
        most.map(|limit| format!("ended by the kernel above {} each", amount::size(limit)));
    let limits: Vec<String> = restart.into_iter().chain(kernel).collect();
    if limits.is_empty() { now } else { format!("{now} ({})", limits.join(", ")) }
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
            // A worker that has left has taken its counts along.
            _ => format!(
                "{balance}; its present workers: {handed} handed, {refused} refused, {again} \
                 redistributed"
            ),
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
    if let Some((process, ended, at)) = seen.app.last_end() {
        let ago = amount::duration(look.now.saturating_sub(at));
        let how = match not_started(ended) {
            Some(why) => format!("its start failed{why}"),
            None => format!("it ended with {}", end(ended, look.reasons.get(&process.id).copied())),
        };
        text.push_str(&format!("; {ago} ago {how}"));
    }
    let most = seen.details.first().map_or(0, |details| details.max_unstable);
    if 0 < short && short < most {
        let runs = if short == 1 { "run" } else { "runs" };
        text.push_str(&format!("; {short} short {runs} in a row, given up at {most}"));
    }
    text
}

fn interpreter(seen: &Seen<'_>) -> String {
    let words = |of: &Details| {
        let words = std::iter::once(&of.interpreter).chain(&of.interpreter_args);
        words.map(String::as_str).collect::<Vec<_>>().join(" ")
    };
    let text = of_each(seen, words);
    // What does not run has told none.
    let mut versions = seen.details.iter().filter_map(|of| of.node_version.as_ref());
    match versions.next() {
        Some(version) if versions.all(|other| other == version) => {
            format!("{text} (Node {version})")
        }
        Some(_) | None => text,
    }
}

/// Whether its files are watched, and why not where they are to be.
fn files(seen: &Seen<'_>, details: &Details) -> String {
    match &details.unwatched {
        Some(why) => format!("not watched: {why}; tried again every 10 s"),
        None if details.view.watching => match &seen.watched {
            Some(which) => format!("watched: {which}"),
            None => "watched".to_owned(),
        },
        None => String::new(),
    }
}

/// What it was given, without what has a line of its own.
fn settings(details: &Details) -> String {
    const SHOWN: [&str; 7] = [
        "health",
        "cron_restart",
        "max_memory_restart",
        "max_memory",
        "watch",
        "alerts",
        "log_rules",
    ];
    const ROTATION: [&str; 4] = ["log_rotate", "log_max_size", "log_keep", "log_compress"];
    let has_line =
        |name: &str| SHOWN.contains(&name) || ROTATION.iter().any(|begin| name.starts_with(begin));
    // The line for the shell stands with the arguments, whatever its attribute is called.
    let rest = details.settings.iter().filter(|(name, _)| !has_line(name) && *name != "args");
    let shown = rest.map(|(name, value)| format!("{name} {}", value.trim_matches('"')));
    shown.collect::<Vec<_>>().join(", ")
}

/// The pattern, and when its next time is.
fn cron_restart(details: &Details) -> String {
    let pattern = details.cron_restart.clone().unwrap_or_default();
    match details.next_restart {
        Some(at) => format!("{pattern} (next {})", ostler_logs::date(at, "YYYY-MM-DD HH:mm:ss")),
        None => pattern,
    }
}
