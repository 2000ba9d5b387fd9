//! What a service is made from.

use std::path::{Path, PathBuf};

use crate::failed::Failed;
use crate::program::Program;

/// Longest name of a service, bytes; systemd takes 255 with its suffix.
const LONGEST_NAME: usize = 200;

/// Everything that the texts are made from. Names are checked, paths are absolute and hold
/// no control characters.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    /// Under which name the program is known.
    pub(crate) program: Program,
    /// Name of the service: letters, digits, `_`, `-`, `.`.
    pub(crate) name: String,
    /// Whether the name was chosen by the person.
    pub(crate) named: bool,
    /// The user that it runs as.
    pub(crate) user: String,
    /// That user's home directory.
    pub(crate) user_home: PathBuf,
    /// The directory of the manager's files.
    pub(crate) home: PathBuf,
    /// The path of the program.
    pub(crate) exe: PathBuf,
    /// `PATH` of manager and apps.
    pub(crate) path: String,
    /// Whether it waits until the machine has an address.
    pub(crate) wait_ip: bool,
}

impl Service {
    /// Checks every part.
    ///
    /// # Errors
    /// When a name or a path could be mistaken for something else in one of the texts.
    pub(crate) fn check(self) -> Result<Self, Failed> {
        check_user(&self.user)?;
        if self.named {
            check_name(&self.name)?;
        }
        for (what, path) in
            [("home directory", &self.user_home), ("home", &self.home), ("program", &self.exe)]
        {
            check_path(what, path)?;
        }
        match self.path.chars().find(|char| char.is_control()) {
            Some(char) => Err(Failed::new(format!("PATH contains the control character {char:?}"))
                .hint("set PATH to plain folders and try again")),
            None => Ok(self),
        }
    }

    /// Returns the program as text.
    pub(crate) fn exe(&self) -> String {
        self.exe.display().to_string()
    }

    /// Returns the manager's home as text.
    pub(crate) fn home(&self) -> String {
        self.home.display().to_string()
    }

    /// Returns the variable that names the manager's home.
    pub(crate) fn home_variable(&self) -> &'static str {
        match self.program {
            Program::Ostler => ostler_env::OSTLER_HOME,
            Program::Pm2 => ostler_env::PM2_HOME,
        }
    }

    /// Returns what the service is, in a line.
    pub(crate) fn description(&self) -> String {
        match self.program {
            Program::Ostler => format!("ostler process manager for {}", self.user),
            Program::Pm2 => format!("PM2 process manager for {}", self.user),
        }
    }

    /// Returns a name for shell variables and functions.
    pub(crate) fn identifier(&self) -> String {
        self.name
            .chars()
            .map(|char| if char.is_ascii_alphanumeric() { char } else { '_' })
            .collect()
    }
}

/// Returns `ostler-USER`, with what no init system takes replaced.
pub(crate) fn service_name(program: Program, separator: char, user: &str) -> String {
    let user: String = user.chars().map(|char| if is_plain(char) { char } else { '_' }).collect();
    format!("{}{separator}{user}", program.name())
}

/// The name of a service goes into file names, unit files and scripts that root runs.
fn check_name(name: &str) -> Result<(), Failed> {
    let good = name.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
        && name.chars().all(is_plain)
        && name.len() <= LONGEST_NAME;
    if good {
        return Ok(());
    }
    let name = ostler_text::shown(name);
    Err(Failed::misuse(format!("`{name}` cannot be the name of a service")).hint(format!(
        "use letters, digits, `_`, `-` and `.`, with a letter or digit first, \
         at most {LONGEST_NAME} characters"
    )))
}

/// The name of a user is what `useradd` and directory services allow, and nothing that means
/// something to a shell or a unit file.
fn check_user(user: &str) -> Result<(), Failed> {
    let good = user.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
        && user.chars().all(|char| is_plain(char) || char == '@')
        && user.len() <= LONGEST_NAME;
    if good {
        return Ok(());
    }
    Err(Failed::misuse(format!("`{}` cannot be the name of a user", ostler_text::shown(user)))
        .hint("give the name of an existing user, for example `-u www-data`"))
}

fn check_path(what: &str, path: &Path) -> Result<(), Failed> {
    let problem = match path.to_str() {
        None => "is not valid UTF-8",
        Some(text) if text.chars().any(char::is_control) => "contains a control character",
        Some(_) if !path.is_absolute() => "is not absolute",
        Some(_) => return Ok(()),
    };
    Err(Failed::new(format!("the {what} {path:?} {problem}"))
        .hint("give another path; `--hp` is the user's home"))
}

fn is_plain(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '_' | '-' | '.')
}
