//! Who is told when something happens.

use super::access::field;
use super::attribute::{Attribute, Gives};
use super::row::{object, value};
use crate::alerts;

pub(super) static ROWS: &[Attribute] = &[object("alerts", field!(alerts))
    .inside(alerts::SCHEMA)
    .flags(&[
        value(&["alert-webhook"], "url")
            .gives(Gives::Part("webhook"))
            .says("post alerts as JSON to this URL"),
        value(&["alert-command"], "command")
            .gives(Gives::Part("command"))
            .says("run this command for each alert"),
        value(&["alert-mail"], "address")
            .gives(Gives::Part("mail"))
            .says("send alerts to this mail address"),
    ])
    .usually("those that `ostler set ostler.alerts` names")
    .advice("write an object, such as `{ \"slack\": \"https://hooks.slack.com/services/…\" }`")
    .example("{ \"mail\": \"root\" }")
    .help("who else is told when the app is given up, needs too much memory, and the like")];
