//! The JSON Schema of process files, for editors: completion, a description of each key, marks
//! under what is wrong.
//!
//! It is made from the table of attributes, so that an editor knows what this ostler knows. It is
//! as strict as ostler is in what it says, warnings included: an unknown key is marked.

use serde_json::{Map, Value as Json, json};

use crate::attributes::{Attribute, Effect, Rule, Type, Usual, attributes, find};

/// Returns the JSON Schema (draft 2020-12) of a process file.
#[must_use]
pub fn schema() -> Json {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Process file",
        "description": "Apps that ostler starts: a list `apps`, a list alone, or one app.",
        "if": {
            "type": "object",
            "anyOf": [
                { "required": ["apps"] }, { "required": ["pm2"] },
                { "required": ["extends", "deploy"] },
            ],
        },
        "then": {
            // What is extended may say what each app runs.
            "if": { "required": ["extends"] },
            "then": with_apps("parts"),
            "else": with_apps("apps"),
        },
        "else": { "$ref": "#/$defs/apps" },
        "$defs": {
            "apps": {
                // An app that others extend need not run anything.
                "if": { "contains": { "type": "object", "required": ["extends"] } },
                "then": { "$ref": "#/$defs/parts" },
                "else": list_of("app"),
            },
            "parts": list_of("part"),
            "app": {
                "if": { "type": "object" },
                "then": { "anyOf": runs() },
                "$ref": "#/$defs/part",
            },
            "part": part(),
            "condition": {
                "enum": [
                    "started", "ready", "healthy", "completed", "service_started",
                    "service_healthy", "service_completed_successfully", null,
                ],
            },
            "environment": { "type": "object", "description": "Variables." },
            "target": target(),
        },
    })
}

/// A file that has apps under a key, each of this kind.
fn with_apps(kind: &str) -> Json {
    let apps = json!({ "$ref": format!("#/$defs/{kind}") });
    json!({
        "type": "object",
        "properties": {
            "extends": extends("Files whose apps this one changes and adds to, seen from here."),
            "apps": apps,
            "pm2": {
                "if": { "type": "object", "required": ["apps"] },
                "then": { "properties": { "apps": apps } },
                "else": apps,
            },
            "deploy": {
                "description": "Targets of `deploy`, by name.",
                "type": "object",
                "additionalProperties": { "$ref": "#/$defs/target" },
            },
            "static": false,
        },
    })
}

/// A list of what has this name in the schema, or one such.
fn list_of(name: &str) -> Json {
    let one = json!({ "$ref": format!("#/$defs/{name}") });
    json!({
        "if": { "type": "array" },
        // A hole, as `condition && { … }` leaves one, is no app.
        "then": { "items": { "if": { "enum": [null, false] }, "else": one } },
        "else": one,
    })
}

fn extends(description: &str) -> Json {
    let text = json!({ "type": "string", "pattern": "\\S" });
    json!({
        "description": description,
        "anyOf": [
            text,
            { "type": "array", "items": { "type": ["string", "null"] } },
            { "enum": [null, false] },
        ],
    })
}

/// An app has one of these keys, or extends who has.
fn runs() -> Vec<Json> {
    let script = find("script").into_iter().flat_map(keys).chain(["extends".to_owned()]);
    script.map(|key| json!({ "required": [key] })).collect()
}

fn part() -> Json {
    let mut properties = Map::new();
    for attribute in attributes().filter(|attribute| attribute.is_in_files()) {
        properties.insert(attribute.name.to_owned(), value(attribute));
    }
    for attribute in attributes().filter(|attribute| attribute.is_in_files()) {
        let same = json!({ "$ref": format!("#/$defs/part/properties/{}", attribute.name) });
        for key in keys(attribute) {
            properties.entry(key).or_insert_with(|| same.clone());
        }
    }
    let help = "Other apps whose keys this one has, but for their name. Of an app alone: files.";
    properties.insert("extends".to_owned(), extends(help));
    json!({
        "type": "object",
        "properties": properties,
        "patternProperties": {
            // All but `env_file` and what begins with `env_file_`.
            "^env_(fi?l?$|$|[^f]|f[^i]|fi[^l]|fil[^e]|file[^_])": {
                "type": ["object", "null"],
                "description": "Variables for `--env <name>`.",
            },
            "^env_file_": {
                "type": ["object", "string", "array", "null"],
                "description": "Files of variables for `--env <name>`.",
            },
        },
        "additionalProperties": false,
    })
}

/// Every key that means the attribute.
fn keys(attribute: &Attribute) -> Vec<String> {
    let names = attribute.aliases.iter().chain([&attribute.name]);
    names.flat_map(|name| [(*name).to_owned(), camel(name)]).collect()
}

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut out = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}

