use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use super::path::{service_path, stable_exe};
use super::{Platform, Service, installation, service_name};
use crate::program::Program;

fn service() -> Service {
    Service {
        program: Program::Ostler,
        name: "ostler-ann".to_owned(),
        named: false,
        user: "ann".to_owned(),
        user_home: PathBuf::from("/home/ann"),
        home: PathBuf::from("/home/ann/.ostler"),
        exe: PathBuf::from("/usr/local/bin/ostler"),
        path: "/usr/local/bin:/usr/bin:/bin".to_owned(),
        wait_ip: false,
    }
}

const ALL: [Platform; 9] = [
    Platform::Systemd,
    Platform::SystemdUser,
    Platform::Upstart,
    Platform::Systemv,
    Platform::Openrc,
    Platform::Launchd,
    Platform::Rcd,
    Platform::RcdOpenbsd,
    Platform::Smf,
];

#[test]
fn the_first_tool_found_decides_and_synonyms_are_known() {
    let check = |tools: &[&str], expected: Option<Platform>| {
        assert_eq!(Platform::detect(|tool| tools.contains(&tool)), expected, "{tools:?}");
    };
    check(&["update-rc.d", "systemctl", "svcadm"], Some(Platform::Systemd));
    check(&["rc-update", "update-rc.d"], Some(Platform::Upstart));
    check(&["rc-update", "chkconfig"], Some(Platform::Systemv));
    check(&["rc-update"], Some(Platform::Openrc));
    check(&["launchctl"], Some(Platform::Launchd));
    check(&["rcctl", "sysrc"], Some(Platform::Rcd));
    check(&["rcctl"], Some(Platform::RcdOpenbsd));
    check(&["svcadm"], Some(Platform::Smf));
    check(&["init"], None);
    for (name, expected) in [
        ("ubuntu", Platform::Systemd),
        ("centos", Platform::Systemd),
        ("arch", Platform::Systemd),
        ("oracle", Platform::Systemd),
        ("ubuntu14", Platform::Upstart),
        ("centos6", Platform::Systemv),
        ("amazon", Platform::Systemv),
        ("darwin", Platform::Launchd),
        ("macos", Platform::Launchd),
        ("freebsd", Platform::Rcd),
        ("openbsd", Platform::RcdOpenbsd),
        ("solaris", Platform::Smf),
    ] {
        assert_eq!(Platform::named(name), Some(expected), "{name}");
    }
    assert_eq!(Platform::named("windows"), None);
    for platform in ALL {
        assert_eq!(Platform::named(platform.name()), Some(platform));
        assert!(Platform::names().any(|name| name == platform.name()));
    }
}

#[test]
fn every_text_names_program_user_home_and_path() {
    for platform in ALL {
        let plan = installation(platform, &service());
        for part in [
            "/usr/local/bin/ostler",
            "/home/ann/.ostler",
            "OSTLER_HOME",
            "/usr/local/bin:/usr/bin:/bin",
        ] {
            assert!(plan.text.contains(part), "{platform:?}: no `{part}` in\n{}", plan.text);
        }
        assert!(plan.text.contains("ann"), "{platform:?}");
        assert!(
            plan.target.is_absolute() && !plan.enable.is_empty() && !plan.disable.is_empty(),
            "{platform:?}"
        );
    }
    let pm2 = Service { program: Program::Pm2, home: "/home/ann/.pm2".into(), ..service() };
    assert!(
        installation(Platform::Systemd, &pm2)
            .text
            .contains("Environment=\"PM2_HOME=/home/ann/.pm2\"\n")
    );
}

#[test]
fn places_are_those_of_pm2() {
    let check = |platform: Platform, target: &str| {
        assert_eq!(installation(platform, &service()).target, Path::new(target));
    };
    check(Platform::Systemd, "/etc/systemd/system/ostler-ann.service");
    check(Platform::SystemdUser, "/home/ann/.config/systemd/user/ostler-ann.service");
    check(Platform::Upstart, "/etc/init.d/ostler-ann");
    check(Platform::Systemv, "/etc/init.d/ostler-ann");
    check(Platform::Openrc, "/etc/init.d/ostler");
    check(Platform::Launchd, "/home/ann/Library/LaunchAgents/ostler.ann.plist");
    check(Platform::Rcd, "/usr/local/etc/rc.d/ostler_ann");
    check(Platform::RcdOpenbsd, "/etc/rc.d/ostler_ann");
    let named = Service { named: true, name: "web-1".to_owned(), ..service() };
    assert_eq!(installation(Platform::Openrc, &named).target, Path::new("/etc/init.d/web-1"));
    assert_eq!(installation(Platform::Rcd, &named).target, Path::new("/usr/local/etc/rc.d/web_1"));
    assert_eq!(service_name(Program::Pm2, '-', "DOMAIN\\a b"), "pm2-DOMAIN_a_b");
}

