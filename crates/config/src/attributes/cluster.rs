//! How workers share what they listen on.

use ostler_core::spec::Balance;

use super::access::field;
use super::attribute::{Attribute, Rule, Type};
use super::forms::Uptime;
use super::row::{object, of, text, time, value};
use super::worded::{Worded as _, worded};
use crate::fds;

pub(super) static ROWS: &[Attribute] = &[
    text("balance", field!(balance))
        .rule(Rule::Words(Balance::WORDS))
        .flags(&[value(&["balance"], "way")])
        .advice("write `\"round-robin\"`, `\"sticky\"`, `\"least\"` or `\"shared\"`")
        .example("\"sticky\"")
        .help("how connections are spread: round-robin (also called least), sticky or shared"),
    time("idle_stop", field!(idle_stop as Uptime)).flags(&[value(&["idle-stop"], "time")]).help(
        "stop its workers when nobody has had a connection to them for so long; the next \
             connection starts them",
    ),
    object("fds", field!(fds))
        .inside(fds::SCHEMA)
        .advice("write an object, such as `{ \"3\": \"127.0.0.1:8080\" }`")
        .example("{ \"3\": \"127.0.0.1:8080\" }")
        .help("what workers may name by a number in `listen({ fd })`"),
    of("privileged_ports", &[Type::List, Type::Text, Type::Number], field!(privileged_ports))
        .flags(&[value(&["privileged-ports"], "ports")])
        .advice("write a list of ports, such as `[80, 443]`, or one text split on commas")
        .example("[80, 443]")
        .help("ports that workers may listen on although the user they run as (`uid`) may not"),
];

// `least` is what the first was called while it did not look at what is unanswered.
worded!(Balance, "`round-robin`, `sticky` or `shared`", {
    "round-robin" => RoundRobin,
    "sticky" => Sticky,
    "least" => RoundRobin,
    "shared" => Shared,
});
