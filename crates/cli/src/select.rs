//! Which processes a word means.

use std::path::{Component, Path, PathBuf};

use ostler_wire::control::ProcView;

use crate::args::suggest::nearest;
use crate::program::Program;
use crate::voice::{Problem, Target};

/// Processes that a word means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Picked {
    /// The processes, in the order of the list.
    pub(crate) targets: Vec<Target>,
    /// As PM2 prints them: ids given as numbers stay text.
    pub(crate) shown: serde_json::Value,
}

impl Picked {
    fn of(list: &[ProcView], wanted: impl Fn(&ProcView) -> bool) -> Option<Self> {
        let targets = list.iter().filter(|process| wanted(process)).map(Target::of).collect();
        let picked = Self::numbered(targets);
        (!picked.targets.is_empty()).then_some(picked)
    }

    /// These processes, with their ids as numbers.
    pub(crate) fn numbered(targets: Vec<Target>) -> Self {
        let shown = targets.iter().map(|target| target.id).collect();
        Self { targets, shown }
    }

    /// Returns the ids, in the order of the list.
    pub(crate) fn ids(&self) -> Vec<u32> {
        self.targets.iter().map(|target| target.id).collect()
    }
}

/// Finds the processes that `word` means; relative script paths start at `cwd`.
///
/// `all`, which are those of no module; `/expression/` on names; a name or the path of a script,
/// else a namespace; a number is a name, else a namespace, else an id.
pub(crate) fn select(word: &str, list: &[ProcView], cwd: &Path) -> Result<Picked, Problem> {
    let nobody = || Problem::NoProcess { word: word.to_owned() };
    if word == "all" {
        return Picked::of(list, |process| !process.module).ok_or_else(nobody);
    }
    if is_pattern(word) {
        let pattern = pattern(word)?;
        return Picked::of(list, |process| pattern.is_match(&process.name)).ok_or_else(nobody);
    }
    let script = script_of(word, cwd);
    let named = |process: &ProcView| process.name == word || Path::new(&process.script) == script;
    let numeric = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let by_name =
        Picked::of(list, |process| if numeric { process.name == word } else { named(process) });
    if let Some(picked) = by_name.or_else(|| Picked::of(list, |process| process.namespace == word))
    {
        return Ok(picked);
    }
    if !numeric {
        return Err(Problem::NoSuch { word: word.to_owned(), near: near(word, list) });
    }
    let id = word.parse().ok();
    let process = list.iter().find(|process| Some(process.id) == id);
    let process = process.ok_or_else(|| Problem::NoSuchId { word: word.to_owned(), act: None })?;
    Ok(Picked { targets: vec![Target::of(process)], shown: serde_json::json!([word]) })
}

/// As [`select`]; besides, `NAMESPACE/NAME` is the app of that name in that namespace. To PM2 that
/// is no app.
pub(crate) fn select_own(word: &str, list: &[ProcView], cwd: &Path) -> Result<Picked, Problem> {
    let none = match select(word, list, cwd) {
        Err(none @ Problem::NoSuch { .. }) => none,
        decided => return decided,
    };
    Picked::of(list, |process| is_full_name(word, process)).ok_or(none)
}

/// Finds processes as this name of the program does.
pub(crate) fn select_as(
    program: Program,
    word: &str,
    list: &[ProcView],
    cwd: &Path,
) -> Result<Picked, Problem> {
    match program {
        Program::Ostler => select_own(word, list, cwd),
        Program::Pm2 => select(word, list, cwd),
    }
}

/// Returns the processes of an app of this name; where there is none and the program has our own
/// name, of the app whose namespace and name it is.
pub(crate) fn of_app<'l>(program: Program, word: &str, list: &'l [ProcView]) -> Vec<&'l ProcView> {
    let named: Vec<_> = list.iter().filter(|process| process.name == word).collect();
    if !named.is_empty() || program == Program::Pm2 {
        return named;
    }
    list.iter().filter(|process| is_full_name(word, process)).collect()
}

/// Whether a word is the namespace and the name of a process.
pub(crate) fn is_full_name(word: &str, process: &ProcView) -> bool {
    let rest = word.strip_prefix(process.namespace.as_str());
    rest.and_then(|rest| rest.strip_prefix('/')) == Some(process.name.as_str())
}

/// Returns the path of a script as a process has it: whole, without `.` and `..`. No link is
/// followed for that.
pub(crate) fn script_of(word: &str, cwd: &Path) -> PathBuf {
    let mut path = PathBuf::new();
    for component in cwd.join(word).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => _ = path.pop(),
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => {
                path.push(component);
            }
        }
    }
    path
}

/// Returns the name or namespace that was probably meant by a word that is none.
pub(crate) fn near(word: &str, list: &[ProcView]) -> Option<String> {
    let names = || list.iter().flat_map(|process| [&process.name, &process.namespace]);
    let near = nearest(word, names().map(String::as_str));
    near.or_else(|| begins_with(word, names().map(String::as_str))).map(str::to_owned)
}

/// Returns the only name that begins with a word, such as the first of several words of a name.
fn begins_with<'n>(word: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let mut found: Vec<&str> =
        names.filter(|name| 1 < word.chars().count() && name.starts_with(word)).collect();
    found.dedup();
    match found.as_slice() {
        [one] => Some(one),
        _ => None,
    }
}

