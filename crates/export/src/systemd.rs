//! systemd: a unit for each app, run by systemd itself.

use std::fmt::Write as _;
use std::path::Path;

use ostler_core::spec::{Limits, Policy, Ready};

use crate::calendar::calendar;
use crate::engine::{Engine, Source};
use crate::made::{File, Note};
use crate::service::{Service, When};
use crate::text::{about, bytes, head, of_app};

/// Returns the files.
pub(crate) fn files(services: &[Service<'_>], source: &Source, notes: &[Note]) -> Vec<File> {
    let mut files = Vec::new();
    for service in services {
        let own = of_app(notes, &service.spec.name);
        let made = head(Engine::Systemd, source, &[]);
        let top = format!("{made}# {}\n{}", how(service), about(&own));
        files.push(File { name: unit_name(service), text: format!("{top}{}", unit(service)) });
        if let When::At(_) = service.when {
            files.push(File {
                name: format!("{}.timer", service.name),
                text: timer(service, &made),
            });
        }
    }
    files
}

/// A template where there are several of them.
fn unit_name(service: &Service<'_>) -> String {
    match service.spec.instances {
        1 => format!("{}.service", service.name),
        _ => format!("{}@.service", service.name),
    }
}

/// The command that brings it in.
fn how(service: &Service<'_>) -> String {
    let (name, last) = (&service.name, service.spec.instances.saturating_sub(1));
    match (&service.when, last) {
        (When::At(_), _) => {
            format!("In /etc/systemd/system; `systemctl enable --now {name}.timer`.")
        }
        (_, 0) => format!("In /etc/systemd/system; `systemctl enable --now {name}`."),
        (_, last) => {
            format!("In /etc/systemd/system; `systemctl enable --now {name}@{{0..{last}}}` (bash).")
        }
    }
}

fn unit(service: &Service<'_>) -> String {
    let spec = service.spec;
    let (policy, usual) = (&spec.policy, Policy::default());
    let mut out = String::new();
    // Writing to a string cannot fail.
    let mut line = |text: String| _ = writeln!(out, "{text}");
    line("\n[Unit]".to_owned());
    line(format!("Description={}", literal(&spec.name)));
    line("After=network.target".to_owned());
    if service.when == When::Always {
        let interval = u64::from(policy.max_unstable) * (policy.min_uptime + policy.restart_delay);
        line(format!("StartLimitBurst={}", policy.max_unstable));
        line(format!("StartLimitIntervalSec={}ms", interval.max(usual.min_uptime)));
    }
    line("\n[Service]".to_owned());
    kind(service).into_iter().for_each(&mut line);
    if let Some(user) = user(service) {
        line(user);
    }
    line(format!("WorkingDirectory={}", literal(&service.folder)));
    let command: Vec<String> =
        service.command.iter().enumerate().map(|(at, word)| word_of(at, word)).collect();
    line(format!("ExecStart={}", command.join(" ")));
    environment(service).into_iter().for_each(&mut line);
    if service.when == When::Always {
        line("Restart=always".to_owned());
        line(format!("RestartSec={}ms", policy.restart_delay));
    }
    if !policy.stop_exit_codes.is_empty() {
        let codes: Vec<String> = policy.stop_exit_codes.iter().map(i32::to_string).collect();
        line(format!("RestartPreventExitStatus={}", codes.join(" ")));
    }
    line(format!("KillSignal={}", service.signal()));
    line(format!("TimeoutStopSec={}ms", policy.stop_grace));
    if !policy.tree_kill {
        line("KillMode=process".to_owned());
    }
    limits(&spec.limits).for_each(&mut line);
    if let Some(memory) = service.memory() {
        line(format!("MemoryMax={}", bytes(memory, ["K", "M", "G"])));
    }
    for (key, path) in [("StandardOutput", &spec.logs.out), ("StandardError", &spec.logs.err)] {
        match path {
            _ if spec.logs.disabled => line(format!("{key}=null")),
            Some(path) => line(format!("{key}=append:{}", literal(&path.display().to_string()))),
            None => {}
        }
    }
    if !matches!(service.when, When::At(_)) {
        line("\n[Install]\nWantedBy=multi-user.target".to_owned());
    }
    out
}

/// When it counts as up, and how it says that it is alive.
fn kind(service: &Service<'_>) -> Vec<String> {
    let spec = service.spec;
    let notifies = spec.ready == Some(Ready::Notifies);
    let kind = match service.when {
        When::Always if notifies => "notify",
        When::Always => "exec",
        When::Once | When::At(_) => "oneshot",
    };
    let mut lines = vec![format!("Type={kind}")];
    if spec.notifies() {
        // As here, each process of the app is heard.
        lines.push("NotifyAccess=all".to_owned());
    }
    lines.extend(spec.watchdog.map(|period| format!("WatchdogSec={period}ms")));
    lines
}

fn environment(service: &Service<'_>) -> Vec<String> {
    let spec = service.spec;
    let variable = |(name, value)| format!("Environment={}", quoted(&format!("{name}={value}")));
    let mut lines: Vec<String> = service.variables.iter().map(variable).collect();
    if 1 < spec.instances && !service.variables.contains_key(spec.instance_var.as_str()) {
        lines.push(format!("Environment={}=%i", spec.instance_var));
    }
    if !service.secrets.is_empty() {
        lines.push(format!("EnvironmentFile=/etc/ostler/{}.env", service.name));
    }
    lines
}

fn limits(limits: &Limits) -> impl Iterator<Item = String> {
    let files = limits.nofile.map(|files| format!("LimitNOFILE={files}"));
    let nice = limits.nice.map(|nice| format!("Nice={nice}"));
    let score = limits.oom_score.map(|score| format!("OOMScoreAdjust={score}"));
    let cpu = limits.max_cpu.map(|percent| format!("CPUQuota={percent}%"));
    [files, nice, score, cpu].into_iter().flatten()
}

fn user(service: &Service<'_>) -> Option<String> {
    let uid = service.spec.uid?;
    let mut out = format!("User={uid}");
    if let Some(gid) = service.spec.gid {
        // Writing to a string cannot fail.
        let _ = write!(out, "\nGroup={gid}");
    }
    Some(out)
}

/// The timer, of which a person must write the times.
fn timer(service: &Service<'_>, head: &str) -> String {
    let name = literal(&service.spec.name);
    let When::At(pattern) = &service.when else { return String::new() };
    let (calendar, about) = match calendar(pattern) {
        Some(calendar) => (calendar, String::new()),
        None => ("daily".to_owned(), format!("# Translate: cron's `{pattern}`.\n")),
    };
    format!(
        "{head}\n[Unit]\nDescription={name}, by the clock\n\n[Timer]\n\
         {about}OnCalendar={calendar}\n\n[Install]\nWantedBy=timers.target\n"
    )
}

/// A word of the command. The first one may be no variable and must not begin with what systemd
/// reads as a prefix; a name without a slash is looked up.
fn word_of(at: usize, word: &str) -> String {
    let word = if at == 0 && !Path::new(word).is_absolute() && word.contains('/') {
        format!("./{word}")
    } else {
        word.to_owned()
    };
    let escaped = word.replace('$', "$$");
    let safe = |c: char| c.is_ascii_alphanumeric() || "/_.-=:,@+".contains(c);
    if !escaped.is_empty()
        && escaped.chars().all(safe)
        && !(at == 0 && escaped.starts_with(['@', '-', '+', ':']))
    {
        escaped
    } else {
        quoted(&escaped)
    }
}

/// A text in quotes, with systemd's escapes and no specifier in it.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            '%' => out.push_str("%%"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            char => out.push(char),
        }
    }
    out.push('"');
    out
}

/// A value that is not in quotes.
fn literal(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>()
        .replace('%', "%%")
}
