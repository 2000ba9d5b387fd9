//! When a process counts as up, and how a new one takes over from an old one.

use ostler_core::spec::{AppSpec, Policy, Readiness};
use serde_json::Value as Json;

use super::access::{Access, FieldAccess, FieldType as _, field};
use super::attribute::{Applies, Attribute, Gives};
use super::forms::Uptime;
use super::row::{ms, object, switch, time, truth, value};
use crate::value::Value;
use crate::{health, ready};

pub(super) static ROWS: &[Attribute] = &[
    truth("wait_ready", WAIT_READY)
        .flags(&[switch(&["wait-ready"], true)])
        .help("it is up when it sends the message `ready`"),
    object("ready", READY)
        .inside(ready::SCHEMA)
        .flags(&[
            value(&["ready-port"], "port|any")
                .gives(Gives::Part("port"))
                .says("it is up when it listens on this TCP port, or on any"),
            value(&["ready-http"], "url")
                .gives(Gives::Part("http"))
                .says("it is up when this URL answers 2xx or 3xx"),
            value(&["ready-log"], "text")
                .gives(Gives::Part("log"))
                .says("it is up when it writes a line with this text"),
            value(&["ready-exec"], "command")
                .gives(Gives::Part("exec"))
                .says("it is up when this command ends with 0"),
            switch(&["ready-notify"], true)
                .gives(Gives::Part("notify"))
                .says("it is up when it sends `READY=1`, as to systemd"),
        ])
        .advice("write an object, such as `{ \"port\": 3000 }`")
        .example("{ \"port\": 3000 }")
        .help(
            "what makes it up: that it listens on a `port`, that a URL (`http`) answers, that a \
             line with a text (`log`) is written, that a command (`exec`) ends with 0, the \
             `message`, or `READY=1` as for systemd (`notify`)",
        ),
    time("watchdog", field!(watchdog as Uptime))
        .flags(&[value(&["watchdog"], "time")])
        .advice("write milliseconds from 100 up, or a text such as `\"10s\"`")
        .example("\"10s\"")
        .help("restart a process that serves and sends no `WATCHDOG=1` for so long"),
    ms("listen_timeout", LISTEN_TIMEOUT)
        .flags(&[value(&["listen-timeout"], "ms")])
        .help("how long to wait until it is up"),
    ms("prove_timeout", PROVE_TIMEOUT)
        .record_only()
        .follows("listen_timeout")
        .help("in a reload: how long a new worker may take to pass its checks"),
    object("health", HEALTH)
        .inside(health::SCHEMA)
        .applies(Applies::Reload)
        .flags(&[
            value(&["health-http"], "url")
                .gives(Gives::Part("http"))
                .says("health check: this URL must answer 2xx or 3xx"),
            value(&["health-tcp"], "host:port")
                .gives(Gives::Part("tcp"))
                .says("health check: this address must accept a connection"),
            value(&["health-grpc"], "host:port")
                .gives(Gives::Part("grpc"))
                .says("health check: this gRPC server must say that it serves"),
            value(&["health-service"], "name")
                .gives(Gives::Part("service"))
                .says("with --health-grpc: the service that is asked about"),
            value(&["health-exec"], "command")
                .gives(Gives::Part("exec"))
                .says("health check: this command must end with 0"),
            value(&["health-interval"], "ms")
                .gives(Gives::Part("interval"))
                .says("time between two health checks"),
            value(&["health-timeout"], "ms")
                .gives(Gives::Part("timeout"))
                .says("time a health check may take"),
            value(&["health-retries"], "n")
                .gives(Gives::Part("retries"))
                .says("failed checks in a row that make it unhealthy"),
            value(&["health-restart"], "n")
                .gives(Gives::Part("restart_after"))
                .says("restart a process that serves after so many failed checks in a row"),
            value(&["health-grace"], "ms")
                .gives(Gives::Part("grace"))
                .says("with --health-restart: how long a process is spared after its start"),
        ])
        .advice("write an object, such as `{ \"http\": \"http://localhost:3000/health\" }`")
        .example("{ \"http\": \"http://localhost:3000/health\" }")
        .help(
            "check that a new worker must pass before it replaces an old one; with \
             `restart_after`, a process that fails it is restarted",
        ),
    ms("health_budget", HEALTH_BUDGET)
        .record_only()
        .follows("health")
        .help("in a reload: how long the health check may take in all"),
    ms("stable_for", field!(policy.stable_for))
        .applies(Applies::Reload)
        .flags(&[value(&["stable-for"], "ms")])
        .help("in a reload: how long a new worker must live on before it counts"),
    ms("drain_timeout", field!(policy.drain_timeout))
        .applies(Applies::Reload)
        .flags(&[value(&["drain-timeout"], "ms")])
        .help("in a reload: how long an old worker may finish its connections"),
    truth("drain_hook", field!(policy.drain_hook))
        .example("false")
        .help("load into Node workers what answers with `Connection: close` while they leave"),
];

