//! Files of other managers to a process file: what `export` does, the other way round.
//!
//! Problem: who comes from another manager has said once what there is to run, and would have to
//! say it again. Rule: what has a word here is taken over, as it was written; everything else is
//! told, app by app, and nothing is started. The process file is for its owner to read.

mod app;
mod compose;
mod foreign;
mod procfile;
mod supervisord;
mod systemd;
mod times;
mod words;
mod wrong;

use serde_json::{Value, json};

use crate::made::Note;
use crate::yaml;
use app::Made;
pub use foreign::Foreign;
pub use wrong::NotUnderstood;

/// What a file of another manager says.
#[derive(Debug)]
pub struct Imported {
    /// A process file, as YAML.
    pub text: String,
    /// Its apps, as the process file has them.
    pub apps: Vec<Value>,
    /// What of each app is not in it.
    pub notes: Vec<Note>,
}

/// Writes the apps of a file of another manager as a process file. `name`: of the
/// file, `-` where it came from standard input.
///
/// # Errors
/// It is not such a file, or says of nothing that it is run.
pub fn import(kind: Foreign, name: &str, text: &str) -> Result<Imported, NotUnderstood> {
    let mut apps = match kind {
        Foreign::Compose => compose::apps(text)?,
        Foreign::Procfile => procfile::apps(text)?,
        Foreign::Supervisord => supervisord::apps(text)?,
        Foreign::Systemd => systemd::apps(name, text)?,
    };
    let there: Vec<String> = apps.iter().filter(|of| of.runs()).map(|of| of.name.clone()).collect();
    apps.iter_mut().for_each(|app| app.depend_on(&there));
    let notes = apps.iter_mut().flat_map(Made::take_notes).collect();
    let apps: Vec<Value> = apps.into_iter().filter_map(Made::into_app).collect();
    if apps.is_empty() {
        let why = format!("nothing in it says what is run; {} does", kind.example());
        return Err(NotUnderstood { why, line: None });
    }
    let from = if name == foreign::NAMELESS { ostler_config::STANDARD_INPUT } else { name };
    let head = format!("# From {}, by `ostler import`.\n", from.escape_debug());
    let text = head + &yaml::document(&json!({ "apps": apps }));
    Ok(Imported { text, apps, notes })
}
