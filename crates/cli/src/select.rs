//! Which processes a word means.

use std::path::Path;

use ostler_wire::control::ProcView;

use crate::failed::Failed;
use crate::output::Output;

/// Processes that a word means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Picked {
    /// Ids, in the order of the list.
    pub(crate) ids: Vec<u32>,
    /// As PM2 prints them: ids given as numbers stay text.
    pub(crate) shown: serde_json::Value,
}

/// A word that means no process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoPick {
    /// `all` or an expression, and nothing is there.
    Empty,
    /// There is no such name or namespace.
    Name(String),
    /// There is no such id.
    Id(String),
    /// It is not a regular expression.
    Pattern(String),
}

impl Picked {
    fn of(list: &[ProcView], wanted: impl Fn(&ProcView) -> bool) -> Option<Self> {
        let ids: Vec<u32> =
            list.iter().filter(|process| wanted(process)).map(|process| process.id).collect();
        let shown = serde_json::Value::from(ids.as_slice());
        (!ids.is_empty()).then_some(Self { ids, shown })
    }
}

/// Finds the processes that `word` means; relative script paths start at `cwd`.
///
/// `all`; `/expression/` on names; a name or the path of a script, else a namespace; a number is a
/// name, else a namespace, else an id.
pub(crate) fn select(word: &str, list: &[ProcView], cwd: &Path) -> Result<Picked, NoPick> {
    if word == "all" {
        return Picked::of(list, |_| true).ok_or(NoPick::Empty);
    }
    if is_pattern(word) {
        let pattern = pattern(word)?;
        return Picked::of(list, |process| pattern.is_match(&process.name)).ok_or(NoPick::Empty);
    }
    let script = cwd.join(word);
    let named = |process: &ProcView| process.name == word || Path::new(&process.script) == script;
    let numeric = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let by_name =
        Picked::of(list, |process| if numeric { process.name == word } else { named(process) });
    if let Some(picked) = by_name.or_else(|| Picked::of(list, |process| process.namespace == word))
    {
        return Ok(picked);
    }
    if !numeric {
        return Err(NoPick::Name(word.to_owned()));
    }
    let id = word.parse().ok().filter(|id| list.iter().any(|process| process.id == *id));
    let id: u32 = id.ok_or_else(|| NoPick::Id(word.to_owned()))?;
    Ok(Picked { ids: vec![id], shown: serde_json::json!([word]) })
}

/// Whether the word is an expression: `/…/`.
pub(crate) fn is_pattern(word: &str) -> bool {
    1 < word.len() && word.starts_with('/') && word.ends_with('/')
}

/// Returns the expression in `/…/`.
pub(crate) fn pattern(word: &str) -> Result<regex_lite::Regex, NoPick> {
    regex_lite::Regex::new(&word.replace('/', ""))
        .map_err(|error| NoPick::Pattern(format!("{word}: {error}")))
}

impl NoPick {
    /// Prints it in PM2's words; the failure has nothing more to say.
    pub(crate) fn report(&self, out: &mut Output, program: &str) -> Failed {
        let hint = format!("`{program} list` shows names, namespaces and ids");
        match self {
            Self::Empty => out.warn_aside("No process found"),
            Self::Name(name) => {
                out.error(&format!("Process or Namespace {name} not found"), Some(&hint));
            }
            Self::Id(id) => out.error(&format!("{id} : id unknown"), Some(&hint)),
            Self::Pattern(text) => out.error(&format!("not a regular expression: {text}"), None),
        }
        Failed::quiet(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::sample::sample;

    #[test]
    fn a_word_is_a_name_or_script_then_a_namespace_and_a_number_an_id_last() {
        let mut list = vec![sample(0, "web"), sample(1, "7"), sample(2, "api"), sample(3, "web-2")];
        list[2].namespace = "web".to_owned();
        list[3].namespace = "back".to_owned();
        list[3].script = "/srv/app/worker.js".to_owned();
        let check = |word: &str, ids: Result<&[u32], NoPick>| {
            let picked = select(word, &list, Path::new("/srv/app"));
            assert_eq!(picked.map(|picked| picked.ids), ids.map(<[u32]>::to_vec), "{word}");
        };
        check("all", Ok(&[0, 1, 2, 3]));
        check("web", Ok(&[0]));
        check("back", Ok(&[3]));
        check("worker.js", Ok(&[3]));
        check("/srv/app/worker.js", Ok(&[3]));
        check("/^web/", Ok(&[0, 3]));
        check("/nope/", Err(NoPick::Empty));
        check("7", Ok(&[1]));
        check("3", Ok(&[3]));
        check("9", Err(NoPick::Id("9".to_owned())));
        check("99999999999", Err(NoPick::Id("99999999999".to_owned())));
        check("nope", Err(NoPick::Name("nope".to_owned())));
        check("", Err(NoPick::Name(String::new())));
        assert_eq!(select("3", &list, Path::new("/")).unwrap().shown, serde_json::json!(["3"]));
        assert!(matches!(select("/(/", &list, Path::new("/")), Err(NoPick::Pattern(_))));
        assert_eq!(select("all", &[], Path::new("/")), Err(NoPick::Empty));
    }
}
