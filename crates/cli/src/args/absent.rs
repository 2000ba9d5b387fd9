//! Commands of PM2 that are not there: whoever types one is told so, and what there is instead.

use super::misuse::Misuse;

/// Names, and what to do instead; `$` stands for the program's name.
const NOT_YET: &[(&[&str], Option<&str>)] = &[
    (&["monit", "imonit", "dash", "dashboard"], Some("use `$ list` and `$ logs`")),
    (&["inspect", "report"], Some("use `$ describe` and `$ logs`")),
    (&["attach"], Some("use `$ logs` for what the app writes; nothing is sent to its input")),
    (&["logrotate"], Some("let the system's logrotate run `$ reloadLogs`")),
    (&["sendSignal"], Some("use `kill -s SIGNAL PID` with a number that `$ pid` prints")),
    (
        &["set", "get", "unset", "multiset", "conf"],
        Some("an app is configured in its process file, or by options of `$ start`"),
    ),
    (&["web", "serve", "expose", "deploy", "trigger", "send"], None),
    (&["install", "uninstall"], Some("modules of PM2 are not run")),
];

/// What only PM2's vendor can answer.
const VENDOR: &[&str] =
    &["link", "unlink", "plus", "login", "logout", "register", "open", "monitor", "unmonitor"];

/// Returns what to tell about a command that is not there, if PM2 has it.
pub(super) fn misuse(name: &str) -> Option<Misuse> {
    if VENDOR.contains(&name) {
        return Some(Misuse::Absent { name: name.to_owned(), vendor: true, instead: None });
    }
    // `module:update`, `module:generate` and the like.
    let known = if name.starts_with("module:") { "install" } else { name };
    let (_, instead) = NOT_YET.iter().find(|(names, _)| names.contains(&known))?;
    Some(Misuse::Absent { name: name.to_owned(), vendor: false, instead: *instead })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::commands::COMMANDS;

    #[test]
    fn a_command_that_is_there_is_not_called_absent() {
        for name in COMMANDS.iter().flat_map(|command| command.names) {
            assert_eq!(misuse(name), None, "{name}");
        }
    }

    #[test]
    fn a_command_that_is_not_there_yet_is_no_typo() {
        let check = |line: &str, text: &str, hint: Option<&str>| {
            let misuse = crate::args::parse(line.split(' ').map(Into::into)).unwrap_err();
            let said = (misuse.text(), misuse.hint("ostler"));
            assert_eq!((said.0.as_str(), said.1.as_deref()), (text, hint), "{line}");
        };
        let list = Some("use `ostler list` and `ostler logs`");
        check("monit", "`monit` is not there yet", list);
        check("serve . 8080 --spa", "`serve` is not there yet", None);
        let modules = Some("modules of PM2 are not run");
        check("module:update x", "`module:update` is not there yet", modules);
        check("link a b", "`link` belongs to PM2's vendor and is not there", None);
    }
}
