//! What a command takes besides options.

use Arg::{Any, Many, Maybe, Needed};

/// An argument of a command. The words in it, separated by `|`, say what may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arg {
    /// Must be given.
    Needed(&'static str),
    /// May be given.
    Maybe(&'static str),
    /// One or more of them must be given.
    Many(&'static str),
    /// Any number may be given.
    Any(&'static str),
}

impl Arg {
    /// Returns the words that say what may be given.
    pub(crate) fn words(self) -> impl Iterator<Item = &'static str> {
        let (Needed(name) | Maybe(name) | Many(name) | Any(name)) = self;
        name.split('|')
    }

    /// Returns it in our words: `<name|id>`.
    pub(crate) fn shown(self) -> String {
        let mut words: Vec<&str> = Vec::new();
        for word in self.words() {
            let word = match word {
                "app_name" => "name",
                "json" | "ecosystem" => "file",
                "stdin" => "-",
                "pm2_id" | "pm_id" => "id",
                "proc_name" => "name",
                "action_name" => "action",
                word => word,
            };
            if !words.contains(&word) {
                words.push(word);
            }
        }
        let words = words.join("|");
        match self {
            Needed(_) => format!("<{words}>"),
            Maybe(_) => format!("[{words}]"),
            Many(_) => format!("<{words}>..."),
            Any(_) => format!("[{words}]..."),
        }
    }
}
