//! Options in chapters, for everything that is read rather than typed.

use super::commands::CommandId;
use super::flags::{FLAGS, Flag, FlagId, Scope};

/// A heading, and the options below it.
pub(crate) type Chapter = (&'static str, Vec<&'static Flag>);

/// The heading of what every command takes.
pub(crate) const COMMON: &str = "Common options";

/// Returns the options that a command takes: its own first, those of every command last.
pub(crate) fn of_command(command: CommandId) -> Vec<Chapter> {
    let title = |flag: &Flag| match flag.scope {
        Scope::General => COMMON,
        Scope::List | Scope::Action | Scope::Own => "Options",
        // Another thing than the attribute of an app.
        Scope::App(_) if flag.doc_for(command) != flag.doc => "Options",
        Scope::App(title) => title,
        Scope::Compatibility => "Compatibility",
    };
    let mut chapters = grouped(FLAGS.iter().filter(|flag| flag.acts_with(command)), title);
    chapters.sort_by_key(|(title, _)| match *title {
        "Options" => 0,
        COMMON => 2,
        _ => 1,
    });
    chapters
}

/// Returns the options that set attributes of apps, which several commands take.
pub(crate) fn of_apps() -> Vec<Chapter> {
    let set = |flag: &&Flag| {
        matches!(flag.scope, Scope::App(_) | Scope::Compatibility)
            && flag.acts_with(CommandId::Start)
    };
    grouped(FLAGS.iter().filter(set), |flag| match flag.scope {
        Scope::App(title) => title,
        Scope::General | Scope::List | Scope::Action | Scope::Own | Scope::Compatibility => {
            "Compatibility"
        }
    })
}

/// Returns the options that every command takes, and what goes with one of them.
pub(crate) fn common() -> impl Iterator<Item = &'static Flag> {
    FLAGS.iter().filter(|flag| flag.scope == Scope::General || flag.id == FlagId::Verbose)
}

fn grouped(
    flags: impl Iterator<Item = &'static Flag>,
    title: impl Fn(&Flag) -> &'static str,
) -> Vec<Chapter> {
    let mut chapters: Vec<Chapter> = Vec::new();
    for flag in flags {
        let title = title(flag);
        match chapters.iter_mut().find(|(known, _)| *known == title) {
            Some((_, flags)) => flags.push(flag),
            None => chapters.push((title, vec![flag])),
        }
    }
    chapters
}
