//! What the agent in an app of Node measures and can do (`agent.cjs` of the daemon).
//!
//! It tells figures in a fixed order. What PM2 shows of them, names, units and types, is made here,
//! and only when somebody looks: most apps are looked at rarely.

use std::fmt::Write as _;

use ostler_wire::control::Measured;
use serde::Deserialize;

/// Figures that an agent tells, at most.
const MOST: usize = METRICS.len();

/// What an agent tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Agent {
    figures: Vec<f64>,
    /// Whether it does what is asked for by an action.
    pub(super) acts: bool,
}

/// One figure, as PM2 shows it.
struct Metric {
    name: &'static str,
    unit: Option<&'static str>,
    kind: &'static str,
    form: Form,
}

/// How PM2 writes a figure: some are texts.
#[derive(Clone, Copy)]
enum Form {
    Text,
    Number,
}

const fn metric(
    name: &'static str,
    unit: Option<&'static str>,
    kind: &'static str,
    form: Form,
) -> Metric {
    Metric { name, unit, kind, form }
}

/// In the order in which the agent tells them; the last three only of servers of HTTP.
const METRICS: [Metric; 10] = [
    metric("Heap Size", Some("MiB"), "internal/v8/heap/total", Form::Text),
    metric("Heap Usage", Some("%"), "internal/v8/heap/usage", Form::Number),
    metric("Used Heap Size", Some("MiB"), "internal/v8/heap/used", Form::Text),
    metric("Active requests", None, "internal/libuv/requests", Form::Number),
    metric("Active handles", None, "internal/libuv/handles", Form::Number),
    metric("Event Loop Latency", Some("ms"), "internal/libuv/latency/p50", Form::Text),
    metric("Event Loop Latency p95", Some("ms"), "internal/libuv/latency/p95", Form::Text),
    metric("HTTP Mean Latency", Some("ms"), "internal/http/builtin/latency/p50", Form::Number),
    metric("HTTP P95 Latency", Some("ms"), "internal/http/builtin/latency/p95", Form::Number),
    metric("HTTP", Some("req/min"), "internal/http/builtin/reqs", Form::Number),
];

/// Actions with their numbers of arguments, as PM2's agent declares them.
const ACTIONS: [(&str, u8); 5] = [
    ("km:heapdump", 2),
    ("km:cpu:profiling:start", 2),
    ("km:cpu:profiling:stop", 1),
    ("km:heap:sampling:start", 2),
    ("km:heap:sampling:stop", 1),
];

impl Agent {
    /// Reads what an agent says; `None` when it is nothing that an agent says.
    pub(super) fn read(data: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Told {
            figures: Vec<f64>,
            actions: bool,
        }
        let Told { mut figures, actions } = serde_json::from_str(data).ok()?;
        figures.truncate(MOST);
        Some(Self { figures, acts: actions })
    }

    /// Whether it has told anything.
    pub(super) fn is_there(&self) -> bool {
        !self.figures.is_empty()
    }

    fn each(&self) -> impl Iterator<Item = (&'static Metric, f64)> {
        METRICS.iter().zip(self.figures.iter().copied())
    }

    /// Its figures as PM2 shows them, names and JSON text, in their order.
    pub(super) fn monitor(&self) -> Vec<(&'static str, String)> {
        self.each().map(|(metric, figure)| (metric.name, metric.json(figure))).collect()
    }

    /// Its figures as they are.
    pub(super) fn measured(&self) -> Vec<Measured> {
        let each = self.each().filter(|(_, figure)| figure.is_finite());
        let each = each.map(|(metric, value)| Measured {
            name: metric.name.to_owned(),
            value,
            unit: metric.unit.map(str::to_owned),
        });
        each.collect()
    }

    /// Its figures for a person: names and values with their units.
    pub(super) fn shown(&self) -> Vec<(String, String)> {
        let each = self.each().map(|(metric, figure)| {
            let unit = metric.unit.map_or_else(String::new, |unit| format!(" {unit}"));
            (metric.name.to_owned(), format!("{figure}{unit}"))
        });
        each.collect()
    }
}

impl Metric {
    fn json(&self, figure: f64) -> String {
        let mut out = "{\"historic\":true,".to_owned();
        // Writing to a string cannot fail.
        if let Some(unit) = self.unit {
            _ = write!(out, "\"unit\":\"{unit}\",");
        }
        _ = match self.form {
            Form::Text => write!(out, "\"type\":\"{}\",\"value\":\"{figure:.2}\"}}", self.kind),
            Form::Number => write!(out, "\"type\":\"{}\",\"value\":{figure}}}", self.kind),
        };
        out
    }
}

/// Whether the agent does what this action asks for.
pub(super) fn does(action: &str) -> bool {
    ACTIONS.iter().any(|(name, _)| *name == action)
}

/// The agent's actions as PM2's agent declares them: names and JSON text.
pub(super) fn actions() -> impl Iterator<Item = (&'static str, String)> {
    ACTIONS.iter().map(|(name, arity)| {
        let text = format!(
            "{{\"action_name\":\"{name}\",\"action_type\":\"internal\",\"arity\":{arity}}}"
        );
        (*name, text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_become_pm2s_metrics() {
        let agent = Agent::read(r#"{"figures":[7.2,76.97,5.56,0,3,0.5],"actions":true}"#).unwrap();
        let all = agent.monitor();
        assert_eq!(all.len(), 6);
        let expected =
            r#"{"historic":true,"unit":"MiB","type":"internal/v8/heap/total","value":"7.20"}"#;
        assert_eq!(all[0], ("Heap Size", expected.to_owned()));
        let expected = r#"{"historic":true,"type":"internal/libuv/handles","value":3}"#;
        assert_eq!(all[4].1, expected);
        for (_, text) in all {
            assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
        }
        let usage = Measured { name: "Heap Usage".into(), value: 76.97, unit: Some("%".into()) };
        assert_eq!(agent.measured()[1], usage);
        assert_eq!(agent.shown()[1], ("Heap Usage".to_owned(), "76.97 %".to_owned()));
    }

    #[test]
    fn what_an_agent_does_not_say_is_not_believed() {
        for data in [
            "{}",
            "[]",
            r#"{"figures":"x","actions":true}"#,
            r#"{"figures":[1e999],"actions":true}"#,
        ] {
            assert_eq!(Agent::read(data), None, "{data}");
        }
        let many = format!("{{\"figures\":[{}0],\"actions\":false}}", "0,".repeat(99));
        assert_eq!(Agent::read(&many).unwrap().figures.len(), MOST);
    }
}
