//! The `log_sinks` object: who receives the lines of an app besides its log files.

use std::path::PathBuf;

use ostler_core::Url;
use ostler_core::spec::{LogSink, SinkTarget, SyslogAddress};
use serde_json::{Map, Value as Json};

use crate::attributes::{BadValue, FieldType};
use crate::diagnostic::Diagnostic;
use crate::objects::{self, Bad};
use crate::receivers;
use crate::value::{Entry, Node, Value};

/// The journal's own socket.
const JOURNAL: &str = "/run/systemd/journal/socket";
/// Facilities of syslog by their names, from 0 on.
const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7",
];
const USER: u8 = 1;
const KINDS: [&str; 5] = ["syslog", "journald", "command", "file", "otlp"];
const KEYS: [&str; 7] = ["to", "level", "facility", "headers", "ca", "cert", "key"];
const HELP: &str = concat!(
    "write an object of `syslog` (`unix:/dev/log`, `udp://host:514`, `tcp://host:601`, ",
    "`tls://host:6514`), ",
    "`journald` (`true`), `command`, `file` (an absolute path) and `otlp` (a URL); ",
    "each may be an object of `to`, `level` and more",
);

/// JSON Schema of what is inside.
pub(crate) const SCHEMA: &str = r#"{
  "properties": {
    "syslog": {
      "description": "`unix:/dev/log`, or `udp://`, `tcp://` or `tls://` with `host:514`.",
      "type": ["string", "object", "null"]
    },
    "journald": {
      "description": "The journal of systemd: `true`, or the path of its socket.",
      "type": ["boolean", "string", "object", "null"]
    },
    "command": {
      "description": "A shell command that takes lines on its standard input.",
      "type": ["string", "object", "null"]
    },
    "file": {
      "description": "The absolute path of one more file.",
      "type": ["string", "object", "null"]
    },
    "otlp": {
      "description": "A URL of OTLP over HTTP, as `http://localhost:4318/v1/logs`.",
      "type": ["string", "object", "null"]
    }
  },
  "additionalProperties": false
}"#;

impl FieldType for Vec<LogSink> {
    fn write(&self) -> Json {
        if self.is_empty() {
            return Json::Null;
        }
        self.iter().map(write).collect::<Map<_, _>>().into()
    }

    fn read(node: &Node) -> Result<Self, BadValue> {
        parse(node).map_err(objects::said)
    }
}

fn write(sink: &LogSink) -> (String, Json) {
    let (kind, to) = match &sink.target {
        SinkTarget::Syslog { address, .. } => ("syslog", address.to_string()),
        SinkTarget::Journald { socket } => ("journald", socket.display().to_string()),
        SinkTarget::Command { command } => ("command", command.clone()),
        SinkTarget::File { path } => ("file", path.display().to_string()),
        SinkTarget::Otlp { url, .. } => ("otlp", url.clone()),
    };
    let mut more = Map::new();
    more.extend(sink.level.as_ref().map(|level| ("level".to_owned(), level.as_str().into())));
    match &sink.target {
        SinkTarget::Syslog { facility, address } => {
            if *facility != USER {
                let name = FACILITIES.get(usize::from(*facility)).copied().unwrap_or("user");
                more.insert("facility".to_owned(), name.into());
            }
            more.extend(encryption(address));
        }
        SinkTarget::Otlp { headers, .. } if !headers.is_empty() => {
            more.insert("headers".to_owned(), receivers::written_headers(headers));
        }
        _ => {}
    }
    receivers::written(kind, to, more)
}

/// The files of an encrypted stream, by their keys.
fn encryption(address: &SyslogAddress) -> Vec<(String, Json)> {
    let SyslogAddress::Tls { ca, identity, .. } = address else { return Vec::new() };
    let (cert, key) = identity.as_ref().map_or((None, None), |(cert, key)| (Some(cert), Some(key)));
    let files = [("ca", ca.as_ref()), ("cert", cert), ("key", key)];
    let there = files.into_iter().filter_map(|(name, path)| Some((name, path?)));
    there.map(|(name, path)| (name.to_owned(), path.display().to_string().into())).collect()
}

