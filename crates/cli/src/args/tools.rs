//! What `ostler mcp` offers to an agent, once: which commands, and what they take.
//!
//! Problem: an agent that reads every command and option has little room left for its work, and a
//! second description of the commands would soon say something else than they do. Rule: few rows,
//! each a command of the table; what a parameter means is what the help says of the option.

mod table;
mod tool;

use serde_json::{Map, Value, json};

use super::commands::{Command, CommandId};
use super::flags::{FLAGS, Flag};
use super::text::sentence;
use table::TOOLS;
use tool::{Apps, Effect, Gives, Kind, Parameter, Tool};

/// Returns the tools as the companion reads them.
pub(crate) fn all() -> String {
    let tools: Vec<Value> = TOOLS.iter().map(Tool::json).collect();
    let text = serde_json::to_string_pretty(&tools).unwrap_or_default();
    text + "\n"
}

/// Returns a row for each tool: its name, its effect, what it does in sentences, and what it takes
/// from a caller.
pub(crate) fn rows() -> Vec<[String; 4]> {
    let row = |tool: &Tool| {
        let chosen = (tool.apps != Apps::None).then_some("app");
        let own = tool.parameters.iter().map(|of| of.name);
        let names: Vec<String> =
            chosen.into_iter().chain(own).map(|of| format!("`{of}`")).collect();
        [format!("`{}`", tool.name), tool.effect.word().to_owned(), tool.doc(), names.join(", ")]
    };
    TOOLS.iter().map(row).collect()
}

impl Effect {
    fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Destructive => "destructive",
        }
    }
}

impl Tool {
    fn of(&self) -> Option<&'static Command> {
        Command::by_id(self.command)
    }

    /// What it does, in a line.
    fn line(&self) -> &'static str {
        match self.does {
            "" => self.of().map_or("", |command| command.doc),
            does => does,
        }
    }

    /// What it does, in sentences.
    fn doc(&self) -> String {
        [&sentence(self.line()), self.note].join(" ").trim_end().to_owned()
    }

    fn json(&self) -> Value {
        let mut words = Map::new();
        let mut properties = Map::new();
        let mut required: Vec<&str> = Vec::new();
        if let Some(doc) = self.apps.doc() {
            properties.insert("app".into(), json!({ "type": "string", "description": doc }));
            if matches!(self.apps, Apps::Needed | Apps::Whole) {
                required.push("app");
            }
        }
        for parameter in self.parameters {
            words.insert(parameter.name.into(), parameter.gives.json(parameter.otherwise));
            properties.insert(parameter.name.into(), self.schema(parameter));
            if parameter.is_needed {
                required.push(parameter.name);
            }
        }
        let is_read = self.effect == Effect::Read;
        json!({
            "name": self.name,
            "title": self.line(),
            "description": self.doc(),
            "inputSchema": {
                "type": "object",
                "properties": properties,
                "required": required,
                "additionalProperties": false,
            },
            "annotations": {
                "readOnlyHint": is_read,
                "destructiveHint": self.effect == Effect::Destructive,
                "idempotentHint": is_read || self.effect == Effect::Destructive,
                "openWorldHint": false,
            },
            "effect": self.effect.word(),
            "command": self.of().map(Command::name),
            "always": self.always,
            "apps": self.apps.word(),
            "gives": words,
        })
    }

    /// What a value of the parameter may be, and what it means.
    fn schema(&self, parameter: &Parameter) -> Value {
        let doc = match parameter.gives {
            Gives::Option(name) => {
                option_of(self.command, name).map_or("", |flag| flag.doc_for(self.command))
            }
            Gives::Argument | Gives::Script | Gives::Rest | Gives::Environment | Gives::Folder => {
                parameter.doc
            }
        };
        let doc = match parameter.otherwise {
            "" => doc.to_owned(),
            otherwise if doc.contains(otherwise) => doc.to_owned(),
            otherwise => {
                let doc = doc.split("; ").next().unwrap_or(doc);
                format!("{doc}; default {otherwise}")
            }
        };
        match parameter.kind {
            Kind::Text => json!({ "type": "string", "description": doc }),
            Kind::Number => {
                json!({ "type": "integer", "minimum": 0, "maximum": 1000, "description": doc })
            }
            Kind::Truth => json!({ "type": "boolean", "description": doc }),
            Kind::Texts => {
                json!({ "type": "array", "items": { "type": "string" }, "description": doc })
            }
            Kind::Variables => json!({
                "type": "object",
                "additionalProperties": { "type": "string" },
                "description": doc,
            }),
        }
    }
}

