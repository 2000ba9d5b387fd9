//! How a line looks in each form, under both names.

use super::*;

fn line(id: u32, name: &str, err: bool, text: &str) -> LogLine {
    LogLine {
        id,
        name: name.into(),
        err,
        at: 1_795_388_825_573,
        text: text.into(),
        dropped: 0,
        place: None,
    }
}

fn writer(form: Form, color: bool) -> Writer {
    writer_of(Program::Pm2, form, color)
}

fn writer_of(program: Program, form: Form, color: bool) -> Writer {
    Writer {
        name_first: false,
        form,
        words: Words(program),
        date: None,
        highlight: Some("second".into()),
        paint: Paint { text: color, frame: false },
        asked: None,
        widest: 0,
    }
}

#[test]
fn labels_are_as_wide_as_the_widest_so_far() {
    let mut writer = writer(Form::Labelled, false);
    assert_eq!(writer.render(&line(3, "t", false, "out 0")), "3|t  | out 0\n");
    assert_eq!(writer.render(&line(12, "web", true, "err 0")), "12|web  | err 0\n");
    assert_eq!(writer.render(&line(3, "t", false, "a")), "3|t     | a\n");
}

#[test]
fn the_daemons_own_lines_have_a_label_too() {
    let mut own = writer(Form::Labelled, false);
    assert_eq!(
        own.render_own(0, "App [t:3] online\nsecond"),
        "PM2      | App [t:3] online\nPM2      | second\n"
    );
    assert_eq!(own.render(&line(3, "t", false, "a")), "3|t      | a\n");
    let object = writer(Form::Json, false).render_own(1_795_388_825_573, "a");
    assert_eq!(
        object,
        concat!(
            r#"{"message":"a","timestamp":"2026-11-22T23:07:05.573Z","type":"out","#,
            r#""process_id":"PM2","app_name":"PM2"}"#,
            "\n"
        )
    );
    let pairs = writer(Form::Pairs, false).render_own(1_795_388_825_573, "a b");
    assert!(
        pairs.starts_with("timestamp=2026-11-2") && pairs.ends_with(" app=pm2 message=a b\n"),
        "{pairs}"
    );
}

#[test]
fn machines_get_json_or_pairs() {
    let text = writer(Form::Json, true).render(&line(3, "t", true, "a \"b\""));
    assert_eq!(
        text,
        concat!(
            r#"{"message":"a \"b\"","timestamp":"2026-11-22T23:07:05.573Z","type":"err","#,
            r#""process_id":3,"app_name":"t"}"#,
            "\n"
        )
    );
    let text = writer(Form::Pairs, true).render(&line(3, "t", true, "x y"));
    assert!(
        text.starts_with("timestamp=2026-11-2")
            && text.ends_with(" app=t id=3 type=error message=x y\n"),
        "{text}"
    );
}

#[test]
fn the_marked_text_and_the_label_are_coloured() {
    let text = writer(Form::Labelled, true).render(&line(3, "t", false, "a second second"));
    assert_eq!(text, "\x1b[32m3|t  | \x1b[39ma \x1b[100msecond\x1b[49m second\n");
    assert_eq!(writer(Form::Raw, true).render(&line(3, "t", false, "a second")), "a second\n");
}
#[test]
fn our_labels_end_with_the_id_and_stand_in_one_column_from_the_first_line_on() {
    let mut writer = writer_of(Program::Ostler, Form::Labelled, false);
    writer.make_room([(3, "t"), (12, "web")].into_iter());
    let app = |id, name: &str| Author::App { id, name: name.to_owned(), err: false };
    assert_eq!(writer.render_past(&app(3, "t"), "out"), "t:3    | out\n");
    assert_eq!(writer.render(&line(12, "web", false, "a")), "web:12 | a\n");
    assert_eq!(writer.render_own(0, "App [t:3] online"), "daemon | t:3 is online\n");
    let past = "2026-11-22T10:00:00: PM2 log: App [t:3] online";
    assert_eq!(
        writer.render_past(&Author::Daemon, past),
        "daemon | 2026-11-22T10:00:00 t:3 is online\n"
    );
    let mut pairs = writer_of(Program::Ostler, Form::Pairs, false);
    assert!(
        pairs.render_own(0, "App [t:3] online").ends_with(" app=daemon message=t:3 is online\n")
    );
}

#[test]
fn a_name_does_nothing_where_it_stands_before_a_line() {
    let name = "t\x1b[2J\nx";
    let live = writer(Form::Labelled, false).render(&line(3, name, false, "out 0"));
    assert_eq!(live, "3|t\\x1b[2J\\nx  | out 0\n");
    let author = Author::App { id: 3, name: name.to_owned(), err: false };
    let past = writer(Form::Labelled, false).render_past(&author, "out 0");
    assert_eq!(past, "3|t\\x1b[2J | out 0\n");
    let pairs = writer(Form::Pairs, false).render_past(&author, "x");
    assert_eq!(pairs, "app=t\\x1b[2J\\nx id=3 type=out message=x\n");
}
