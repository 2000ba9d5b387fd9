//! Whether and when a process that ended is started again.

use super::access::field;
use super::attribute::{Attribute, Gives, Rule, Takes, Type};
use super::forms::{ExitCodes, Uptime};
use super::row::{ms, number, of, switch, time, truth, value};

pub(super) static ROWS: &[Attribute] = &[
    truth("autorestart", field!(policy.autorestart))
        .always_recorded()
        .in_environment()
        .flags(&[switch(&["no-autorestart"], false).says("leave the app stopped when it ends")])
        .example("false")
        .help("start it again when it ends"),
    of("stop_exit_codes", &[Type::List, Type::Number], field!(policy.stop_exit_codes as ExitCodes))
        .rule(Rule::ExitCodes)
        .flags(&[value(&["stop-exit-codes"], "codes")
            .takes(Takes::Numbers("codes"))
            .gives(Gives::SplitList)])
        .advice("write a list of numbers, such as `[0, 2]`")
        .example("[0, 2]")
        .help("leave it stopped after these exit codes"),
    truth("oneshot", field!(policy.oneshot))
        .flags(&[switch(&["oneshot"], true)])
        .help("it is a job: one that ends with success is `completed`, and not started again"),
    of(
        "success_exit_codes",
        &[Type::List, Type::Number],
        field!(policy.success_exit_codes as ExitCodes),
    )
    .rule(Rule::ExitCodes)
    .flags(&[value(&["success-exit-codes"], "codes")
        .takes(Takes::Numbers("codes"))
        .gives(Gives::SplitList)])
    .advice("write a list of numbers, such as `[0, 2]`")
    .example("[2]")
    .help("exit codes besides 0 with which a job has done its work"),
    number("max_restarts", field!(policy.max_unstable))
        .flags(&[value(&["max-restarts"], "n").takes(Takes::Maybe("n"))])
        .help("unstable runs in a row after which it is given up"),
    time("min_uptime", field!(policy.min_uptime as Uptime))
        .flags(&[value(&["min-uptime"], "time")])
        .example("5000")
        .help("shorter runs are unstable: ms, or `10s`, `1m`, `1h`"),
    ms("restart_delay", field!(policy.restart_delay))
        .flags(&[value(&["restart-delay"], "ms")])
        .help("pause before a restart"),
    ms("exp_backoff_restart_delay", field!(policy.backoff))
        .flags(&[value(&["exp-backoff-restart-delay"], "ms")])
        .help("pause before a restart, growing with each crash"),
];