/// What the value of an attribute may be. `null` is as good as no key.
fn value(attribute: &Attribute) -> Json {
    let mut schema = match attribute.rule {
        Rule::Words(words) => {
            let words = words.iter().map(|word| Json::from(*word));
            let has_truths = attribute.types.contains(&Type::Bool);
            let truths = [true, false].map(Json::from).into_iter().filter(|_| has_truths);
            json!({ "enum": words.chain(truths).chain([Json::Null]).collect::<Vec<_>>() })
        }
        rule => of_type(attribute.types, rule),
    };
    let Some(map) = schema.as_object_mut() else { return schema };
    if let Ok(Json::Object(inside)) = serde_json::from_str(attribute.inside) {
        map.extend(inside);
    }
    map.insert("description".to_owned(), description(attribute).into());
    map.extend(attribute.default().map(|value| ("default".to_owned(), value)));
    let example: Json = serde_json::from_str(attribute.example).unwrap_or_default();
    map.insert("examples".to_owned(), json!([example]));
    schema
}

fn of_type(types: &[Type], rule: Rule) -> Json {
    /// Digits in a text, which are accepted for a number.
    const DIGITS: &str = "^\\s*[0-9]+(\\.[0-9]+)?\\s*$";
    let mut names: Vec<&str> = types.iter().map(|kind| json_type(*kind)).collect();
    let only_number = types.contains(&Type::Number) && !types.contains(&Type::Text);
    if only_number {
        names.push("string");
    }
    names.push("null");
    let mut schema = Map::new();
    let mut put = |key: &str, value: Json| _ = schema.insert(key.to_owned(), value);
    put("type", names.into());
    if only_number {
        put("pattern", DIGITS.into());
    }
    match rule {
        Rule::Min(least) => put("minimum", least.into()),
        Rule::Between(least, most) => {
            put("pattern", "^\\s*-?[0-9]+\\s*$".into());
            put("minimum", least.into());
            put("maximum", most.into());
        }
        Rule::Percent => {
            put("pattern", "^\\s*[0-9]+\\s*%?\\s*$".into());
            put("minimum", 1.into());
        }
        Rule::Memory => {
            put("minimum", 0.into());
            put("pattern", "^[0-9]+[GMK]?$".into());
        }
        Rule::Uptime => {
            put("minimum", 100.into());
            put("pattern", "^[0-9]+[hms]?$".into());
        }
        Rule::Port => {
            put("minimum", 0.into());
            put("pattern", r"^\s*([0-9]+|auto|[0-9]+\s*-\s*[0-9]+)\s*$".into());
        }
        Rule::NotEmpty => put("pattern", "\\S".into()),
        Rule::ExitCodes => {
            put("minimum", 0.into());
            put("maximum", 255.into());
            put(
                "items",
                json!({ "type": ["number", "string", "null"], "minimum": 0, "maximum": 255 }),
            );
        }
        Rule::PlainItems => {
            put("items", json!({ "type": ["string", "number", "boolean", "null"] }));
        }
        Rule::Count => put("pattern", r"^(max|\s*-?\d+\s*)$".into()),
        Rule::Date => put("pattern", "[YMDdHhmsSAaZ]".into()),
        Rule::Cron => {
            put("minimum", 0.into());
            put("maximum", 0.into());
        }
        Rule::Any | Rule::Words(_) => {}
    }
    schema.into()
}

fn json_type(kind: Type) -> &'static str {
    match kind {
        Type::Text => "string",
        Type::Number => "number",
        Type::Bool => "boolean",
        Type::List => "array",
        Type::Object => "object",
    }
}

fn description(attribute: &Attribute) -> String {
    let mut out = sentence(attribute.help);
    if let Usual::Said(usual) = attribute.usual {
        out += &format!(" Default: {usual}.");
    }
    match attribute.effect {
        Effect::Acts => {}
        Effect::Kept => out += " Kept and shown; ostler does not act on it.",
        Effect::NotYet { lacks, .. } => out += &format!(" Kept; it has no effect yet: {lacks}."),
    }
    out
}

fn sentence(phrase: &str) -> String {
    let mut letters = phrase.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}

/// A target of `deploy`.
fn target() -> Json {
    let texts = json!({ "type": ["string", "array"], "items": { "type": "string" } });
    json!({
        "type": "object",
        "properties": {
            "host": texts,
            "repo": { "type": "string" },
            "path": { "type": "string" },
            "ref": { "type": "string" },
            "user": { "type": "string" },
            "key": { "type": "string" },
            "port": { "type": ["string", "number"] },
            "ssh_options": texts,
            "forward-agent": { "type": ["string", "boolean"] },
            "needs_tty": { "type": "boolean" },
            "fetch": { "type": "string" },
            "pre-setup": { "type": "string" },
            "post-setup": { "type": "string" },
            "pre-deploy-local": { "type": "string" },
            "pre-deploy": { "type": "string" },
            "post-deploy": { "type": "string" },
            "env": { "$ref": "#/$defs/environment" },
        },
    })
}
