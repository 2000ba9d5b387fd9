//! An app as an engine sees it: a command in a place, with what it needs.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ostler_config::{cron, fill, is_made, port_of};
use ostler_core::Url;
use ostler_core::spec::{Address, AppSpec, Probe};
use ostler_text::is_secret_name;

use crate::engine::{Engine, Source};

/// Where an image has the folder of the process file.
const PLACE: &str = "/app";

/// The longest name that every engine takes, bytes.
const LONGEST: usize = 52;

/// When an app runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// All the time.
    Always,
    /// Until it ends.
    Once,
    /// Until it ends, again and again, as this pattern says.
    At(String),
}

/// An app for an engine.
#[derive(Debug)]
pub(crate) struct Service<'a> {
    /// What the process file says.
    pub(crate) spec: &'a AppSpec,
    /// A name of lower-case letters, digits and dashes, which no other app has.
    pub(crate) name: String,
    /// The program and its arguments.
    pub(crate) command: Vec<String>,
    /// Where it runs.
    pub(crate) folder: String,
    /// Programs and scripts that are not in the folder of the process file.
    pub(crate) outside: Vec<String>,
    /// Variables of the process file.
    pub(crate) variables: BTreeMap<&'a str, Cow<'a, str>>,
    /// Whether one of them, or an argument, is another one for each process of the file.
    pub(crate) by_instance: bool,
    /// Names of those whose values are secrets.
    pub(crate) secrets: Vec<&'a str>,
    /// What it listens on, as far as the file tells.
    pub(crate) ports: Vec<u16>,
    /// Those of them that another app has, too.
    pub(crate) shared_ports: Vec<u16>,
    /// When it runs.
    pub(crate) when: When,
}

impl<'a> Service<'a> {
    /// Returns all of them.
    pub(crate) fn all(engine: Engine, apps: &'a [AppSpec], source: &Source) -> Vec<Self> {
        let (mut names, mut taken) = (BTreeSet::new(), BTreeSet::new());
        let of = |spec: &'a AppSpec| {
            let mut service = Self::of(engine, spec, source);
            service.name = free_name(&service.name, &mut names);
            let ports = service.ports.clone();
            service.shared_ports = ports.into_iter().filter(|port| !taken.insert(*port)).collect();
            service
        };
        apps.iter().map(of).collect()
    }

    fn of(engine: Engine, spec: &'a AppSpec, source: &Source) -> Self {
        let mut outside = Vec::new();
        let mut place = |path: &Path| match path.strip_prefix(&source.folder) {
            Ok(rest) if engine.runs_images() => Path::new(PLACE).join(rest).display().to_string(),
            Ok(_) => path.display().to_string(),
            Err(_) => {
                outside.push(path.display().to_string());
                path.display().to_string()
            }
        };
        let script = (!spec.is_own_interpreter()).then(|| place(&spec.script));
        let folder = place(&spec.cwd).trim_end_matches('/').to_owned();
        let mut command: Vec<String> =
            spec.interpreter.iter().map(|of| program(engine, of)).collect();
        command.extend(spec.interpreter_args.iter().cloned());
        command.extend(script);
        // Each replica is the first: it has a network of its own, or the file says so.
        let port = port_of(spec);
        let of_first = |text: &'a str| fill(text, 0, port);
        command.extend(spec.args.iter().map(|arg| of_first(arg).into_owned()));
        let own = spec.env.iter().filter(|(name, _)| spec.file_variables.contains(*name));
        let (secrets, plain): (Vec<_>, Vec<_>) = own.partition(|(name, _)| is_secret_name(name));
        Self {
            spec,
            name: plain_name(&spec.name),
            command,
            folder: if folder.is_empty() { "/".to_owned() } else { folder },
            outside,
            by_instance: spec.args.iter().any(|arg| varies(arg))
                || plain.iter().any(|(_, value)| varies(value)),
            variables: plain.into_iter().map(|(name, value)| (name, of_first(value))).collect(),
            secrets: secrets.into_iter().map(|(name, _)| name).collect(),
            ports: ports(spec),
            shared_ports: Vec::new(),
            when: when(spec),
        }
    }

    /// How many run at a time. One that is not started by itself is none of them.
    pub(crate) fn replicas(&self) -> u32 {
        if self.spec.autostart { self.spec.instances } else { 0 }
    }

    /// Bytes of memory that each may have: its limit, else that above which it is restarted.
    pub(crate) fn memory(&self) -> Option<u64> {
        self.spec.limits.max_memory.or(self.spec.policy.max_memory)
    }

    /// Whole seconds until it is killed.
    pub(crate) fn grace(&self) -> u64 {
        self.spec.policy.stop_grace.div_ceil(1000).max(1)
    }

    /// The signal that asks it to end.
    pub(crate) fn signal(&self) -> String {
        ostler_config::signal_name(self.spec.policy.stop_signal)
    }

    /// `1000:1000`, where the file names a user.
    pub(crate) fn user(&self) -> Option<String> {
        let uid = self.spec.uid?;
        Some(self.spec.gid.map_or(uid.to_string(), |gid| format!("{uid}:{gid}")))
    }

    /// The tag of its image.
    pub(crate) fn image(&self) -> String {
        let version = self.spec.version.as_deref().filter(|version| is_tag(version));
        format!("{}:{}", self.name, version.unwrap_or("latest"))
    }
}

