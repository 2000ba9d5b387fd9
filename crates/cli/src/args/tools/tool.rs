//! What a row of the table of tools consists of.

use super::super::commands::CommandId;

/// What a tool does to apps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// It only looks at them.
    Read,
    /// It starts apps or runs them anew.
    Write,
    /// It ends or removes apps; offered only where that is allowed.
    Destructive,
}

/// Which apps a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Apps {
    /// It names none, or says by another parameter what it means.
    None,
    /// Those that it names, else all of the project.
    Any,
    /// Those that it must name.
    Needed,
    /// The app that it must name, as a whole.
    Whole,
    /// The apps whose logs are meant, which is one word of the command.
    Logs,
}

/// A parameter of a tool.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) gives: Gives,
    pub(super) kind: Kind,
    pub(super) is_needed: bool,
    /// What it means, where no option says it.
    pub(super) doc: &'static str,
    /// What is given where a call does not say it; may be empty.
    pub(super) otherwise: &'static str,
}

/// What a parameter becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gives {
    /// The value of the option of this name.
    Option(&'static str),
    /// An argument of the command.
    Argument,
    /// What is started: a script, or the name of an app.
    Script,
    /// Arguments of the app.
    Rest,
    /// Variables of the app.
    Environment,
    /// The folder in which the command runs.
    Folder,
}

/// What a value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Truth,
    Texts,
    Variables,
}

/// What an agent is offered under one name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tool {
    pub(super) name: &'static str,
    pub(super) command: CommandId,
    pub(super) effect: Effect,
    pub(super) apps: Apps,
    /// The options that are always given.
    pub(super) always: &'static [&'static str],
    pub(super) parameters: &'static [Parameter],
    /// What it does, where the line of the help says something else; may be empty.
    pub(super) does: &'static str,
    /// What an agent must know besides.
    pub(super) note: &'static str,
}

pub(super) const fn option(name: &'static str, kind: Kind) -> Parameter {
    Parameter { name, gives: Gives::Option(name), kind, is_needed: false, doc: "", otherwise: "" }
}

pub(super) const fn own(
    name: &'static str,
    gives: Gives,
    kind: Kind,
    doc: &'static str,
) -> Parameter {
    Parameter { name, gives, kind, is_needed: false, doc, otherwise: "" }
}

pub(super) const fn or(otherwise: &'static str, of: Parameter) -> Parameter {
    Parameter { otherwise, ..of }
}

pub(super) const fn needed(of: Parameter) -> Parameter {
    Parameter { is_needed: true, ..of }
}
