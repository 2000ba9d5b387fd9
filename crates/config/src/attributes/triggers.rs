//! What restarts a process that runs.

use super::access::{Access, field};
use super::attribute::{Attribute, Gives, Rule, Takes, Type};
use super::forms::Size;
use super::row::{ms, object, of, size, value, words};

pub(super) static ROWS: &[Attribute] = &[
    size("max_memory_restart", field!(policy.max_memory as Size))
        .flags(&[value(&["max-memory-restart"], "size")])
        .example("\"300M\"")
        .help("restart above this memory, noticed within a second: bytes, or `300M`, `2G`"),
    of("cron_restart", &[Type::Number, Type::Text], Access::Kept)
        .aliases(&["cron"])
        .acts()
        .rule(Rule::Cron)
        .flags(&[value(&["cron-restart", "cron"], "pattern").short('c')])
        .advice("write a cron pattern, such as `\"0 4 * * *\"` for every day at 4:00")
        .example("\"0 4 * * *\"")
        .help(
            "restart at these times, by a pattern of cron in the time zone of `TZ`; `0` ends that",
        ),
    of("watch", &[Type::Bool, Type::List, Type::Text], Access::Kept)
        .acts()
        .usual("false")
        .flags(&[value(&["watch"], "path").takes(Takes::Maybe("path")).gives(Gives::ListOrTrue)])
        .over_file()
        .advice("write `true`, `false` or a list of paths")
        .example("[\"src\"]")
        .help("restart when files change: `true` for all below `cwd`, or paths and globs"),
    words("ignore_watch", Access::Kept)
        .acts()
        .flags(&[value(&["ignore-watch"], "paths")])
        .over_file()
        .example("[\"node_modules\", \"*.tmp\"]")
        .help("files that may change without a restart: paths and globs"),
    object("watch_options", Access::Kept)
        .acts()
        .flags(&[value(&["ext"], "endings")
            .gives(Gives::Part("ext"))
            .says("restart only when files with these endings change, such as `js,json`")])
        .example("{ \"ext\": \"js\" }")
        .help("how files are watched: `gitignore`, `reload`, `ext`, and options of PM2's watcher"),
    ms("watch_delay", Access::Kept)
        .acts()
        .flags(&[value(&["watch-delay"], "seconds").gives(Gives::Delay)])
        .advice("a file has milliseconds, such as `2000`; the option seconds, `2`, or `500ms`")
        .help(
            "pause between a change and the restart; the option counts seconds, or takes `500ms`",
        ),
];
