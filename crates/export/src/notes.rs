//! What an engine has no word for, or means in another way.

use ostler_config::cron;
use ostler_config::watch::Watching;
use ostler_core::spec::{
    Address, Balance, Condition, Dependency, ExecMode, LogFormat, Policy, Probe, Readiness, Ready,
};

use crate::calendar::calendar;
use crate::engine::Engine;
use crate::service::{Service, When};

/// Returns the sentences on an app.
pub(crate) fn of(engine: Engine, service: &Service<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    place(engine, service, &mut notes);
    start(engine, service, &mut notes);
    instances(engine, service, &mut notes);
    stop(engine, service, &mut notes);
    restart(engine, service, &mut notes);
    logs(engine, service, &mut notes);
    notes
}

fn place(engine: Engine, service: &Service<'_>, notes: &mut Vec<String>) {
    if engine.runs_images() {
        for path in &service.outside {
            notes.push(format!(
                "`{path}` is not in the folder of the process file: the image must have it there"
            ));
        }
    }
    if !service.secrets.is_empty() {
        let names: Vec<String> = service.secrets.iter().map(|name| format!("`{name}`")).collect();
        let (names, name) = (names.join(", "), &service.name);
        notes.push(match engine {
            Engine::Compose | Engine::Swarm => {
                format!("{names}: a secret, taken from the environment of the command")
            }
            Engine::Kubernetes => format!(
                "{names}: a secret, in none of the files; `kubectl create secret generic {name} \
                 --from-env-file=FILE` makes it"
            ),
            Engine::Nomad => format!("{names}: a secret; `nomad var put nomad/jobs/{name} …`"),
            Engine::Systemd => {
                format!("{names}: a secret; write it to /etc/ostler/{name}.env, for root alone")
            }
        });
    }
    for port in &service.shared_ports {
        match engine {
            Engine::Compose | Engine::Swarm => notes
                .push(format!("another app has port {port}, too: only the first one publishes it")),
            Engine::Systemd => notes.push(format!("another app has port {port}, too")),
            Engine::Kubernetes | Engine::Nomad => {}
        }
    }
    let is_unix = |address: &Address| matches!(address, Address::Unix(_));
    if service.spec.fds.values().any(is_unix) {
        notes.push("`fds`: a UNIX socket is not handed over".to_owned());
    }
}

fn start(engine: Engine, service: &Service<'_>, notes: &mut Vec<String>) {
    let spec = service.spec;
    let policy = &spec.policy;
    match (&spec.health, engine) {
        (Some(_), Engine::Systemd) => notes
            .push("`health`: systemd asks nobody; the app may ping by `WatchdogSec`".to_owned()),
        (Some(health), Engine::Compose | Engine::Swarm) => match &health.probe {
            Probe::Http { .. } => {
                notes.push("`health`: the image must have `curl` or `wget`".to_owned());
            }
            Probe::Tcp { .. } => notes.push("`health`: the image must have `nc`".to_owned()),
            Probe::Grpc { .. } => {
                notes.push("`health`: the image must have `grpc_health_probe`".to_owned());
            }
            Probe::Exec { .. } => {}
        },
        (Some(health), Engine::Kubernetes) if asks_elsewhere(&health.probe) => {
            notes.push("`health`: Kubernetes asks gRPC of the app's own address alone".to_owned());
        }
        (Some(health), Engine::Nomad) if matches!(health.probe, Probe::Exec { .. }) => {
            notes.push("`health`: Nomad runs no command in a container by itself".to_owned());
        }
        (None, Engine::Compose | Engine::Swarm | Engine::Kubernetes | Engine::Nomad)
            if service.when == When::Always && !service.ports.is_empty() =>
        {
            notes.push(
                "no `health`: a new replica gets requests as soon as it is started, before it \
                 listens"
                    .to_owned(),
            );
        }
        (Some(_) | None, _) => {}
    }
    let is_heard = engine == Engine::Systemd && spec.ready == Some(Ready::Notifies);
    if let Some(ready) = spec.ready.as_ref().filter(|_| spec.health.is_none() && !is_heard) {
        let to_do = ready.to_do();
        notes.push(format!("`ready`: nobody looks whether it does: {to_do}; give it a `health`"));
    } else if policy.readiness == Readiness::Message && spec.health.is_none() && !is_heard {
        notes.push(
            "`wait_ready`: nobody hears the message `ready`; give the app a `health`".to_owned(),
        );
    }
    watchdog(engine, service, notes);
    depends(engine, service, notes);
    if Watching::of(spec).on {
        notes.push("`watch`: nothing is restarted by a changed file".to_owned());
    }
    if !spec.autostart {
        match engine {
            Engine::Compose => notes.push("`autostart`: in the profile `manual`".to_owned()),
            Engine::Systemd => notes.push("`autostart`: do not enable the unit".to_owned()),
            Engine::Kubernetes | Engine::Nomad | Engine::Swarm => {
                notes.push(format!("`autostart`: 0 of {} replicas", spec.instances));
            }
        }
    }
}

