//! Whose file a file is.

use super::procfile;

/// What has no name: standard input.
pub(super) const NAMELESS: &str = "-";

/// Whose file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// Services of Docker Compose.
    Compose,
    /// A `Procfile`, as Heroku and foreman have it.
    Procfile,
    /// The INI file of supervisord.
    Supervisord,
    /// A service unit of systemd.
    Systemd,
}

impl Foreign {
    /// Returns whose file it is, by its name (`-`: it has none, and comes from standard input) and
    /// what is in it; `None`: nobody's that is known.
    #[must_use]
    pub fn of(name: &str, text: &str) -> Option<Self> {
        let file = name.rsplit('/').next().unwrap_or(name);
        let has_line = |is: fn(&str) -> bool| text.lines().any(is);
        if file == "Procfile" || file.starts_with("Procfile.") {
            return Some(Self::Procfile);
        }
        if file.ends_with(".service") {
            return Some(Self::Systemd);
        }
        if has_line(|line| line.trim_start().starts_with("[program:")) {
            return Some(Self::Supervisord);
        }
        if has_line(|line| line.trim() == "[Service]") {
            return Some(Self::Systemd);
        }
        let is_nameless = name == NAMELESS;
        let is_yaml = file.ends_with(".yml") || file.ends_with(".yaml") || is_nameless;
        if is_yaml && has_line(|line| line.trim_end().starts_with("services:")) {
            return Some(Self::Compose);
        }
        (is_nameless && procfile::is_meant(text)).then_some(Self::Procfile)
    }

    /// What people call such a file.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Compose => "a file of Docker Compose",
            Self::Procfile => "a Procfile",
            Self::Supervisord => "a file of supervisord",
            Self::Systemd => "a unit of systemd",
        }
    }

    /// What such a file says when it says what is run.
    pub(super) fn example(self) -> &'static str {
        match self {
            Self::Compose => "`command: node server.js` of a service",
            Self::Procfile => "a line `web: node server.js`",
            Self::Supervisord => "`command=node server.js` below `[program:web]`",
            Self::Systemd => "`ExecStart=/usr/bin/node server.js` below `[Service]`",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of what has no name it was said that it is no list of processes.
    #[test]
    fn a_text_without_a_name_is_known_by_what_is_in_it() {
        let check = |text: &str, of: Option<Foreign>| assert_eq!(Foreign::of("-", text), of);
        check("name: x\nservices:\n  web:\n    command: a\n", Some(Foreign::Compose));
        check("[program:web]\ncommand=a\n", Some(Foreign::Supervisord));
        check("[Unit]\n[Service]\nExecStart=/a\n", Some(Foreign::Systemd));
        check("# jobs\n\nweb: node a.js\nworker: node b.js --x\n", Some(Foreign::Procfile));
        for text in
            ["[{\"name\": \"a\"}]", "{\"a\": 1}", "", "# x\n", "apps:\n- name: web\n", "a b"]
        {
            check(text, None);
        }
    }
}
