//! Log records of OpenTelemetry, as OTLP has them in JSON over HTTP (`/v1/logs`).

use ostler_logs::Level;
use serde_json::{Value, json};

use crate::record::Record;

/// Writes a request with these records, which are of one app.
pub(crate) fn request(records: &[Record], host: &str, now: u64) -> String {
    let text = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    let app = records.first().map_or("", |record| record.app.as_str());
    let records: Vec<Value> = records
        .iter()
        .map(|record| {
            let (number, word) = severity(record.level);
            let stream = if record.err { "stderr" } else { "stdout" };
            json!({
                // Whole numbers of 64 bits are texts in JSON of Protobuf.
                "timeUnixNano": nanos(record.at),
                "observedTimeUnixNano": nanos(now),
                "severityNumber": number,
                "severityText": word,
                "body": { "stringValue": record.text },
                "attributes": [
                    text("log.iostream", stream),
                    { "key": "ostler.id", "value": { "intValue": record.id.to_string() } },
                ],
            })
        })
        .collect();
    json!({
        "resourceLogs": [{
            "resource": { "attributes": [text("service.name", app), text("host.name", host)] },
            "scopeLogs": [{ "scope": { "name": "ostler" }, "logRecords": records }],
        }],
    })
    .to_string()
}

/// Returns how many records or figures a receiver that took a request has refused, and why.
#[must_use]
pub fn refused(answer: &[u8]) -> Option<(u64, String)> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let partial = answer.get("partialSuccess")?;
    let count = partial.get("rejectedLogRecords").or_else(|| partial.get("rejectedDataPoints"))?;
    let count = count.as_u64().or_else(|| count.as_str()?.parse().ok())?;
    let why = partial.get("errorMessage").and_then(Value::as_str).unwrap_or("no reason given");
    (0 < count).then(|| (count, why.to_owned()))
}

/// Returns a time in ms as OTLP has it.
#[must_use]
pub fn nanos(ms: u64) -> String {
    (u128::from(ms) * 1_000_000).to_string()
}

fn severity(level: Level) -> (u32, &'static str) {
    match level {
        Level::Trace => (1, "TRACE"),
        Level::Debug => (5, "DEBUG"),
        Level::Info => (9, "INFO"),
        Level::Warn => (13, "WARN"),
        Level::Error => (17, "ERROR"),
        Level::Fatal => (21, "FATAL"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_as_otlp_has_it_byte_for_byte() {
        let record = Record {
            app: "api".to_owned(),
            id: 3,
            err: true,
            at: 1_795_388_825_573,
            level: Level::Error,
            text: "no \"disk\"".to_owned(),
        };
        let expected = concat!(
            r#"{"resourceLogs":[{"resource":{"attributes":["#,
            r#"{"key":"service.name","value":{"stringValue":"api"}},"#,
            r#"{"key":"host.name","value":{"stringValue":"h"}}]},"#,
            r#""scopeLogs":[{"scope":{"name":"ostler"},"logRecords":[{"#,
            r#""timeUnixNano":"1795388825573000000","observedTimeUnixNano":"1795388826000000000","#,
            r#""severityNumber":17,"severityText":"ERROR","body":{"stringValue":"no \"disk\""},"#,
            r#""attributes":[{"key":"log.iostream","value":{"stringValue":"stderr"}},"#,
            r#"{"key":"ostler.id","value":{"intValue":"3"}}]}]}]}]}"#,
        );
        assert_eq!(request(&[record], "h", 1_795_388_826_000), expected);
    }

    #[test]
    fn what_a_receiver_refuses_is_read_from_its_answer() {
        assert_eq!(refused(b"{}"), None);
        assert_eq!(refused(b""), None);
        assert_eq!(refused(b"not JSON"), None);
        assert_eq!(refused(br#"{"partialSuccess":{"rejectedLogRecords":"0"}}"#), None);
        let some = br#"{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"old"}}"#;
        assert_eq!(refused(some), Some((2, "old".to_owned())));
        let some = br#"{"partialSuccess":{"rejectedDataPoints":"2","errorMessage":"old"}}"#;
        assert_eq!(refused(some), Some((2, "old".to_owned())));
    }
}