/// Systemd alone hears who says that it is alive.
fn watchdog(engine: Engine, service: &Service<'_>, notes: &mut Vec<String>) {
    if service.spec.watchdog.is_some() && engine != Engine::Systemd {
        notes.push(
            "`watchdog`: nobody hears `WATCHDOG=1`; give the app a `health` that shows whether it \
             hangs"
                .to_owned(),
        );
    }
}

/// Compose alone makes an app wait for others.
fn depends(engine: Engine, service: &Service<'_>, notes: &mut Vec<String>) {
    let spec = service.spec;
    let names: Vec<String> = spec.depends_on.iter().map(|on| format!("`{}`", on.name)).collect();
    if names.is_empty() {
        return;
    }
    let names = names.join(", ");
    match engine {
        Engine::Compose => {
            let ready = |on: &Dependency| on.condition == Condition::Ready;
            if spec.depends_on.iter().any(ready) {
                notes.push(format!(
                    "`depends_on`: {names}; Compose waits until a container is started, or healthy \
                     where the app has a `health`"
                ));
            }
        }
        Engine::Kubernetes | Engine::Nomad | Engine::Swarm | Engine::Systemd => {
            notes.push(format!("`depends_on`: it does not wait for {names}"));
        }
    }
}

fn instances(engine: Engine, service: &Service<'_>, notes: &mut Vec<String>) {
    let spec = service.spec;
    if let Some(variable) = spec.increment_var.as_ref().filter(|_| 1 < spec.instances) {
        notes.push(format!("`increment_var`: `{variable}` is the same in each replica"));
    }
    if service.by_instance && 1 < spec.instances {
        notes.push(match engine {
            Engine::Compose | Engine::Kubernetes | Engine::Nomad | Engine::Swarm => {
                "`{instance}` is 0 in each replica".to_owned()
            }
            Engine::Systemd => {
                "`{instance}` is 0 in each process; write a unit for each, with its port".to_owned()
            }
        });
    }
    if spec.exec_mode == ExecMode::Cluster {
        match engine {
            Engine::Systemd if 1 < spec.instances => notes.push(
                "`exec_mode`: processes of systemd share no port; `ostler startup` keeps the \
                 cluster"
                    .to_owned(),
            ),
            Engine::Compose if 1 < spec.instances && !service.ports.is_empty() => notes.push(
                "`exec_mode`: each replica has a port of its own on the machine; put a proxy \
                 before them"
                    .to_owned(),
            ),
            Engine::Compose
            | Engine::Kubernetes
            | Engine::Nomad
            | Engine::Swarm
            | Engine::Systemd => {}
        }
        if spec.policy.drain_hook {
            notes.push(
                "`drain_timeout`: nothing is loaded into the app; when it is asked to end, it must \
                 finish its connections by itself"
                    .to_owned(),
            );
        }
    }
    match (spec.balance, engine) {
        (Balance::Sticky, Engine::Compose | Engine::Nomad | Engine::Swarm | Engine::Systemd) => {
            notes.push("`balance: 'sticky'`: clients do not stay with their replica".to_owned());
        }
        (Balance::Sticky | Balance::RoundRobin | Balance::Shared, _) => {}
    }
    match engine {
        Engine::Compose if 1 < spec.instances => notes.push(
            "a new version: `docker compose up` ends the old replicas before it starts the new"
                .to_owned(),
        ),
        Engine::Systemd if spec.exec_mode == ExecMode::Cluster => notes.push(
            "`reload`: `systemctl restart` ends the app before it starts it again".to_owned(),
        ),
        Engine::Compose | Engine::Kubernetes | Engine::Nomad | Engine::Swarm | Engine::Systemd => {}
    }
}

