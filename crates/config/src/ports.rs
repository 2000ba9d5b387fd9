//! The `privileged_ports` list: numbers, as a list or as one text.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::attributes::{BadValue, FieldType};
use crate::diagnostic::Diagnostic;
use crate::value::{Node, Value};

impl FieldType for BTreeSet<u16> {
    fn write(&self) -> Json {
        self.iter().copied().collect::<Vec<_>>().into()
    }

    fn read(node: &Node) -> Result<Self, BadValue> {
        let parts: Vec<(&Node, String)> = match &node.value {
            Value::List(parts) => parts.iter().map(|part| (part, part.plain())).collect(),
            _ => {
                let text = node.plain();
                let words = text.split([' ', ',']).filter(|word| !word.is_empty());
                words.map(|word| (node, word.to_owned())).collect()
            }
        };
        let mut ports = Self::new();
        let mut wrong = Vec::new();
        for (part, text) in parts {
            match text.trim().parse() {
                Ok(port) if 0 < port => _ = ports.insert(port),
                Ok(_) | Err(_) => wrong.push((part.span, no_port(&text))),
            }
        }
        if wrong.is_empty() { Ok(ports) } else { Err(BadValue::Said(wrong)) }
    }
}

fn no_port(text: &str) -> Diagnostic {
    let message = format!("`privileged_ports` has `{text}`, which is no port");
    Diagnostic::error("wrong-form", message).help("write numbers from 1 to 65535, such as `[80]`")
}
