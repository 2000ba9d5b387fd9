//! What objects of receivers have in common, whether they take lines or alerts: a key for each kind
//! of receiver, whose value is where it is, or an object that says more.

use serde_json::{Map, Value as Json};

use crate::objects::{Bad, unknown_key};
use crate::value::{Entry, Node, Value};

/// A receiver as it is written: short where nothing is said but where it is.
pub(crate) fn written(kind: &str, to: String, more: Map<String, Json>) -> (String, Json) {
    if more.is_empty() {
        return (kind.to_owned(), to.into());
    }
    let mut object = Map::from_iter([("to".to_owned(), Json::from(to))]);
    object.extend(more);
    (kind.to_owned(), object.into())
}

/// Headers as they are written.
pub(crate) fn written_headers(headers: &[(String, String)]) -> Json {
    let headers = headers.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
    headers.collect::<Map<String, Json>>().into()
}

/// Refuses a kind of receiver that there is not.
pub(crate) fn known_kind<'n>(
    object: &str,
    entry: &'n Entry,
    kinds: &'static [&'static str],
    help: &str,
) -> Result<(), Bad<'n>> {
    let key = entry.key.as_str();
    if kinds.contains(&key) {
        return Ok(());
    }
    Err((&entry.node, unknown_key(object, key, kinds.iter().copied(), help)))
}

/// Reads the headers of HTTP requests.
///
/// # Errors
/// The node, if it is no object of names and texts.
pub(crate) fn headers(node: Option<&Node>) -> Result<Vec<(String, String)>, &Node> {
    let Some(node) = node.filter(|node| !matches!(node.value, Value::Null)) else {
        return Ok(Vec::new());
    };
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_value = |value: &str| !value.contains(char::is_control);
    match &node.value {
        Value::Object(entries)
            if entries.iter().all(|of| is_name(&of.key) && is_value(&of.node.plain())) =>
        {
            Ok(entries.iter().map(|of| (of.key.clone(), of.node.plain())).collect())
        }
        _ => Err(node),
    }
}