type Wrong<'n> = Vec<Bad<'n>>;

/// Reads the object.
fn parse(node: &Node) -> Result<Vec<LogSink>, Wrong<'_>> {
    let Value::Object(entries) = &node.value else {
        let wrong = Diagnostic::error("wrong-type", "`log_sinks` must be an object").help(HELP);
        return Err(vec![(node, wrong)]);
    };
    let (mut sinks, mut wrong) = (Vec::new(), Vec::new());
    for entry in entries {
        // No receiver is as good as no key.
        if matches!(entry.node.value, Value::Null | Value::Bool(false)) {
            continue;
        }
        match one(entry) {
            Ok(sink) => sinks.push(sink),
            Err(one) => wrong.push(one),
        }
    }
    // In whatever order they are written, they are the same.
    sinks.sort();
    if wrong.is_empty() { Ok(sinks) } else { Err(wrong) }
}

/// What a receiver of this kind may be.
fn advice(kind: &str) -> &'static str {
    match kind {
        "syslog" => {
            "write one such as `unix:/dev/log`, `udp://host:514`, `tcp://host:601` or \
             `tls://host:6514`"
        }
        "journald" => "write `true`",
        "file" => "write an absolute path, such as `/var/log/api-copy.log`",
        "otlp" => "write one such as `http://127.0.0.1:4318/v1/logs`",
        _ => HELP,
    }
}

fn one(entry: &Entry) -> Result<LogSink, Bad<'_>> {
    let kind = entry.key.as_str();
    receivers::known_kind("log_sinks", entry, &KINDS, HELP)?;
    let form = |node, message: String| (node, Diagnostic::error("wrong-form", message).help(HELP));
    let parts = Parts::of(kind, &entry.node)?;
    let level = match parts.level {
        None => None,
        Some(node) => {
            let word = node.plain();
            if !LogSink::LEVELS.contains(&word.as_str()) {
                let all = LogSink::LEVELS.join(", ");
                let message = format!("`log_sinks.{kind}.level` is `{word}`; levels are {all}");
                return Err(form(node, message));
            }
            Some(word)
        }
    };
    let bad = |what: &str| {
        let message = format!("`log_sinks.{kind}` is `{}`, {what}", parts.text);
        (parts.to, Diagnostic::error("wrong-form", message).help(advice(kind)))
    };
    let text = parts.text.clone();
    let target = match kind {
        "syslog" => {
            let address = syslog(&text).ok_or_else(|| bad("which is no address of syslog"))?;
            let address = parts.encrypted(address)?;
            let facility = match parts.facility {
                None => USER,
                Some(node) => facility(&node.plain()).ok_or_else(|| {
                    let word = node.plain();
                    form(node, format!("`log_sinks.syslog.facility` is `{word}`, which is none"))
                })?,
            };
            SinkTarget::Syslog { address, facility }
        }
        "journald" if text == "true" => SinkTarget::Journald { socket: JOURNAL.into() },
        "journald" if text.starts_with('/') => SinkTarget::Journald { socket: text.into() },
        "journald" => return Err(bad("which is neither `true` nor an absolute path")),
        "file" if text.starts_with('/') => SinkTarget::File { path: PathBuf::from(text) },
        "file" => return Err(bad("which is no absolute path")),
        "otlp" => {
            if Url::of(&text).is_none() {
                return Err(bad("which is no URL that can be asked"));
            }
            SinkTarget::Otlp { url: text, headers: parts.headers()? }
        }
        _ => SinkTarget::Command { command: text },
    };
    Ok(LogSink { target, level })
}

/// Keys of the files of an encrypted stream.
const FILES: [&str; 3] = ["ca", "cert", "key"];

