//! The tools, as `ostler` tells them.

use std::collections::BTreeMap;
use std::sync::Arc;

use rmcp::model::{self, JsonObject, ToolAnnotations};
use serde::Deserialize;

use crate::failed::Failed;

/// A tool: what the agent is told of it, and which command it is.
#[derive(Debug, Deserialize)]
pub(super) struct Tool {
    pub(super) name: String,
    title: String,
    description: String,
    #[serde(rename = "inputSchema")]
    schema: JsonObject,
    annotations: ToolAnnotations,
    effect: Effect,
    /// The name of the command.
    pub(super) command: String,
    /// Options that are always given.
    pub(super) always: Vec<String>,
    pub(super) apps: Apps,
    /// What each parameter becomes.
    pub(super) gives: BTreeMap<String, Gives>,
}

/// What a tool does to apps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Effect {
    Read,
    Write,
    Destructive,
}

/// Which apps a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Apps {
    /// It names none.
    None,
    /// Those that it names, else all.
    Any,
    /// Those that it must name.
    Needed,
    /// One app as a whole.
    Whole,
    /// Those whose logs are meant.
    Logs,
}

/// What a parameter becomes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum Gives {
    /// The value of this option, and the one that it has where a call does not say it.
    Option { option: String, otherwise: String },
    /// Something else than an option.
    Word(Place),
}

/// Where a value goes that is none of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Place {
    /// An argument of the command.
    Argument,
    /// What is started.
    Script,
    /// Arguments of the app.
    Rest,
    /// Variables of the app.
    Environment,
    /// The folder in which the command runs.
    Folder,
}

/// The tools that are offered, and the names of those that are not.
#[derive(Debug)]
pub(super) struct Tools {
    offered: Vec<Tool>,
    forbidden: Vec<String>,
}

impl Tools {
    /// Reads them. `destructive`: also those that end or remove apps.
    pub(super) fn parse(text: &str, destructive: bool) -> Result<Self, Failed> {
        let all: Vec<Tool> = serde_json::from_str(text).map_err(|error| {
            Failed::new(format!("`ostler` and `ostler-companion` are not of one version: {error}"))
                .hint("install both again")
        })?;
        let is_offered = |tool: &Tool| destructive || tool.effect != Effect::Destructive;
        let (offered, others): (Vec<Tool>, Vec<Tool>) = all.into_iter().partition(is_offered);
        Ok(Self { offered, forbidden: others.into_iter().map(|tool| tool.name).collect() })
    }

    /// Returns the tool of this name.
    pub(super) fn find(&self, name: &str) -> Option<&Tool> {
        self.offered.iter().find(|tool| tool.name == name)
    }

    /// Whether there is a tool of this name which is not offered.
    pub(super) fn is_forbidden(&self, name: &str) -> bool {
        self.forbidden.iter().any(|of| of == name)
    }

    /// Returns them as the agent is told.
    pub(super) fn told(&self) -> Vec<model::Tool> {
        let told = |tool: &Tool| {
            let schema = Arc::new(tool.schema.clone());
            let (name, description) = (tool.name.clone(), tool.description.clone());
            model::Tool::new(name, description, schema)
                .with_title(tool.title.clone())
                .with_annotations(tool.annotations.clone())
        };
        self.offered.iter().map(told).collect()
    }
}