/// Readiness and the checks of a reload have one time limit where the user gives one, else two.
const LISTEN_TIMEOUT: Access = Access::Field(FieldAccess {
    get: |spec| spec.policy.ready_timeout.into(),
    set: |spec, node| {
        let timeout = u64::read(node)?;
        (spec.policy.ready_timeout, spec.policy.verify_timeout) = (timeout, timeout);
        Ok(())
    },
    same: |spec, usual| !is_listen_timeout_given(&spec.policy, &usual.policy),
});

fn is_listen_timeout_given(policy: &Policy, usual: &Policy) -> bool {
    policy.ready_timeout != usual.ready_timeout || policy.verify_timeout == policy.ready_timeout
}

const PROVE_TIMEOUT: Access = Access::Field(FieldAccess {
    get: |spec| spec.policy.verify_timeout.into(),
    set: |spec, node| {
        spec.policy.verify_timeout = u64::read(node)?;
        Ok(())
    },
    same: |AppSpec { policy, .. }, AppSpec { policy: usual, .. }| {
        let given = is_listen_timeout_given(policy, usual);
        policy.verify_timeout == if given { policy.ready_timeout } else { usual.verify_timeout }
    },
});

const WAIT_READY: Access = Access::Field(FieldAccess {
    get: |spec| (spec.ready.is_none() && spec.policy.readiness == Readiness::Message).into(),
    set: |spec, node| {
        let asked = Readiness::read(node)?;
        if spec.ready.is_none() {
            spec.policy.readiness = asked;
        }
        Ok(())
    },
    same: |spec, usual| spec.ready.is_some() || spec.policy.readiness == usual.policy.readiness,
});

/// The core knows only that somebody will tell when a run is ready.
const READY: Access = Access::Field(FieldAccess {
    get: |spec| spec.ready.write(),
    set: |spec, node| {
        let ready = Option::read(node)?;
        if ready.is_some() {
            spec.policy.readiness = Readiness::Message;
        } else if spec.ready.is_some() {
            spec.policy.readiness = Readiness::Started;
        }
        spec.ready = ready;
        Ok(())
    },
    same: |spec, usual| spec.ready == usual.ready,
});

const HEALTH: Access = Access::Field(FieldAccess {
    get: |spec| spec.health.write(),
    set: |spec, node| {
        let health = Option::read(node)?;
        spec.policy.health_budget = health.as_ref().map(health::budget);
        spec.health = health;
        Ok(())
    },
    same: |spec, usual| spec.health == usual.health,
});

/// A record has it only where it is not what follows from the health check; `false` is none.
const HEALTH_BUDGET: Access = Access::Field(FieldAccess {
    get: |spec| spec.policy.health_budget.map_or(Json::Bool(false), Json::from),
    set: |spec, node| {
        spec.policy.health_budget = match &node.value {
            Value::Bool(false) => None,
            _ => Some(u64::read(node)?),
        };
        Ok(())
    },
    same: |spec, _| spec.policy.health_budget == spec.health.as_ref().map(health::budget),
});
