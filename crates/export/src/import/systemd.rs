//! A service unit of systemd.

use serde_json::{Map, Value, json};

use super::app::Made;
use super::foreign::NAMELESS;
use super::wrong::NotUnderstood;
use super::{times, words};

/// Sections that say nothing of what is run.
const INSTALL: &str = "Install";
const UNIT: &str = "Unit";
const SERVICE: &str = "Service";
/// Keys that need no counterpart.
const ANYHOW: [&str; 8] = [
    "RemainAfterExit",
    "SyslogIdentifier",
    "KillMode",
    "SendSIGKILL",
    "PIDFile",
    "GuessMainPID",
    "NotifyAccess",
    "Description",
];

pub(super) fn apps(name: &str, text: &str) -> Result<Vec<Made>, NotUnderstood> {
    let file = name.rsplit('/').next().unwrap_or(name);
    let is_named = name != NAMELESS;
    let stem = if is_named { file.strip_suffix(".service").unwrap_or(file) } else { "app" };
    let mut made = Made::new(stem.trim_end_matches('@'));
    if !is_named {
        made.note("the name of the unit is that of its file, which is not known");
    }
    let mut unit = Unit::default();
    for (number, section, key, value) in keys(text)? {
        match section.as_str() {
            SERVICE => unit.key(&mut made, &key, &value),
            UNIT if ["After", "Requires", "Wants", "BindsTo"].contains(&key.as_str()) => {
                made.note(format!("`{key}={value}`: `depends_on` names apps, not units"));
            }
            UNIT if key == "StartLimitBurst" => count(&mut made, &key, &value, "max_restarts"),
            UNIT | INSTALL => {}
            other => {
                let why = format!("`[{other}]` is no section of a service");
                return Err(NotUnderstood::at(number, why));
            }
        }
    }
    unit.finish(&mut made);
    if stem.ends_with('@') || text.contains("%i") || text.contains("%I") {
        made.note("`%i` stands as it was written: an instance of the unit has its name there");
    }
    Ok(vec![made])
}

/// The keys with their line and section; a line that ends in `\` goes on in the next.
fn keys(text: &str) -> Result<Vec<(usize, String, String, String)>, NotUnderstood> {
    let mut found = Vec::new();
    let mut section: Option<String> = None;
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let mut line = line.trim().to_owned();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        while let Some(begin) = line.strip_suffix('\\') {
            let (begin, next) = (begin.trim_end().to_owned(), lines.next());
            line = format!("{begin} {}", next.map_or("", |(_, next)| next.trim()));
        }
        let wrong = |why: &str| NotUnderstood::at(number + 1, why);
        if let Some(name) = line.strip_prefix('[') {
            let name = name.strip_suffix(']').ok_or_else(|| wrong("`[` is not closed"))?;
            section = Some(name.to_owned());
            continue;
        }
        let of = section.clone().ok_or_else(|| wrong("this line is in no section"))?;
        let (key, value) =
            line.split_once('=').ok_or_else(|| wrong("there is no `=` between key and value"))?;
        found.push((number + 1, of, key.trim().to_owned(), value.trim().to_owned()));
    }
    Ok(found)
}

/// What is known when all keys were read.
#[derive(Default)]
struct Unit {
    env: Map<String, Value>,
    files: Vec<String>,
    hooks: Map<String, Value>,
    restart: String,
    is_oneshot: bool,
}

