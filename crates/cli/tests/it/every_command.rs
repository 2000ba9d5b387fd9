//! What every command says, as a whole: one that is done, or one that is refused where it would
//! change the machine.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use expect_test::expect_file;
use regex_lite::Regex;
use serde_json::json;

use crate::fake::{Fake, process};

/// At least one line for each command.
const LINES: &str = "start api
start nope.js other.js
run
stop api
restart api web
reload api
startOrRestart nope.json
startOrRestart good.json
startOrReload good.json
delete web
validate good.json
validate good.json bad.yaml
explain empty
explain emty
plan good.json
apply bad.yaml
apply good.json
scale api 1
scale api 4
promote api
rollback api
list
list --json name,status
list --format {id}-{name}
jlist
describe apii
describe api
env apii
logs api --nostream
wait apii
health
sendSignal NOPE api
sendSignal SIGUSR2 api
trigger api
send apii x
attach apii
inspect apii
monit nope
monitor api
unmonitor api
web nope
mcp nope
slist nope
pull apii
forward apii
backward apii
deploy nope
export nope x
import bad.yaml
init simple
examples nope
examples
report nope
flush apii
flush api
logrotate nope
reloadLogs
profile:cpu apii
profile:mem apii
pid api --json
id api
reset api
ping
ping --json
save
resurrect
startup nope
unstartup nope
boot nope
cleardump
install
module:update nope
uninstall nope
module:generate
package nope
publish nope extra
set api.LEVEL debug
multiset api.LEVEL
multiset api.LEVEL info
get
get --json
conf api.LEVEL
unset api.NOPE
unset api.LEVEL
update nope
migrate nope
serve nope
link-pm2 nope
completion tcsh
skill nope
skill
prettylist nope
prettylist
help nope
help promote
alert nope
kill";

/// Commands that are only refused here, since they need more than a daemon of a few lines, with
/// the beginning of the test that looks at what they say when they are done.
const DONE_ELSEWHERE: [(&str, &str); 34] = [
    ("run", "foreground::a_foreground_ends_with_the_code_of_its_app"),
    ("env", "listing::an_environment_is_lines"),
    ("wait", "waiting::a_line_of_the_current_run_is_found"),
    ("health", "container::an_app_that_is_not_well_makes_the_container_unhealthy"),
    ("trigger", "talking::every_process_that_has_an_action_answers"),
    ("send", "talking::a_line_reaches_standard_input_in_both_modes"),
    ("attach", "talking::attach_shows_what_the_lines_that_are_typed_bring_about"),
    ("inspect", "talking::an_inspector_is_opened_in_node_and_nothing_else_is_hurt"),
    ("mcp", "mcp::an_agent_starts_looks_at_and_changes_the_apps_of_its_folder"),
    ("monit", "monit::monit_goes_on_over_the_death_of_the_daemon"),
    ("web", "pictures::each_screen_has_a_picture"),
    ("slist", "helping::figures_of_the_machine_have_pm2s_names"),
    ("pull", "helping::another_version_comes_by_git"),
    ("forward", "helping::another_version_comes_by_git"),
    ("backward", "helping::another_version_comes_by_git"),
    ("deploy", "deploy::a_version_is_brought_to_every_host_and_taken_back"),
    ("export", "export::a_process_file_becomes_the_file_of_an_engine"),
    ("import", "helping::an_exported_list_is_started_elsewhere_once"),
    ("report", "helping::a_report_has_no_secrets_and_starts_no_daemon"),
    ("logrotate", "external_rotation::the_systems_logrotate_is_configured"),
    ("profile:cpu", "agent::profiles_are_written_and_an_app_that_ends_before_is_told"),
    ("profile:mem", "agent::profiles_are_written_and_an_app_that_ends_before_is_told"),
    ("startup", "startup::a_systemd_unit_is_written_enabled_and_removed"),
    ("unstartup", "startup::a_systemd_unit_is_written_enabled_and_removed"),
    ("boot", "boot::boot_is_ready_when_the_saved_apps_are"),
    ("install", "modules::a_module_has_its_settings_stands_apart"),
    ("uninstall", "modules::a_module_has_its_settings_stands_apart"),
    ("package", "modules::an_archive_of_a_module_is_made_and_installed"),
    ("update", "update::with_a_hundred_apps_it_is_over_before_anybody_notices"),
    ("migrate", "migrate::apps_of_a_cluster_move_from_pm2_and_no_request_fails"),
    ("serve", "serve::a_folder_is_served_to_real_clients"),
    ("link-pm2", "foreground::links_take_nobodys_place_unless_they_are_told_to"),
    ("completion", "completion::bash_completes_every_kind_of_word"),
    ("alert", "alerts::a_test_shows_what_each_receiver_answers"),
];

