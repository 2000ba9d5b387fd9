//! How an app that runs differs from the process file that it is from.
//!
//! Problem: a file is edited and not brought in, and everybody reads the file. Rule: a record says
//! which file it is from; whoever looks at the app has the file read again, as it was read then,
//! and every attribute compared. A file of somebody else's is not run. Values of variables may be
//! secrets: only their names are told.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use ostler_client::Answer;
use ostler_config::attributes::{Applies, Unit};
use ostler_config::{Attribute, Context, Diagnostic, Options, attributes};
use ostler_core::spec::AppSpec;
use ostler_env::{Audience, Origin, Variable};
use ostler_show::{OfFile, Unlike};
use ostler_wire::control::{ProcView, Request};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::apps;
use crate::caller;
use crate::process_file::ProcessFile;
use crate::session::Session;

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

/// Compares an app of so many instances with the file that it is from; nothing where it
/// is from none.
pub(crate) fn compare(
    session: &Session,
    specs: &[AppSpec],
    process: &ProcView,
    instances: usize,
) -> Option<OfFile> {
    let spec = spec_of(specs, process)?;
    let noted = ProcessFile::of(spec)?;
    let path = noted.path.display().to_string();
    let unlike = match read(session, &noted, spec) {
        Ok(of_file) => differences(spec, instances, &of_file, &noted).map(Unlike::Differs),
        Err(unlike) => Some(unlike),
    };
    Some(OfFile { path, unlike })
}

/// Returns the specification of the app that a process is of.
pub(crate) fn spec_of<'s>(specs: &'s [AppSpec], process: &ProcView) -> Option<&'s AppSpec> {
    let is_it =
        |spec: &&AppSpec| (&spec.name, &spec.namespace) == (&process.name, &process.namespace);
    specs.iter().find(is_it)
}

/// Returns the specifications of the apps that are in the list, as far as they can be had.
pub(crate) fn specs(session: &mut Session) -> Vec<AppSpec> {
    let Ok(Answer::Raw(text)) = session.ask(&Request::Export) else { return Vec::new() };
    let elements: Vec<&RawValue> = serde_json::from_slice(&text).unwrap_or_default();
    let spec =
        |element: &&RawValue| Some(ostler_pm2::dump::read_element(element.get(), 1).ok()?.spec);
    elements.iter().filter_map(spec).collect()
}

/// Returns the apps that are from this file and are not among those that it has now, which may
/// be in a profile of it that is not chosen.
pub(crate) fn gone<'s>(
    specs: &'s [AppSpec],
    path: &Path,
    has: impl Fn(&AppSpec) -> bool,
) -> Vec<&'s AppSpec> {
    let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let path = real(path);
    let is_from = |spec: &&AppSpec| ProcessFile::of(spec).is_some_and(|of| real(&of.path) == path);
    let mut gone: Vec<_> = specs.iter().filter(is_from).filter(|spec| !has(spec)).collect();
    gone.dedup_by_key(|spec| (&spec.namespace, &spec.name));
    gone
}

/// Reads the file as it was read then, with the variables that the app has from elsewhere.
fn read(session: &Session, noted: &ProcessFile, spec: &AppSpec) -> Result<AppSpec, Unlike> {
    let euid = rustix::process::geteuid().as_raw();
    match fs::metadata(&noted.path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Unlike::Unknown("the file is gone".to_owned()));
        }
        Err(error) => {
            let why = ostler_text::without_numbers(&error.to_string());
            return Err(Unlike::Unknown(format!("the file cannot be read any more: {why}")));
        }
        Ok(file) if ![0, euid].contains(&file.uid()) => {
            let why = "the file belongs to another user, and is not run";
            return Err(Unlike::Unknown(why.to_owned()));
        }
        Ok(_) => {}
    }
    read_as_given(session, noted, spec)
}

fn read_as_given(
    session: &Session,
    noted: &ProcessFile,
    spec: &AppSpec,
) -> Result<AppSpec, Unlike> {
    let not_compared = |_| Unlike::Unknown("it cannot be compared".to_owned());
    let context = apps::context(session).map_err(not_compared)?;
    let env = spec.env.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let server = caller::program().ok();
    let context = Context { cwd: noted.cwd.clone(), env, server, ..context };
    let options = |profiles: Vec<String>| {
        let env = noted.env.clone();
        Options { env, profiles, ..Options::default() }
    };
    let path = noted.path.to_string_lossy();
    let (mut specs, diagnostics) =
        ostler_config::load(&path, &options(noted.profiles.clone()), &context);
    let is_it = |of: &AppSpec| of.name == spec.name && of.namespace == spec.namespace;
    if !specs.iter().any(is_it) {
        // The file may have given it a profile since.
        let all = options(vec![ostler_config::ALL_PROFILES.to_owned()]);
        specs = ostler_config::load(&path, &all, &context).0;
    }
    if let Some(of_file) = specs.into_iter().find(is_it) {
        return apps::set_for(session, of_file).map_err(not_compared);
    }
    match diagnostics.iter().find(|diagnostic| diagnostic.is_error()) {
        Some(Diagnostic { message, .. }) => {
            Err(Unlike::Differs(format!("the file is refused: {message}")))
        }
        None => Err(Unlike::Differs("the app is not in it any more".to_owned())),
    }
}

