//! What a living process shows of itself: enough to start it again when nothing else tells.
//!
//! A program that was started by us was given most of its record in its environment, as PM2 gives
//! it; one that wrote over that still has a program, arguments and a folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use ostler_config::{attributes, name_of_script};
use ostler_core::spec::AppSpec;
use ostler_core::{ProcId, Texts};
use ostler_pm2::environment::flattened;
use ostler_pm2::record::from_map;
use serde_json::{Map, Value as Json};

use super::marks::RUN_VARIABLE;

/// Variables that the manager sets for each run.
const OF_RUN: [&str; 12] = [
    "NODE_CHANNEL_SERIALIZATION_MODE",
    "NODE_UNIQUE_ID",
    "PM2_HOME",
    "PM2_USAGE",
    "created_at",
    "name",
    "pm_id",
    "pm_uptime",
    "restart_time",
    "status",
    "unique_id",
    "unstable_restarts",
];

/// What a process shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The program that is executed.
    pub exe: PathBuf,
    /// Its arguments, from the name it was called by on.
    pub args: Vec<String>,
    /// The folder it is in.
    pub cwd: PathBuf,
    /// The environment that it was given.
    pub env: BTreeMap<String, String>,
    /// User and group, where the user is not ours.
    pub user: Option<(u32, u32)>,
}

impl Shown {
    /// What the process shows; `None` when it is gone, or may not be looked into.
    pub fn read(pid: u32) -> Option<Self> {
        let folder = PathBuf::from(format!("/proc/{pid}"));
        let texts = |name: &str| {
            let bytes = fs::read(folder.join(name)).unwrap_or_default();
            let texts = bytes.split(|byte| *byte == 0).filter(|text| !text.is_empty());
            texts.map(|text| String::from_utf8_lossy(text).into_owned()).collect::<Vec<_>>()
        };
        let variable = |text: String| {
            let (name, value) = text.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        };
        let user = fs::metadata(&folder).ok().map(|meta| (meta.uid(), meta.gid()))?;
        let own = rustix::process::geteuid().as_raw();
        Some(Self {
            exe: fs::read_link(folder.join("exe")).ok()?,
            args: texts("cmdline"),
            cwd: fs::read_link(folder.join("cwd")).ok()?,
            env: texts("environ").into_iter().filter_map(variable).collect(),
            user: Some(user).filter(|(user, _)| *user != own),
        })
    }

    /// The app that it seems to be.
    pub fn specification(&self) -> AppSpec {
        let mut spec = self.of_environment().unwrap_or_else(|| self.of_program());
        (spec.uid, spec.gid) = self.user.unzip();
        spec.instances = 1;
        spec
    }

    /// As the record in its environment says.
    fn of_environment(&self) -> Option<AppSpec> {
        let given = attributes().filter(|attribute| attribute.in_environment);
        let all: Map<String, Json> = given
            .filter_map(|attribute| {
                let text = self.env.get(attribute.record)?;
                Some((attribute.record.to_owned(), typed(text)))
            })
            .chain(self.name_and_files())
            .collect();
        let mut spec = from_map(&all, 1).ok()?;
        let known = flattened(&spec, ProcId(0)).into_keys();
        let known: BTreeSet<String> =
            known.chain([RUN_VARIABLE.to_owned(), spec.instance_var.clone()]).collect();
        let own = |name: &String| known.contains(name) || OF_RUN.contains(&name.as_str());
        let env = self.env.iter().filter(|(name, _)| !own(name));
        spec.env = env.map(|(name, value)| (name.clone(), value.clone())).collect();
        // Nothing of what nobody acts on is worth a guess.
        spec.passthrough = Texts::new();
        // Between the interpreter and the script stand options, behind it arguments.
        let script = spec.script.to_string_lossy();
        if spec.is_own_interpreter() {
            let module = self.args.iter().position(|arg| arg == "-m").unwrap_or_default() + 2;
            spec.interpreter_args = self.args.iter().take(module).skip(1).cloned().collect();
            spec.args = self.args.iter().skip(module).cloned().collect();
        } else if let Some(at) = self.args.iter().position(|arg| *arg == script) {
            spec.args = self.args.iter().skip(at + 1).cloned().collect();
            if spec.interpreter.is_some() {
                spec.interpreter_args = self.args.iter().take(at).skip(1).cloned().collect();
            }
        }
        Some(spec)
    }

