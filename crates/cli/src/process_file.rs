//! Process files: where their text is read from, and which one an app is from, as its record says.

use std::collections::BTreeSet;
use std::path::PathBuf;

use ostler_config::{ALL_PROFILES, Apps, Context, Diagnostic, Options, STANDARD_INPUT};
use ostler_core::spec::AppSpec;
use ostler_pm2::process_file::{KEY, VARIABLES};
use serde_json::{Value, json};

use crate::failed::Failed;
use crate::session::Session;

/// The path that means standard input.
const STDIN: &str = "-";
/// The key of a note for what `--profile` said.
const PROFILES: &str = "profiles";

/// Which file an app is from, and how that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProcessFile {
    /// Absolute path of the file.
    pub(crate) path: PathBuf,
    /// The working directory of the command.
    pub(crate) cwd: PathBuf,
    /// What `--env` said.
    pub(crate) env: Option<String>,
    /// What `--profile` said; all of them where `--only` chose the app.
    pub(crate) profiles: Vec<String>,
}

impl ProcessFile {
    /// The file at this path, as a command with this context and these options reads it.
    pub(crate) fn new(path: &str, context: &Context, options: &Options) -> Self {
        let (cwd, env) = (context.cwd.clone(), options.env.clone());
        let profiles = match options.only.is_empty() {
            true => options.profiles.clone(),
            false => vec![ALL_PROFILES.to_owned()],
        };
        Self { path: context.absolute(&cwd, path), cwd, env, profiles }
    }

    /// Notes it in an app.
    pub(crate) fn note(&self, spec: &mut AppSpec) {
        let Self { path, cwd, env, profiles } = self;
        let names = &spec.file_variables;
        let mut note = json!({ "path": path, "cwd": cwd, "env": env, (VARIABLES): names });
        if let (false, Some(note)) = (profiles.is_empty(), note.as_object_mut()) {
            note.insert(PROFILES.to_owned(), json!(profiles));
        }
        spec.passthrough.insert(KEY, note.to_string());
    }

    /// Returns what is noted in an app.
    pub(crate) fn of(spec: &AppSpec) -> Option<Self> {
        let noted: Value = serde_json::from_str(spec.passthrough.get(KEY)?).ok()?;
        let text = |key: &str| noted.get(key).and_then(Value::as_str).map(str::to_owned);
        let profiles = noted.get(PROFILES).and_then(Value::as_array).into_iter().flatten();
        let profiles = profiles.filter_map(Value::as_str).map(str::to_owned).collect();
        let (path, cwd) = (text("path")?.into(), text("cwd")?.into());
        Some(Self { path, cwd, env: text("env"), profiles })
    }
}

/// Reads the process file at this path, or on standard input for `-`.
pub(crate) fn read(path: &str, options: &Options, context: &Context) -> Result<Apps, Failed> {
    if path != STDIN {
        return Ok(ostler_config::read(path, options, context));
    }
    let text = std::io::read_to_string(std::io::stdin())
        .map_err(|error| Failed::new(format!("cannot read standard input: {error}")))?;
    Ok(ostler_config::read_text(&text, STANDARD_INPUT, options, context))
}

/// Returns the apps of a process file and what there is to say about it. Who depends on apps that
/// are not in the file may mean some of the list: that is looked at only then.
pub(crate) fn load_beside(
    session: &mut Session,
    path: &str,
    options: &Options,
    context: &Context,
) -> Result<(Vec<AppSpec>, Vec<Diagnostic>), Failed> {
    if path != STDIN {
        let Apps { specs, said, .. } = read(path, options, context)?;
        if !said.iter().any(|one| one.code == ostler_config::UNKNOWN_DEPENDENCY) {
            return Ok((specs, said));
        }
    }
    let listed = match !session.foreground && session.connect_if_running()? {
        true => session.known()?.into_iter().map(|process| process.name).collect(),
        false => BTreeSet::new(),
    };
    let context = Context { listed: Some(listed), ..context.clone() };
    let Apps { specs, said, .. } = read(path, options, &context)?;
    Ok((specs, said))
}