/// Commands that no test does, and why.
const NEVER_DONE: [(&str, &str); 2] = [
    ("module:update", "it asks npm's registry for the newest version"),
    ("publish", "npm publishes it, under the account of whoever types it"),
];

/// Fails where a command is neither done in this text nor named with a test that does it.
fn check_done(text: &str, commands: &[&str]) {
    let mut done = BTreeSet::new();
    for part in text.split("$ ostler ").skip(1) {
        let command = part.split([' ', '\n']).next().unwrap();
        if part.contains("\ncode 0\n") {
            done.insert(command);
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    for (command, test) in DONE_ELSEWHERE {
        let (file, name) = test.split_once("::").unwrap();
        let source = std::fs::read_to_string(folder.join(format!("{file}.rs"))).unwrap();
        assert!(source.contains(&format!("\nfn {name}")), "there is no test {test}");
        assert!(!done.contains(command), "{command} is done here");
        assert!(source.contains(command), "{test} does not speak of {command}");
    }
    let is_done = |command: &&&str| {
        let mut named = DONE_ELSEWHERE.iter().chain(&NEVER_DONE);
        done.contains(**command) || named.any(|(named, _)| named == *command)
    };
    let missing: Vec<_> = commands.iter().filter(|command| !is_done(command)).collect();
    assert!(
        missing.is_empty(),
        "nothing is done by {missing:?}: only what is refused is looked at"
    );
}

#[test]
fn every_command_says_what_it_has_always_said() {
    let fake = Fake::with(vec![process(0, "api"), process(1, "web")]);
    fake.file("good.json", r#"[{ "name": "job", "script": "job.sh", "interpreter": "none" }]"#);
    let job = fake.file("job.sh", "exit 0\n");
    std::fs::set_permissions(job, std::fs::Permissions::from_mode(0o755)).unwrap();
    fake.file("bad.yaml", "- name: ''\n  script: job.sh\n  instances: many\n");
    let time = Regex::new(r" in \d+(\.\d+)? (ms|s)").unwrap();
    let mut text = String::new();
    for line in LINES.lines() {
        let ran = fake.ostler(line);
        text.push_str(&format!("$ ostler {line}\n"));
        for (stream, said) in [("out", &ran.out), ("err", &ran.err)] {
            for line in time.replace_all(said, " in TIME").lines() {
                text.push_str(format!("{stream}  {line}").trim_end());
                text.push('\n');
            }
        }
        text.push_str(&format!("code {}\n\n", ran.code));
    }
    let cursor = Regex::new(r"cursor: \S+").unwrap();
    let text = cursor.replace_all(&text, "cursor: CURSOR");
    // Whatever has that number on this machine.
    let tree = Regex::new(r"(?m)^out  process: .*\n").unwrap();
    let text = tree.replace_all(&text, "");
    let protocol = format!("\"protocol\":{}", ostler_wire::control::VERSION);
    let text = text.replace(&protocol, "\"protocol\":N");
    let text = text.replace(env!("CARGO_PKG_VERSION"), "VERSION");
    expect_file!["snapshots/commands.txt"].assert_eq(&text);
    let named = |name: &str| LINES.lines().any(|line| line.split(' ').next() == Some(name));
    let overview = fake.ostler("help").out;
    let commands = overview.lines().filter_map(|line| {
        let word = line.strip_prefix("  ")?.split(' ').next()?;
        (!word.is_empty() && !word.starts_with('-')).then_some(word)
    });
    let commands: Vec<&str> = commands.filter(|word| *word != "ostler").collect();
    let missing: Vec<&&str> = commands.iter().filter(|word| !named(word)).collect();
    assert!(missing.is_empty(), "no line for {missing:?}");
    check_done(&text, &commands);
    let pm2s = ["PM2 daemon", "malformated", "[PM2]"];
    let found = pm2s.iter().find(|words| text.contains(**words));
    assert_eq!(found, None, "PM2's words");
    assert!(!text.contains(json!(fake.home()).as_str().unwrap()), "the home is masked");
}
