//! Where output goes.

use super::access::{Access, field};
use super::attribute::{Attribute, Gives, Rule, Takes, Type, Unit};
use super::forms::{DateFormat, LogFile, MoreLogFile};
use super::row::{of, path, switch, text, truth, value};

pub(super) static ROWS: &[Attribute] = &[
    path("out_file", field!(logs.out as LogFile))
        .aliases(&["out", "output", "out_log"])
        .recorded_as("pm_out_log_path")
        .always_recorded()
        .in_environment()
        .flags(&[value(&["output"], "path").short('o')])
        .usually("`logs/<name>-out.log` in ostler's home")
        .help("file for standard output; `/dev/null` for none"),
    path("error_file", field!(logs.err as LogFile))
        .aliases(&["error", "err", "err_file", "err_log"])
        .recorded_as("pm_err_log_path")
        .always_recorded()
        .in_environment()
        .flags(&[value(&["error"], "path").short('e')])
        .usually("`logs/<name>-error.log` in ostler's home")
        .help("file for standard error; `/dev/null` for none"),
    of("log_file", &[Type::Bool, Type::Text], field!(logs.combined as MoreLogFile))
        .aliases(&["log"])
        .unit(Unit::Path)
        .resolved()
        .recorded_as("pm_log_path")
        .in_environment()
        .flags(&[value(&["log"], "path")
            .short('l')
            .takes(Takes::Maybe("path"))
            .gives(Gives::ValueOrTrue)])
        .usually("none")
        .advice("write a path, or `true` for the usual place")
        .example("\"all.log\"")
        .help("one more file for both; `true` is `logs/<name>.log` in ostler's home"),
    truth("merge_logs", field!(logs.merge))
        .aliases(&["combine_logs"])
        .always_recorded()
        .in_environment()
        .flags(&[switch(&["merge-logs"], true)])
        .usually("`true` unless a number of instances or cluster mode was asked for")
        .example("false")
        .help("all processes of the app write to the same files"),
    truth("disable_logs", field!(logs.disabled))
        .flags(&[switch(&["disable-logs"], true)])
        .help("write no log files"),
    text("log_type", field!(logs.format))
        .rule(Rule::Words(&["raw", "json"]))
        .flags(&[value(&["log-type"], "raw|json")])
        .advice("write `\"raw\"` or `\"json\"`")
        .example("\"json\"")
        .help("form of the log files"),
    text("log_date_format", field!(logs.date_format as DateFormat))
        .rule(Rule::Date)
        .advice("write dayjs tokens, such as `\"YYYY-MM-DD HH:mm:ss\"`")
        .flags(&[value(&["log-date-format"], "format")
            .says("date before each line, as `YYYY-MM-DD HH:mm:ss`")])
        .example("\"YYYY-MM-DD HH:mm:ss\"")
        .help("date before each line, in dayjs tokens"),
    text("log_full", field!(logs.full))
        .rule(Rule::Words(&["drop", "block"]))
        .flags(&[value(&["log-full"], "drop|block")])
        .advice("write `\"drop\"` or `\"block\"`")
        .example("\"block\"")
        .help(
            "when a log file cannot be written (disk full): `drop` lines, counted in the log, \
             and go on; or have the app wait",
        ),
    truth("time", Access::Kept)
        .acts()
        .flags(&[switch(&["time"], true)])
        .help("date before each line, as `YYYY-MM-DDTHH:mm:ss`"),
];
