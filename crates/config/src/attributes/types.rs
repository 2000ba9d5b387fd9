//! The forms of the plain types: what a value looks like in a file and in a record.
//!
//! A record may come from PM2, where a variable of the environment that has a key's name replaces
//! its value by a text. So digits and truths in texts are read too.

use std::path::PathBuf;

use ostler_core::Texts;
use ostler_core::spec::{ExecMode, Readiness};
use serde_json::{Map, Value as Json};

use super::access::{BadValue, FieldType};
use crate::value::{Node, Value, number_text};

impl FieldType for bool {
    fn write(&self) -> Json {
        (*self).into()
    }

    fn read(node: &Node) -> Result<Self, BadValue> {
        match &node.value {
            Value::Bool(value) => Ok(*value),
            Value::Text(text) if text == "true" => Ok(true),
            Value::Text(text) if text == "false" => Ok(false),
            _ => Err(BadValue::Wanted("true or false")),
        }
    }
}

impl FieldType for u64 {
    fn write(&self) -> Json {
        (*self).into()
    }

    fn read(node: &Node) -> Result<Self, BadValue> {
        let number = match &node.value {
            Value::Number(number) => Some(*number),
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "fractions are cut and `as` saturates"
        )]
        let number = number
            .filter(|number: &f64| 0.0 <= *number && number.is_finite())
            .map(|number| number as u64)
            .ok_or(BadValue::Wanted("a number from 0 up"))?;
        if MOST < number { Err(BadValue::Wanted("at most 1125899906842624")) } else { Ok(number) }
    }
}

/// The most that a time in milliseconds or a size in bytes may be: times are added to one another
/// and multiplied by numbers of processes.
const MOST: u64 = 1 << 50;

/// Numbers above the largest are the largest.
impl FieldType for u32 {
    fn write(&self) -> Json {
        (*self).into()
    }

    fn read(node: &Node) -> Result<Self, BadValue> {
        Ok(u64::read(node)?.try_into().unwrap_or(Self::MAX))
    }
}

/// A time or size that 0 switches off.
impl FieldType for Option<u64> {
    fn write(&self) -> Json {
        (*self).into()
    }

    fn read(node: &Node) -> Result<Self, BadValue> {
        u64::read(node).map(|number| Some(number).filter(|number| 0 < *number))
    }
}

/// A number that may be below 0, if there is one.
impl FieldType for Option<i32> {
    fn write(&self) -> Json {
        (*self).into()
    }

    fn read(node: &Node) -> Result<Self, BadValue> {
        let text = node.plain();
        text.trim().parse().map(Some).map_err(|_| BadValue::Wanted("a whole number"))
    }
}

/// The number of a user or group.
impl FieldType for Option<u32> {
    fn write(&self) -> Json {
        (*self).into()
    }

    fn read(node: &Node) -> Result<Self, BadValue> {
        let number = u64::read(node)?;
        number.try_into().map(Some).map_err(|_| BadValue::Wanted("a user or group number"))
    }
}

impl FieldType for String {
    fn write(&self) -> Json {
        self.as_str().into()
    }

    fn read(node: &Node) -> Result<Self, BadValue> {
        match &node.value {
            Value::Text(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number_text(*number)),
            _ => Err(BadValue::Wanted("a text")),
        }
    }
}

impl FieldType for Option<String> {
    fn write(&self) -> Json {
        self.as_deref().into()
    }

    fn read(node: &Node) -> Result<Self, BadValue> {
        String::read(node).map(Some)
    }
}

impl FieldType for PathBuf {
    fn write(&self) -> Json {
        self.to_string_lossy().into()
    }

    fn read(node: &Node) -> Result<Self, BadValue> {
        String::read(node).map(Self::from)
    }
}

/// Words, or one text that is split into them.
impl FieldType for Vec<String> {
    fn write(&self) -> Json {
        self.clone().into()
    }

    fn read(node: &Node) -> Result<Self, BadValue> {
        node.words().ok_or(BadValue::Wanted("a list of texts"))
    }
}

/// Variables of an environment; a value that is no text is written as JSON.
impl FieldType for Texts {
    fn write(&self) -> Json {
        let entries = self.iter().map(|(name, value)| (name.to_owned(), value.into()));
        entries.collect::<Map<_, _>>().into()
    }

    fn read(node: &Node) -> Result<Self, BadValue> {
        let Value::Object(entries) = &node.value else { return Err(BadValue::Wanted("an object")) };
        Ok(entries.iter().map(|entry| (entry.key.as_str(), entry.node.plain())).collect())
    }
}

impl FieldType for ExecMode {
    fn write(&self) -> Json {
        match self {
            Self::Fork => "fork_mode".into(),
            Self::Cluster => "cluster_mode".into(),
        }
    }

    fn read(node: &Node) -> Result<Self, BadValue> {
        match String::read(node)?.as_str() {
            "cluster_mode" | "cluster" => Ok(Self::Cluster),
            "fork_mode" | "fork" => Ok(Self::Fork),
            _ => Err(BadValue::Wanted("`fork_mode` or `cluster_mode`")),
        }
    }
}

impl FieldType for Option<bool> {
    fn write(&self) -> Json {
        (*self).into()
    }

    fn read(node: &Node) -> Result<Self, BadValue> {
        bool::read(node).map(Some)
    }
}

/// Whether the app says when it is ready.
impl FieldType for Readiness {
    fn write(&self) -> Json {
        match self {
            Self::Started => false.into(),
            Self::Message => true.into(),
        }
    }

    fn read(node: &Node) -> Result<Self, BadValue> {
        Ok(if bool::read(node)? { Self::Message } else { Self::Started })
    }
}