impl Unit {
    fn key(&mut self, made: &mut Made, key: &str, value: &str) {
        match key {
            "ExecStart" => {
                let line = bare(value);
                // Nothing of a shell has a meaning there but quotes, and variables alone.
                match words::split(line).filter(|_| !line.contains('$')) {
                    Some(words) => made.run(words),
                    None => made.run_line(line),
                }
            }
            "ExecStartPre" => self.hook(made, "pre_start", key, value),
            "ExecStartPost" => self.hook(made, "post_start", key, value),
            "ExecStop" => self.hook(made, "pre_stop", key, value),
            "ExecStopPost" => self.hook(made, "post_stop", key, value),
            "ExecReload" => made.note("`ExecReload`: `ostler reload` starts a new process instead"),
            "WorkingDirectory" => made.put("cwd", value.trim_start_matches('-')),
            "Environment" => {
                let words = words::split(value).unwrap_or_default();
                let pairs = words.iter().filter_map(|word| word.split_once('='));
                self.env.extend(pairs.map(|(name, value)| (name.to_owned(), json!(value))));
            }
            "EnvironmentFile" => self.files.push(value.trim_start_matches('-').to_owned()),
            "User" => made.put("user", value),
            "Group" => made.put("gid", value),
            "Type" => self.of_type(made, value),
            "Restart" => value.clone_into(&mut self.restart),
            "RestartSec" => time(made, key, value, &["restart_delay"]),
            "TimeoutStopSec" => time(made, key, value, &["kill_timeout"]),
            "TimeoutStartSec" => time(made, key, value, &["listen_timeout"]),
            "TimeoutSec" => time(made, key, value, &["kill_timeout", "listen_timeout"]),
            "WatchdogSec" if times::ms(value) == Some(0) => {}
            "WatchdogSec" => time(made, key, value, &["watchdog"]),
            "KillSignal" => made.put("kill_signal", words::signal(value)),
            "StartLimitBurst" => count(made, key, value, "max_restarts"),
            "LimitNOFILE" => {
                count(made, key, value.rsplit(':').next().unwrap_or(value), "nofile");
            }
            "Nice" => count(made, key, value, "nice"),
            "OOMScoreAdjust" => count(made, key, value, "oom_score"),
            "CPUQuota" => count(made, key, value.trim_end_matches('%'), "max_cpu"),
            "MemoryMax" | "MemoryLimit" => match times::bytes(value) {
                Some(bytes) => made.put("max_memory_restart", bytes),
                None => made.left_out(key),
            },
            "SuccessExitStatus" => {
                let codes: Vec<u8> =
                    value.split_whitespace().filter_map(|code| code.parse().ok()).collect();
                made.put("success_exit_codes", codes);
            }
            "StandardOutput" | "StandardError" => output(made, key, value),
            _ if ANYHOW.contains(&key) => {}
            _ => made.left_out(key),
        }
    }

    fn of_type(&mut self, made: &mut Made, value: &str) {
        match value {
            "oneshot" => self.is_oneshot = true,
            "notify" | "notify-reload" => made.put("ready", json!({ "notify": true })),
            "forking" => {
                made.note("`Type=forking`: the program must stay in the foreground here");
            }
            _ => {}
        }
    }

    fn hook(&mut self, made: &mut Made, hook: &str, key: &str, value: &str) {
        let line = bare(value);
        let line = match self.hooks.get(hook).and_then(Value::as_str) {
            Some(before) => format!("{before} && {line}"),
            None => line.to_owned(),
        };
        if line.contains("$MAINPID") {
            made.note(format!("`{key}`: `$MAINPID` is not known here"));
        }
        self.hooks.insert(hook.to_owned(), json!(line));
    }

    fn finish(self, made: &mut Made) {
        match self.restart.as_str() {
            _ if self.is_oneshot => made.put("oneshot", true),
            "" | "no" => made.put("autorestart", false),
            "on-failure" | "on-abnormal" | "on-abort" | "on-watchdog" => {
                made.put("stop_exit_codes", json!([0]));
            }
            "on-success" => made.left_out("Restart=on-success"),
            _ => {}
        }
        if !self.env.is_empty() {
            made.put("env", self.env);
        }
        if !self.files.is_empty() {
            made.put("env_file", self.files);
        }
        if !self.hooks.is_empty() {
            made.put("hooks", self.hooks);
        }
    }
}

/// A command without the marks before it, which say how systemd runs it.
fn bare(value: &str) -> &str {
    value.trim_start_matches(['-', '@', ':', '+', '!']).trim()
}

fn time(made: &mut Made, key: &str, value: &str, ours: &[&str]) {
    match times::ms(value) {
        Some(ms) => ours.iter().for_each(|ours| made.put(ours, ms)),
        None => made.left_out(&format!("{key}={value}")),
    }
}

fn count(made: &mut Made, key: &str, value: &str, ours: &str) {
    match value.parse::<i64>() {
        Ok(count) => made.put(ours, count),
        Err(_) => made.left_out(&format!("{key}={value}")),
    }
}

fn output(made: &mut Made, key: &str, value: &str) {
    let target = if key == "StandardOutput" { "out_file" } else { "error_file" };
    let path = ["append:", "file:", "truncate:"].iter().find_map(|kind| value.strip_prefix(kind));
    match (path, value) {
        (Some(path), _) => made.put(target, path),
        (None, "null") => made.put(target, "/dev/null"),
        (None, "journal" | "inherit" | "journal+console" | "syslog") => {}
        (None, _) => made.left_out(&format!("{key}={value}")),
    }
}