impl Apps {
    fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Any => "any",
            Self::Needed => "needed",
            Self::Whole => "whole",
            Self::Logs => "logs",
        }
    }

    /// What names an app; `None`: nothing does.
    fn doc(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Whole => Some("an app by its name, its namespace or `NAMESPACE/NAME`"),
            Self::Needed => {
                Some("an app by its name, its namespace or `NAMESPACE/NAME`, one process by its id")
            }
            Self::Any | Self::Logs => Some(
                "an app by its name, its namespace or `NAMESPACE/NAME`, one process by its id; \
                 without it all are meant",
            ),
        }
    }
}

impl Gives {
    fn json(self, otherwise: &str) -> Value {
        match self {
            Self::Option(name) => json!({ "option": name, "otherwise": otherwise }),
            Self::Argument => json!("argument"),
            Self::Script => json!("script"),
            Self::Rest => json!("rest"),
            Self::Environment => json!("environment"),
            Self::Folder => json!("folder"),
        }
    }
}

/// The option of this name that the command acts on.
fn option_of(command: CommandId, name: &str) -> Option<&'static Flag> {
    FLAGS.iter().find(|flag| flag.long.contains(&name) && flag.acts_with(command))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::super::flags::Takes;
    use super::super::parse;
    use super::*;
    use crate::program::Program;

    #[test]
    fn tools_are_few_have_names_of_their_own_and_name_commands_and_options_that_there_are() {
        assert!(TOOLS.len() <= 12);
        for (at, tool) in TOOLS.iter().enumerate() {
            assert!(TOOLS.iter().skip(at + 1).all(|other| other.name != tool.name));
            let command = tool.of().unwrap();
            for parameter in tool.parameters {
                let Gives::Option(name) = parameter.gives else {
                    assert!(!parameter.doc.is_empty(), "{}", parameter.name);
                    continue;
                };
                let flag = option_of(tool.command, name)
                    .unwrap_or_else(|| panic!("`{}` has no `--{name}`", command.name()));
                let takes_nothing = flag.takes == Takes::Nothing || name == "watch";
                assert_eq!(takes_nothing, parameter.kind == Kind::Truth, "--{name}");
            }
            let number = (tool.command == CommandId::Scale).then_some("1");
            let words = [command.name(), "0"].into_iter().chain(number);
            let line = words.chain(tool.always.iter().copied());
            parse(line.map(OsString::from), Program::Ostler).unwrap();
        }
    }

    #[test]
    fn what_ends_apps_is_marked_and_what_looks_does_too() {
        let tools: Vec<Value> = serde_json::from_str(&all()).unwrap();
        let with = |hint: &str| -> Vec<&str> {
            let has = |tool: &&Value| tool["annotations"][hint] == true;
            tools.iter().filter(has).map(|tool| tool["name"].as_str().unwrap()).collect()
        };
        assert_eq!(with("readOnlyHint"), ["list", "describe", "ports", "logs", "wait"]);
        assert_eq!(with("destructiveHint"), ["stop", "delete"]);
        for tool in &tools {
            let properties = tool["inputSchema"]["properties"].as_object().unwrap();
            for (name, of) in properties {
                assert!(of["description"].as_str().is_some_and(|doc| !doc.is_empty()), "{name}");
            }
        }
    }
}