/// Whether the word is an expression: `/…/`.
pub(crate) fn is_pattern(word: &str) -> bool {
    1 < word.len() && word.starts_with('/') && word.ends_with('/')
}

/// Returns the expression in `/…/`.
pub(crate) fn pattern(word: &str) -> Result<regex_lite::Regex, Problem> {
    regex_lite::Regex::new(&word.replace('/', ""))
        .map_err(|error| Problem::BadPattern { text: format!("{word}: {error}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::sample::sample;

    /// `restart my`, of an app that is called `my app`, proposed nothing.
    #[test]
    fn the_only_name_that_begins_with_a_word_may_be_meant() {
        let list = ["my app", "web-one", "web-two"].map(|name| sample(0, name));
        assert_eq!(near("my", &list).as_deref(), Some("my app"));
        assert_eq!(near("web-", &list), None);
        assert_eq!(near("m", &list), None);
    }

    /// `help promote` shows `ostler promote shop/api`, and there was no such app.
    #[test]
    fn an_app_is_found_by_its_namespace_and_name_under_our_own_name() {
        let mut list = vec![sample(0, "api"), sample(1, "api")];
        list[1].namespace = "shop/eu".to_owned();
        let ids = |word: &str| select_own(word, &list, Path::new("/")).map(|of| of.ids());
        assert_eq!(ids("shop/eu/api"), Ok(vec![1]));
        assert_eq!(ids("default/api"), Ok(vec![0]));
        assert_eq!(ids("api"), Ok(vec![0, 1]));
        assert!(ids("shop/api").is_err());
        assert!(select("default/api", &list, Path::new("/")).is_err());
        let as_pm2 = select_as(Program::Pm2, "default/api", &list, Path::new("/"));
        assert!(as_pm2.is_err());
    }

    /// `scale shop/api 2`, which asks for one app, found none.
    #[test]
    fn who_asks_for_one_app_may_give_its_namespace_and_a_name_with_a_slash_comes_first() {
        let mut list = vec![sample(0, "api"), sample(1, "api"), sample(2, "shop/web")];
        list[1].namespace = "shop".to_owned();
        list.push(ProcView { namespace: "shop".to_owned(), ..sample(3, "web") });
        let ids = |program, word: &str| {
            of_app(program, word, &list).iter().map(|process| process.id).collect::<Vec<_>>()
        };
        assert_eq!(ids(Program::Ostler, "shop/api"), [1]);
        assert_eq!(ids(Program::Pm2, "shop/api"), [0; 0]);
        assert_eq!(ids(Program::Ostler, "api"), [0, 1]);
        assert_eq!(ids(Program::Ostler, "shop/web"), [2]);
    }

    #[test]
    fn all_are_those_of_no_module() {
        let mut list = vec![sample(0, "web"), sample(1, "rotate")];
        list[1].module = true;
        let of = |word: &str, list: &[ProcView]| {
            select(word, list, Path::new("/")).map(|picked| picked.ids())
        };
        assert_eq!(of("all", &list), Ok(vec![0]));
        assert_eq!(of("rotate", &list), Ok(vec![1]));
        assert!(of("all", &list[1..]).is_err());
    }

    #[test]
    fn a_word_is_a_name_or_script_then_a_namespace_and_a_number_an_id_last() {
        let mut list = vec![sample(0, "web"), sample(1, "7"), sample(2, "api"), sample(3, "web-2")];
        list[2].namespace = "web".to_owned();
        list[3].namespace = "back".to_owned();
        list[3].script = "/srv/app/worker.js".to_owned();
        let check = |word: &str, ids: Result<&[u32], Problem>| {
            let picked = select(word, &list, Path::new("/srv/app"));
            assert_eq!(picked.map(|picked| picked.ids()), ids.map(<[u32]>::to_vec), "{word}");
        };
        check("all", Ok(&[0, 1, 2, 3]));
        check("web", Ok(&[0]));
        check("back", Ok(&[3]));
        check("worker.js", Ok(&[3]));
        check("/srv/app/worker.js", Ok(&[3]));
        check("./worker.js", Ok(&[3]));
        check("../app/./worker.js", Ok(&[3]));
        check("/^web/", Ok(&[0, 3]));
        check("/nope/", Err(Problem::NoProcess { word: "/nope/".to_owned() }));
        check("7", Ok(&[1]));
        check("3", Ok(&[3]));
        check("9", Err(Problem::NoSuchId { word: "9".to_owned(), act: None }));
        check("99999999999", Err(Problem::NoSuchId { word: "99999999999".to_owned(), act: None }));
        let none = |word: &str, near: Option<&str>| {
            Err(Problem::NoSuch { word: word.to_owned(), near: near.map(str::to_owned) })
        };
        check("nope", none("nope", None));
        check("wbe-2", none("wbe-2", Some("web-2")));
        check("bakc", none("bakc", Some("back")));
        check("", none("", None));
        assert_eq!(select("3", &list, Path::new("/")).unwrap().shown, serde_json::json!(["3"]));
        assert!(matches!(select("/(/", &list, Path::new("/")), Err(Problem::BadPattern { .. })));
        let none = Problem::NoProcess { word: "all".to_owned() };
        assert_eq!(select("all", &[], Path::new("/")), Err(none));
    }
}
