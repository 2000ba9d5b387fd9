//! Nomad: a job for each app, in a file of its own.

use ostler_core::Url;
use ostler_core::spec::{Health, Policy, Probe};

use crate::engine::{Engine, Source};
use crate::hcl::{Hcl, list, quoted};
use crate::made::{File, Note};
use crate::service::{Service, When};
use crate::text::{head, of_app};

/// Memory of a task that says nothing of it, MB; Nomad's own default.
const USUAL_MEMORY: u64 = 300;

/// Returns the files.
pub(crate) fn files(services: &[Service<'_>], source: &Source, notes: &[Note]) -> Vec<File> {
    let file = |service: &Service<'_>| {
        let mut out = Hcl::default();
        job(&mut out, service);
        let top = head(Engine::Nomad, source, &of_app(notes, &service.spec.name));
        let text = format!("{top}{}", out.into_text());
        File { name: format!("{}.nomad.hcl", service.name), text }
    };
    services.iter().map(file).collect()
}

fn job(out: &mut Hcl, service: &Service<'_>) {
    let policy = &service.spec.policy;
    out.block(&format!("job {}", quoted(&service.name)), |out| {
        out.set("type", quoted(if service.when == When::Always { "service" } else { "batch" }));
        if let When::At(pattern) = &service.when {
            out.block("periodic", |out| {
                out.set("crons", list(std::slice::from_ref(pattern)));
                out.set("prohibit_overlap", true);
            });
        }
        if service.when == When::Always {
            out.block("update", |out| {
                // A canary for each: the new ones have passed their checks before the old leave.
                out.set("max_parallel", 1);
                out.set("canary", service.replicas().max(1));
                out.set("auto_promote", true);
                out.set("auto_revert", true);
                out.set("min_healthy_time", quoted(&format!("{}ms", policy.stable_for)));
                let deadline = policy.verify_timeout.max(policy.stable_for + 1000);
                out.set("healthy_deadline", quoted(&format!("{deadline}ms")));
                out.set("progress_deadline", quoted(&format!("{}ms", deadline + 60_000)));
            });
        }
        out.block(&format!("group {}", quoted(&service.name)), |out| group(out, service));
    });
}

fn group(out: &mut Hcl, service: &Service<'_>) {
    let (policy, usual) = (&service.spec.policy, Policy::default());
    out.set("count", service.replicas());
    out.block("restart", |out| {
        let lasts = service.when == When::Always;
        out.set("attempts", if lasts { policy.max_unstable } else { 0 });
        let counted = policy.min_uptime.max(usual.min_uptime);
        let interval = u64::from(policy.max_unstable.max(1)) * (counted + policy.restart_delay);
        out.set("interval", quoted(&format!("{}s", interval.div_ceil(1000).max(5))));
        out.set("delay", quoted(&format!("{}ms", policy.restart_delay)));
        out.set("mode", quoted("fail"));
    });
    if !service.ports.is_empty() {
        out.block("network", |out| {
            for port in &service.ports {
                out.block(&format!("port \"port-{port}\""), |out| out.set("to", port));
            }
        });
        for port in &service.ports {
            out.block("service", |out| reached(out, service, *port));
        }
    }
    out.block(&format!("task {}", quoted(&service.name)), |out| task(out, service));
}

/// How others reach one of its ports.
fn reached(out: &mut Hcl, service: &Service<'_>, port: u16) {
    let first = service.ports.first() == Some(&port);
    let name = if first { service.name.clone() } else { format!("{}-{port}", service.name) };
    out.set("name", quoted(&name));
    out.set("port", quoted(&format!("port-{port}")));
    out.set("provider", quoted("nomad"));
    let Some(health) = &service.spec.health else { return };
    match &health.probe {
        Probe::Http { url } => {
            if let Some(url) = Url::of(url).filter(|url| url.port == port) {
                check(out, health, "http", Some(("path", url.path)));
            }
        }
        Probe::Tcp { address } if address.ends_with(&format!(":{port}")) => {
            check(out, health, "tcp", None);
        }
        Probe::Grpc { address, service } if address.ends_with(&format!(":{port}")) => {
            let named = Some(("grpc_service", service.as_str())).filter(|of| !of.1.is_empty());
            check(out, health, "grpc", named);
        }
        Probe::Tcp { .. } | Probe::Grpc { .. } | Probe::Exec { .. } => {}
    }
}

fn check(out: &mut Hcl, health: &Health, kind: &str, of_kind: Option<(&str, &str)>) {
    out.block("check", |out| {
        out.set("type", quoted(kind));
        if let Some((key, value)) = of_kind {
            out.set(key, quoted(value));
        }
        // A second is the least that Nomad takes.
        out.set("interval", quoted(&format!("{}ms", health.interval.max(1000))));
        out.set("timeout", quoted(&format!("{}ms", health.timeout.max(1000))));
    });
}

fn task(out: &mut Hcl, service: &Service<'_>) {
    let spec = service.spec;
    out.set("driver", quoted("docker"));
    if let Some(user) = service.user() {
        out.set("user", quoted(&user));
    }
    out.set("kill_signal", quoted(&service.signal()));
    out.set("kill_timeout", quoted(&format!("{}ms", spec.policy.stop_grace)));
    out.block("config", |out| {
        out.set("image", quoted(&service.image()));
        if let Some((program, arguments)) = service.command.split_first() {
            out.set("command", quoted(program));
            out.set("args", list(arguments));
        }
        out.set("work_dir", quoted(&service.folder));
        out.set("init", true);
        if !service.ports.is_empty() {
            let ports: Vec<String> =
                service.ports.iter().map(|port| format!("port-{port}")).collect();
            out.set("ports", list(&ports));
        }
    });
    if !service.variables.is_empty() {
        // A map takes any name, a block none but those of HCL.
        out.block("env =", |out| {
            for (name, value) in &service.variables {
                out.set(&quoted(name), quoted(value));
            }
        });
    }
    if !service.secrets.is_empty() {
        out.block("template", |out| {
            let path = format!("nomad/jobs/{}", service.name);
            let mut lines = vec![format!("{{{{ with nomadVar \"{path}\" }}}}")];
            for name in &service.secrets {
                lines.push(format!("{name}={{{{ .{name} | toJSON }}}}"));
            }
            lines.push("{{ end }}".to_owned());
            out.lines_to("data", "SECRETS", &lines);
            out.set("destination", quoted("secrets/app.env"));
            out.set("env", true);
        });
    }
    let rotation = &spec.logs.rotation;
    if rotation.keep.is_some() || rotation.max_size.is_some() {
        out.block("logs", |out| {
            out.set("max_files", rotation.keep.unwrap_or(10) + 1);
            let size = rotation.max_size.unwrap_or(10 << 20).div_ceil(1 << 20);
            out.set("max_file_size", size);
        });
    }
    out.block("resources", |out| {
        let memory = service.memory().map_or(USUAL_MEMORY, |of| of.div_ceil(1 << 20).max(10));
        out.set("memory", memory);
    });
}
