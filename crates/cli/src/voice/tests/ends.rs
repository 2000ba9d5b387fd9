//! Ends of what was done, and what a reload is.

use super::*;

#[test]
fn where_lines_stay_each_end_is_one_line_and_a_reload_does_not_end_twice() {
    let mut voice = Voice::new(Program::Ostler);
    let targets = targets();
    let mut lines = |notice: &Notice<'_>, ms: u64| {
        let now = Duration::from_millis(ms);
        voice.tally.take(notice, now);
        {
            let said = (Progress::Plain, &voice.typed);
            ostler::lines(notice, &mut voice.tally, now, said, Paint::PLAIN)
        }
    };
    let act = Act::Reload;
    lines(&Notice::Begun { act, selector: None, targets: &targets[..2] }, 0);
    let done = lines(&acted(0, "api"), 5000);
    assert_eq!(done, [Line::err("[1/2] reloaded api (id 0)")]);
    assert_eq!(lines(&Notice::Replaced { id: 1, name: "api" }, 5000), []);
}

#[test]
fn a_time_is_said_as_a_person_says_it() {
    let check = |ms: u64, said: &str| {
        assert_eq!(span(Duration::from_millis(ms)), said, "{ms}");
    };
    check(0, "0 ms");
    check(99, "99 ms");
    check(100, "0.1 s");
    check(3_249, "3.2 s");
    check(59_949, "59.9 s");
    check(125_000, "2 min 5 s");
    check(3_780_000, "1 h 3 min");
}

/// Of an app with two modes it was said that it runs in fork mode, and of one of which a part was
/// stopped that it does not run.
#[test]
fn a_reload_says_of_which_processes_it_is_a_restart_or_a_start() {
    let of = |id, name: &str, cluster, rests| Target { id, name: name.to_owned(), cluster, rests };
    let mixed = [of(0, "v", true, false), of(4, "v", false, false), of(2, "w", true, false)];
    let said = |all: &[Target]| (ostler::restarted(all), ostler::started(all));
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        said(&mixed),
        (text("process 4 of v runs in fork mode: this reload is a restart"), None)
    );
    let part = [of(0, "v", false, true), of(1, "v", false, true), of(2, "v", false, false)];
    assert_eq!(
        said(&part),
        (
            text("process 2 of v runs in fork mode: this reload is a restart"),
            text("processes 0, 1 of v do not run: this reload is a start")
        )
    );
    let two = [of(0, "v", false, false), of(1, "v", false, false), of(2, "w", false, false)];
    assert_eq!(said(&two).0, text("v, w run in fork mode: this reload is a restart"));
}
