//! The command line as it was typed.
//!
//! Problem: "did you mean `two words`?" has to be typed again, with quotes that are easily
//! forgotten. Rule: a hint about one wrong word is the whole line with that word put right.

use ostler_shell::{operand, word};

/// Bytes above which a line is not shown again: it would hide what is said.
const LONGEST: usize = 240;

/// The words behind the name of the program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Typed(Vec<String>);

impl Typed {
    /// The words of a command line.
    pub(crate) fn new(words: impl IntoIterator<Item = String>) -> Self {
        Self(words.into_iter().collect())
    }

    /// Returns the words.
    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether an option has this value, in a line that may not be understood.
    pub(crate) fn has_value(&self, option: &str, value: &str) -> bool {
        let together = format!("{option}={value}");
        let apart = self.0.windows(2).any(|two| two == [option, value]);
        apart || self.0.contains(&together)
    }

    /// The line as it was typed, where it can be shown.
    pub(crate) fn line(&self) -> Option<String> {
        shown(self.0.iter().map(|typed| word(typed).into_owned()))
    }

    /// Whether nothing stands behind the first word.
    pub(super) fn is_one_word(&self) -> bool {
        self.0.len() == 1
    }

    /// Returns the line with another word in place of a wrong one, as a shell reads it; none where
    /// the wrong word does not stand there as it is.
    pub(crate) fn corrected(&self, wrong: &str, right: &str) -> Option<String> {
        self.replaced(|typed| (typed == wrong).then(|| right.to_owned()))
    }

    /// Whether this word stands there.
    pub(crate) fn has(&self, typed: &str) -> bool {
        self.words().any(|word| word == typed)
    }

    /// The line without this word, where it stands behind the command.
    pub(crate) fn without_word(&self, wrong: &str) -> Option<String> {
        let at = self.0.iter().skip(1).position(|typed| typed == wrong)? + 1;
        let words = self.0.iter().enumerate().filter(|(nth, _)| *nth != at);
        shown(words.map(|(_, typed)| word(typed).into_owned()))
    }

    /// The one of these options that stands there.
    pub(super) fn written(&self, names: &[String]) -> Option<&str> {
        self.options().map(|(_, typed)| typed).find(|typed| names.iter().any(|name| name == typed))
    }

    /// The words with another one in place of each that is this.
    pub(crate) fn put(&self, wrong: &str, right: &str) -> Option<Self> {
        let first = self.0.iter().skip(1).position(|typed| typed == wrong)? + 1;
        let words = self.0.iter().enumerate().map(|(at, typed)| match at {
            at if first <= at && typed == wrong => right.to_owned(),
            _ => typed.clone(),
        });
        Some(Self(words.collect()))
    }

    /// The words without so many behind this one.
    pub(crate) fn without_words(&self, before: &str, count: usize) -> Option<Self> {
        let first = self.0.iter().skip(1).position(|typed| typed == before)? + 2;
        let words = self.0.iter().enumerate();
        let left = words.filter(|(at, _)| !(first..first + count).contains(at));
        Some(Self(left.map(|(_, typed)| typed.clone()).collect()))
    }

    /// The line with these two words in each other's place.
    pub(crate) fn swapped(&self, one: &str, other: &str) -> Option<String> {
        let both = |typed: &str| match typed {
            typed if typed == one => Some(other.to_owned()),
            typed if typed == other => Some(one.to_owned()),
            _ => None,
        };
        shown(self.0.iter().map(|typed| {
            let (option, value) = match typed.split_once('=') {
                Some((option, value)) if typed.starts_with("--") => (format!("{option}="), value),
                Some(_) | None => (String::new(), typed.as_str()),
            };
            match both(value) {
                Some(value) => word(&format!("{option}{value}")).into_owned(),
                None => word(typed).into_owned(),
            }
        }))
    }

    /// The line behind the name of a command, which was not there.
    pub(crate) fn behind(&self, command: &str) -> Option<String> {
        let words = self.0.iter().map(|typed| word(typed).into_owned());
        shown(std::iter::once(command.to_owned()).chain(words))
    }

    /// Returns the line with another value of this option; the option alone where that line
    /// cannot be shown.
    pub(crate) fn with_value(&self, option: &str, wrong: &str, right: &str) -> String {
        self.corrected(wrong, right).unwrap_or_else(|| format!("--{option} {right}"))
    }

