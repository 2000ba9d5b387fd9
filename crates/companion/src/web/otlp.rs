//! Figures as OTLP has them, in JSON over HTTP (`/v1/metrics`).
//!
//! Rule: they are made of the text that `/metrics` gives, so that both say the same in the same
//! words and under the same names.

use ostler_sinks::otlp::nanos;
use serde_json::{Value, json};

/// A figure of several processes.
#[derive(Debug, Default)]
struct Metric<'t> {
    name: &'t str,
    help: &'t str,
    unit: &'t str,
    grows: bool,
    points: Vec<Value>,
}

/// Returns a request with the figures of a text of OpenMetrics. `now`: ms since 1970.
pub(crate) fn request(text: &str, host: &str, now: u64) -> Value {
    let attribute =
        |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    let mut metrics: Vec<Metric<'_>> = Vec::new();
    for line in text.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|of| of.split_once(' ')) {
            metrics.push(Metric { name, help: help.trim_end_matches('.'), ..Metric::default() });
            continue;
        }
        let Some(metric) = metrics.last_mut() else { continue };
        let about = |what: &str| line.strip_prefix(what).and_then(|of| of.split_once(' '));
        if let Some((_, kind)) = about("# TYPE ") {
            metric.grows = kind == "counter";
        } else if let Some((_, unit)) = about("# UNIT ") {
            metric.unit = unit;
        } else if let Some((labels, value)) = sample(line) {
            let attributes: Vec<Value> =
                labels.iter().map(|(key, value)| attribute(key, value)).collect();
            // Whole numbers of 64 bits are texts in JSON of Protobuf.
            let (kind, value) = match value.parse::<i64>() {
                Ok(whole) => ("asInt", Value::from(whole.to_string())),
                Err(_) => ("asDouble", value.parse::<f64>().unwrap_or_default().into()),
            };
            let at = nanos(now);
            let point = json!({ "attributes": attributes, "timeUnixNano": at, kind: value });
            metric.points.push(point);
        }
    }
    let metrics: Vec<Value> =
        metrics.into_iter().filter(|of| !of.points.is_empty()).map(written).collect();
    let version = env!("CARGO_PKG_VERSION");
    json!({
        "resourceMetrics": [{
            "resource": {
                "attributes": [attribute("service.name", "ostler"), attribute("host.name", host)],
            },
            "scopeMetrics": [{
                "scope": { "name": "ostler", "version": version },
                "metrics": metrics,
            }],
        }],
    })
}

fn written(metric: Metric<'_>) -> Value {
    let Metric { name, help, unit, grows, points } = metric;
    // As the Unified Code for Units of Measure has them.
    let unit = match unit {
        "bytes" => "By",
        "seconds" => "s",
        "ratio" => "1",
        other => other,
    };
    let (kind, name, data) = match grows {
        true => {
            let data =
                json!({ "aggregationTemporality": 2, "isMonotonic": true, "dataPoints": points });
            ("sum", format!("{name}_total"), data)
        }
        false => ("gauge", name.to_owned(), json!({ "dataPoints": points })),
    };
    json!({ "name": name, "description": help, "unit": unit, kind: data })
}

/// Returns labels and value of a line such as `name{a="b"} 1`.
fn sample(line: &str) -> Option<(Vec<(String, String)>, &str)> {
    if line.starts_with('#') {
        return None;
    }
    let Some((_, rest)) = line.split_once('{') else {
        return Some((Vec::new(), line.split_once(' ')?.1));
    };
    let (mut labels, mut rest) = (Vec::new(), rest);
    loop {
        if let Some(value) = rest.strip_prefix('}') {
            return Some((labels, value.trim_start()));
        }
        let (key, quoted) = rest.trim_start_matches(',').split_once("=\"")?;
        let mut value = String::new();
        let mut chars = quoted.char_indices();
        let end = loop {
            match chars.next()? {
                (at, '"') => break at,
                (_, '\\') => match chars.next()?.1 {
                    'n' => value.push('\n'),
                    other => value.push(other),
                },
                (_, other) => value.push(other),
            }
        };
        labels.push((key.to_owned(), value));
        rest = quoted.get(end + 1..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_figure_of_the_text_is_a_point_with_its_labels_and_unit() {
        let text = "# HELP ostler_process_memory_bytes Resident memory.\n\
                    # TYPE ostler_process_memory_bytes gauge\n\
                    # UNIT ostler_process_memory_bytes bytes\n\
                    ostler_process_memory_bytes{app=\"a \\\"b\\\"\\\\\",id=\"3\"} 1024\n\
                    # HELP ostler_process_cpu_ratio CPU use.\n\
                    # TYPE ostler_process_cpu_ratio gauge\n\
                    # UNIT ostler_process_cpu_ratio ratio\n\
                    ostler_process_cpu_ratio{app=\"a\"} 0.5\n\
                    # HELP ostler_process_restarts Restarts.\n\
                    # TYPE ostler_process_restarts counter\n\
                    ostler_process_restarts_total{app=\"a\"} 2\n\
                    # HELP ostler_log_rule_lines Lines.\n\
                    # TYPE ostler_log_rule_lines counter\n\
                    # EOF\n";
        let request = request(text, "h", 1500);
        let of = &request["resourceMetrics"][0];
        let host = json!({ "key": "host.name", "value": { "stringValue": "h" } });
        assert_eq!(of["resource"]["attributes"][1], host);
        let attribute =
            |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
        let at = "1500000000";
        let memory = json!({
            "name": "ostler_process_memory_bytes", "description": "Resident memory", "unit": "By",
            "gauge": { "dataPoints": [{
                "attributes": [attribute("app", "a \"b\"\\"), attribute("id", "3")],
                "timeUnixNano": at, "asInt": "1024",
            }] },
        });
        let cpu = json!({
            "name": "ostler_process_cpu_ratio", "description": "CPU use", "unit": "1",
            "gauge": { "dataPoints": [{
                "attributes": [attribute("app", "a")], "timeUnixNano": at, "asDouble": 0.5,
            }] },
        });
        let restarts = json!({
            "name": "ostler_process_restarts_total", "description": "Restarts", "unit": "",
            "sum": { "aggregationTemporality": 2, "isMonotonic": true, "dataPoints": [{
                "attributes": [attribute("app", "a")], "timeUnixNano": at, "asInt": "2",
            }] },
        });
        // What has no point is left out.
        assert_eq!(of["scopeMetrics"][0]["metrics"], json!([memory, cpu, restarts]));
    }
}