/// How an app differs from its file: what each attribute is and what the file says.
#[derive(Debug, Default)]
pub(crate) struct Differences {
    /// The number of instances that the file says, if that is another.
    pub(crate) scaled: Option<usize>,
    /// The same in words.
    pub(crate) scaled_shown: String,
    /// What a restart or a reload brings in.
    pub(crate) changed: Vec<String>,
    /// What counts only for an app that is new.
    pub(crate) added: Vec<String>,
}

/// Compares an app of so many instances with this file, as if it were from it, and returns what the
/// file says of it. Who names the file wants it to be read, whosever it is.
///
/// # Errors
/// The file cannot be read, or has no such app any more.
pub(crate) fn planned(
    session: &Session,
    file: &ProcessFile,
    spec: &AppSpec,
    instances: usize,
) -> Result<(Differences, AppSpec), String> {
    let of_file = read_as_given(session, file, spec);
    let mut of_file = of_file.map_err(|(Unlike::Differs(why) | Unlike::Unknown(why))| why)?;
    let found = differ(spec, instances, &of_file);
    for name in given_no_more(spec, &of_file) {
        of_file.env.remove(&name);
    }
    Ok((found, of_file))
}

fn differ(spec: &AppSpec, instances: usize, of_file: &AppSpec) -> Differences {
    let mut found = Differences::default();
    let is_compared =
        |of: &&Attribute| of.is_in_files() && of.is_of_app() && !APART.contains(&of.name);
    for attribute in attributes().filter(is_compared) {
        let [now, then] = [spec, of_file].map(|of| shown(attribute, of));
        let is_written = attribute.name != "merge_logs" || is_merge_written(spec, of_file);
        if now != then && is_written {
            let of_new = attribute.applies == Applies::Added;
            let list = if of_new { &mut found.added } else { &mut found.changed };
            list.push(format!("{} {now} → {then}", attribute.name));
        }
    }
    let differs =
        |(name, value): &(&str, &str)| spec.env.get(name) != Some(value) && !is_set_by_us(name);
    let of_env = of_file.env.iter().filter(differs);
    found.changed.extend(of_env.map(|(name, _)| format!("env {name}")));
    let gone = given_no_more(spec, of_file);
    found.changed.extend(gone.iter().map(|name| format!("env {name} is taken away")));
    let count = usize::try_from(of_file.instances).unwrap_or(usize::MAX);
    if count != instances {
        found.scaled = Some(count);
        found.scaled_shown = format!("instances {instances} → {count}");
    }
    found
}

/// Whether somebody wrote what a file says of merged logs. Else it follows from how many processes
/// are asked for and in which mode, and of one process it changes nothing.
fn is_merge_written(spec: &AppSpec, of_file: &AppSpec) -> bool {
    let is_same = spec.exec_mode == of_file.exec_mode && spec.instances == of_file.instances;
    1 < of_file.instances && (is_same || of_file.logs.merge)
}

/// Whether a variable is ours, and says how the app was started.
fn is_set_by_us(name: &str) -> bool {
    let is_ours = |of: &Variable| of.origin == Origin::Pm2 && of.audience == Audience::Internal;
    ostler_env::find(name).is_some_and(is_ours)
}

/// Returns the variables of an app that its file gave once and gives no more.
fn given_no_more(spec: &AppSpec, of_file: &AppSpec) -> Vec<String> {
    let before = ostler_pm2::process_file::variables(spec).unwrap_or_default();
    let gone = before.difference(&of_file.file_variables);
    gone.filter(|name| spec.env.get(name.as_str()).is_some()).cloned().collect()
}

/// How they differ, with the commands that bring it in.
fn differences(
    spec: &AppSpec,
    instances: usize,
    of_file: &AppSpec,
    noted: &ProcessFile,
) -> Option<String> {
    let (pasted, path) = (ostler_shell::operand(&spec.name), noted.path.to_string_lossy());
    let only = ostler_shell::word(&spec.name);
    let mut pasted_words = format!("{} --only {only}", ostler_shell::word(&path));
    if let Some(env) = &noted.env {
        pasted_words.push_str(&format!(" --env {}", ostler_shell::word(env)));
    }
    let Differences { scaled, scaled_shown, changed, added } = differ(spec, instances, of_file);
    let count = scaled.unwrap_or(instances);
    let parts = [
        (
            scaled.map(|_| scaled_shown).into_iter().collect(),
            format!("`ostler scale {pasted} {count}`"),
        ),
        (changed, format!("`ostler reload {pasted_words}`")),
        (added, format!("`ostler delete {pasted}` and `ostler start {pasted_words}`")),
    ];
    let parts = parts.into_iter().filter(|(list, _): &(Vec<String>, _)| !list.is_empty());
    let parts = parts.map(|(list, command)| format!("{} (to apply: {command})", list.join(", ")));
    let parts: Vec<String> = parts.collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// A value, as it is written.
fn shown(attribute: &Attribute, spec: &AppSpec) -> String {
    let text = match attribute.get(spec) {
        Value::Null => "none".to_owned(),
        // `fork`, as a person writes it.
        Value::String(text) if attribute.name == "exec_mode" => text.replace("_mode", ""),
        Value::String(text) => text,
        Value::Number(bytes) if attribute.unit == Some(Unit::Bytes) => {
            bytes.as_u64().map_or_else(|| bytes.to_string(), ostler_show::size)
        }
        other => other.to_string(),
    };
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
