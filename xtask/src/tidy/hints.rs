//! Commands in messages can be pasted: what is written into one was quoted for a shell.
//!
//! Rule: in a text, a placeholder within a command in backticks is called `pasted…`, which is what
//! `ostler_shell::word` returned, or is one of [`SAFE`], which nobody but us writes.

use crate::source::Source;

/// How a command in a message begins.
const COMMANDS: [&str; 8] =
    ["ostler ", "pm2 ", "{program} ", "{NAME} ", "{command} ", "chmod ", "kill ", "sudo "];
/// Numbers and words of our own.
const SAFE: [&str; 9] =
    ["program", "NAME", "command", "pid", "port", "count", "platform", "near", "id"];
/// Files whose commands are not pasted from there: PM2's own words, what is written into services
/// as a comment, and what the tests print.
const APART: [&str; 4] = [
    "crates/cli/src/view/describe.rs",
    "crates/cli/src/generate/markdown.rs",
    "crates/testkit/src/run.rs",
    "xtask/",
];

/// Returns the findings in one file.
pub fn check(file: &Source) -> Vec<String> {
    let path = &file.path;
    if APART.iter().any(|apart| path.starts_with(apart)) || path.contains("/tests/") {
        return Vec::new();
    }
    let code = file.text.split("#[cfg(test)]").next().unwrap_or_default();
    let mut findings = Vec::new();
    for (at, _) in code.match_indices('`') {
        let rest = code.get(at + 1..).unwrap_or_default();
        let Some((command, _)) = rest.split_once('`') else { continue };
        let begins = COMMANDS.iter().any(|start| command.starts_with(start));
        let line_start = code[..at].rfind('\n').map_or(0, |end| end + 1);
        let is_comment = code[line_start..at].trim_start().starts_with("//");
        // A text may go on in the next line, but not for long.
        if !begins || is_comment || 200 < command.len() {
            continue;
        }
        let number = 1 + code[..at].matches('\n').count();
        for name in placeholders(command) {
            if !name.starts_with("pasted") && !SAFE.contains(&name) {
                findings.push(format!(
                    "{path}:{number}: `{{{name}}}` in the command `{}` is not quoted: take \
                     `ostler_shell::word`, and call it `pasted`",
                    command.split_whitespace().collect::<Vec<_>>().join(" ")
                ));
            }
        }
    }
    findings
}

/// Returns what stands between single braces.
fn placeholders(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('{') {
        if let Some(literal) = after.strip_prefix('{') {
            rest = literal;
            continue;
        }
        let Some((name, after)) = after.split_once('}') else { break };
        names.push(name.split(':').next().unwrap_or_default());
        rest = after;
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_text(path: &str, text: &str) -> usize {
        check(&Source { path: path.to_owned(), text: text.to_owned() }).len()
    }

    #[test]
    fn what_stands_in_a_command_that_is_pasted_was_quoted() {
        let path = "crates/a/src/a.rs";
        for bad in
            ["`ostler stop {name}`", "`{program} logs {} --err`", "or `ostler \\\n   stop {app}`"]
        {
            assert_eq!(check_text(path, bad), 1, "{bad}");
        }
        for good in [
            "`ostler stop {pasted}`",
            "`{program} stop {pasted_app}`, which `{name}` is",
            "`kill {pid}`",
            "// `ostler stop {name}`",
            "`ostler list --format '{{name}}'`",
            "#[cfg(test)] `ostler stop {name}`",
        ] {
            assert_eq!(check_text(path, good), 0, "{good}");
        }
        assert_eq!(check_text("crates/cli/src/view/describe.rs", "`pm2 logs {name}`"), 0);
    }
}