/// What is said of one receiver.
struct Parts<'n> {
    to: &'n Node,
    text: String,
    level: Option<&'n Node>,
    facility: Option<&'n Node>,
    headers: Option<&'n Node>,
    /// `ca`, `cert` and `key`.
    files: [Option<&'n Node>; 3],
}

impl<'n> Parts<'n> {
    fn of(kind: &str, node: &'n Node) -> Result<Self, Bad<'n>> {
        let wrong =
            |node, message: String| (node, Diagnostic::error("wrong-form", message).help(HELP));
        let Value::Object(entries) = &node.value else {
            let is_said = matches!(node.value, Value::Text(_)) || kind == "journald";
            let text = node.plain();
            if !is_said || text.trim().is_empty() {
                let message = format!("`log_sinks.{kind}` must be a text or an object");
                return Err(wrong(node, message));
            }
            let (level, facility, headers, files) = (None, None, None, [None; 3]);
            return Ok(Self { to: node, text, level, facility, headers, files });
        };
        let own = |entry: &&Entry| match entry.key.as_str() {
            "facility" | "ca" | "cert" | "key" => kind == "syslog",
            "headers" => kind == "otlp",
            key => KEYS.contains(&key),
        };
        if let Some(other) = entries.iter().find(|entry| !own(entry)) {
            let message = format!("`log_sinks.{kind}` has no key `{}`", other.key);
            return Err((&other.node, Diagnostic::error("unknown-key", message).help(HELP)));
        }
        let (to, text) = match node.get("to") {
            Some(to) if !to.plain().trim().is_empty() => (to, to.plain()),
            None if kind == "journald" => (node, "true".to_owned()),
            Some(_) | None => {
                return Err(wrong(node, format!("`log_sinks.{kind}` does not say `to` whom")));
            }
        };
        let part = |key: &str| node.get(key).filter(|node| !matches!(node.value, Value::Null));
        Ok(Self {
            to,
            text,
            level: part("level"),
            facility: part("facility"),
            headers: part("headers"),
            files: FILES.map(part),
        })
    }

    /// Gives an encrypted stream its files, and refuses them for any other address.
    fn encrypted(&self, address: SyslogAddress) -> Result<SyslogAddress, Bad<'n>> {
        let refused = |node: &'n Node, message: String, help: &str| {
            (node, Diagnostic::error("wrong-form", message).help(help))
        };
        let mut paths = [None, None, None];
        for ((node, name), path) in self.files.iter().zip(FILES).zip(&mut paths) {
            let Some(node) = node else { continue };
            let text = node.plain();
            if !text.starts_with('/') {
                let message = format!("`log_sinks.syslog.{name}` is `{text}`, no absolute path");
                return Err(refused(node, message, "write the absolute path of a file of PEM"));
            }
            *path = Some(PathBuf::from(text));
        }
        let Some(first) = self.files.iter().flatten().next() else { return Ok(address) };
        let [ca, cert, key] = paths;
        let SyslogAddress::Tls { address, .. } = address else {
            let message = format!("`log_sinks.syslog` has files of TLS, but goes to `{address}`");
            return Err(refused(first, message, "write `to: \"tls://host:6514\"`"));
        };
        let identity = match (cert, key) {
            (Some(cert), Some(key)) => Some((cert, key)),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                let message = "`log_sinks.syslog` has only one of `cert` and `key`".to_owned();
                let help = "write both: the certificate and its private key";
                return Err(refused(first, message, help));
            }
        };
        Ok(SyslogAddress::Tls { address, ca, identity })
    }

    fn headers(&self) -> Result<Vec<(String, String)>, Bad<'n>> {
        receivers::headers(self.headers).map_err(|node| {
            let message = "`log_sinks.otlp.headers` must be an object of names and texts";
            (node, Diagnostic::error("wrong-form", message).help(HELP))
        })
    }
}

