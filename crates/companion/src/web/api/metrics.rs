//! Figures for Prometheus.
//!
//! Units are in the names, and what only grows ends with `_total`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ostler_sinks::Kept;
use ostler_wire::control::{Code, InProcess, ProcView};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use in_app::{Float, InApps, Labels};

use super::view::Status;
use crate::web::answer::{Refused, Wrong};
use crate::web::listing::in_apps;
use crate::web::state::Shared;

pub(in crate::web) mod in_app;

/// Figures for Prometheus
#[utoipa::path(get, path = "/metrics", responses(
    (status = 200, content_type = "text/plain", body = String,
        description = "Or `application/openmetrics-text`, to who accepts that"),
    (status = "4XX", body = Wrong),
    (status = 503, body = Wrong, description = "The daemon does not answer"),
))]
pub(super) async fn metrics(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let text = figures(&shared).await?;
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let (kind, text) = match accept.is_some_and(|kinds| kinds.contains("openmetrics")) {
        true => ("application/openmetrics-text; version=1.0.0; charset=utf-8", text),
        false => ("text/plain; version=0.0.4; charset=utf-8", older(&text)),
    };
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

/// Returns the figures as OpenMetrics has them.
pub(in crate::web) async fn figures(shared: &Shared) -> Result<String, Refused> {
    let listed = shared.listing.get(&shared.link).await?;
    let in_apps = in_apps(&shared.link).await?;
    let home = shared.settings.home.clone();
    let kept = tokio::task::spawn_blocking(move || ostler_sinks::read_all(&home)).await;
    // What cannot be read has no figures.
    let kept = kept.map(Result::unwrap_or_default).unwrap_or_default();
    text(&listed.views, &in_apps, &kept).map_err(|error| {
        let message = format!("the figures cannot be written: {error}");
        Refused::new(StatusCode::INTERNAL_SERVER_ERROR, Code::System, message)
    })
}

/// Returns the figures in the older form: it has no units and no end, and its comments have the
/// whole name of what only grows.
fn older(text: &str) -> String {
    let grows = |name: &str| text.contains(&format!("# TYPE {name} counter\n"));
    let mut out = String::with_capacity(text.len());
    for line in text.lines().filter(|line| !line.starts_with("# UNIT") && *line != "# EOF") {
        let about =
            ["# HELP ", "# TYPE "].iter().find_map(|of| Some((of, line.strip_prefix(*of)?)));
        match about.and_then(|(of, rest)| Some((of, rest.split_once(' ')?))) {
            Some((of, (name, rest))) if grows(name) => {
                out.extend([of, name, "_total ", rest]);
            }
            Some(_) | None => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

/// Returns the figures of these processes, and of what reads their logs.
fn text(
    views: &[ProcView],
    in_apps: &[InProcess],
    kept: &[Kept],
) -> Result<String, std::fmt::Error> {
    let measured = InApps::default();
    let up = Family::<Labels, Gauge>::default();
    let cpu = Family::<Labels, Float>::default();
    let memory = Family::<Labels, Gauge>::default();
    let restarts = Family::<Labels, Counter>::default();
    let dropped = Family::<Labels, Counter>::default();
    let written = Family::<Labels, Gauge>::default();
    let since = Family::<Labels, Float>::default();
    let by_status = Family::<Labels, Gauge>::default();
    for status in Status::ALL {
        by_status.get_or_create(&vec![("status", status.as_str().to_owned())]).set(0);
    }
    let mut places = std::collections::BTreeMap::<_, u32>::new();
    for view in views {
        let place = places.entry((&view.namespace, &view.name)).or_default();
        let labels = labels(view, *place);
        *place += 1;
        let status = Status::of(view.phase);
        up.get_or_create(&labels).set((status == Status::Online).into());
        cpu.get_or_create(&labels).set((f64::from(view.cpu) * 10.0).round() / 1000.0);
        memory.get_or_create(&labels).set(i64::try_from(view.memory).unwrap_or(i64::MAX));
        restarts.get_or_create(&labels).inc_by(view.restarts.into());
        dropped.get_or_create(&labels).inc_by(view.dropped_lines);
        written.get_or_create(&labels).set(i64::try_from(view.log_bytes).unwrap_or(i64::MAX));
        if let Some(of) = in_apps.iter().find(|of| of.id == view.id) {
            measured.add(&labels, &of.metrics);
        }
        if view.since != 0 {
            since.get_or_create(&labels).set(seconds(view.since));
        }
        by_status.get_or_create(&vec![("status", status.as_str().to_owned())]).inc();
    }
    let mut registry = Registry::with_prefix("ostler");
    registry.register("processes", "Processes in the list, by status", by_status);
    registry.register("process_up", "Whether the process is online", up);
    let help = "CPU use, as a part of one processor";
    registry.register_with_unit("process_cpu", help, Unit::Other("ratio".to_owned()), cpu);
    registry.register_with_unit("process_memory", "Resident memory", Unit::Bytes, memory);
    registry.register("process_restarts", "Restarts since it was added or reset", restarts);
    let help = "Lines that log files have not got, since it was added or reset";
    registry.register("process_log_dropped_lines", help, dropped);
    let help = "What was written to log files in the last hour";
    registry.register_with_unit("process_log_writes_last_hour", help, Unit::Bytes, written);
    let help = "When the current run began, since 1970";
    registry.register_with_unit("process_start_time", help, Unit::Seconds, since);
    measured.register(&mut registry);
    let help = "Lines that a rule of the app has found";
    registry.register("log_rule_lines", help, rule_lines(kept));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

/// What tells the figures of a process from those of others.
fn labels(view: &ProcView, place: u32) -> Labels {
    vec![
        ("app", view.name.clone()),
        ("namespace", view.namespace.clone()),
        ("instance", place.to_string()),
        ("id", view.id.to_string()),
    ]
}

/// How many lines rules have found.
fn rule_lines(kept: &[Kept]) -> Family<Labels, Counter> {
    let lines = Family::<Labels, Counter>::default();
    for kept in kept {
        for (rule, count) in &kept.counts {
            let (namespace, app) = kept.app.clone();
            let labels = vec![("app", app), ("namespace", namespace), ("rule", rule.clone())];
            lines.get_or_create(&labels).inc_by(*count);
        }
    }
    lines
}

#[expect(clippy::cast_precision_loss, reason = "a time in ms has fewer digits")]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use ostler_wire::control::Measured;

    use super::*;

    #[test]
    fn figures_have_units_and_the_labels_of_their_process() {
        let view = |id: u32, phase: serde_json::Value, since: u64| -> ProcView {
            let view = serde_json::json!({
                "id": id, "name": "api", "namespace": "shop", "version": null,
                "cluster": true, "pid": 1, "since": since, "restarts": 2, "phase": phase,
                "cpu": 50.0, "memory": 1024, "dropped_lines": 9, "user": "u", "script": "/x",
                "log_bytes": 77,
            });
            serde_json::from_value(view).unwrap()
        };
        let due = serde_json::json!({ "backoff": { "due_in": 5 } });
        let kept = Kept {
            app: ("shop".to_owned(), "api".to_owned()),
            counts: [("oom \"x\"".to_owned(), 5)].into(),
            ..Kept::default()
        };
        let views = [view(3, "online".into(), 1500), view(7, due, 0)];
        let measured = |name: &str, value: f64, unit: Option<&str>| Measured {
            name: name.to_owned(),
            value,
            unit: unit.map(str::to_owned),
        };
        let in_app = InProcess {
            id: 3,
            metrics: vec![
                measured("Heap Size", 7.0, Some("MiB")),
                measured("HTTP P95 Latency", 250.0, Some("ms")),
                measured("HTTP", 120.0, Some("req/min")),
                measured("HTTP", 9.0, None),
                measured("Sold \"x\"", 42.0, Some("pcs")),
            ],
        };
        let text = text(&views, &[in_app], &[kept]).unwrap();
        let of = |instance: u32, id: u32| {
            format!("{{app=\"api\",namespace=\"shop\",instance=\"{instance}\",id=\"{id}\"}}")
        };
        let and = |labels: &str, more: &str| labels.replace('}', &format!(",{more}"));
        for line in [
            "ostler_processes{status=\"online\"} 1".to_owned(),
            "ostler_processes{status=\"waiting\"} 1".to_owned(),
            "ostler_processes{status=\"errored\"} 0".to_owned(),
            format!("ostler_process_up{} 1", of(0, 3)),
            format!("ostler_process_up{} 0", of(1, 7)),
            format!("ostler_process_cpu_ratio{} 0.5", of(0, 3)),
            format!("ostler_process_memory_bytes{} 1024", of(0, 3)),
            format!("ostler_process_restarts_total{} 2", of(1, 7)),
            format!("ostler_process_start_time_seconds{} 1.5", of(0, 3)),
            format!("ostler_process_log_dropped_lines_total{} 9", of(1, 7)),
            format!("ostler_process_log_writes_last_hour_bytes{} 77", of(1, 7)),
            format!("ostler_process_heap_size_bytes{} 7340032.0", of(0, 3)),
            format!(
                "ostler_process_http_latency_seconds{}",
                and(&of(0, 3), "percentile=\"95\"} 0.25")
            ),
            format!("ostler_process_http_requests_per_second{} 2.0", of(0, 3)),
            format!("ostler_process_metric{}", and(&of(0, 3), "name=\"HTTP\",unit=\"\"} 9.0")),
            format!(
                "ostler_process_metric{}",
                and(&of(0, 3), r#"name="Sold \"x\"",unit="pcs"} 42.0"#)
            ),
            "# TYPE ostler_process_restarts counter".to_owned(),
            r#"ostler_log_rule_lines_total{app="api",namespace="shop",rule="oom \"x\""} 5"#
                .to_owned(),
        ] {
            assert!(text.lines().any(|of| of == line), "{line}\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
        let older = older(&text);
        for line in [
            "# TYPE ostler_process_restarts_total counter",
            "# HELP ostler_process_restarts_total Restarts since it was added or reset.",
            "# TYPE ostler_process_memory_bytes gauge",
        ] {
            assert!(older.lines().any(|of| of == line), "{line}\n{older}");
        }
        assert!(!older.contains("# UNIT") && !older.contains("# EOF"), "{older}");
    }
}
