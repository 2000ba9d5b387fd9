//! Process files, and what becomes of them for each engine: files beside each other in `golden`.
//! `UPDATE_EXPECT=1` writes them anew; in `cargo xtask lab export` validators read them.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod imported;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use expect_test::expect_file;
use ostler_config::{Context, Options};
use ostler_core::spec::AppSpec;
use ostler_export::{Engine, Export, File, Source, export};

/// What the folder of the process file is called in the golden files.
const FOLDER: &str = "/srv/shop";

fn apps(text: &str, folder: &Path, env: Option<&str>) -> Vec<AppSpec> {
    for script in ["server.js", "worker.py", "report.sh", "bin/tool"] {
        let path = folder.join(script);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    for program in ["node", "python3", "bash"] {
        let path = folder.join("programs").join(program);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let etc = folder.join("etc");
    fs::create_dir_all(&etc).unwrap();
    fs::write(etc.join("passwd"), "ann:x:1000:1000::/home/ann:/bin/sh\n").unwrap();
    fs::write(etc.join("group"), "ann:x:1000:\n").unwrap();
    let path = folder.join("programs").display().to_string();
    let context = Context {
        home: folder.join("home"),
        cwd: folder.to_owned(),
        env: BTreeMap::from([("PATH".to_owned(), path), ("FROM_SHELL".to_owned(), "x".to_owned())]),
        cpus: 2,
        username: "root".to_owned(),
        euid: 0,
        node: None,
        etc,
        log_files: false,
        server: None,
        listed: None,
        as_pm2: false,
    };
    let options = Options { env: env.map(str::to_owned), ..Options::default() };
    let (apps, diagnostics) = ostler_config::load_text(text, "shop.json", &options, &context);
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    apps
}

fn exported(engine: Engine, text: &str, env: Option<&str>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().canonicalize().unwrap();
    let apps = apps(text, &place, env);
    let source = Source { file: "shop.json".to_owned(), folder: place.clone() };
    let Export { files, notes } = export(engine, &apps, &source);
    let mut out = String::new();
    for File { name, text } in &files {
        if 1 < files.len() {
            writeln!(out, "# ---- {name}").unwrap();
        }
        out.push_str(text);
    }
    for note in notes {
        let said = format!("# {}: {}", note.app, note.text).replace(char::is_control, " ");
        assert!(out.contains(&said), "the files of {} do not say `{said}`", engine.name());
    }
    out.replace(&place.display().to_string(), FOLDER)
}

#[test]
fn each_engine_gets_its_files() {
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden");
    for name in ["shop", "jobs", "odd"] {
        let text = fs::read_to_string(golden.join(format!("{name}.json"))).unwrap();
        for engine in Engine::ALL {
            let ending = match engine {
                Engine::Compose | Engine::Kubernetes | Engine::Swarm => "yaml",
                Engine::Nomad => "hcl",
                Engine::Systemd => "units",
            };
            let file = golden.join(format!("{name}.{}.{ending}", engine.name()));
            expect_file![file].assert_eq(&exported(engine, &text, None));
        }
    }
}

#[test]
fn no_secret_and_nothing_of_the_shell_is_in_a_file() {
    let text = r#"{ "apps": [{ "name": "a", "script": "server.js",
        "env": { "DB_PASSWORD": "hunter2", "api_token": "t0ps3cret", "PLAIN": "seen" } }] }"#;
    for engine in Engine::ALL {
        let files = exported(engine, text, None);
        for secret in ["hunter2", "t0ps3cret", "FROM_SHELL"] {
            assert!(!files.contains(secret), "{}: {secret} in\n{files}", engine.name());
        }
        assert!(files.contains("seen") && files.contains("DB_PASSWORD"), "{files}");
    }
}

#[test]
fn the_environment_that_is_asked_for_is_exported() {
    let text = r#"{ "apps": [{ "name": "a", "script": "server.js", "env": { "STAGE": "dev" },
        "env_production": { "STAGE": "live" } }] }"#;
    for engine in Engine::ALL {
        let files = exported(engine, text, Some("production"));
        assert!(files.contains("live") && !files.contains("\"dev\""), "{files}");
    }
}

/// An app got the text `{port+instance}` as its port.
#[test]
fn what_is_each_instances_own_is_that_of_the_first_with_a_note() {
    let text = r#"{ "apps": [{ "name": "a", "script": "server.js", "exec_mode": "fork",
        "instances": 2, "port": 4100, "args": "--worker w{instance} --json {x}",
        "env": { "PORT": "{port+instance}" } }] }"#;
    for engine in Engine::ALL {
        let files = exported(engine, text, None);
        assert!(files.contains("4100") && files.contains("w0"), "{files}");
        assert!(!files.contains("{port") && files.contains("{x}"), "{files}");
        let noted = files.contains("a: `{instance}` is 0 in each ");
        assert!(noted && files.matches("{instance}").count() == 1, "{files}");
    }
}
