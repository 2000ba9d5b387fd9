//! Docker Compose, and Docker Swarm, which reads the same file and does more of it.

use serde_json::{Map, Value, json};

use ostler_core::spec::{Condition, Dependency, Health, Policy, Probe};

use crate::engine::Engine;
use crate::made::File;
use crate::service::{Service, When};
use crate::text::{ask_grpc, ask_http, ask_tcp, bytes};
use crate::yaml::{self, put};

/// Returns the file.
pub(crate) fn files(engine: Engine, services: &[Service<'_>], head: &str) -> Vec<File> {
    let all: Map<String, Value> = services
        .iter()
        .map(|service| (service.name.clone(), one(engine, service, services)))
        .collect();
    let (name, document) = match engine {
        // Without a version, `docker stack` before 25 takes the file for one of version 1.
        Engine::Swarm => ("stack.yaml", json!({ "version": "3.8", "services": all })),
        _ => ("compose.yaml", json!({ "services": all })),
    };
    let text = format!("{head}{}", yaml::document(&document));
    vec![File { name: name.to_owned(), text }]
}

fn one(engine: Engine, service: &Service<'_>, all: &[Service<'_>]) -> Value {
    let spec = service.spec;
    let is_swarm = engine == Engine::Swarm;
    let mut out = Map::new();
    let mut set = |key: &str, value: Value| _ = out.insert(key.to_owned(), value);
    set("image", json!(service.image()));
    let command: Vec<String> = service.command.iter().map(|word| literal(word)).collect();
    set("command", json!(command));
    set("working_dir", json!(service.folder));
    // It collects orphans and passes signals on, which a first process must do.
    set("init", json!(true));
    if let Some(user) = service.user() {
        set("user", json!(user));
    }
    let environment = environment(service, is_swarm);
    if !environment.is_empty() {
        set("environment", Value::Object(environment));
    }
    let ports = ports(service, is_swarm);
    if !ports.is_empty() {
        set("ports", Value::Array(ports));
    }
    if let Some(health) = &spec.health {
        set("healthcheck", healthcheck(health, &spec.policy));
    }
    set("stop_signal", json!(service.signal()));
    set("stop_grace_period", json!(format!("{}ms", spec.policy.stop_grace)));
    if !is_swarm {
        set("restart", json!(if service.when == When::Always { "unless-stopped" } else { "no" }));
        if !spec.autostart {
            set("profiles", json!(["manual"]));
        }
    }
    let depends = depends_on(service, all);
    if !is_swarm && !depends.is_empty() {
        set("depends_on", Value::Object(depends));
    }
    if let Some(logging) = logging(service) {
        set("logging", logging);
    }
    set("labels", json!({ "ostler.app": spec.name, "ostler.namespace": spec.namespace }));
    set("deploy", deploy(service, is_swarm));
    Value::Object(out)
}

/// The services of the same file that must be there before this one begins.
fn depends_on(service: &Service<'_>, all: &[Service<'_>]) -> Map<String, Value> {
    let one = |on: &Dependency| {
        let other = all.iter().find(|other| other.spec.name == on.name)?;
        let condition = match (on.condition, &other.spec.health) {
            (Condition::Completed, _) => "service_completed_successfully",
            (Condition::Healthy | Condition::Ready, Some(_)) => "service_healthy",
            (Condition::Started | Condition::Ready | Condition::Healthy, _) => "service_started",
        };
        let mut value = json!({ "condition": condition });
        if on.restart {
            put(&mut value, "restart", json!(true));
        }
        Some((other.name.clone(), value))
    };
    service.spec.depends_on.iter().filter_map(one).collect()
}

fn environment(service: &Service<'_>, is_swarm: bool) -> Map<String, Value> {
    let mut out: Map<String, Value> = service
        .variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(literal(value))))
        .collect();
    for name in &service.secrets {
        out.insert((*name).to_owned(), json!(format!("${{{name}:?is a secret: set it}}")));
    }
    if is_swarm && 1 < service.spec.instances {
        let number = service.spec.instance_var.clone();
        // The engine counts from 1.
        out.entry(number).or_insert(json!("{{.Task.Slot}}"));
    }
    out
}

fn ports(service: &Service<'_>, is_swarm: bool) -> Vec<Value> {
    let published = service.ports.iter().filter(|port| !service.shared_ports.contains(port));
    let replicas = service.spec.instances;
    published
        .map(|port| {
            match u16::try_from(replicas).ok().and_then(|count| port.checked_add(count - 1)) {
                _ if is_swarm => json!({ "target": port, "published": port, "protocol": "tcp" }),
                Some(last) if last != *port => json!(format!("{port}-{last}:{port}")),
                Some(_) | None => json!(format!("{port}:{port}")),
            }
        })
        .collect()
}

fn healthcheck(health: &Health, policy: &Policy) -> Value {
    let test = match &health.probe {
        Probe::Http { url } => ask_http(url, health.timeout),
        Probe::Tcp { address } => ask_tcp(address, health.timeout),
        Probe::Grpc { address, service } => ask_grpc(address, service),
        Probe::Exec { command } => command.clone(),
    };
    json!({
        "test": ["CMD-SHELL", literal(&test)],
        "interval": format!("{}ms", health.interval),
        "timeout": format!("{}ms", health.timeout),
        "retries": health.retries,
        "start_period": format!("{}ms", policy.verify_timeout),
    })
}

fn logging(service: &Service<'_>) -> Option<Value> {
    let logs = &service.spec.logs;
    if logs.disabled {
        return Some(json!({ "driver": "none" }));
    }
    let mut options = Map::new();
    if let Some(size) = logs.rotation.max_size {
        options.insert("max-size".to_owned(), json!(bytes(size, ["k", "m", "g"])));
    }
    if let Some(keep) = logs.rotation.keep {
        // The one that is written is counted, too.
        options.insert("max-file".to_owned(), json!((keep + 1).to_string()));
    }
    (!options.is_empty()).then(|| json!({ "driver": "json-file", "options": options }))
}

fn deploy(service: &Service<'_>, is_swarm: bool) -> Value {
    let policy = &service.spec.policy;
    let replicas = if is_swarm { service.replicas() } else { service.spec.instances };
    let mut out = json!({ "replicas": replicas });
    if let Some(memory) = service.memory() {
        let memory = bytes(memory, ["K", "M", "G"]);
        put(&mut out, "resources", json!({ "limits": { "memory": memory } }));
    }
    if is_swarm {
        let monitor = format!("{}ms", policy.stable_for.max(5000));
        let step = json!({ "parallelism": 1, "order": "start-first", "monitor": monitor });
        let mut update = step.clone();
        put(&mut update, "failure_action", json!("rollback"));
        put(&mut out, "update_config", update);
        put(&mut out, "rollback_config", step);
        put(&mut out, "restart_policy", restart_policy(service));
    }
    out
}

fn restart_policy(service: &Service<'_>) -> Value {
    let (policy, usual) = (&service.spec.policy, Policy::default());
    if service.when != When::Always {
        return json!({ "condition": "none" });
    }
    let mut out = json!({ "condition": "any", "delay": format!("{}ms", policy.restart_delay) });
    if policy.max_unstable != usual.max_unstable || policy.min_uptime != usual.min_uptime {
        put(&mut out, "max_attempts", json!(policy.max_unstable));
        put(&mut out, "window", json!(format!("{}ms", policy.min_uptime)));
    }
    out
}

/// A text in which Compose replaces nothing.
fn literal(text: &str) -> String {
    text.replace('$', "$$")
}
