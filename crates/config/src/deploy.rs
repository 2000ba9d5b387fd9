//! The `deploy` section of a process file: where an app is brought to, and how.

use crate::attributes;
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::file;
use crate::source::SourceText;
use crate::suggest;
use crate::value::{Entry, Node, Value};

/// One target of `deploy`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Its name: `production`.
    pub name: String,
    /// Hosts as ssh takes them, at least one; `localhost` is this machine, without ssh.
    pub hosts: Vec<String>,
    /// The user on the hosts.
    pub user: Option<String>,
    /// The port of ssh.
    pub port: Option<u16>,
    /// The file of the private key.
    pub key: Option<String>,
    /// Options of ssh, each as after `-o`.
    pub ssh_options: Vec<String>,
    /// The agent of ssh may be used on the host.
    pub forward_agent: bool,
    /// Commands get a terminal.
    pub needs_tty: bool,
    /// Where git finds the source.
    pub repo: String,
    /// The folder on the host.
    pub path: String,
    /// The branch, tag or commit.
    pub reference: String,
    /// Only the last five commits are brought.
    pub fast: bool,
    /// What is run before the folder is made.
    pub pre_setup: Option<String>,
    /// What is run when it is there.
    pub post_setup: Option<String>,
    /// What is run here before anything changes there.
    pub pre_deploy_local: Option<String>,
    /// What is run there before the new version.
    pub pre_deploy: Option<String>,
    /// What is run there with the new version.
    pub post_deploy: Option<String>,
    /// Variables of these commands, but of the local one.
    pub env: Vec<(String, String)>,
}

/// Keys of a target, to find the one that was meant.
const KEYS: [&str; 17] = [
    "host",
    "user",
    "port",
    "key",
    "ssh_options",
    "forward-agent",
    "needs_tty",
    "repo",
    "path",
    "ref",
    "fetch",
    "pre-setup",
    "post-setup",
    "pre-deploy-local",
    "pre-deploy",
    "post-deploy",
    "env",
];

/// Process files that `deploy` looks for, in their order.
pub const DEPLOY_FILES: [&str; 11] = [
    "ecosystem.json",
    "ecosystem.yml",
    "ecosystem.yaml",
    "ecosystem.config.js",
    "ecosystem.config.cjs",
    "ecosystem.config.mjs",
    "ecosystem.config.ts",
    "ecosystem.config.mts",
    "ecosystem.config.cts",
    "ecosystem.json5",
    "package.json",
];

/// Reads a target of the process file at `path` and of what it extends; a wrong one is no target.
/// What there is to say about it comes with it.
#[must_use]
pub fn deploy_target(path: &str, name: &str, ctx: &Context) -> (Option<Target>, Vec<Diagnostic>) {
    match file::with_key((path, "deploy"), ctx, |section, source| {
        let mut report = Vec::new();
        let target = find(section, name, source, &mut report);
        let is_right = !report.iter().any(Diagnostic::is_error);
        (target.filter(|_| is_right), report)
    }) {
        Ok(read) => read,
        Err(report) => (None, report),
    }
}

fn find(
    section: Option<&Node>,
    name: &str,
    source: SourceText<'_>,
    report: &mut Vec<Diagnostic>,
) -> Option<Target> {
    let Some(section) = section else {
        let message = format!("{name} environment is not defined in {} file", source.origin);
        let diagnostic = Diagnostic::error("no-target", message)
            .own(format!("there is no `deploy` in {}", source.origin))
            .help(format!("write `deploy: {{ {name}: {{ host, repo, path, ref }} }}`"));
        report.push(source.at(diagnostic, None));
        return None;
    };
    let Value::Object(targets) = &section.value else {
        let said = Diagnostic::error("wrong-type", "`deploy` must be an object of targets");
        report.push(source.at(said, section.span));
        return None;
    };
    match targets.iter().find(|entry| entry.key == name) {
        Some(Entry { node: Node { value: Value::Object(entries), .. }, key_span, .. }) => {
            let mut reader = Reader { entries, source, report };
            let target = reader.read(name);
            for key in ["host", "repo", "path", "ref"] {
                if entries.iter().all(|entry| entry.key != key) {
                    let message = format!("the target `{name}` has no `{key}`");
                    let said = Diagnostic::error("missing", message).help(help_of(key));
                    report.push(source.at(said, *key_span));
                }
            }
            Some(target)
        }
        Some(entry) => {
            let message = format!("the target `{name}` must be an object");
            report.push(source.at(Diagnostic::error("wrong-type", message), entry.node.span));
            None
        }
        None => {
            let message = format!("{name} environment is not defined in {} file", source.origin);
            let names: Vec<&str> = targets.iter().map(|entry| entry.key.as_str()).collect();
            let help = match suggest::nearest(name, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there is `{}`", names.join("`, `")),
            };
            let diagnostic = Diagnostic::error("no-target", message)
                .own(format!("there is no target `{name}` in {}", source.origin));
            report.push(source.at(diagnostic.help(help), section.span));
            None
        }
    }
}

fn help_of(key: &str) -> &'static str {
    match key {
        "host" => "name the machine, such as `host: 'web.example'`, or a list of them",
        "repo" => "name the repository, such as `repo: 'git@github.com:org/app.git'`",
        "path" => "name the folder on the machine, such as `path: '/var/www/app'`",
        _ => "name the branch or tag, such as `ref: 'origin/main'`",
    }
}

struct Reader<'r, 'n> {
    entries: &'n [Entry],
    source: SourceText<'r>,
    report: &'r mut Vec<Diagnostic>,
}

