use proptest::prelude::*;
use serde_json::{Map, Value};

use super::*;

fn merged(line: &str) -> Option<String> {
    Some(Object::read(line)?.of_line("T", Stream::Out, 0, "a"))
}

#[track_caller]
fn check(line: &str, message: &str, rest: &str) {
    let own = r#""timestamp":"T","type":"out","process_id":0,"app_name":"a""#;
    assert_eq!(merged(line).unwrap(), format!("{{\"message\":{message},{own}{rest}}}"));
}

#[test]
fn fields_of_the_app_stand_behind_ours_as_they_were_written() {
    check(
        r#"{"level":30,"msg":"hi","a":[1, 2]}"#,
        r#""hi""#,
        r#","level":30,"msg":"hi","a":[1, 2]"#,
    );
    check(r#"{"message":"h\u00e9\/","n":1}"#, r#""h\u00e9\/""#, r#","n":1"#);
    check(r#"{"event":"structlog"}"#, r#""structlog""#, r#","event":"structlog""#);
    check(r#" { "n" : 1 , "o" : { } } "#, r#""""#, r#","n":1,"o":{ }"#);
    let large = r#"{"n":12345678901234567890123,"f":0.1000000000000000000001,"e":-1e999,"z":-0}"#;
    check(large, r#""""#, &format!(",{}", &large[1..large.len() - 1]));
}

#[test]
fn a_field_whose_name_is_ours_stands_in_a_place_of_its_own() {
    check(r#"{"timestamp":"1","msg":"m"}"#, r#""m""#, r#","msg":"m","app":{"timestamp":"1"}"#);
    check(r#"{"message":{"a":1},"msg":"m"}"#, r#""m""#, r#","msg":"m","app":{"message":{"a":1}}"#);
    let all = r#"{"type":1,"process_id":2,"app_name":3,"partial":4,"cursor":5,"app":6,"x":7}"#;
    let inside = &all[1..all.len() - ",\"x\":7}".len()];
    check(all, r#""""#, &format!(",\"x\":7,\"app\":{{{inside}}}"));
    check(r#"{"message":"a","message":"b"}"#, r#""a""#, r#","app":{"message":"b"}"#);
    // Written in another way it is the same name.
    check(r#"{"ty\u0070e":1}"#, r#""""#, r#","app":{"ty\u0070e":1}"#);
}

#[test]
fn what_is_no_object_is_none() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(101), "]".repeat(101));
    assert!(serde_json::from_str::<&RawValue>(&deep).is_ok());
    for none in
        ["", "{", "}", "{}x", "{\"a\":1", "{\"a\"}", "{'a':1}", "{\"a\":01}", "[1]", "1", &deep]
    {
        assert_eq!(merged(none), None, "{none}");
    }
}

#[test]
fn what_the_app_wrote_is_read_back() {
    let read = |line: &str| Object::read(line).unwrap().text_of_app();
    let back = |line: &str| read(&merged(line).unwrap());
    for same in [
        r#"{"level":30,"msg":"hi","n":12345678901234567890123,"e":1e999}"#,
        r#"{"event":"e","o":{"message":"inside","app":1}}"#,
        r#"{"n":1,"type":"x","app":{"type":"y"}}"#,
    ] {
        assert_eq!(back(same).as_deref(), Some(same));
    }
    assert_eq!(back(r#"{"n":1,"message":"m"}"#).as_deref(), Some(r#"{"message":"m","n":1}"#));
    // It is not known any more whether that was an object.
    assert_eq!(back(r#"{"message":"m"}"#).as_deref(), Some("m"));
    let text =
        r#"{"message":"a \"b\"\n","timestamp":"T","type":"out","process_id":0,"app_name":"a"}"#;
    assert_eq!(read(text).as_deref(), Some("a \"b\""));
    assert_eq!(read(r#"{"timestamp":"T"}"#), None);
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|of| Value::from(f64::from(of) / 8.0)),
        "[a-z\"\\\\\\[\\]{},:é\u{1}\n ]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            object(inner).prop_map(Value::from),
        ]
    })
}

fn object(of: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    let key = prop_oneof![
        "[a-z\"\\\\{é]{0,5}",
        Just("message".into()),
        Just("type".into()),
        Just("app".into())
    ];
    prop::collection::vec((key, of), 0..6).prop_map(|pairs| pairs.into_iter().collect())
}

/// All fields of the app in a merged object, wherever they stand.
fn kept(result: &Map<String, Value>, fields: &Map<String, Value>) -> Map<String, Value> {
    let own = |key: &str| OWN.contains(&key) || key == NESTED;
    let beside = result.iter().filter(|(key, _)| !own(key));
    let mut kept: Map<String, Value> =
        beside.map(|(key, value)| (key.clone(), value.clone())).collect();
    if let Some(Value::Object(nested)) = result.get(NESTED) {
        kept.extend(nested.clone());
    }
    if fields.get("message").is_some_and(Value::is_string) {
        kept.insert("message".to_owned(), result["message"].clone());
    }
    kept
}

proptest! {
    #[test]
    fn whatever_the_object_it_is_taken_apart_as_serde_does(of in object(value()), pretty: bool) {
        let whole = Value::from(of.clone());
        let text = if pretty { format!("{whole:#}") } else { whole.to_string() };
        let object = Object::read(&text).unwrap();
        let value = |field: &Field<'_>| serde_json::from_str(field.value).unwrap();
        let pairs = object.0.iter().map(|field| (field.key.to_string(), value(field)));
        // In the order in which they are written, too.
        let again: Map<String, Value> = pairs.collect();
        prop_assert_eq!(Value::from(again).to_string(), whole.to_string());
        let out = merged(&text).unwrap();
        let kept = kept(&serde_json::from_str(&out).unwrap(), &of);
        prop_assert_eq!(kept.len(), of.len());
        prop_assert!(of.iter().all(|(key, value)| kept.get(key) == Some(value)), "{out}");
    }
}