/// Whether a text is another one for each process.
fn varies(text: &str) -> bool {
    text.contains("instance}") && is_made(text)
}

/// An interpreter of this machine is at another path in an image, where its name finds it.
fn program(engine: Engine, interpreter: &str) -> String {
    let name = Path::new(interpreter).file_name().and_then(|name| name.to_str());
    match name {
        Some(name) if engine.runs_images() => name.to_owned(),
        Some(_) | None => interpreter.to_owned(),
    }
}

fn when(spec: &AppSpec) -> When {
    let ends = spec.policy.oneshot || !spec.policy.autorestart;
    match cron::pattern_of(spec) {
        Some(pattern) if ends => When::At(pattern),
        None if ends => When::Once,
        Some(_) | None => When::Always,
    }
}

/// The ports that the file tells of: in a variable, in the health check, among the listeners.
fn ports(spec: &AppSpec) -> Vec<u16> {
    let mut ports = BTreeSet::new();
    ports.extend(port_of(spec).filter(|_| spec.file_variables.contains("PORT")));
    ports.extend(spec.health.as_ref().and_then(|health| probed(&health.probe)));
    ports.extend(spec.fds.values().filter_map(|address| match address {
        Address::Tcp { port, .. } => Some(*port),
        Address::Unix(_) => None,
    }));
    ports.extend(&spec.privileged_ports);
    ports.into_iter().filter(|port| *port != 0).collect()
}

fn probed(probe: &Probe) -> Option<u16> {
    match probe {
        Probe::Http { url } => Some(Url::of(url)?.port),
        Probe::Tcp { address } | Probe::Grpc { address, .. } => {
            address.rsplit_once(':')?.1.parse().ok()
        }
        Probe::Exec { .. } => None,
    }
}

/// What every engine takes as a name.
fn plain_name(name: &str) -> String {
    let mut plain = String::new();
    for c in name.chars() {
        match c {
            c if c.is_ascii_alphanumeric() => plain.push(c.to_ascii_lowercase()),
            _ if plain.ends_with('-') => {}
            _ => plain.push('-'),
        }
    }
    let short = plain.get(..LONGEST).unwrap_or(&plain).trim_matches('-');
    match short.chars().next() {
        None => "app".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("app-{short}"),
        Some(_) => short.to_owned(),
    }
}

fn free_name(name: &str, taken: &mut BTreeSet<String>) -> String {
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    // There is always another number.
    let free = names.find(|name| !taken.contains(name)).unwrap_or_default();
    taken.insert(free.clone());
    free
}

fn is_tag(version: &str) -> bool {
    let first = |c: char| c.is_ascii_alphanumeric() || c == '_';
    version.len() <= 128
        && version.starts_with(first)
        && version.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{free_name, plain_name};

    #[test]
    fn a_name_is_one_that_every_engine_takes() {
        let long = "x".repeat(80);
        for (name, plain) in [
            ("api", "api"),
            ("My App_2", "my-app-2"),
            ("1st", "app-1st"),
            ("é", "app"),
            ("-", "app"),
        ] {
            assert_eq!(plain_name(name), plain);
        }
        assert_eq!(plain_name(&long).len(), super::LONGEST);
    }

    #[test]
    fn no_two_apps_have_one_name() {
        let mut taken = BTreeSet::new();
        let names: Vec<String> =
            ["a", "a", "a-2", "b"].iter().map(|name| free_name(name, &mut taken)).collect();
        assert_eq!(names, ["a", "a-2", "a-2-2", "b"]);
    }
}
