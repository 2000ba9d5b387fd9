//! Why a command does not do what was asked. Those that PM2 has words of its own for have a name.

use ostler_wire::control::Failure;

use super::Act;
use super::line::number;
use crate::args::Typed;

/// Why something is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// `all` or an expression, and there is no process.
    NoProcess { word: String },
    /// No process has this name or namespace.
    NoSuch {
        /// As it was typed.
        word: String,
        /// The name or namespace that was probably meant.
        near: Option<String>,
    },
    /// No process has this id.
    NoSuchId {
        /// As it was typed.
        word: String,
        /// What was to be done with it, which PM2's words depend on.
        act: Option<Act>,
    },
    /// It is not a regular expression.
    BadPattern {
        /// The expression and what is wrong with it.
        text: String,
    },
    /// No app has this name.
    NoApp {
        /// As it was typed.
        name: String,
        /// The name that was probably meant.
        near: Option<String>,
    },
    /// There is no process of this id whose environment could be shown.
    NoEnvironment { word: String },
    /// There is no process of this name or id that could be described.
    NotDescribed { word: String },
    /// There is no process of this name whose counters could be reset.
    NotReset { word: String },
    /// There is no process of this id whose counters could be reset.
    NotResetId { id: u32 },
    /// The app has as many processes as it is to have.
    NothingToScale {
        /// Name of the app.
        name: String,
        /// How many it has.
        count: usize,
    },
    /// The script runs already.
    AlreadyRuns {
        /// Name of the app.
        name: String,
        /// Where it answers, as a browser takes it.
        urls: Vec<String>,
    },
    /// `--env` was given, and no process file.
    EnvWithoutFile {
        /// The command that was given it.
        command: &'static str,
        /// The name of the environment.
        env: String,
    },
    /// No init system was found.
    NoInit {
        /// The names of those that are known.
        known: String,
    },
    /// What PM2 says without its prefix.
    Bare {
        /// The words that PM2 has for it.
        pm2: String,
        /// Ours: what is wrong, with the values.
        message: String,
        /// What to do, if anything is known.
        hint: Option<String>,
    },
    /// What PM2 and we say in the same words.
    Other {
        /// What is wrong, with the values.
        message: String,
        /// What to do, if anything is known.
        hint: Option<String>,
    },
}

impl Problem {
    /// A problem without advice.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::Other { message: message.into(), hint: None }
    }

    /// Returns our words for it, without the advice.
    pub(crate) fn text(&self) -> String {
        self.words(&Typed::default()).0
    }

    /// Returns our words for it, and what to do; `typed` is the command line that it is about.
    pub(crate) fn words(&self, typed: &Typed) -> (String, Option<String>) {
        match self {
            Self::NoProcess { word } if word == "all" => {
                ("there is no app".to_owned(), Some("`ostler start app.js` starts one".to_owned()))
            }
            Self::NoProcess { word } => {
                (format!("no app has a name that matches `{word}`"), Some(SEE.to_owned()))
            }
            Self::NoSuch { word, near } => {
                let hint = meant(typed, word, near.as_deref());
                (format!("no app has the name or namespace `{word}`"), Some(hint))
            }
            Self::NoSuchId { word, .. } | Self::NoEnvironment { word } => {
                (format!("no process has the id `{word}`"), Some(SEE.to_owned()))
            }
            Self::NotResetId { id } => {
                (format!("no process has the id `{id}`"), Some(SEE.to_owned()))
            }
            Self::BadPattern { text } => (
                format!("not a regular expression: {text}"),
                Some("write it as in `ostler list '/^api-/'`".to_owned()),
            ),
            Self::NoApp { name, near } => {
                let hint = meant(typed, name, near.as_deref());
                (format!("no app has the name `{name}`"), Some(hint))
            }
            Self::NotDescribed { word } | Self::NotReset { word } => {
                (format!("no process has the name or id `{word}`"), Some(SEE.to_owned()))
            }
            Self::NothingToScale { name, count } => {
                let has = number(*count, "process", "processes");
                let hint = format!(
                    "`ostler scale {pasted} +1` adds one",
                    pasted = ostler_shell::operand(name)
                );
                (format!("`{name}` has {has} already"), Some(hint))
            }
            Self::AlreadyRuns { name, urls } => (
                match urls.as_slice() {
                    [] => format!("`{name}` runs already"),
                    urls => format!("`{name}` runs already: {}", urls.join(", ")),
                },
                Some(format!(
                    "`ostler restart {pasted}` restarts it, `--force` starts a second one of that \
                     name",
                    pasted = ostler_shell::operand(name)
                )),
            ),
            Self::EnvWithoutFile { command, env } => {
                let pasted = ostler_shell::word(env);
                let line = format!("ostler {command} ecosystem.config.js --env {pasted}");
                let hint = format!("name the file, as in `{line}`");
                ("`--env` is for process files".to_owned(), Some(hint))
            }
            Self::NoInit { known } => (
                "no init system was found on this machine".to_owned(),
                Some(format!("`ostler startup systemd` takes one by its name; {known}")),
            ),
            Self::Bare { message, hint, .. } | Self::Other { message, hint } => {
                (message.clone(), hint.clone())
            }
        }
    }
}

/// What there is to choose from.
const SEE: &str = "`ostler list` shows what there is";

/// Returns what was probably meant, or where to look.
fn meant(typed: &Typed, word: &str, near: Option<&str>) -> String {
    let Some(near) = near else { return SEE.to_owned() };
    // What is there already is not meant twice.
    let line = match typed.has(near) {
        true => typed.without_word(word),
        false => typed.corrected(word, near),
    };
    let line = line.unwrap_or_else(|| ostler_shell::word(near).into_owned());
    format!("did you mean `{line}`?")
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self::Other { message: failure.message, hint: failure.hint }
    }
}