fn stop(engine: Engine, service: &Service<'_>, notes: &mut Vec<String>) {
    let policy = &service.spec.policy;
    let signal = service.signal();
    if policy.stop_by_message {
        notes.push(format!("`shutdown_with_message`: the app is sent {signal}"));
    }
    if engine == Engine::Kubernetes && signal != "SIGTERM" {
        notes.push(format!(
            "`kill_signal`: Kubernetes sends SIGTERM, unless the image says `STOPSIGNAL {signal}`"
        ));
    }
}

fn restart(engine: Engine, service: &Service<'_>, notes: &mut Vec<String>) {
    let spec = service.spec;
    let (policy, usual) = (&spec.policy, Policy::default());
    let is_systemd = engine == Engine::Systemd;
    let limits = &spec.limits;
    let given = [
        ("nofile", limits.nofile.is_some()),
        ("nice", limits.nice.is_some()),
        ("oom_score", limits.oom_score.is_some()),
        ("max_cpu", limits.max_cpu.is_some()),
    ];
    for (key, _) in given.into_iter().filter(|(_, given)| *given && !is_systemd) {
        notes.push(format!("`{key}`: the file sets no such limit"));
    }
    if spec.hooks.is_some() {
        notes.push("`hooks`: nothing runs these commands".to_owned());
    }
    for name in spec.secrets.keys() {
        notes.push(format!("`secrets`: give the variable `{name}` by the means of the engine"));
    }
    if spec.health.as_ref().is_some_and(|health| health.restart_after.is_some()) && is_systemd {
        notes.push("`health.restart_after`: nothing restarts it when its check fails".to_owned());
    }
    if policy.max_memory.is_some() && limits.max_memory.is_none() {
        notes.push("`max_memory_restart`: the kernel kills it there, and asks nobody".to_owned());
    }
    match (cron::pattern_of(spec), &service.when, engine) {
        (Some(_), When::Always, _) => {
            notes.push("`cron_restart`: nothing restarts it by the clock".to_owned());
        }
        (Some(pattern), _, Engine::Compose | Engine::Swarm) => {
            notes.push(format!("`cron_restart`: nothing starts it by the clock (`{pattern}`)"));
        }
        (Some(pattern), When::At(_), Engine::Systemd) if calendar(&pattern).is_none() => {
            notes.push(format!(
                "`cron_restart`: translate `{pattern}` to the form of systemd.time(7) in the timer"
            ));
        }
        (Some(_) | None, _, _) => {}
    }
    if engine == Engine::Kubernetes && policy.restart_delay != usual.restart_delay {
        notes.push("`restart_delay`: Kubernetes waits by its own rules".to_owned());
    }
    if policy.backoff.is_some() && engine != Engine::Kubernetes {
        notes.push("`exp_backoff_restart_delay`: the pause does not grow".to_owned());
    }
    let counts = policy.max_unstable != usual.max_unstable || policy.min_uptime != usual.min_uptime;
    if counts && matches!(engine, Engine::Compose | Engine::Kubernetes) {
        notes.push("`max_restarts`, `min_uptime`: it is restarted for ever".to_owned());
    }
    if !policy.stop_exit_codes.is_empty() && !is_systemd {
        notes.push("`stop_exit_codes`: it is restarted after each of them".to_owned());
    }
}

fn logs(engine: Engine, service: &Service<'_>, notes: &mut Vec<String>) {
    let logs = &service.spec.logs;
    let files: Vec<String> = [&logs.out, &logs.err, &logs.combined]
        .into_iter()
        .flatten()
        .map(|path| format!("`{}`", path.display()))
        .collect();
    if !files.is_empty() && engine.runs_images() {
        notes.push(format!("{}: output goes to the engine's log", files.join(", ")));
    }
    if logs.combined.is_some() && engine == Engine::Systemd {
        notes.push("`log_file`: output goes to the other two files, or to the journal".to_owned());
    }
    match logs.format {
        LogFormat::Raw => {}
        LogFormat::Json => {
            notes.push("`log_type`: lines are as the app writes them, and no objects".to_owned());
        }
        LogFormat::Logfmt => {
            notes.push("`log_type`: lines are as the app writes them, and no pairs".to_owned());
        }
    }
    if logs.date_format.is_some() {
        notes.push("`log_date_format`: the engine keeps the time of each line".to_owned());
    }
}

/// Whether a gRPC server is asked that is not on this machine.
fn asks_elsewhere(probe: &Probe) -> bool {
    let Probe::Grpc { address, .. } = probe else { return false };
    let host = address.rsplit_once(':').map_or("", |(host, _)| host);
    !matches!(host, "127.0.0.1" | "localhost" | "[::1]" | "0.0.0.0")
}
