//! Services of Docker Compose. What is run in a container there is run on this machine here, so
//! what concerns the container alone is told.

use serde_json::{Map, Value, json};

use super::app::Made;
use super::times;
use super::wrong::NotUnderstood;

/// Keys that concern the container alone, and are told in one note.
const OF_CONTAINER: [&str; 22] = [
    "image",
    "build",
    "ports",
    "expose",
    "volumes",
    "networks",
    "network_mode",
    "container_name",
    "hostname",
    "init",
    "tty",
    "stdin_open",
    "privileged",
    "cap_add",
    "cap_drop",
    "devices",
    "dns",
    "extra_hosts",
    "links",
    "secrets",
    "configs",
    "read_only",
];
/// Keys that say nothing of how it is run.
const ANYHOW: [&str; 4] = ["labels", "logging", "platform", "pull_policy"];

pub(super) fn apps(text: &str) -> Result<Vec<Made>, NotUnderstood> {
    let root = ostler_config::read_yaml(text)
        .map_err(|(line, why)| NotUnderstood { why, line: Some(line) })?;
    let services = root.get("services").and_then(Value::as_object);
    let services = services.ok_or_else(|| NotUnderstood {
        why: "`services` is no mapping of services".to_owned(),
        line: None,
    })?;
    Ok(services.iter().map(|(name, service)| app(name, service)).collect())
}

fn app(name: &str, service: &Value) -> Made {
    let mut made = Made::new(name);
    let empty = Map::new();
    let keys = service.as_object().unwrap_or(&empty);
    let of = |key: &str| keys.get(key).map(list).unwrap_or_default();
    // The entry point comes before the command, which are its arguments.
    match (keys.get("entrypoint"), keys.get("command")) {
        (None, None) => made.note(
            "left out: its image says what is run; add a `command` to it, or write a `script`",
        ),
        (None, Some(Value::String(line))) => made.run_line(line),
        (Some(Value::String(line)), None) => made.run_line(line),
        (_, _) => made.run([words(keys.get("entrypoint")), words(keys.get("command"))].concat()),
    }
    for (key, value) in keys {
        key_of(&mut made, key, value);
    }
    let container: Vec<String> = OF_CONTAINER
        .iter()
        .filter(|key| keys.contains_key(**key))
        .map(|key| format!("`{key}`"))
        .collect();
    if !container.is_empty() && made.runs() {
        let said = container.join(", ");
        made.note(format!("{said}: it runs on this machine, in no container"));
    }
    let texts = [of("command"), of("environment")].concat();
    if texts.iter().any(|text| text.contains("${")) {
        made.note("`${…}` stands as it was written: Compose fills it in");
    }
    made
}

fn key_of(made: &mut Made, key: &str, value: &Value) {
    let text = scalar(value);
    let text = text.as_deref();
    match key {
        "command" | "entrypoint" => {}
        "environment" => made.put("env", variables(value)),
        "env_file" => made.put("env_file", list(value)),
        "working_dir" => {
            made.put("cwd", text.unwrap_or_default());
            made.note("`working_dir` was a folder in the container");
        }
        "user" => {
            let text = text.unwrap_or_default();
            let (user, group) = text.split_once(':').unwrap_or((text, ""));
            made.put("user", user);
            if !group.is_empty() {
                made.put("gid", group);
            }
        }
        "restart" => restart(made, text.unwrap_or_default()),
        "depends_on" => made.put("depends_on", depends_on(value)),
        "healthcheck" => health(made, value),
        "profiles" => made.put("profiles", list(value)),
        "scale" => instances(made, value),
        "mem_limit" => memory(made, text),
        "cpus" => cpus(made, text),
        "stop_signal" => {
            made.put("kill_signal", super::words::signal(text.unwrap_or_default()));
        }
        "stop_grace_period" => match text.and_then(times::ms) {
            Some(ms) => made.put("kill_timeout", ms),
            None => made.left_out(key),
        },
        "oom_score_adj" => made.put("oom_score", value.clone()),
        "deploy" => deploy(made, value),
        "ulimits" => ulimits(made, value),
        key if OF_CONTAINER.contains(&key) || ANYHOW.contains(&key) || key.starts_with("x-") => {}
        key => made.left_out(key),
    }
}

