//! Every attribute of an app, once.
//!
//! An attribute would be known in many places: process files, the command line, PM2's record in
//! both directions, what the app sees in its environment, help, documentation, the JSON Schema.
//! Each of them reads this table, so that an attribute costs its field in
//! [`AppSpec`](ostler_core::spec::AppSpec) and its row here, and none of them can forget it.

mod access;
mod alerts;
mod app;
mod attribute;
mod cluster;
mod compatibility;
mod depends;
mod forms;
mod given;
mod hooks;
mod limits;
mod logs;
mod not_yet;
mod process;
mod reload;
mod restart;
mod row;
mod stop;
mod triggers;
mod types;
mod worded;

pub(crate) use access::{BadValue, FieldType};
pub use attribute::{
    Applies, Attribute, Effect, Flag, Gives, Input, Rule, Takes, Type, Unit, Usual, kept_value,
};
pub use given::given;
pub use not_yet::{NotYet, not_yet};
pub(crate) use process::is_typed;

/// Attributes that belong together.
#[derive(Debug)]
pub struct Chapter {
    /// What they are about, for a heading.
    pub title: &'static str,
    /// The attributes, in the order of the table.
    pub attributes: &'static [Attribute],
}

/// Returns the table in chapters.
#[must_use]
pub fn chapters() -> [Chapter; 13] {
    let chapter = |title, attributes| Chapter { title, attributes };
    [
        chapter("What is run", app::ROWS),
        chapter("What a process is given", process::ROWS),
        chapter("Limits", limits::ROWS),
        chapter("Logs", logs::ROWS),
        chapter("Restarts", restart::ROWS),
        chapter("Stops", stop::ROWS),
        chapter("Restarts for a reason", triggers::ROWS),
        chapter("Readiness and reloads", reload::ROWS),
        chapter("Who is told", alerts::ROWS),
        chapter("Dependencies", depends::ROWS),
        chapter("Hooks and secrets", hooks::ROWS),
        chapter("Cluster", cluster::ROWS),
        chapter("Compatibility", compatibility::ROWS),
    ]
}

/// Returns every attribute.
pub fn attributes() -> impl Iterator<Item = &'static Attribute> {
    chapters().into_iter().flat_map(|chapter| chapter.attributes)
}

/// Returns the attribute that a process file means by this key, by its name, an alias, or the
/// camelCase form of one.
#[must_use]
pub fn find(key: &str) -> Option<&'static Attribute> {
    let by_name = |name: &str| {
        attributes()
            .filter(|attribute| attribute.is_in_files())
            .find(|attribute| attribute.name == name || attribute.aliases.contains(&name))
    };
    by_name(key).or_else(|| by_name(&snake(key)))
}

/// Returns the option of this name (without dashes) and its attribute.
#[must_use]
pub fn find_flag(long: &str) -> Option<(&'static Attribute, &'static Flag)> {
    attributes()
        .flat_map(|attribute| attribute.flags.iter().map(move |flag| (attribute, flag)))
        .find(|(_, flag)| flag.long.contains(&long))
}

fn snake(camel: &str) -> String {
    let mut out = String::new();
    for c in camel.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
