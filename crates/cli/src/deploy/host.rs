//! Running a script on a machine.

use std::io::{self, Write as _};
use std::process::{Command, ExitStatus, Output, Stdio};

use ostler_config::DeployTarget;

/// What ssh ends with when it could not connect, and nothing else should.
const NO_CONNECTION: i32 = 255;

/// The host that is this machine.
const HERE: &str = "localhost";

/// A machine that an app is deployed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    /// As the process file has it.
    pub(crate) name: String,
    /// The command before the script.
    command: Vec<String>,
    /// Commands get a terminal, and what is typed.
    tty: bool,
}

/// Returns the machines of a target.
pub(crate) fn hosts(target: &DeployTarget) -> Vec<Host> {
    target.hosts.iter().map(|name| Host::new(name, target)).collect()
}

impl Host {
    fn new(name: &str, target: &DeployTarget) -> Self {
        let command = match name {
            HERE => vec!["sh".to_owned(), "-c".to_owned()],
            name => ssh(name, target),
        };
        Self { name: name.to_owned(), command, tty: target.needs_tty }
    }

    /// A machine by the name that ssh knows it by. Nobody is asked for a password: several of them
    /// would ask at once.
    pub(crate) fn named(name: &str) -> Self {
        let ssh_options = vec!["BatchMode=yes".to_owned(), "ConnectTimeout=10".to_owned()];
        Self::new(name, &DeployTarget { ssh_options, ..DeployTarget::default() })
    }

    /// Whether it is this machine.
    pub(crate) fn is_here(&self) -> bool {
        self.name == HERE
    }

    /// Whether the way to it may be what is wrong.
    pub(crate) fn was_not_reached(&self, status: ExitStatus) -> bool {
        !self.is_here() && status.code() == Some(NO_CONNECTION)
    }

    /// Runs a script, whose output is this command's.
    pub(crate) fn run(&self, script: &str) -> io::Result<ExitStatus> {
        io::stdout().flush()?;
        let terminal: &[&str] = if self.tty && !self.is_here() { &["-t"] } else { &[] };
        let mut command = self.of(script, terminal);
        if !self.tty {
            command.stdin(Stdio::null());
        }
        command.status()
    }

    /// Runs a script, and returns what it prints; not on a terminal, which would add to it.
    pub(crate) fn ask(&self, script: &str) -> io::Result<Output> {
        self.command(script).stderr(Stdio::inherit()).output()
    }

    /// Returns the command that runs a script there, which reads nothing.
    pub(crate) fn command(&self, script: &str) -> Command {
        let mut command = self.of(script, &[]);
        command.stdin(Stdio::null());
        command
    }

    fn of(&self, script: &str, options: &[&str]) -> Command {
        let mut words = self.command.iter();
        let mut command = Command::new(words.next().map_or("ssh", String::as_str));
        command.args(options).args(words);
        if self.is_here() {
            command.arg(script);
        } else {
            // The login shell there may be any: it gets two words.
            command.arg(format!("sh -c '{}'", script.replace('\'', "'\\''")));
        }
        command
    }
}

fn ssh(name: &str, target: &DeployTarget) -> Vec<String> {
    let mut words = vec!["ssh".to_owned()];
    let mut put = |option: &str, value: Option<String>| {
        if let Some(value) = value {
            words.extend([option.to_owned(), value]);
        }
    };
    put("-p", target.port.map(|port| port.to_string()));
    put("-i", target.key.clone());
    for option in &target.ssh_options {
        put("-o", Some(option.clone()));
    }
    if target.forward_agent {
        words.push("-A".to_owned());
    }
    words.push("--".to_owned());
    words.push(match &target.user {
        Some(user) if !name.contains('@') => format!("{user}@{name}"),
        Some(_) | None => name.to_owned(),
    });
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ssh_is_told_what_the_target_says() {
        let target = DeployTarget {
            hosts: vec!["web".into(), "jo@db".into(), "localhost".into()],
            user: Some("deploy".into()),
            port: Some(2222),
            key: Some("/k".into()),
            ssh_options: vec!["StrictHostKeyChecking=no".into()],
            forward_agent: true,
            ..DeployTarget::default()
        };
        let said: Vec<String> = hosts(&target).iter().map(|host| host.command.join(" ")).collect();
        let options = "ssh -p 2222 -i /k -o StrictHostKeyChecking=no -A --";
        assert_eq!(
            said,
            [format!("{options} deploy@web"), format!("{options} jo@db"), "sh -c".to_owned()]
        );
    }
}
