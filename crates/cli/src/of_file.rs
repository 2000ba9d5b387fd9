//! How an app that runs differs from the process file that it is from.
//!
//! Problem: a file is edited and not brought in, and everybody reads the file. Rule: a record says
//! which file it is from; whoever looks at the app has the file read again, as it was read then,
//! and every attribute compared. A file of somebody else's is not run. Values of variables may be
//! secrets: only their names are told.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use ostler_client::Answer;
use ostler_config::attributes::Applies;
use ostler_config::{Attribute, Context, Diagnostic, Options, attributes};
use ostler_core::spec::AppSpec;
use ostler_wire::control::{ProcView, Request};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::apps;
use crate::session::Session;

/// The key of a record under which this is.
const KEY: &str = "process_file";
/// What each process has of its own, or what depends on the caller.
const APART: [&str; 10] = [
    "name",
    "namespace",
    "instances",
    "env",
    "username",
    "out_file",
    "error_file",
    "log_file",
    "pid_file",
    "filter_env",
];
/// The longest value that is shown.
const LONGEST: usize = 40;

/// Which file an app is from, and how that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Absolute path of the file.
    path: PathBuf,
    /// The working directory of the command.
    cwd: PathBuf,
    /// What `--env` said.
    env: Option<String>,
}

/// An app beside its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OfFile {
    /// Path of the file.
    pub(crate) path: String,
    /// How they differ, or why that is not known; nothing where they are the same.
    pub(crate) differs: Option<String>,
}

impl Origin {
    /// The file at this path, as a command with this context and these options reads it.
    pub(crate) fn new(path: &str, context: &Context, options: &Options) -> Self {
        let (cwd, env) = (context.cwd.clone(), options.env.clone());
        Self { path: context.absolute(&cwd, path), cwd, env }
    }

    /// Notes it in an app.
    pub(crate) fn note(&self, spec: &mut AppSpec) {
        let Self { path, cwd, env } = self;
        spec.passthrough.insert(KEY, json!({ "path": path, "cwd": cwd, "env": env }).to_string());
    }

    fn of(spec: &AppSpec) -> Option<Self> {
        let noted: Value = serde_json::from_str(spec.passthrough.get(KEY)?).ok()?;
        let text = |key: &str| noted.get(key).and_then(Value::as_str).map(str::to_owned);
        Some(Self { path: text("path")?.into(), cwd: text("cwd")?.into(), env: text("env") })
    }
}

/// Compares an app of so many instances with the file that it is from; nothing where it is from
/// none.
pub(crate) fn compare(
    session: &mut Session,
    process: &ProcView,
    instances: usize,
) -> Option<OfFile> {
    let spec = running(session, process)?;
    let origin = Origin::of(&spec)?;
    let path = origin.path.display().to_string();
    let differs = match read(session, &origin, &spec) {
        Ok(of_file) => differences(&spec, instances, &of_file, &origin),
        Err(why) => Some(why),
    };
    Some(OfFile { path, differs })
}

/// The specification of an app that is in the list.
fn running(session: &mut Session, process: &ProcView) -> Option<AppSpec> {
    let Ok(Answer::Raw(text)) = session.ask(&Request::Export) else { return None };
    let elements: Vec<&RawValue> = serde_json::from_slice(&text).ok()?;
    let specs = elements.iter().filter_map(|element| {
        ostler_pm2::dump::read_element(element.get(), 1).ok().map(|saved| saved.spec)
    });
    let is_it =
        |spec: &AppSpec| (&spec.name, &spec.namespace) == (&process.name, &process.namespace);
    specs.into_iter().find(is_it)
}

/// Reads the file as it was read then, with the variables that the app has from elsewhere.
fn read(session: &Session, origin: &Origin, spec: &AppSpec) -> Result<AppSpec, String> {
    let euid = rustix::process::geteuid().as_raw();
    match fs::metadata(&origin.path) {
        Err(error) => return Err(format!("it cannot be read any more: {error}")),
        Ok(file) if ![0, euid].contains(&file.uid()) => {
            return Err("not known: the file belongs to another user, and is not run".to_owned());
        }
        Ok(_) => {}
    }
    let context = apps::context(session).map_err(|_| "not known".to_owned())?;
    let env = spec.env.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let context = Context { cwd: origin.cwd.clone(), env, ..context };
    let options = Options { env: origin.env.clone(), ..Options::default() };
    let path = origin.path.to_string_lossy();
    let (specs, diagnostics) = ostler_config::load(&path, &options, &context);
    let is_it = |of: &AppSpec| of.name == spec.name && of.namespace == spec.namespace;
    if let Some(of_file) = specs.into_iter().find(is_it) {
        return apps::set_for(session, of_file).map_err(|_| "not known".to_owned());
    }
    match diagnostics.iter().find(|diagnostic| diagnostic.is_error()) {
        Some(Diagnostic { message, .. }) => Err(format!("the file is refused: {message}")),
        None => Err("the app is not in it any more".to_owned()),
    }
}

/// How they differ: what each attribute is and what the file says, with the command that brings it
/// in.
fn differences(
    spec: &AppSpec,
    instances: usize,
    of_file: &AppSpec,
    origin: &Origin,
) -> Option<String> {
    let (pasted, path) = (ostler_shell::word(&spec.name), origin.path.to_string_lossy());
    let mut pasted_words = format!("{} --only {pasted}", ostler_shell::word(&path));
    if let Some(env) = &origin.env {
        pasted_words.push_str(&format!(" --env {}", ostler_shell::word(env)));
    }
    let (mut added, mut changed) = (Vec::new(), Vec::new());
    let is_compared =
        |of: &&Attribute| of.is_in_files() && of.is_of_app() && !APART.contains(&of.name);
    for attribute in attributes().filter(is_compared) {
        let [now, then] = [spec, of_file].map(|of| shown(attribute, of));
        if now != then {
            let of_new = attribute.applies == Applies::Added;
            let list = if of_new { &mut added } else { &mut changed };
            list.push(format!("{} {now} → {then}", attribute.name));
        }
    }
    let of_env = of_file.env.iter().filter(|(name, value)| spec.env.get(name) != Some(value));
    changed.extend(of_env.map(|(name, _)| format!("env {name}")));
    let count = usize::try_from(of_file.instances).unwrap_or(usize::MAX);
    let scaled = if count == instances {
        Vec::new()
    } else {
        vec![format!("instances {instances} → {count}")]
    };
    let parts = [
        (scaled, format!("`ostler scale {pasted} {count}`")),
        (changed, format!("`ostler reload {pasted_words}`")),
        (added, format!("`ostler delete {pasted}` and `ostler start {pasted_words}`")),
    ];
    let parts = parts.into_iter().filter(|(list, _)| !list.is_empty());
    let parts = parts.map(|(list, command)| format!("{} (to apply: {command})", list.join(", ")));
    let parts: Vec<String> = parts.collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// A value, as it is written.
fn shown(attribute: &Attribute, spec: &AppSpec) -> String {
    let text = match attribute.get(spec) {
        Value::Null => "none".to_owned(),
        Value::String(text) => text,
        other => other.to_string(),
    };
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