    /// Its name, and paths of its files; that they carry its number is known by when it was made.
    fn name_and_files(&self) -> impl Iterator<Item = (String, Json)> {
        let names = ["name", "pm_out_log_path", "pm_err_log_path", "pm_pid_path", "created_at"];
        names
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), Json::String(self.env.get(name)?.clone()))))
    }

    /// As the program says that runs.
    fn of_program(&self) -> AppSpec {
        let mut spec = AppSpec::new(self.exe.clone(), self.cwd.clone());
        spec.name = name_of_script(Path::new(&self.exe));
        spec.args = self.args.iter().skip(1).cloned().collect();
        spec.env = self.env.clone().into();
        spec.env.remove(RUN_VARIABLE);
        spec
    }
}

/// A value of a record, of which the environment has the text.
fn typed(text: &str) -> Json {
    match text {
        "true" => Json::Bool(true),
        "false" => Json::Bool(false),
        _ => Json::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(env: &[(&str, &str)], args: &[&str]) -> Shown {
        let owned = |text: &&str| (*text).to_owned();
        Shown {
            exe: "/usr/bin/node".into(),
            args: args.iter().map(owned).collect(),
            cwd: "/srv/api".into(),
            env: env.iter().map(|(name, value)| (owned(name), owned(value))).collect(),
            user: Some((1000, 1001)),
        }
    }

    #[test]
    fn what_was_flattened_into_an_environment_is_read_from_it_again() {
        let mut spec = AppSpec::new("/srv/api/app.js".into(), "/srv/api".into());
        spec.name = "api".into();
        spec.namespace = "shop".into();
        spec.interpreter = Some("node".into());
        spec.interpreter_args = vec!["--enable-source-maps".into()];
        spec.args = vec!["--port".into(), "3000".into()];
        spec.pid_file = "/h/pids/api.pid".into();
        spec.logs.out = Some("/h/logs/api-out.log".into());
        spec.logs.err = Some("/h/logs/api-error.log".into());
        spec.policy.autorestart = false;
        spec.env = [("PORT", "3000")].into();
        (spec.uid, spec.gid) = (Some(1000), Some(1001));
        let mut env = flattened(&spec, ProcId(4));
        env.extend(spec.env.to_map());
        for name in OF_RUN.into_iter().chain([RUN_VARIABLE, "NODE_APP_INSTANCE"]) {
            env.insert(name.to_owned(), "1".to_owned());
        }
        env.insert("name".to_owned(), "api".to_owned());
        let args = ["node", "--enable-source-maps", "/srv/api/app.js", "--port", "3000"];
        let seen = Shown { env, ..shown(&[], &args) };
        assert_eq!(to_text(&seen.specification()), to_text(&spec));
    }

    #[test]
    fn a_module_that_runs_keeps_its_name_and_its_arguments() {
        let mut spec = AppSpec::new("/srv/api/.venv/bin/python".into(), "/srv/api".into());
        spec.interpreter = Some("/srv/api/.venv/bin/python".into());
        let env = flattened(&spec, ProcId(0));
        let args = ["/srv/api/.venv/bin/python", "-u", "-m", "celery", "-A", "tasks"];
        let seen = Shown { env, ..shown(&[], &args) }.specification();
        assert_eq!(seen.interpreter_args, ["-u", "-m", "celery"]);
        assert_eq!(seen.args, ["-A", "tasks"]);
    }

    fn to_text(spec: &AppSpec) -> String {
        ostler_pm2::record::to_record(spec)
    }

    #[test]
    fn of_a_program_without_an_environment_remain_its_file_its_arguments_and_its_folder() {
        let spec = shown(&[], &["api: worker", "-x"]).specification();
        assert_eq!((spec.name.as_str(), spec.script.to_str()), ("node", Some("/usr/bin/node")));
        assert_eq!((spec.args, spec.cwd.to_str()), (vec!["-x".to_owned()], Some("/srv/api")));
        assert_eq!((spec.uid, spec.gid, spec.interpreter), (Some(1000), Some(1001), None));
    }

    #[test]
    fn a_process_shows_itself_and_one_that_never_was_does_not() {
        let own = Shown::read(std::process::id()).unwrap();
        assert_eq!(
            (own.exe, own.cwd),
            (std::env::current_exe().unwrap(), std::env::current_dir().unwrap())
        );
        assert!(own.env.contains_key("PATH") && own.user.is_none());
        assert_eq!(Shown::read(u32::MAX), None);
    }
}
