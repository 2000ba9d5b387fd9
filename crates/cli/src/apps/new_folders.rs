//! Folders that an app's log files make.
//!
//! Problem: a slip in the path of a log file makes a folder anywhere, without a word, and the lines
//! are looked for elsewhere. Rule: whoever starts an app is told which folders are new.

use std::collections::BTreeSet;
use std::path::Path;

use ostler_core::spec::AppSpec;

use crate::program::Program;
use crate::session::Session;
use crate::voice::Notice;

/// Tells of folders that are not there yet. PM2 says nothing.
pub(super) fn note(session: &mut Session, specs: &[AppSpec]) {
    if session.program == Program::Pm2 {
        return;
    }
    let home = session.home.path().to_owned();
    for (folder, name) in missing(specs, &home) {
        let text = format!("`{folder}` is not there: it is made for the log files of `{name}`");
        session.out.tell(&Notice::Note { text: &text });
    }
}

/// The folders, each with the first app that has a log file in it.
fn missing(specs: &[AppSpec], home: &Path) -> Vec<(String, String)> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for spec in specs.iter().filter(|spec| !spec.logs.disabled) {
        let logs = &spec.logs;
        let folders = [&logs.out, &logs.err, &logs.combined].into_iter().flatten();
        for folder in folders.filter_map(|path| path.parent()) {
            if !folder.starts_with(home) && !folder.exists() && seen.insert(folder.to_owned()) {
                all.push((folder.to_string_lossy().into_owned(), spec.name.clone()));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_is_told_once_and_those_of_the_home_are_not() {
        let mut spec = AppSpec::new("/srv/api.js".into(), "/srv".into());
        spec.name = "api".to_owned();
        spec.logs.out = Some("/no-such-folder/x/out.log".into());
        spec.logs.err = Some("/no-such-folder/x/err.log".into());
        spec.logs.combined = Some("/h/logs/api.log".into());
        let told = missing(&[spec.clone(), spec.clone()], Path::new("/h"));
        assert_eq!(told, [("/no-such-folder/x".to_owned(), "api".to_owned())]);
        spec.logs.disabled = true;
        assert_eq!(missing(&[spec], Path::new("/h")), []);
    }
}