impl Reader<'_, '_> {
    fn read(&mut self, name: &str) -> Target {
        self.warn_unknown();
        Target {
            name: name.to_owned(),
            hosts: self.list("host").into_iter().map(|host| host.trim().to_owned()).collect(),
            user: self.text("user"),
            port: self.port(),
            key: self.text("key"),
            ssh_options: self.list("ssh_options"),
            forward_agent: self.is_set("forward-agent"),
            needs_tty: self.is_set("needs_tty"),
            repo: self.word("repo"),
            path: self.word("path"),
            reference: self.word("ref"),
            fast: self.text("fetch").is_some_and(|fetch| fetch == "fast"),
            pre_setup: self.text("pre-setup"),
            post_setup: self.text("post-setup"),
            pre_deploy_local: self.text("pre-deploy-local"),
            pre_deploy: self.text("pre-deploy"),
            post_deploy: self.text("post-deploy"),
            env: self.env(),
        }
        .checked(self)
    }

    fn node(&self, key: &str) -> Option<&Node> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        Some(&entry.node).filter(|node| !node.is_null())
    }

    fn refuse(&mut self, key: &str, message: String, help: &str) {
        let span = self.entries.iter().find(|entry| entry.key == key).and_then(|of| of.node.span);
        self.report.push(self.source.at(Diagnostic::error("wrong-form", message).help(help), span));
    }

    fn text(&mut self, key: &str) -> Option<String> {
        let text = match &self.node(key)?.value {
            Value::Text(text) => text.trim().to_owned(),
            Value::Number(_) | Value::Bool(_) => self.node(key)?.plain(),
            _ => {
                self.refuse(key, format!("`{key}` must be a string"), "write it in quotes");
                return None;
            }
        };
        Some(text).filter(|text| !text.is_empty())
    }

    /// What stands alone in a command: a dash at its beginning would make an option of it.
    fn word(&mut self, key: &str) -> String {
        let text = self.text(key).unwrap_or_default();
        if text.starts_with('-') {
            self.refuse(key, format!("`{key}` begins with a dash: `{text}`"), help_of(key));
        } else if text.is_empty() && self.node(key).is_some() {
            self.refuse(key, format!("`{key}` is empty"), help_of(key));
        }
        text
    }

    fn list(&mut self, key: &str) -> Vec<String> {
        let Some(node) = self.node(key) else { return Vec::new() };
        let texts = match &node.value {
            Value::Text(text) => Some(vec![text.clone()]),
            Value::List(items) => {
                let texts = items.iter().map(|item| item.as_text().map(str::to_owned));
                texts.collect()
            }
            _ => None,
        };
        texts.unwrap_or_else(|| {
            let message = format!("`{key}` must be a string, or a list of strings");
            self.refuse(key, message, "write `['a', 'b']`");
            Vec::new()
        })
    }

    fn is_set(&mut self, key: &str) -> bool {
        self.text(key).is_some_and(|text| !["false", "no", "0"].contains(&text.as_str()))
    }

    fn port(&mut self) -> Option<u16> {
        let text = self.text("port")?;
        let port = text.parse().ok();
        if port.is_none() {
            self.refuse("port", format!("`port` is `{text}`, which is no port"), "such as 22");
        }
        port
    }

    /// Names in capitals, as PM2 has them.
    fn env(&mut self) -> Vec<(String, String)> {
        let entries = match self.node("env").map(|node| &node.value) {
            Some(Value::Object(entries)) => entries.clone(),
            Some(_) => {
                self.refuse("env", "`env` must be an object".to_owned(), "write `{ A: '1' }`");
                Vec::new()
            }
            None => Vec::new(),
        };
        let mut variables = Vec::new();
        for Entry { key, node, .. } in entries {
            let name = key.to_uppercase();
            let is_name = name.chars().all(|char| char == '_' || char.is_ascii_alphanumeric())
                && !name.starts_with(|char: char| char.is_ascii_digit());
            if !is_name || name.is_empty() {
                let message = format!("`env` has `{key}`, which is no name of a variable");
                self.refuse("env", message, "use letters, digits and `_`");
            }
            variables.push((name, node.plain()));
        }
        variables
    }

    fn warn_unknown(&mut self) {
        for entry in self.entries.iter().filter(|entry| !KEYS.contains(&entry.key.as_str())) {
            let said = Diagnostic::warning("unknown-key", format!("unknown key `{}`", entry.key));
            let near = suggest::nearest(&entry.key, KEYS.into_iter());
            let said = match near {
                Some(near) => said.help(format!("did you mean `{near}`?")),
                None if attributes::find(&entry.key).is_some() => {
                    said.help("it belongs to an app, in `apps`")
                }
                None => said,
            };
            self.report.push(self.source.at(said, entry.key_span));
        }
    }
}

impl Target {
    fn checked(self, reader: &mut Reader<'_, '_>) -> Self {
        let is_bad = |host: &String| {
            host.is_empty() || host.starts_with('-') || host.contains(char::is_whitespace)
        };
        if let Some(host) = self.hosts.iter().find(|host| is_bad(host)) {
            reader.refuse("host", format!("`{host}` is no host"), help_of("host"));
        }
        if self.hosts.is_empty() && reader.node("host").is_some_and(|of| of.as_text().is_none()) {
            reader.refuse("host", "`host` names no machine".to_owned(), help_of("host"));
        }
        if let Some(user) = self.user.as_ref().filter(|user| user.starts_with('-')) {
            reader.refuse("user", format!("`{user}` is no user"), "name the user on the machine");
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::DEPLOY_FILES;
    use crate::reading::{SYNTAXES, Syntax};

    #[test]
    fn a_process_file_of_each_language_that_is_run_is_looked_for() {
        for (suffix, _) in SYNTAXES.iter().filter(|(_, of)| matches!(of, Syntax::Program)) {
            let name = format!("ecosystem{suffix}");
            assert!(DEPLOY_FILES.contains(&name.as_str()), "{name}");
        }
    }
}
