//! What an app says about the watching of its files, by `watch` and the keys around it.

use std::path::Path;

use ostler_core::spec::AppSpec;
use serde_json::{Map, Value as Json};

use crate::attributes::kept_value;
use crate::check::switched;
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::fields::Fields;
use crate::suggest;
use crate::value::{Entry, Node, Value};

/// What chokidar's `awaitWriteFinish` waits for, ms.
const USUAL_REST: u64 = 2000;

/// The keys of `watch_options`, each with its type, and with what is said of a value that has no
/// effect. Those of chokidar that change nothing here are taken in silence.
const OPTIONS: [(&str, &str, Option<&str>); 19] = [
    ("gitignore", "Boolean", None),
    ("reload", "Boolean", None),
    ("ext", "List", None),
    ("ignored", "List", None),
    ("depth", "Number", None),
    ("followSymlinks", "Boolean", None),
    ("awaitWriteFinish", "Object", None),
    ("usePolling", "Boolean", Some("the kernel tells of changes, and nothing is looked for")),
    ("cwd", "String", Some("paths are meant from the app's `cwd` on")),
    ("disableGlobbing", "Boolean", Some("`*`, `?`, `[` and `{` make a pattern")),
    ("interval", "Number", None),
    ("binaryInterval", "Number", None),
    ("ignoreInitial", "Boolean", None),
    ("ignorePermissionErrors", "Boolean", None),
    ("atomic", "Any", None),
    ("persistent", "Boolean", None),
    ("alwaysStat", "Boolean", None),
    ("useFsEvents", "Boolean", None),
    ("cancelDelay", "Number", None),
];

/// What an app wants of the watching of its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watching {
    /// Whether it wants it at all, as far as its configuration tells.
    pub on: bool,
    /// Paths and globs from its folder on; empty: all of the folder.
    pub paths: Vec<String>,
    /// Those that do not count.
    pub ignored: Vec<String>,
    /// Names that begin with a dot, and `node_modules`, do not count.
    pub usual_ignored: bool,
    /// What git ignores does not count.
    pub gitignore: bool,
    /// Only files that end so count, if there are any.
    pub endings: Vec<String>,
    /// So many folders deep.
    pub depth: Option<usize>,
    /// Links to folders are followed.
    pub follows: bool,
    /// Pause between a change and what follows, ms.
    pub delay: u64,
    /// For how long nothing more may change, ms, where that is given.
    pub rest: Option<u64>,
    /// Workers of a cluster are reloaded, and not restarted.
    pub reload: bool,
}

impl Watching {
    /// Returns what an app says.
    #[must_use]
    pub fn of(spec: &AppSpec) -> Self {
        let kept = |name: &str| spec.passthrough.get(name).map_or(Json::Null, kept_value);
        let options = match kept("watch_options") {
            Json::Object(map) => map,
            _ => Map::new(),
        };
        let flag = |name: &str, usual| options.get(name).and_then(Json::as_bool).unwrap_or(usual);
        let number = |name: &str| options.get(name).and_then(Json::as_u64);
        let (on, paths) = match kept("watch") {
            Json::Bool(on) => (on, Vec::new()),
            value => {
                let paths = words(&value);
                (!paths.is_empty(), paths)
            }
        };
        let own = words(&kept("ignore_watch"));
        let gitignore = flag("gitignore", true);
        let mut ignored = own.clone();
        ignored.extend(words(options.get("ignored").unwrap_or(&Json::Null)));
        let endings = words(options.get("ext").unwrap_or(&Json::Null));
        let rest = match options.get("awaitWriteFinish") {
            Some(Json::Bool(true)) => Some(USUAL_REST),
            Some(Json::Object(of)) => {
                Some(of.get("stabilityThreshold").and_then(Json::as_u64).unwrap_or(USUAL_REST))
            }
            _ => None,
        };
        Self {
            on,
            paths,
            ignored,
            // In PM2 a list of one's own takes the place of the usual one.
            usual_ignored: gitignore || own.is_empty(),
            gitignore,
            endings: endings.iter().flat_map(|of| of.split(',')).map(str::to_owned).collect(),
            depth: number("depth").and_then(|depth| usize::try_from(depth).ok()),
            follows: flag("followSymlinks", true),
            delay: kept("watch_delay").as_u64().unwrap_or(0),
            rest,
            reload: flag("reload", false),
        }
    }
}

/// Lets an app that asks for it watch files in PM2's way, where it does not say otherwise: what git
/// ignores counts, and `ignore_watch` takes the place of what is usually ignored.
pub fn as_pm2(spec: &mut AppSpec) {
    if !Watching::of(spec).on {
        return;
    }
    let options = spec.passthrough.get("watch_options").map_or(Json::Null, kept_value);
    let mut options = options.as_object().cloned().unwrap_or_default();
    if !options.contains_key("gitignore") {
        options.insert("gitignore".to_owned(), false.into());
        spec.passthrough.insert("watch_options", Json::Object(options).to_string());
    }
}

/// Texts of a list, or of one text split on blanks.
fn words(value: &Json) -> Vec<String> {
    Node::from_json(value).words().unwrap_or_default()
}

/// Says which paths of `watch` are not there, and what is wrong with `watch_options`, or without an
/// effect in them.
pub(crate) fn look(fields: &Fields<'_>, cwd: &Path, ctx: &Context, report: &mut Vec<Diagnostic>) {
    if !ctx.as_pm2 {
        report.extend(missing(fields, cwd, ctx));
    }
    look_at_options(fields, report);
}

