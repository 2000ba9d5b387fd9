//! Where output goes.

use ostler_core::spec::{LogFormat, LogFull, LogRotate};

use super::access::{Access, field};
use super::attribute::{Attribute, Gives, Rule, Takes, Type, Unit};
use super::forms::{
    Compression, Count, CronPattern, DateFormat, Delay, LogFile, MoreLogFile, Size,
};
use super::row::{number, object, of, path, size, switch, text, time, truth, value};
use super::worded::{Worded as _, worded};
use crate::{rules, sinks};

pub(super) static ROWS: &[Attribute] = &[
    path("out_file", field!(logs.out as LogFile))
        .rule(Rule::NotEmpty)
        .aliases(&["out", "output", "out_log"])
        .recorded_as("pm_out_log_path")
        .always_recorded()
        .in_environment()
        .flags(&[value(&["output"], "path").short('o')])
        .usually("`logs/<name>-out.log` in ostler's home")
        .help("file for standard output; `/dev/null` for none"),
    path("error_file", field!(logs.err as LogFile))
        .rule(Rule::NotEmpty)
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
        .resolved()
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
        .rule(Rule::Words(LogFormat::WORDS))
        .flags(&[value(&["log-type"], "raw|json|logfmt")])
        .advice("write `\"raw\"`, `\"json\"` or `\"logfmt\"`")
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
        .rule(Rule::Words(LogFull::WORDS))
        .flags(&[value(&["log-full"], "what")])
        .advice("write `\"drop-newest\"`, `\"drop-oldest\"` or `\"block\"`")
        .example("\"block\"")
        .help(
            "when a log file cannot be written (disk full) and more waits than fits into memory: \
             drop new lines (`drop-newest`) or those that wait longest (`drop-oldest`, `drop`), \
             counted in the log; or have the app wait (`block`)",
        ),
    time("log_buffer", field!(logs.buffer as Delay))
        .flags(&[value(&["log-buffer"], "time")])
        .advice("write milliseconds from 100 up, or a text such as `\"5s\"`; `\"0s\"` for none")
        .usually("none: lines are written as they come")
        .example("\"5s\"")
        .help(
            "for disks that wear out: lines wait so long, or until they have 64 KiB, and are \
             written at once",
        ),
    text("log_rotate", field!(logs.rotation.rotate))
        .rule(Rule::Words(LogRotate::WORDS))
        .flags(&[value(&["log-rotate"], "when")])
        .advice("write `\"size\"`, `\"daily\"` (or hourly, weekly, monthly) or `\"never\"`")
        .usually("`size`; under the name `pm2` `never`, unless pm2-logrotate is configured")
        .example("\"daily\"")
        .help(
            "when the log files are rotated: when they are full (`size`, see `log_max_size`), \
             besides `hourly`, `daily`, `weekly` or `monthly`, or `never`",
        ),
    text("log_rotate_cron", field!(logs.rotation.cron as CronPattern))
        .rule(Rule::Cron)
        .flags(&[value(&["log-rotate-cron"], "pattern")])
        .advice("write a cron pattern, such as `\"0 */6 * * *\"` for every six hours")
        .usually("no other times")
        .example("\"0 */6 * * *\"")
        .help(
            "the log files are rotated at these times as well, by a pattern of cron in the time \
             zone of the machine",
        ),
    size("log_max_size", field!(logs.rotation.max_size as Size))
        .flags(&[value(&["log-max-size"], "size")])
        .usually("`100M`")
        .example("\"20M\"")
        .help("from which size on a log file is full, and rotated: bytes, or `20M`, `1G`"),
    number("log_keep", field!(logs.rotation.keep as Count))
        .flags(&[value(&["log-keep"], "files")])
        .usually("`10`")
        .example("30")
        .help("how many rotated files are kept of each log file"),
    number("log_keep_days", field!(logs.rotation.keep_days))
        .rule(Rule::Min(1))
        .flags(&[value(&["log-keep-days"], "days")])
        .usually("no limit")
        .example("14")
        .help("for how many days rotated files are kept"),
    size("log_keep_size", field!(logs.rotation.keep_size as Size))
        .flags(&[value(&["log-keep-size"], "size")])
        .advice("write a number of bytes, or a text such as `\"1G\"`")
        .usually("no limit")
        .example("\"1G\"")
        .help("how many bytes of rotated files are kept of each log file"),
    of("log_compress", &[Type::Bool, Type::Text], field!(logs.rotation.compress as Compression))
        .rule(Rule::Words(Compression::WORDS))
        .flags(&[
            value(&["log-compress"], "gzip|zstd"),
            switch(&["no-log-compress"], false).says("leave rotated log files uncompressed"),
        ])
        .advice("write `\"gzip\"`, `\"zstd\"` or `false`")
        .usually("`true`")
        .example("\"zstd\"")
        .help("how rotated log files are compressed: `gzip` (`true`), `zstd`, or `false` for not"),
    object("log_sinks", field!(logs.sinks))
        .inside(sinks::SCHEMA)
        .flags(&[
            value(&["log-syslog"], "address")
                .gives(Gives::Part("syslog"))
                .says("pass lines on to syslog, such as `tls://host:6514`"),
            value(&["log-otlp"], "url")
                .gives(Gives::Part("otlp"))
                .says("pass lines on to a receiver of OpenTelemetry"),
            value(&["log-command"], "command")
                .gives(Gives::Part("command"))
                .says("pass lines on to the standard input of this command"),
            value(&["log-copy"], "path")
                .gives(Gives::Part("file"))
                .says("pass lines on to one more file"),
        ])
        .usually("nobody")
        .advice("write an object, such as `{ \"syslog\": \"udp://logs.example.org:514\" }`")
        .example("{ \"syslog\": \"unix:/dev/log\" }")
        .help("who receives the lines besides the log files"),
    of("log_rules", &[Type::List], field!(logs.rules))
        .inside(rules::SCHEMA)
        .flags(&[value(&["log-rule"], "regexp")
            .gives(Gives::List)
            .says("send an alert when a line has this in it")])
        .usually("none")
        .advice("write a list, such as `[{ \"match\": \"out of memory\", \"then\": \"restart\" }]`")
        .example("[\"panic|FATAL\"]")
        .help("what is done when a line of some kind is written: an alert, a restart, a count"),
    truth("time", Access::Kept)
        .acts()
        .flags(&[switch(&["time"], true)])
        .help("date before each line, as `YYYY-MM-DDTHH:mm:ss`"),
];

// A record may have any word of PM2's for these two.
worded!(LogFormat, or Raw, { "raw" => Raw, "json" => Json, "logfmt" => Logfmt });
worded!(LogFull, or DropNewest, {
    "drop-newest" => DropNewest,
    "drop-oldest" => DropOldest,
    "block" => Block,
    // What it was called when there was one way to drop.
    "drop" => DropOldest,
});

worded!(LogRotate, "`size`, `hourly`, `daily`, `weekly`, `monthly` or `never`", {
    "size" => Size,
    "hourly" => Hourly,
    "daily" => Daily,
    "weekly" => Weekly,
    "monthly" => Monthly,
    "never" => Never,
});