/// PM2 #6089: what a person types ends up in files that root reads.
#[test]
fn names_that_mean_something_elsewhere_are_refused() {
    let bad = [
        "a b",
        "a;id",
        "$(id)",
        "`id`",
        "../../etc/x",
        "a/b",
        "-x",
        ".hidden",
        "a\nUser=root",
        "",
        "a@b",
        "%i",
    ];
    for name in bad {
        let service = Service { named: true, name: name.to_owned(), ..service() };
        assert!(service.check().unwrap_err().advice().is_some(), "{name:?}");
    }
    for user in ["", "a b", "a;id", "$(id)", "-o", "a\nb", "a/b", "%u"] {
        assert!(Service { user: user.to_owned(), ..service() }.check().is_err(), "{user:?}");
    }
    for home in ["relative", "/a\nExecStart=/bin/id", "/a\tb\u{7}"] {
        assert!(Service { home: home.into(), ..service() }.check().is_err(), "{home:?}");
        assert!(Service { user_home: home.into(), ..service() }.check().is_err(), "{home:?}");
        assert!(Service { exe: home.into(), ..service() }.check().is_err(), "{home:?}");
    }
    assert!(Service { path: "/bin:/x\nUser=root".to_owned(), ..service() }.check().is_err());
    let good = Service {
        user: "ann@corp.example".to_owned(),
        named: true,
        name: "web_1.a-b".to_owned(),
        ..service()
    };
    assert!(good.check().is_ok());
}

#[test]
fn odd_paths_stay_values_in_every_text() {
    let odd = "/home/a 'b\" $(touch pwned) %h & <c> \\d";
    let service = Service { home: odd.into(), exe: format!("{odd}/ostler").into(), ..service() }
        .check()
        .unwrap();
    let unit = installation(Platform::Systemd, &service).text;
    let quoted = r#"/home/a 'b\" $(touch pwned) %%h & <c> \\d"#;
    assert!(unit.contains(&format!("Environment=\"OSTLER_HOME={quoted}\"\n")), "{unit}");
    assert!(unit.contains(&format!("ExecStart=\"{quoted}/ostler\" boot\n")), "{unit}");
    for platform in [
        Platform::Upstart,
        Platform::Systemv,
        Platform::Openrc,
        Platform::Rcd,
        Platform::RcdOpenbsd,
    ] {
        let text = installation(platform, &service).text;
        let quoted = odd.replace('\'', r"'\''");
        assert!(text.contains(&format!("OSTLER_HOME='{quoted}'\n")), "{platform:?}\n{text}");
        // What a shell makes of the assignments.
        let lines: Vec<&str> =
            text.lines().filter(|line| line.starts_with("export OSTLER_HOME=")).collect();
        let script = format!("{}\nprintf %s \"$OSTLER_HOME\"", lines.join("\n"));
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), odd, "{platform:?}");
    }
    for platform in [Platform::Launchd, Platform::Smf] {
        let text = installation(platform, &service).text;
        assert!(
            text.contains("/home/a &apos;b&quot; $(touch pwned) %h &amp; &lt;c&gt; \\d"),
            "{platform:?}\n{text}"
        );
    }
}

#[test]
fn scripts_are_good_shell() {
    for platform in [
        Platform::Upstart,
        Platform::Systemv,
        Platform::Openrc,
        Platform::Rcd,
        Platform::RcdOpenbsd,
    ] {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("script");
        fs::write(&file, installation(platform, &service()).text).unwrap();
        let status = std::process::Command::new("sh").arg("-n").arg(&file).status().unwrap();
        assert!(status.success(), "{platform:?}");
    }
}

fn make_program(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "").unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// PM2 #2006: a service that names a folder of one version of Node is dead after the next.
#[test]
fn a_program_below_a_version_is_called_by_a_path_that_stays() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let real = root.join("versions/node/v20.1.0/bin/ostler");
    make_program(&real);
    let path = format!("{0}/versions/node/v20.1.0/bin:{0}/bin", root.display());
    assert_eq!(stable_exe(OsStr::new("ostler"), &real, &path), None);
    fs::create_dir(root.join("bin")).unwrap();
    symlink(&real, root.join("bin/ostler")).unwrap();
    assert_eq!(stable_exe(OsStr::new("ostler"), &real, &path), Some(root.join("bin/ostler")));
    // Another program of the same name is not it.
    fs::remove_file(root.join("bin/ostler")).unwrap();
    make_program(&root.join("bin/ostler"));
    assert_eq!(stable_exe(OsStr::new("ostler"), &real, &path), None);
    // Without a version, the link that was called is kept: it is what an upgrade changes.
    let plain = root.join("opt/ostler");
    make_program(&plain);
    symlink(&plain, root.join("bin/manager")).unwrap();
    let called = root.join("bin/manager");
    assert_eq!(stable_exe(called.as_os_str(), &plain, &path), Some(called));
}

#[test]
fn the_path_of_a_service_names_what_version_managers_keep_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().canonicalize().unwrap();
    let text = |path: &str| format!("{}/{path}", home.display());
    for node in [
        ".nvm/versions/node/v20.1.0/bin/node",
        ".asdf/installs/nodejs/20.1.0/bin/node",
        ".asdf/shims/node",
    ] {
        make_program(&home.join(node));
    }
    let given = format!(
        "{}:relative::{}:{}:/opt/x/bin:/usr/bin:{}",
        text(".nvm/versions/node/v20.1.0/bin"),
        text(".asdf/installs/nodejs/20.1.0/bin"),
        text("app/node_modules/.bin"),
        text("gone/fnm_multishells/77_1/bin"),
    );
    let base = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin:/bin";
    let (path, passing) = service_path(&given, &home);
    let nvm = text(".nvm/versions/node/v20.1.0/bin");
    assert_eq!(path, format!("{nvm}:{}:/opt/x/bin:/usr/bin:{base}", text(".asdf/shims")));
    assert_eq!(passing, [nvm]);
    // nvm with NVM_SYMLINK_CURRENT.
    symlink(home.join(".nvm/versions/node/v20.1.0"), home.join(".nvm/current")).unwrap();
    let (path, passing) = service_path(&given, &home);
    assert!(path.starts_with(&format!("{}:", text(".nvm/current/bin"))), "{path}");
    assert!(passing.is_empty());
}
