//! Which apps of a file are meant: those that `--only` names, else those that their `profiles`
//! do not leave out.

use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::fields::Fields;
use crate::options::Options;
use crate::profiles::{self, quoted, words};
use crate::source::SourceText;
use crate::suggest;

/// All apps of a file, with their names.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a, 'f> {
    pub all: &'a [Fields<'f>],
    pub names: &'a [String],
}

/// Which of them are meant.
pub(crate) struct Chosen {
    pub is_chosen: Vec<bool>,
    /// `--only` chose them, and not their profiles.
    pub by_name: bool,
}

/// Finds out which apps of a file are meant.
pub(crate) fn choose(
    apps: Known<'_, '_>,
    options: &Options,
    (source, ctx): (SourceText<'_>, &Context),
    report: &mut Vec<Diagnostic>,
) -> Chosen {
    let by_profile = match ctx.as_pm2 {
        // PM2 knows no profiles, and no option that would name one.
        true => vec![true; apps.all.len()],
        false => profiles::choose(apps.all, options, source, report),
    };
    match only(apps, &options.only, source, report) {
        Some(is_chosen) => Chosen { is_chosen, by_name: true },
        None => Chosen { is_chosen: by_profile, by_name: false },
    }
}

/// Whether `--only` names them; `None` where it is not given.
fn only(
    apps: Known<'_, '_>,
    names: &[String],
    source: SourceText<'_>,
    report: &mut Vec<Diagnostic>,
) -> Option<Vec<bool>> {
    let known = apps.names;
    let wanted = words(names);
    if wanted.is_empty() {
        return None;
    }
    for name in wanted.iter().filter(|name| !known.iter().any(|known| known == *name)) {
        let diagnostic =
            Diagnostic::error("no-app", format!("no app of this file is called `{name}`"));
        let help = match suggest::nearest(name, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the file has {}", quoted(known.iter().map(String::as_str))),
        };
        report.push(source.at(diagnostic.help(help), None));
    }
    Some(known.iter().map(|name| wanted.contains(&name.as_str())).collect())
}
