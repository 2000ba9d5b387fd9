//! How a process is brought to its end.

use super::access::{Access, field};
use super::attribute::{Attribute, Type};
use super::forms::Signal;
use super::row::{ms, of, switch, truth, value};

pub(super) static ROWS: &[Attribute] = &[
    truth("treekill", field!(policy.tree_kill))
        .always_recorded()
        .in_environment()
        .flags(
            &[switch(&["no-treekill"], false).says("stop the process only, not its descendants")],
        )
        .example("false")
        .help("stop the descendants of the process as well"),
    ms("kill_timeout", field!(policy.stop_grace))
        .flags(&[value(&["kill-timeout"], "ms").short('k')])
        .help("time to end before it is killed"),
    of("kill_signal", &[Type::Number, Type::Text], field!(policy.stop_signal as Signal))
        .aliases(&["stop_signal"])
        .flags(&[value(&["kill-signal", "stop-signal"], "signal")])
        .advice("write a signal's name, such as `\"SIGTERM\"`")
        .example("\"SIGTERM\"")
        .help("signal that asks it to end"),
    truth("shutdown_with_message", field!(policy.stop_by_message))
        .flags(&[switch(&["shutdown-with-message"], true)])
        .help("ask it to end by the message `shutdown`"),
    ms("kill_retry_time", Access::Kept)
        .usual("100")
        .help("PM2's pause between two looks whether it has ended; ostler sees that at once"),
];