fn restart(made: &mut Made, text: &str) {
    let (word, most) = text.split_once(':').unwrap_or((text, ""));
    match word {
        "no" | "false" => made.put("autorestart", false),
        "on-failure" => {
            made.put("stop_exit_codes", json!([0]));
            if let Ok(most) = most.parse::<u32>() {
                made.put("max_restarts", most);
            }
        }
        _ => {}
    }
}

fn deploy(made: &mut Made, deploy: &Value) {
    if let Some(replicas) = deploy.get("replicas") {
        instances(made, replicas);
    }
    let limits = deploy.pointer("/resources/limits");
    let of = |key: &str| limits.and_then(|limits| scalar(limits.get(key)?));
    memory(made, of("memory").as_deref());
    cpus(made, of("cpus").as_deref());
}

fn instances(made: &mut Made, count: &Value) {
    if count.as_u64().is_some_and(|count| 1 < count) {
        made.put("instances", count.clone());
    }
}

fn memory(made: &mut Made, text: Option<&str>) {
    if let Some(bytes) = text.and_then(times::bytes).filter(|bytes| 0 < *bytes) {
        made.put("max_memory_restart", bytes);
    }
}

fn cpus(made: &mut Made, text: Option<&str>) {
    let percent = text.and_then(|text| text.parse::<f64>().ok()).map(|cores| cores * 100.0);
    if let Some(percent) = percent.filter(|percent| 1.0 <= *percent) {
        made.put("max_cpu", format!("{}%", percent.round()));
    }
}

fn ulimits(made: &mut Made, limits: &Value) {
    for (key, value) in limits.as_object().into_iter().flatten() {
        let value = value.get("soft").unwrap_or(value);
        match key.as_str() {
            "nofile" => made.put("nofile", value.clone()),
            other => made.left_out(&format!("ulimits.{other}")),
        }
    }
}

/// What it waits for, by conditions whose names are understood here as they are.
fn depends_on(value: &Value) -> Map<String, Value> {
    match value {
        Value::Object(services) => {
            let one = |(name, how): (&String, &Value)| {
                let how = how.get("condition").cloned().unwrap_or_else(|| json!("service_started"));
                (name.clone(), how)
            };
            services.iter().map(one).collect()
        }
        Value::Array(_) => list(value).into_iter().map(|name| (name, json!("started"))).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Map::new(),
    }
}

fn health(made: &mut Made, check: &Value) {
    let test = check.get("test").map(|test| match test {
        Value::Array(_) => list(test),
        _ => vec!["CMD-SHELL".to_owned(), scalar(test).unwrap_or_default()],
    });
    let Some((how, rest)) = test.as_deref().and_then(|test| test.split_first()) else { return };
    if how == "NONE" || check.get("disable") == Some(&json!(true)) {
        return;
    }
    let quoted = |word: &String| ostler_shell::word(word).into_owned();
    let command = match how.as_str() {
        "CMD" => rest.iter().map(quoted).collect::<Vec<_>>().join(" "),
        _ => rest.join(" "),
    };
    let mut health = Map::from_iter([("exec".to_owned(), json!(command))]);
    for key in ["interval", "timeout"] {
        let ms = check.get(key).and_then(scalar).and_then(|text| times::ms(&text));
        if let Some(ms) = ms.filter(|ms| 0 < *ms) {
            health.insert(key.to_owned(), json!(ms));
        }
    }
    if let Some(retries) = check.get("retries").filter(|retries| retries.as_u64() != Some(0)) {
        health.insert("retries".to_owned(), retries.clone());
    }
    made.put("health", health);
    made.note("`healthcheck` is run on this machine; `restart_after` would restart what fails it");
}

fn variables(value: &Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => {
            // One without a value is that of the shell, which an app has anyhow.
            map.iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect()
        }
        _ => list(value)
            .iter()
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .collect(),
    }
}

fn words(value: Option<&Value>) -> Vec<String> {
    match value {
        None => Vec::new(),
        Some(Value::String(line)) => {
            super::words::split(line).unwrap_or_else(|| vec![line.clone()])
        }
        Some(value) => list(value),
    }
}

/// The texts of a list, or of one; of an object that has one, its `path`.
fn list(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(list).collect(),
        Value::Object(map) => match map.get("path") {
            Some(path) => list(path),
            None => map.values().flat_map(list).collect(),
        },
        one => scalar(one).into_iter().collect(),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
