//! A caller's world in a temporary folder.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use ostler_config::{COLUMNS, Context, Diagnostic, Options, from_script, load};
use ostler_core::spec::AppSpec;

/// Folder with `home`, `bin` (all of `PATH`), `etc`, and the working directory `app`.
pub struct World {
    _dir: tempfile::TempDir,
    pub ctx: Context,
}

impl World {
    /// With these programs in `PATH`.
    pub fn new(programs: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for folder in ["home", "bin", "etc", "app"] {
            std::fs::create_dir(root.join(folder)).unwrap();
        }
        std::fs::write(
            root.join("etc/passwd"),
            "root:x:0:0::/root:/bin/sh\nwww:x:33:34::/var/www:/bin/false\n",
        )
        .unwrap();
        std::fs::write(root.join("etc/group"), "root:x:0:\nweb:x:34:www\nlogs:x:77:\n").unwrap();
        let bin = root.join("bin");
        let env = [
            ("PATH", bin.to_str().unwrap()),
            ("HOME", "/home/jo"),
            ("SHELL_VAR", "s"),
            ("NODE_ENV", "dev"),
        ];
        let ctx = Context {
            home: root.join("home"),
            cwd: root.join("app"),
            env: env.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            cpus: 4,
            username: "jo".to_owned(),
            euid: 1000,
            node: None,
            etc: root.join("etc"),
            log_files: true,
            server: Some(root.join("bin/ostler")),
            listed: Some(std::collections::BTreeSet::new()),
            as_pm2: false,
        };
        let world = Self { _dir: dir, ctx };
        for program in programs {
            world.program(&format!("../bin/{program}"), "#!/bin/sh\n");
        }
        world
    }

    /// Writes a file below the working directory.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.ctx.cwd.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Writes an executable file.
    pub fn program(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.file(name, content);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// The one app of a script.
    #[track_caller]
    pub fn start(&self, script: &str, options: &Options) -> AppSpec {
        let started = from_script(script, options, &self.ctx);
        started.unwrap_or_else(|wrong| panic!("{}", self.render(&wrong))).0
    }

    /// What is said against a script.
    #[track_caller]
    pub fn refused(&self, script: &str, options: &Options) -> String {
        self.render(&from_script(script, options, &self.ctx).unwrap_err())
    }

    /// The apps of a JSON text written as `eco.json`; nothing may be said against it.
    #[track_caller]
    pub fn apps(&self, text: &str, options: &Options) -> Vec<AppSpec> {
        self.file("eco.json", text);
        let (specs, report) = load("eco.json", options, &self.ctx);
        assert!(report.is_empty(), "{}", self.render(&report));
        specs
    }

    /// The only app of a JSON text.
    #[track_caller]
    pub fn app(&self, text: &str) -> AppSpec {
        let mut apps = self.apps(text, &Options::default());
        assert_eq!(apps.len(), 1);
        apps.remove(0)
    }

    /// Diagnostics as text, the folder's name taken out.
    pub fn render(&self, report: &[Diagnostic]) -> String {
        render(report, &self.ctx.cwd)
    }
}

/// Diagnostics as text, with `$CWD` for the folder.
pub fn render(report: &[Diagnostic], cwd: &Path) -> String {
    let text: Vec<String> = report.iter().map(|diagnostic| diagnostic.render(false)).collect();
    text.join("\n").replace(cwd.to_str().unwrap(), "$CWD")
}

/// Diagnostics as text in our words, with `$CWD` for the folder.
pub fn render_own(report: &[Diagnostic], cwd: &Path) -> String {
    let text: Vec<String> =
        report.iter().map(|diagnostic| diagnostic.render_own(false, COLUMNS)).collect();
    text.join("\n").replace(cwd.to_str().unwrap(), "$CWD")
}

/// The real Node of this machine.
pub fn node() -> PathBuf {
    let path = std::env::var("PATH").unwrap();
    let found =
        path.split(':').map(|folder| Path::new(folder).join("node")).find(|file| file.is_file());
    found.expect("these tests need `node` in PATH")
}

/// Options as typed: names without dashes, each with its value, or with an empty text for none.
#[track_caller]
pub fn options(given: &[(&str, &str)]) -> Options {
    let mut options = Options::default();
    for (long, value) in given {
        let value = Some(*value).filter(|value| !value.is_empty());
        assert!(options.give(long, value), "no attribute has an option `--{long}`");
    }
    options
}
