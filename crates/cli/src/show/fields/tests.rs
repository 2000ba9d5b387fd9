//! What each field says, and which are there.

use expect_test::expect_file;

use super::*;
use crate::voice::Problem;
use ostler_show::sample::{NOW, details, processes};

fn of(shape: &Shape, ids: &[u32]) -> String {
    let processes = processes();
    let all: Vec<Details> = processes.iter().cloned().map(details).collect();
    let known = all.iter().filter(|of| ids.contains(&of.view.id)).map(|of| Known {
        view: &of.view,
        details: Some(of),
        reason: (of.view.id == 5).then_some("port in use"),
        now: NOW,
    });
    shape.render(&known.collect::<Vec<_>>(), false)
}

#[test]
fn fields_come_as_json_in_the_order_in_which_they_were_asked_for() {
    let shape = Shape::json(Some("name, pid,status,ports,uptime"), false).unwrap();
    let shown = of(&shape, &[0, 5]);
    assert_eq!(
        shown,
        "[{\"name\":\"api\",\"pid\":4000,\"status\":\"online\",\"ports\":[\"*:3000\"],\
         \"uptime\":7300},\n {\"name\":\"worker\",\"pid\":null,\"status\":\"errored\",\
         \"ports\":[],\"uptime\":null}]\n"
    );
    assert_eq!(serde_json::from_str::<Value>(&shown).unwrap()[1]["name"], "worker");
    assert_eq!(of(&shape, &[]), "[]\n");
}

#[test]
fn every_field_has_a_value() {
    let names: Vec<&str> = FIELDS.iter().map(|field| field.name).collect();
    let shape = Shape::json(Some(&names.join(",")), true).unwrap();
    let all: Value = serde_json::from_str(&of(&shape, &[2, 4, 5, 6, 8])).unwrap();
    expect_file!["../snapshots/fields.json"].assert_eq(&format!("{all:#}\n"));
}

#[test]
fn a_template_makes_a_line_of_each_process() {
    let line = |template: &str| of(&Shape::lines(template, false).unwrap(), &[4, 5]);
    assert_eq!(line("{name} {pid}"), "web 4004\nworker \n");
    assert_eq!(line(r"{{{ id }}}\t{end}"), "{4}\tSIGSEGV, core\n{5}\tport in use\n");
    assert_eq!(line("{ports}"), "127.0.0.1:8080,/run/web.sock\n\n");
}

#[test]
fn a_line_is_one_whatever_is_in_it_and_json_means_what_there_is() {
    let mut process = processes().remove(0);
    process.name = "a\x1b[2J\u{202e}".to_owned();
    let known = [Known { view: &process, details: None, reason: None, now: NOW }];
    let lines = Shape::lines("{name}\\t{id}", false).unwrap();
    for terminal in [false, true] {
        assert_eq!(lines.render(&known, terminal), "a\\x1b[2J\\u202e\t0\n");
    }
    let json = Shape::json(Some("name"), false).unwrap();
    assert_eq!(json.render(&known, false), "[{\"name\":\"a\\u001b[2J\u{202e}\"}]\n");
    assert_eq!(json.render(&known, true), "[{\"name\":\"a\\u001b[2J\\u202e\"}]\n");
}

#[test]
fn ports_that_cannot_be_seen_are_null_and_a_question_mark_and_looked_up_only_when_asked_for() {
    let mut process = processes().remove(0);
    process.listens = vec![UNKNOWN.to_owned()];
    let known = [Known { view: &process, details: None, reason: None, now: NOW }];
    let json = |fields: &str| Shape::json(Some(fields), false).unwrap();
    let lines = |template: &str| Shape::lines(template, false).unwrap();
    assert_eq!(json("ports").render(&known, false), "[{\"ports\":null}]\n");
    assert_eq!(lines("{ports}").render(&known, false), "?\n");
    assert!(json("name,ports").shows_ports() && lines("{name} {ports}").shows_ports());
    assert!(!json("name,pid").shows_ports() && !lines("ports {name}").shows_ports());
}

#[test]
fn json_without_names_is_every_field_that_the_command_knows() {
    let shown = |describe: bool| match Shape::json(None, describe).unwrap() {
        Shape::Json(fields) => fields.iter().map(|field| field.name).collect::<Vec<_>>(),
        Shape::Lines(_) => Vec::new(),
    };
    let (list, describe) = (shown(false), shown(true));
    assert!(list.contains(&"pid") && !list.contains(&"cwd"), "{list:?}");
    assert_eq!(describe.len(), FIELDS.len());
}

#[test]
fn what_is_no_field_is_refused_with_those_that_are() {
    let refused = |shape: Result<Shape, Failed>| match shape.unwrap_err().problem {
        Some(Problem::Other { message, hint }) => (message, hint.unwrap()),
        other => panic!("{other:?}"),
    };
    let (what, hint) = refused(Shape::json(Some("name,colour"), false));
    assert_eq!(what, "there is no field `colour`");
    assert!(hint.starts_with("the fields are id, name, ") && !hint.contains("cwd"), "{hint}");
    let (what, _) = refused(Shape::lines("{cwd}", false));
    assert_eq!(what, "only `describe` knows the field `cwd`");
    assert!(Shape::lines("{cwd}", true).is_ok());
    let (what, _) = refused(Shape::lines("{name", false));
    assert_eq!(what, "`{name` in `--format` is not closed");
}
