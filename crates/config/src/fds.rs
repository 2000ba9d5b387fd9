//! The `fds` object: what an app may name by a number in `listen({ fd })`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use ostler_core::spec::Address;

use crate::diagnostic::Diagnostic;
use crate::fields::{Fields, plain};
use crate::value::{Entry, Node, Value};

const HELP: &str = "write an object, such as `{ \"3\": \"127.0.0.1:8080\" }`: a port, `address:port` or an absolute path of up to 107 bytes";

/// The table; `None` when it is wrong.
pub(crate) fn read(
    fields: &Fields<'_>,
    report: &mut Vec<Diagnostic>,
) -> Option<BTreeMap<u32, Address>> {
    let Some(node) = fields.node("fds") else { return Some(BTreeMap::new()) };
    match parse(node) {
        Ok(table) => Some(table),
        Err(wrong) => {
            report.extend(wrong.into_iter().map(|(node, diagnostic)| match node.span {
                Some(span) => fields.at_span(Some(span), diagnostic),
                None => fields.at("fds", diagnostic),
            }));
            None
        }
    }
}

/// Bytes that fit into a socket's address.
const LONGEST_PATH: usize = 107;

type Wrong<'n> = Vec<(&'n Node, Diagnostic)>;

/// Reads the object.
pub(crate) fn parse(node: &Node) -> Result<BTreeMap<u32, Address>, Wrong<'_>> {
    let Value::Object(entries) = &node.value else {
        return Err(vec![(
            node,
            Diagnostic::error("wrong-type", "\"fds\" must be an object").help(HELP),
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
        key.parse().map_err(|_| format!("\"fds\" has the key `{key}`, which is not a number"))?;
    let text = plain(&entry.node);
    let address = address(text.trim())
        .ok_or_else(|| format!("\"fds.{key}\" is `{text}`, which is no address"))?;
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
