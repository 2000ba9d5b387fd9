//! The INI file of supervisord: a section for each program.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::app::Made;
use super::wrong::NotUnderstood;
use super::{times, words};

/// What a section is called.
const PROGRAM: &str = "program:";
const GROUP: &str = "group:";
/// What stands for the number of a process.
const NUMBER: &str = "%(process_num)d";
/// Sections that say nothing of a program.
const OF_MANAGER: [&str; 5] =
    ["supervisord", "supervisorctl", "unix_http_server", "inet_http_server", "include"];
/// What holds here anyhow.
const ANYHOW: [&str; 3] = ["stopasgroup", "killasgroup", "stdout_capture_maxbytes"];

/// A section, with its keys in their order.
struct Section {
    name: String,
    keys: Vec<(String, String)>,
}

pub(super) fn apps(text: &str) -> Result<Vec<Made>, NotUnderstood> {
    let sections = sections(text)?;
    let mut spaces = BTreeMap::new();
    for section in &sections {
        let Some(group) = section.name.strip_prefix(GROUP) else { continue };
        let of = section.keys.iter().find(|(key, _)| key == "programs");
        for program in of.into_iter().flat_map(|(_, names)| names.split(',')) {
            spaces.insert(program.trim().to_owned(), group.to_owned());
        }
    }
    let mut apps = Vec::new();
    for section in &sections {
        if let Some(name) = section.name.strip_prefix(PROGRAM) {
            let mut made = app(name, &section.keys);
            if let Some(space) = spaces.get(name) {
                made.put("namespace", space.as_str());
            }
            apps.push(made);
        } else if !section.name.starts_with(GROUP) && !OF_MANAGER.contains(&section.name.as_str()) {
            let mut left = Made::new(&section.name);
            left.note("a section of this kind has no counterpart here");
            apps.push(left);
        }
    }
    Ok(apps)
}

fn sections(text: &str) -> Result<Vec<Section>, NotUnderstood> {
    let mut sections: Vec<Section> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let wrong = |why: &str| NotUnderstood::at(number + 1, why);
        // A comment stands alone, or behind a blank.
        let said = line.split(" ;").next().unwrap_or_default();
        let trimmed = said.trim();
        if trimmed.is_empty() || trimmed.starts_with([';', '#']) {
            continue;
        }
        if let Some(rest) = trimmed.strip_prefix('[') {
            let name = rest.strip_suffix(']').ok_or_else(|| wrong("`[` is not closed"))?;
            sections.push(Section { name: name.trim().to_owned(), keys: Vec::new() });
            continue;
        }
        let section = sections.last_mut().ok_or_else(|| wrong("this is in no section"))?;
        if said.starts_with([' ', '\t']) {
            // A value goes on in the next line, if that begins with a blank.
            let (_, value) = section.keys.last_mut().ok_or_else(|| wrong("this is no key"))?;
            value.push('\n');
            value.push_str(trimmed);
            continue;
        }
        let (key, value) = trimmed
            .split_once(['=', ':'])
            .ok_or_else(|| wrong("there is no `=` between key and value"))?;
        section.keys.push((key.trim().to_owned(), value.trim().to_owned()));
    }
    Ok(sections)
}

fn app(name: &str, keys: &[(String, String)]) -> Made {
    let mut made = Made::new(name);
    let get = |key: &str| keys.iter().rfind(|(of, _)| of == key).map(|(_, value)| value.as_str());
    for (key, value) in keys {
        let value = value.replace("%(program_name)s", name).replace(NUMBER, "{instance}");
        key_of(&mut made, key, &value);
    }
    if let Some(out) = made.keys.get("out_file").cloned()
        && get("redirect_stderr") == Some("true")
    {
        made.put("error_file", out);
    }
    restarts(&mut made, get("autorestart"), get("exitcodes"));
    let instances = get("numprocs").and_then(|count| count.parse::<u32>().ok());
    if let Some(count) = instances.filter(|count| 1 < *count) {
        made.put("instances", count);
        made.put("exec_mode", "fork");
        made.note("`numprocs`: `{instance}` in arguments and variables is the number, from 0 on");
    }
    if get("command").is_none() {
        made.note("left out: no `command` says what is run");
    }
    let asks = keys
        .iter()
        .any(|(key, value)| key != "process_name" && value.replace(NUMBER, "").contains("%("));
    if asks {
        made.note("`%(…)s` stands as it was written: supervisord fills it in");
    }
    made
}

