//! What the fuzz targets share: a caller's world in a folder of its own, and what must be true of
//! whatever is read.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::LazyLock;

use ostler_config::{ALL_PROFILES, Context, Diagnostic, Options, load, read_yaml};
use ostler_core::spec::AppSpec;
use ostler_export::{Foreign, import};

/// The world of the caller: there is no Node in its `PATH`, so that nothing is ever run.
pub static WORLD: LazyLock<Context> = LazyLock::new(|| {
    let root = std::env::temp_dir().join(format!("ostler-fuzz-{}", std::process::id()));
    for folder in ["home", "app", "etc", "bin"] {
        std::fs::create_dir_all(root.join(folder)).expect("a folder can be made");
    }
    for file in ["app/a.sh", "bin/bash", "bin/npm"] {
        std::fs::write(root.join(file), "#!/bin/sh\n").expect("a file can be written");
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(root.join(file), mode).expect("a mode can be set");
    }
    Context {
        home: root.join("home"),
        cwd: root.join("app"),
        env: BTreeMap::from([("PATH".to_owned(), root.join("bin").display().to_string())]),
        cpus: 4,
        username: "jo".to_owned(),
        euid: 1000,
        node: None,
        etc: root.join("etc"),
        log_files: true,
        server: None,
        listed: Some(BTreeSet::new()),
        as_pm2: false,
    }
});

/// Writes a file of the working directory.
pub fn write(name: &str, data: &[u8]) -> PathBuf {
    let path = WORLD.cwd.join(name);
    std::fs::write(&path, data).expect("a file can be written");
    path
}

/// Reads a process file of this name and text: every complaint has a page and can be shown.
pub fn file(name: &str, data: &[u8]) -> Vec<AppSpec> {
    write(name, data);
    let every = Options { profiles: vec![ALL_PROFILES.to_owned()], ..Options::default() };
    let (apps, report) = load(name, &every, &WORLD);
    shown(&report);
    apps
}

/// Every complaint has a page and can be shown.
pub fn shown(report: &[Diagnostic]) {
    for one in report {
        assert!(ostler_config::code(one.code).is_some(), "no page of `{}`", one.code);
        assert!(one.render_own(true, 80).ends_with('\n'));
        assert!(!one.render(false).is_empty());
    }
}

/// Reads a file of another manager: what is made of it is YAML that has the apps that were told, and
/// reading it brings nothing down.
pub fn imported(kind: Foreign, name: &str, data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    _ = Foreign::of(name, text);
    let made = match import(kind, name, text) {
        Ok(made) => made,
        Err(not) => return assert!(!not.why.is_empty()),
    };
    let read = read_yaml(&made.text);
    let read = read.unwrap_or_else(|wrong| panic!("{wrong:?}\n{}", made.text));
    assert_eq!(read["apps"], serde_json::Value::from(made.apps), "{}", made.text);
    file("of-import.yaml", made.text.as_bytes());
}
