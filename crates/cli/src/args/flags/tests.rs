use super::*;

#[test]
fn the_attributes_that_commands_ask_for_have_these_options() {
    for name in ["cron-restart", "user", "watch"] {
        let found = FLAGS.iter().find(|flag| flag.name() == name);
        assert!(found.is_some_and(|flag| matches!(flag.scope, Scope::App(_))), "{name}");
    }
    let accepted = FLAGS.iter().filter(|flag| flag.scope == Scope::Compatibility);
    assert!(1 < accepted.count(), "those of the chapter and ours");
}

#[test]
fn what_a_command_does_otherwise_is_about_an_option_that_exists() {
    for (command, name, _) in OTHERWISE {
        assert!(FLAGS.iter().any(|flag| flag.name() == name), "{command:?} {name}");
    }
}

#[test]
fn a_command_takes_what_it_acts_on_and_under_the_name_pm2_what_pm2_takes() {
    let check = |name: &str, takers: &[&str]| {
        let flag = FLAGS.iter().find(|flag| flag.name() == name).unwrap();
        assert_eq!(flag.takers(), takers, "{name}");
        let in_pm2 = COMMANDS.iter().filter(|of| flag.fits(of.id, Program::Pm2)).count();
        let all = if flag.is_of_all_in_pm2() { COMMANDS.len() } else { takers.len() };
        assert_eq!(in_pm2, all, "{name}");
    };
    let files = ["startOrRestart", "startOrReload"];
    check("name", &["start", "run", "serve", "restart", "reload"]);
    check("cwd", &[&["start", "run", "restart", "reload"][..], &files].concat());
    check("instances", &["start", "run"]);
    check(
        "watch",
        &[&["start", "run", "stop", "restart", "reload"][..], &files, &["list"]].concat(),
    );
    check("cron-restart", &["start", "run", "restart", "reload"]);
    check(
        "user",
        &[
            &["start", "run", "restart", "reload"][..],
            &files,
            &["logrotate", "startup", "unstartup"],
        ]
        .concat(),
    );
    check("sort", &["list"]);
    check("force", &["start", "serve", "deploy", "save", "link-pm2"]);
    check("canary", &["reload", "startOrReload"]);
    check("verbose", &[]);
}
