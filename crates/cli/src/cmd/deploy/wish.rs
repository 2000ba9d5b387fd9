//! What the words of `deploy` ask for.

use crate::failed::Failed;

/// What is done with a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Setup,
    /// This version, or the one of the target.
    Deploy(Option<String>),
    Revert(usize),
    Current,
    Previous,
    Exec(String),
    List,
}

impl Wish {
    pub(super) fn of(words: &[String]) -> Result<Self, Failed> {
        let Some((first, rest)) = words.split_first() else { return Ok(Self::Deploy(None)) };
        let one = |wish: Self| match rest.first() {
            None => Ok(wish),
            Some(more) => Err(Failed::misuse(format!("`{more}` is one word too many"))
                .hint("`ostler help deploy` shows what it takes")),
        };
        let needed = |what: &str| {
            Failed::misuse(format!("`{first}` needs {what}"))
                .hint("`ostler help deploy` shows what it takes")
        };
        match (first.as_str(), rest) {
            ("setup", _) => one(Self::Setup),
            ("update", _) => one(Self::Deploy(None)),
            ("curr" | "current", _) => one(Self::Current),
            ("prev" | "previous", _) => one(Self::Previous),
            ("list", _) => one(Self::List),
            ("revert", []) => Ok(Self::Revert(1)),
            ("revert", [count]) => match count.parse() {
                Ok(count) if 0 < count => Ok(Self::Revert(count)),
                Ok(_) | Err(_) => Err(needed("a number from 1 on")),
            },
            ("exec" | "run", []) => Err(needed("a command")),
            ("exec" | "run", command) => Ok(Self::Exec(command.join(" "))),
            ("ref", [version]) => Self::version(version),
            ("ref", []) => Err(needed("a branch, a tag or a commit")),
            (version, []) => Self::version(version),
            _ => one(Self::Setup),
        }
    }

    fn version(text: &str) -> Result<Self, Failed> {
        match text.starts_with('-') || text.contains(char::is_whitespace) {
            true => Err(Failed::misuse(format!("`{text}` is no branch, tag or commit"))),
            false => Ok(Self::Deploy(Some(text.to_owned()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_say_what_is_done_with_the_target() {
        let of = |line: &str| {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            Wish::of(&words).ok()
        };
        for (line, wish) in [
            ("", Some(Wish::Deploy(None))),
            ("update", Some(Wish::Deploy(None))),
            ("setup", Some(Wish::Setup)),
            ("revert", Some(Wish::Revert(1))),
            ("revert 3", Some(Wish::Revert(3))),
            ("revert 0", None),
            ("revert one", None),
            ("exec ls -l", Some(Wish::Exec("ls -l".to_owned()))),
            ("exec", None),
            ("ref v1", Some(Wish::Deploy(Some("v1".to_owned())))),
            ("v1", Some(Wish::Deploy(Some("v1".to_owned())))),
            ("v1 v2", None),
            ("ref --upload-pack=x", None),
            ("prev", Some(Wish::Previous)),
            ("curr", Some(Wish::Current)),
            ("list all", None),
        ] {
            assert_eq!(of(line), wish, "{line}");
        }
    }
}