/// Warns of each path that is to be watched and is not there. What a pattern means may come.
fn missing(fields: &Fields<'_>, cwd: &Path, ctx: &Context) -> Vec<Diagnostic> {
    let is_truth = |node: &&Node| matches!(node.value, Value::Bool(_));
    let Some(node) = fields.node("watch").filter(|node| !is_truth(node)) else { return Vec::new() };
    let paths = node.words().unwrap_or_default();
    let plain = paths.into_iter().filter(|path| !path.contains(['*', '?', '[', '{', '!']));
    let warning = |path: String| {
        let at = ctx.absolute(cwd, &path);
        if at.exists() {
            return None;
        }
        let help = match switched(&path) {
            Some(meant) => format!("write `watch: {meant}`: `{path}` is a text, and so a path"),
            None => format!("it is looked for at {}", at.display()),
        };
        let message = format!("`watch` names `{path}`, and there is no such file or folder");
        Some(fields.at("watch", Diagnostic::warning("no-watched-path", message).help(help)))
    };
    plain.filter_map(warning).collect()
}

/// The same of an app that is there: its folder is not known.
pub(crate) fn look_at_options(fields: &Fields<'_>, report: &mut Vec<Diagnostic>) {
    let Some(Node { value: Value::Object(entries), .. }) = fields.node("watch_options") else {
        return;
    };
    let known = || OPTIONS.iter().map(|(name, ..)| *name);
    for entry in entries.iter().filter(|entry| !entry.node.is_null()) {
        let said = match OPTIONS.iter().find(|(name, ..)| *name == entry.key) {
            Some((name, wanted, effect)) => wrong(name, wanted, *effect, entry),
            None => {
                let message = format!("`watch_options` has no key `{}`", entry.key);
                let said = Diagnostic::warning("unknown-key", message);
                Some(match suggest::nearest(&entry.key, known()) {
                    Some(near) => said.help(format!("did you mean `{near}`?")),
                    None => said,
                })
            }
        };
        let span = entry.key_span.or(entry.node.span);
        report.extend(said.map(|said| fields.at_span("watch_options", span, said)));
    }
}

fn wrong(name: &str, wanted: &str, effect: Option<&str>, entry: &Entry) -> Option<Diagnostic> {
    let node = &entry.node;
    let must = |what: &str| {
        let message = format!("`watch_options.{name}` must be {what}, but is {}", node.shown());
        Some(Diagnostic::error("wrong-type", message))
    };
    match (wanted, &node.value) {
        ("Boolean", value) if !matches!(value, Value::Bool(_)) => must("`true` or `false`"),
        ("Number", value) if !matches!(value, Value::Number(of) if 0.0 <= *of) => must("a number"),
        ("String", value) if !matches!(value, Value::Text(_)) => must("a text"),
        ("List", _) if node.words().is_none() => must("a text or a list of texts"),
        ("Object", Value::Bool(_) | Value::Object(_)) => None,
        ("Object", _) => must("`true`, `false` or an object"),
        (_, Value::Bool(false)) => None,
        _ => effect.map(|why| {
            let message = format!("`watch_options.{name}` has no effect: {why}");
            Diagnostic::warning("no-effect", message)
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn watching(record: &Json) -> Watching {
        let mut spec = AppSpec::new("/a.js".into(), "/".into());
        for (name, value) in record.as_object().unwrap() {
            spec.passthrough.insert(name.as_str(), value.to_string());
        }
        Watching::of(&spec)
    }

    #[test]
    fn each_form_of_watch_is_understood() {
        let of = |watch: Json| {
            let of = watching(&json!({ "watch": watch }));
            (of.on, of.paths)
        };
        let owned =
            |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>();
        assert_eq!(of(json!(true)), (true, vec![]));
        assert_eq!(of(json!(["src", "*.js"])), (true, owned(&["src", "*.js"])));
        assert_eq!(of(json!("src lib")), (true, owned(&["src", "lib"])));
        for off in [json!(false), json!(""), json!([]), Json::Null] {
            assert_eq!(of(off), (false, vec![]));
        }
    }

    #[test]
    fn a_list_of_ones_own_takes_the_place_of_the_usual_one_only_in_pm2s_way() {
        let usual = |ignore: Json, options: Json| {
            let of = json!({ "watch": true, "ignore_watch": ignore, "watch_options": options });
            watching(&of).usual_ignored
        };
        assert!(
            usual(json!(["logs"]), json!({})) && usual(Json::Null, json!({"gitignore": false}))
        );
        assert!(!usual(json!(["logs"]), json!({"gitignore": false})));
    }

    #[test]
    fn the_options_of_chokidar_that_mean_something_do() {
        let options = json!({
            "followSymlinks": false, "depth": 2, "ignored": "a b", "ext": "js,ts",
            "awaitWriteFinish": { "stabilityThreshold": 300 }, "reload": true,
        });
        let of = watching(&json!({ "watch": true, "watch_delay": 50, "watch_options": options }));
        assert_eq!((of.follows, of.depth, of.rest, of.reload), (false, Some(2), Some(300), true));
        assert_eq!(
            (of.ignored, of.endings, of.delay),
            (vec!["a".to_owned(), "b".to_owned()], vec!["js".to_owned(), "ts".to_owned()], 50,)
        );
    }
}
