//! What is wrong, and what is only worth a word.

use super::*;

pub(super) fn problems(scene: &mut Scene) {
    let (word, name) = (|| "nope".to_owned(), || "api".to_owned());
    for problem in [
        Problem::NoProcess { word: "all".to_owned() },
        Problem::NoProcess { word: "/x/".to_owned() },
        Problem::NoSuch { word: word(), near: None },
        Problem::NoSuch { word: word(), near: Some("api".to_owned()) },
        Problem::NoSuchId { word: "9".to_owned(), act: None },
        Problem::NoSuchId { word: "9".to_owned(), act: Some(Act::Restart) },
        Problem::NoSuchId { word: "9".to_owned(), act: Some(Act::Reload) },
        Problem::BadPattern { text: "/(/: unclosed group".to_owned() },
        Problem::NoApp { name: word(), near: None },
        Problem::NoApp { name: word(), near: Some("api".to_owned()) },
        Problem::NoEnvironment { word: "9".to_owned() },
        Problem::NotDescribed { word: word() },
        Problem::NotReset { word: word() },
        Problem::NotResetId { id: 9 },
        Problem::NothingToScale { name: name(), count: 2 },
        Problem::AlreadyRuns { name: name(), urls: Vec::new() },
        Problem::AlreadyRuns { name: name(), urls: vec!["http://127.0.0.1:3000".to_owned()] },
        Problem::EnvWithoutFile { command: "restart", env: "a b".to_owned() },
        Problem::NoInit { known: "the known ones are systemd".to_owned() },
        Problem::Bare {
            pm2: "99 id unknown".to_owned(),
            message: "no process has the id `99`".to_owned(),
            hint: None,
        },
        Problem::new("`x` is not a number"),
        Problem::Other { message: "it is gone".to_owned(), hint: Some("try again".to_owned()) },
    ] {
        scene.tell(&Notice::Problem(&problem));
    }
    let text = "something is odd";
    scene.tell(&Notice::Warning { text, hint: None, apart: false });
    scene.tell(&Notice::Warning { text, hint: Some("look at it"), apart: true });
    scene.tell(&Notice::Note { text });
}
