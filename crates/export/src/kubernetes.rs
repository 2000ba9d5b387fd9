//! Kubernetes: a Deployment and a Service for what always runs, a Job or a CronJob for what ends.

use ostler_core::Url;
use ostler_core::spec::{Balance, Health, Probe};
use serde_json::{Map, Value, json};

use crate::made::File;
use crate::service::{Service, When};
use crate::text::bytes;
use crate::yaml::{self, put};

/// Returns the file.
pub(crate) fn files(services: &[Service<'_>], head: &str) -> Vec<File> {
    let documents: Vec<String> = services
        .iter()
        .flat_map(|service| std::iter::once(workload(service)).chain(address(service)))
        .map(|value| yaml::document(&value))
        .collect();
    let text = format!("{head}{}", documents.join("---\n"));
    vec![File { name: "kubernetes.yaml".to_owned(), text }]
}

fn workload(service: &Service<'_>) -> Value {
    let metadata = json!({ "name": service.name, "labels": labels(service) });
    let template = json!({
        "metadata": { "labels": labels(service) },
        "spec": pod(service),
    });
    match &service.when {
        When::Always => json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": {
                "replicas": service.replicas(),
                "selector": { "matchLabels": { "app.kubernetes.io/name": service.name } },
                // A new pod has passed its checks before an old one leaves.
                "strategy": {
                    "type": "RollingUpdate",
                    "rollingUpdate": { "maxSurge": 1, "maxUnavailable": 0 },
                },
                "minReadySeconds": service.spec.policy.stable_for.div_ceil(1000),
                "template": template,
            },
        }),
        When::Once => json!({
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": metadata,
            "spec": job(service, &template),
        }),
        When::At(pattern) => json!({
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": metadata,
            "spec": {
                "schedule": pattern,
                "concurrencyPolicy": "Replace",
                "suspend": !service.spec.autostart,
                "jobTemplate": { "spec": job(service, &template) },
            },
        }),
    }
}

fn job(service: &Service<'_>, template: &Value) -> Value {
    let count = service.spec.instances;
    json!({ "backoffLimit": 0, "parallelism": count, "completions": count, "template": template })
}

fn labels(service: &Service<'_>) -> Value {
    let namespace = &service.spec.namespace;
    let is_label = |text: &str| {
        let ends = |c: char| c.is_ascii_alphanumeric();
        text.len() < 64
            && text.starts_with(ends)
            && text.ends_with(ends)
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    let mut labels = json!({ "app.kubernetes.io/name": service.name });
    if namespace != "default" && is_label(namespace) {
        put(&mut labels, "app.kubernetes.io/part-of", json!(namespace));
    }
    labels
}

fn pod(service: &Service<'_>) -> Value {
    let mut pod = json!({
        "terminationGracePeriodSeconds": service.grace(),
        "containers": [container(service)],
    });
    if service.when != When::Always {
        put(&mut pod, "restartPolicy", json!("Never"));
    }
    let mut user = Map::new();
    for (key, id) in [("runAsUser", service.spec.uid), ("runAsGroup", service.spec.gid)] {
        if let Some(id) = id {
            user.insert(key.to_owned(), json!(id));
        }
    }
    if !user.is_empty() {
        put(&mut pod, "securityContext", Value::Object(user));
    }
    pod
}

fn container(service: &Service<'_>) -> Value {
    let spec = service.spec;
    let command: Vec<String> = service.command.iter().map(|word| literal(word)).collect();
    let mut out = json!({
        "name": service.name,
        "image": service.image(),
        "command": command,
        "workingDir": service.folder,
    });
    let variables: Vec<Value> = service
        .variables
        .iter()
        .map(|(name, value)| json!({ "name": name, "value": literal(value) }))
        .collect();
    if !variables.is_empty() {
        put(&mut out, "env", Value::Array(variables));
    }
    if !service.secrets.is_empty() {
        put(&mut out, "envFrom", json!([{ "secretRef": { "name": service.name } }]));
    }
    if !service.ports.is_empty() {
        let ports = service.ports.iter().map(|port| json!({ "containerPort": port }));
        put(&mut out, "ports", ports.collect());
    }
    if let Some(memory) = service.memory() {
        let memory = bytes(memory, ["Ki", "Mi", "Gi"]);
        put(&mut out, "resources", json!({ "limits": { "memory": memory } }));
    }
    if let Some(health) = spec.health.as_ref().filter(|_| service.when == When::Always) {
        put(&mut out, "startupProbe", startup(health, spec.policy.verify_timeout));
        put(&mut out, "readinessProbe", probe(health));
    }
    out
}

fn probe(health: &Health) -> Value {
    let mut out = match &health.probe {
        Probe::Http { url } => match Url::of(url) {
            Some(url) => {
                let mut get = json!({ "path": url.path, "port": url.port });
                if !url.is_here() {
                    put(&mut get, "host", json!(url.host));
                }
                json!({ "httpGet": get })
            }
            None => json!({}),
        },
        Probe::Tcp { address } => {
            let (host, port) = address.rsplit_once(':').unwrap_or(("127.0.0.1", address));
            let mut socket = json!({ "port": port.parse::<u16>().unwrap_or_default() });
            if !matches!(host, "127.0.0.1" | "localhost" | "[::1]" | "0.0.0.0") {
                put(&mut socket, "host", json!(host.trim_matches(['[', ']'])));
            }
            json!({ "tcpSocket": socket })
        }
        Probe::Grpc { address, service } => {
            let port = address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
            let mut grpc = json!({ "port": port.unwrap_or_default() });
            if !service.is_empty() {
                put(&mut grpc, "service", json!(service));
            }
            json!({ "grpc": grpc })
        }
        Probe::Exec { command } => json!({ "exec": { "command": ["/bin/sh", "-c", command] } }),
    };
    put(&mut out, "periodSeconds", json!(health.interval.div_ceil(1000).max(1)));
    put(&mut out, "timeoutSeconds", json!(health.timeout.div_ceil(1000).max(1)));
    put(&mut out, "failureThreshold", json!(health.retries));
    out
}

/// As long as a new worker may take in a reload.
fn startup(health: &Health, limit: u64) -> Value {
    let mut out = probe(health);
    let period = health.interval.div_ceil(1000).max(1);
    put(&mut out, "failureThreshold", json!(limit.div_ceil(1000 * period).max(1)));
    out
}

/// How others reach it.
fn address(service: &Service<'_>) -> Option<Value> {
    if service.ports.is_empty() || service.when != When::Always {
        return None;
    }
    let ports: Vec<Value> = service
        .ports
        .iter()
        .map(|port| json!({ "name": format!("port-{port}"), "port": port, "targetPort": port }))
        .collect();
    let mut spec = json!({
        "selector": { "app.kubernetes.io/name": service.name },
        "ports": ports,
    });
    if service.spec.balance == Balance::Sticky {
        put(&mut spec, "sessionAffinity", json!("ClientIP"));
    }
    Some(json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "name": service.name, "labels": labels(service) },
        "spec": spec,
    }))
}

/// A text in which Kubernetes replaces nothing.
fn literal(text: &str) -> String {
    text.replace("$(", "$$(")
}
