//! Why a command line is not understood, in PM2's words, and what was probably meant.

/// Why a command line is not understood.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Misuse {
    /// No such command.
    Command { name: String, near: Option<&'static str> },
    /// A command of PM2 that is not there, with what to do instead.
    Absent { name: String, vendor: bool, instead: Option<&'static str> },
    /// No such option, or not with this command.
    Option { name: String, hint: Option<String> },
    /// The value of an option is missing, or was given to one that takes none.
    Value { option: String, unexpected: bool },
    /// The value of an option that takes exit codes is none.
    ExitCode { option: String, value: String },
    /// An argument is missing.
    Missing { argument: &'static str, usage: String },
    /// There is one word too many.
    Extra { word: String, command: &'static str },
    /// A word is not UTF-8.
    NotText(String),
}

impl Misuse {
    /// Returns what is wrong, in PM2's words.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Command { .. } => "Command not found".to_owned(),
            Self::Absent { name, vendor: false, .. } => format!("`{name}` is not there yet"),
            Self::Absent { name, vendor: true, .. } => {
                format!("`{name}` belongs to PM2's vendor and is not there")
            }
            Self::Option { name, .. } => format!("unknown option `{name}'"),
            Self::Value { option, unexpected: false } => {
                format!("option `{option}' argument missing")
            }
            Self::Value { option, unexpected: true } => {
                format!("option `{option}' takes no argument")
            }
            Self::ExitCode { option, value } => {
                format!("option `{option}': `{value}` is no exit code")
            }
            Self::Missing { argument, .. } => format!("missing required argument `{argument}'"),
            Self::Extra { word, .. } => format!("Unknown command argument: {word}"),
            Self::NotText(word) => format!("argument `{word}' is not valid UTF-8"),
        }
    }

    /// Returns what to do, if anything is known.
    pub(crate) fn hint(&self, program: &str) -> Option<String> {
        match self {
            Self::Command { near, .. } => {
                near.map(|near| format!("did you mean `{program} {near}`?"))
            }
            Self::Absent { instead, .. } => instead.map(|instead| instead.replace('$', program)),
            Self::Option { hint, .. } => hint.clone(),
            Self::Missing { usage, .. } => Some(format!("usage: {program} {usage}")),
            Self::Extra { command, .. } => {
                Some(format!("`{program} {command}` takes no such argument"))
            }
            Self::ExitCode { .. } => Some("they are numbers from 0 to 255".to_owned()),
            Self::Value { .. } | Self::NotText(_) => None,
        }
    }
}
