//! The `fds` object: what an app may name by a number in `listen({ fd })`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use ostler_core::spec::Address;
use serde_json::{Map, Value as Json};

use crate::attributes::{BadValue, FieldType};
use crate::diagnostic::Diagnostic;
use crate::value::{Entry, Node, Value};

const HELP: &str = concat!(
    "write an object, such as `{ \"3\": \"127.0.0.1:8080\" }`: ",
    "a port, `address:port` or an absolute path of up to 107 bytes",
);

/// JSON Schema of what is inside.
pub(crate) const SCHEMA: &str = r#"{
  "patternProperties": { "^[0-9]+$": { "type": ["string", "number"] } },
  "additionalProperties": false
}"#;

impl FieldType for BTreeMap<u32, Address> {
    fn write(&self) -> Json {
        let entries =
            self.iter().map(|(number, address)| (number.to_string(), address.to_string().into()));
        entries.collect::<Map<_, _>>().into()
    }

    fn read(node: &Node) -> Result<Self, BadValue> {
        let place = |(part, diagnostic): (&Node, Diagnostic)| (part.span, diagnostic);
        parse(node).map_err(|wrong| BadValue::Said(wrong.into_iter().map(place).collect()))
    }
}

/// Bytes that fit into a socket's address.
const LONGEST_PATH: usize = 107;

type Wrong<'n> = Vec<(&'n Node, Diagnostic)>;

/// Reads the object.
fn parse(node: &Node) -> Result<BTreeMap<u32, Address>, Wrong<'_>> {
    let Value::Object(entries) = &node.value else {
        return Err(vec![(
            node,
            Diagnostic::error("wrong-type", "`fds` must be an object").help(HELP),
        )]);
    };
    let mut table = BTreeMap::new();
    let mut wrong = Vec::new();
    for entry in entries {
        match one(entry) {
            Ok((number, address)) => _ = table.insert(number, address),
            Err(message) => {
                wrong.push((&entry.node, Diagnostic::error("wrong-form", message).help(HELP)));
            }
        }
    }
    if wrong.is_empty() { Ok(table) } else { Err(wrong) }
}

fn one(entry: &Entry) -> Result<(u32, Address), String> {
    let key = &entry.key;
    let number =
        key.parse().map_err(|_| format!("`fds` has the key `{key}`, which is not a number"))?;
    let text = entry.node.plain();
    let address = address(text.trim())
        .ok_or_else(|| format!("`fds.{key}` is `{text}`, which is no address"))?;
    Ok((number, address))
}

fn address(text: &str) -> Option<Address> {
    if text.starts_with('/') && text.len() <= LONGEST_PATH {
        return Some(Address::Unix(PathBuf::from(text)));
    }
    if let Ok(port) = text.parse() {
        return Some(Address::Tcp { host: None, port });
    }
    let full: SocketAddr = text.parse().ok()?;
    Some(Address::Tcp { host: Some(full.ip()), port: full.port() })
}