fn syslog(text: &str) -> Option<SyslogAddress> {
    let has_port = |address: &&str| {
        let (host, port) = address.rsplit_once(':').unwrap_or_default();
        !host.is_empty() && port.parse::<u16>().is_ok_and(|port| 0 < port)
    };
    if let Some(path) = text.strip_prefix("unix:").filter(|path| path.starts_with('/')) {
        return Some(SyslogAddress::Unix(path.into()));
    }
    if let Some(address) = text.strip_prefix("udp://").filter(has_port) {
        return Some(SyslogAddress::Udp(address.to_owned()));
    }
    if let Some(address) = text.strip_prefix("tls://").filter(has_port) {
        let address = address.to_owned();
        return Some(SyslogAddress::Tls { address, ca: None, identity: None });
    }
    text.strip_prefix("tcp://").filter(has_port).map(|of| SyslogAddress::Tcp(of.to_owned()))
}

fn facility(word: &str) -> Option<u8> {
    let number = FACILITIES.iter().position(|name| *name == word)?;
    u8::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Node;

    fn read(text: &str) -> Result<Vec<LogSink>, Vec<String>> {
        let node = Node::from_json(&serde_json::from_str::<Json>(text).unwrap());
        parse(&node).map_err(|wrong| wrong.into_iter().map(|(_, of)| of.message).collect())
    }

    #[test]
    fn what_is_written_comes_back() {
        for text in [
            r#"{"syslog":"unix:/dev/log"}"#,
            r#"{"syslog":{"to":"udp://h:514","level":"warn","facility":"local3"}}"#,
            r#"{"syslog":"tls://h:6514"}"#,
            r#"{"syslog":{"to":"tls://h:1","facility":"mail","ca":"/a","cert":"/b","key":"/c"}}"#,
            r#"{"journald":"/run/systemd/journal/socket"}"#,
            r#"{"command":"logger -t x","file":"/l/x.log"}"#,
            r#"{"otlp":{"to":"http://h:4318/v1/logs","headers":{"X-Key":"y"}}}"#,
        ] {
            let sinks = read(text).unwrap();
            assert_eq!(sinks.write().to_string(), text);
        }
        let journal = read(r#"{"journald":true,"file":null}"#).unwrap();
        assert_eq!(journal, read(r#"{"journald":{"level":null}}"#).unwrap());
    }

    #[test]
    fn what_is_no_receiver_is_refused_with_what_is_wrong() {
        for (text, why) in [
            (r#"{"syslog":"h:514"}"#, "no address of syslog"),
            (r#"{"syslog":{"to":"udp://h:514","facility":"x"}}"#, "which is none"),
            (r#"{"syslog":{"to":"tls://h:1","ca":"x"}}"#, "`log_sinks.syslog.ca` is `x`, no abs"),
            (r#"{"syslog":{"to":"tls://h:1","key":"/x"}}"#, "only one of `cert` and `key`"),
            (r#"{"syslog":{"to":"tcp://h:1","ca":"/x"}}"#, "files of TLS, but goes to `tcp://h:1`"),
            (r#"{"otlp":{"to":"http://h","ca":"/x"}}"#, "has no key `ca`"),
            (r#"{"file":"x.log"}"#, "no absolute path"),
            (r#"{"otlp":"https://h/"}"#, "no URL that can be asked"),
            (r#"{"otlp":{"to":"http://h","headers":{"a b":"c"}}}"#, "names and texts"),
            (r#"{"command":{"level":"warn"}}"#, "does not say `to` whom"),
            (r#"{"command":{"to":"x","facility":"user"}}"#, "has no key `facility`"),
            (r#"{"file":{"to":"/x","level":"loud"}}"#, "levels are trace"),
            (r#"{"sylog":"x"}"#, "no key `sylog`"),
            (r#"{"file":7}"#, "must be a text or an object"),
        ] {
            let wrong = read(text).unwrap_err().join("\n");
            assert!(wrong.contains(why), "{text}: {wrong}");
        }
    }
}
