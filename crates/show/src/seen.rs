//! What is looked at when an app is shown in full.

use ostler_wire::control::Details;

use crate::app::App;
use crate::last_hour::LastHour;
use crate::of_file::OfFile;
use crate::tree::Tree;

/// Everything that is shown of an app.
#[derive(Debug)]
pub struct Seen<'a> {
    /// The app itself, with its counts.
    pub app: &'a App<'a>,
    /// Its processes in full, in their order; at least one.
    pub details: &'a [Details],
    /// What runs, by process.
    pub trees: &'a [Tree],
    /// The line in which its worst process says why it ended.
    pub said: Option<String>,
    /// Who has the address that it wants, and the command that frees it.
    pub taken: Option<(String, Option<String>)>,
    /// The file whose last lines are shown, and these lines.
    pub tail: Option<(String, Vec<String>)>,
    /// Variables that differ from those of the caller.
    pub other_env: Vec<String>,
    /// The process file that it is from, and how it differs.
    pub of_file: Option<OfFile>,
    /// What it used in the last hour.
    pub last_hour: LastHour,
    /// What of its files is watched.
    pub watched: Option<String>,
    /// What is said of the rotation of its log files.
    pub rotation: Option<String>,
    /// Who receives its lines besides the files, and what became of that.
    pub sinks: Vec<String>,
    /// What its rules have found in its lines.
    pub rules: Vec<String>,
    /// Who is told of alerts about it, and what became of that.
    pub alerts: Vec<String>,
}