    /// The same with another file in the same folder.
    pub(crate) fn with_file(&self, wrong: &str, right: &str) -> Option<String> {
        self.replaced(|typed| {
            let folder = typed.strip_suffix(wrong)?;
            let is_whole = folder.is_empty() || folder.ends_with('/');
            is_whole.then(|| format!("{folder}{right}"))
        })
    }

    /// The same with another option in place of a wrong one; its value stays.
    pub(crate) fn with_option(&self, wrong: &str, right: &str) -> Option<String> {
        let (at, put) = self.options().find_map(|(at, typed)| {
            let rest = typed.strip_prefix(wrong)?;
            let is_whole = rest.is_empty() || rest.starts_with('=');
            is_whole.then(|| (at, word(&format!("{right}{rest}")).into_owned()))
        })?;
        let words = self.0.iter().enumerate();
        shown(words.map(|(nth, typed)| if nth == at { put.clone() } else { word(typed).into() }))
    }

    /// The line without an option and its value.
    pub(crate) fn without_option(&self, name: &str, value: Option<&str>) -> Option<String> {
        let is_joined =
            |typed: &str| typed.strip_prefix(name).is_some_and(|of| of.starts_with('='));
        let (at, typed) = self.options().find(|(_, typed)| *typed == name || is_joined(typed))?;
        let next = self.0.get(at + 1).filter(|_| typed == name);
        let last = at + usize::from(next.is_some_and(|next| Some(next.as_str()) == value));
        let words = self.0.iter().enumerate().filter(|(nth, _)| !(at..=last).contains(nth));
        shown(words.map(|(_, typed)| word(typed).into_owned()))
    }

    /// The line with a value behind the last of these options that stands there without one.
    pub(crate) fn with_missing(&self, names: &[String], value: &str) -> Option<String> {
        // Before the command nobody knows what it is about.
        self.0.first().filter(|first| !first.starts_with('-'))?;
        let (at, _) =
            self.options().filter(|(_, typed)| names.iter().any(|of| of == typed)).last()?;
        let words = self.0.iter().enumerate().flat_map(|(nth, typed)| {
            let value = (nth == at).then(|| value.to_owned());
            std::iter::once(word(typed).into_owned()).chain(value)
        });
        shown(words)
    }

    /// The line with an option and its value in one word.
    pub(crate) fn joined(&self, value: &str, joined: &str) -> Option<String> {
        let (at, _) = self.options().skip(1).find(|(_, typed)| *typed == value)?;
        let words = self.0.iter().enumerate().filter(|(nth, _)| *nth + 1 != at);
        shown(words.map(|(nth, typed)| {
            if nth == at { word(joined).into_owned() } else { word(typed).into_owned() }
        }))
    }

    /// The line with its command before the options that stood before it.
    pub(crate) fn command_first(&self, command: &str) -> Option<String> {
        let at = self.0.iter().position(|typed| typed == command)?;
        let (before, rest) = self.0.split_at(at);
        if rest.iter().any(|typed| typed == "--") {
            return None;
        }
        shown(rest.iter().chain(before).map(|typed| word(typed).into_owned()))
    }

    /// The line with more words behind it, where it has so many and no options.
    pub(crate) fn followed_by(&self, count: usize, more: &[&str]) -> Option<String> {
        if self.0.len() != count || self.0.iter().any(|typed| typed.starts_with('-')) {
            return None;
        }
        let words = self.0.iter().map(|typed| word(typed).into_owned());
        shown(words.chain(more.iter().map(|&typed| typed.to_owned())))
    }

    /// The line with `--` before so many words at its end.
    pub(crate) fn with_rest_from(&self, count: usize) -> Option<String> {
        let (before, behind) = self.0.split_at_checked(self.0.len().checked_sub(count)?)?;
        let words = |words: &[String]| words.iter().map(|of| word(of).into_owned()).collect();
        shown([words(before), vec!["--".to_owned()], words(behind)].concat().into_iter())
    }

    /// The line with this name of the app in place of the one that it has, or has not.
    pub(crate) fn with_name(&self, name: &str) -> Option<String> {
        let is_joined = |typed: &str| typed.starts_with("--name=");
        let is_option = |typed: &str| matches!(typed, "--name" | "-n") || is_joined(typed);
        let given = self.options().find(|(_, typed)| is_option(typed));
        let own = word(name).into_owned();
        let words = self.0.iter().enumerate().flat_map(|(nth, typed)| match given {
            Some((at, of)) if nth == at && is_joined(of) => vec![format!("--name={own}")],
            Some((at, of)) if nth == at + 1 && !is_joined(of) => vec![own.clone()],
            None if nth == 0 => vec![word(typed).into_owned(), "--name".to_owned(), own.clone()],
            Some(_) | None => vec![word(typed).into_owned()],
        });
        self.0.first().filter(|first| !first.starts_with('-'))?;
        shown(words)
    }

