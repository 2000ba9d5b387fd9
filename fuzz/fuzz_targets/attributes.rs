//! The value of an attribute of an app, in each language. The first byte chooses the attribute, the
//! second what stands beside it.
#![no_main]

use ostler_config::attributes;
use serde_json::{Map, Value, json};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let [which, beside, value @ ..] = data else { return };
    let Ok(text) = std::str::from_utf8(value) else { return };
    let all: Vec<_> = attributes().filter(|of| of.is_in_files()).collect();
    let nth = |byte: u8| all[usize::from(byte) % all.len()];
    let example = serde_json::from_str::<Value>(nth(*beside).example).unwrap_or(Value::Null);
    let mut app = Map::from_iter([
        ("script".to_owned(), json!("a.sh")),
        (nth(*beside).name.to_owned(), example),
    ]);
    // As it is written where that is a value of JSON, and as a text.
    let read = serde_json::from_str::<Value>(text).ok();
    for value in read.into_iter().chain([json!(text)]) {
        app.insert(nth(*which).name.to_owned(), value);
        let json = Value::from(app.clone()).to_string();
        let from_json = ostler_fuzz::file("of-attribute.json", json.as_bytes());
        let from_yaml = ostler_fuzz::file("of-attribute.yaml", json.as_bytes());
        // JSON is YAML, but for characters that steer a terminal, which YAML has only by number.
        let is_both = !json.contains(char::is_control);
        assert!(!is_both || from_json.len() == from_yaml.len(), "{json}");
    }
});
