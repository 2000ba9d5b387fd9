//! Secrets in what the daemon tells of apps.

use std::borrow::Cow;

use ostler_text::{MASK, is_secret_name, without_passwords};
use serde_json::Value;

/// Masks whatever looks like a secret: by the name of a variable or an option, or in an address.
pub(crate) fn mask(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                match value {
                    Value::String(_) | Value::Number(_) if is_secret_name(name) => {
                        *value = Value::from(MASK);
                    }
                    // Whoever knows the URL of a webhook may write there.
                    Value::Object(receivers) if name == "alerts" => {
                        for (key, receiver) in receivers {
                            if key != "every" {
                                *receiver = Value::from(MASK);
                            }
                        }
                    }
                    _ => mask(value),
                }
            }
        }
        Value::Array(all) => {
            // `--password x`
            let mut follows = false;
            for one in all {
                match one {
                    Value::String(word) if follows => MASK.clone_into(word),
                    _ => mask(one),
                }
                follows = one.as_str().is_some_and(|word| is_option(word) && is_secret_name(word));
            }
        }
        Value::String(text) => {
            if let Cow::Owned(masked) = text_of(text) {
                *text = masked;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Returns arguments with whatever looks like a secret masked.
pub(crate) fn words(words: Vec<String>) -> Vec<String> {
    let mut value = Value::from(words);
    mask(&mut value);
    let all = value.as_array_mut().map(std::mem::take).unwrap_or_default();
    let text = |value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    all.into_iter().map(text).collect()
}

/// Returns a text with whatever looks like a secret masked.
pub(crate) fn text_of(text: &str) -> Cow<'_, str> {
    match text.split_once('=') {
        Some((name, _)) if is_option(name) && is_secret_name(name) => {
            Cow::Owned(format!("{name}={MASK}"))
        }
        Some(_) | None => without_passwords(text),
    }
}

fn is_option(word: &str) -> bool {
    word.starts_with('-') && !word.contains(['=', ' '])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_masked_wherever_they_stand() {
        let mut value = json!({
            "name": "api",
            "args": ["--port", "80", "--api-key", "x", "--token=y", "--tokens", "3"],
            "env": { "DB_PASSWORD": "x", "URL": "amqp://a:b@c", "PIN_SECRET": 4, "PORT": "80" },
            "alerts": { "slack": "https://hooks.slack.com/x", "every": 60000 },
            "axm_monitor": { "tokens": { "value": 3 } },
            "node_args": "--max=3"
        });
        mask(&mut value);
        let expected = json!({
            "name": "api",
            "args": ["--port", "80", "--api-key", "***", "--token=***", "--tokens", "***"],
            "env": {
                "DB_PASSWORD": "***", "URL": "amqp://a:***@c", "PIN_SECRET": "***", "PORT": "80"
            },
            "alerts": { "slack": "***", "every": 60000 },
            "axm_monitor": { "tokens": { "value": 3 } },
            "node_args": "--max=3"
        });
        assert_eq!(value, expected);
    }
}