    /// The words before `--`, with their places.
    fn options(&self) -> impl Iterator<Item = (usize, &str)> {
        self.0.iter().map(String::as_str).enumerate().take_while(|(_, typed)| *typed != "--")
    }

    fn replaced(&self, right: impl Fn(&str) -> Option<String>) -> Option<String> {
        // The first word is the command, where it can be both.
        let places = (1..self.0.len()).chain([0]);
        let (at, put) = places.into_iter().find_map(|at| {
            let typed = self.0.get(at)?;
            let of_option = || {
                let (option, value) = typed.split_once('=').filter(|_| typed.starts_with("--"))?;
                Some(word(&format!("{option}={}", right(value)?)).into_owned())
            };
            let whole = |right: String| match self.0.iter().take(at).any(|before| before == "--") {
                true => word(&right).into_owned(),
                false => operand(&right).into_owned(),
            };
            Some((at, right(typed).map(whole).or_else(of_option)?))
        })?;
        // Behind `--` nothing else may follow that is an option.
        if put.starts_with("-- ") && at + 1 != self.0.len() {
            return None;
        }
        let words = self.0.iter().enumerate();
        shown(words.map(|(nth, typed)| if nth == at { put.clone() } else { word(typed).into() }))
    }
}

/// The line, where it is short enough to be read.
fn shown(words: impl Iterator<Item = String>) -> Option<String> {
    let line = ["ostler".to_owned()].into_iter().chain(words).collect::<Vec<_>>().join(" ");
    (line.len() <= LONGEST).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_one_word_put_right_can_be_pasted() {
        let check = |line: &[&str], wrong: &str, right: &str, expected: Option<&str>| {
            let typed = Typed::new(line.iter().map(|&word| word.to_owned()));
            let corrected = typed.corrected(wrong, right);
            assert_eq!(corrected.as_deref(), expected, "{line:?}");
        };
        check(&["stop", "two"], "two", "two words", Some("ostler stop 'two words'"));
        check(&["stop", "a b", "x"], "x", "tab\there", Some(r"ostler stop 'a b' $'tab\there'"));
        check(&["stop", "stop"], "stop", "shop", Some("ostler stop shop"));
        check(&["list", "--json", "nmae"], "nmae", "name", Some("ostler list --json name"));
        check(&["list", "--json=nmae"], "nmae", "name", Some("ostler list --json=name"));
        check(&["stop", "x"], "x", "-x", Some("ostler stop -- -x"));
        check(&["stop", "x", "--wait"], "x", "-x", None);
        check(&["stop", "--", "x"], "x", "-x", Some("ostler stop -- -x"));
        check(&["stop", "y"], "x", "z", None);
        check(&["stop", "x", &"y".repeat(300)], "x", "z", None);
    }

    #[test]
    fn a_line_can_do_without_a_word() {
        let typed = Typed::new(["list", "mem", "mem 2", "list"].map(str::to_owned));
        assert_eq!(typed.without_word("mem 2").as_deref(), Some("ostler list mem list"));
        assert_eq!(typed.without_word("list").as_deref(), Some("ostler list mem 'mem 2'"));
        assert_eq!(typed.without_word("x"), None);
    }

    #[test]
    fn a_line_can_be_about_another_file_of_its_folder() {
        let typed = Typed::new(["start", "sub/ap.js", "--", "x y"].map(str::to_owned));
        let file = typed.with_file("ap.js", "app.js");
        assert_eq!(file.as_deref(), Some("ostler start sub/app.js -- 'x y'"));
        assert_eq!(typed.with_file("p.js", "q.js"), None);
    }

    #[test]
    fn a_line_can_be_given_another_name() {
        let check = |line: &str, expected: &str| {
            let typed = Typed::new(line.split(' ').map(str::to_owned));
            assert_eq!(typed.with_name("b c").as_deref(), Some(expected));
        };
        check("start a.js", "ostler start --name 'b c' a.js");
        check("start v --name v -i 2", "ostler start v --name 'b c' -i 2");
        check("start a.js -n v", "ostler start a.js -n 'b c'");
        check("start a.js --name=v", "ostler start a.js --name='b c'");
        check("start npm -- --name v", "ostler start --name 'b c' npm -- --name v");
    }
}