fn key_of(made: &mut Made, key: &str, value: &str) {
    match key {
        // No shell reads it.
        "command" => match words::split(value) {
            Some(words) => made.run(words),
            None => made.note("`command`: a quote in it is not closed"),
        },
        "directory" => made.put("cwd", value),
        "user" => made.put("user", value),
        "environment" => match variables(value) {
            Some(env) => made.put("env", env),
            None => made.note("`environment` is not understood, and left out"),
        },
        "autostart" if value == "false" => made.put("autostart", false),
        "startsecs" => {
            if let Some(ms) = times::ms(value).filter(|ms| 100 <= *ms) {
                made.put("min_uptime", ms);
            }
        }
        "startretries" => count(made, "max_restarts", value),
        "stopsignal" => made.put("kill_signal", words::signal(value)),
        "stopwaitsecs" => match times::ms(value) {
            Some(ms) => made.put("kill_timeout", ms),
            None => made.left_out(key),
        },
        "stdout_logfile" => file(made, "out_file", value),
        "stderr_logfile" => file(made, "error_file", value),
        "stdout_logfile_maxbytes" => {
            if let Some(bytes) = times::bytes(value).filter(|bytes| 0 < *bytes) {
                made.put("log_max_size", bytes);
            }
        }
        "stdout_logfile_backups" => count(made, "log_keep", value),
        "priority" => {
            made.note("`priority`: `depends_on` says which apps are started before it");
        }
        "autostart"
        | "autorestart"
        | "exitcodes"
        | "numprocs"
        | "process_name"
        | "redirect_stderr"
        | "stderr_logfile_maxbytes"
        | "stderr_logfile_backups" => {}
        key if ANYHOW.contains(&key) => {}
        key => made.left_out(key),
    }
}

fn count(made: &mut Made, key: &str, value: &str) {
    if let Ok(count) = value.parse::<u32>() {
        made.put(key, count);
    }
}

fn file(made: &mut Made, key: &str, value: &str) {
    match value {
        "AUTO" => {}
        "NONE" => made.put(key, "/dev/null"),
        path => made.put(key, path),
    }
}

fn restarts(made: &mut Made, autorestart: Option<&str>, exit_codes: Option<&str>) {
    match autorestart.unwrap_or("unexpected") {
        "true" => {}
        "false" => made.put("autorestart", false),
        _ => {
            let codes: Vec<u8> = exit_codes
                .unwrap_or("0")
                .split(',')
                .filter_map(|of| of.trim().parse().ok())
                .collect();
            made.put("stop_exit_codes", json!(codes));
        }
    }
}

/// Reads variables as they stand there: `KEY="value",OTHER=plain`.
fn variables(text: &str) -> Option<Map<String, Value>> {
    let mut env = Map::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, behind) = rest.split_once('=')?;
        let behind = behind.trim_start();
        let (value, next) = match behind.chars().next().filter(|one| ['"', '\''].contains(one)) {
            Some(quote) => {
                let (value, next) = behind.get(1..)?.split_once(quote)?;
                (value, next.trim_start().strip_prefix(',').unwrap_or(next.trim_start()))
            }
            None => behind.split_once([',', '\n']).unwrap_or((behind, "")),
        };
        env.insert(name.trim().to_owned(), json!(value.trim()));
        rest = next.trim();
    }
    Some(env)
}
