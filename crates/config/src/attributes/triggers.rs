//! What restarts a process that runs.

use super::access::{Access, field};
use super::attribute::{Attribute, Gives, Rule, Takes, Type, Unit};
use super::forms::Size;
use super::row::{ms, object, of, value, words};

pub(super) static ROWS: &[Attribute] = &[
    of("max_memory_restart", &[Type::Number, Type::Text], field!(policy.max_memory as Size))
        .rule(Rule::Memory)
        .unit(Unit::Bytes)
        .flags(&[value(&["max-memory-restart"], "size")])
        .advice("write a number of bytes, or a text such as `\"100M\"`")
        .example("\"300M\"")
        .help("restart above this memory: bytes, or `300M`, `2G`"),
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
        .not_yet(
            "files are not watched",
            "leave it out, and let a program such as `entr` call `ostler restart <name>`",
        )
        .usual("false")
        .flags(&[value(&["watch"], "path")
            .takes(Takes::Maybe("path"))
            .gives(Gives::ListOrTrue)
            .says("not yet: restart when files change; `list` is shown again and again")])
        .over_file()
        .advice("write `true`, `false` or a list of paths")
        .example("[\"src\"]")
        .help("restart when files change"),
    words("ignore_watch", Access::Kept)
        .part_of("watch")
        .flags(&[value(&["ignore-watch"], "paths").says("not yet: files that may change")])
        .over_file()
        .example("[\"node_modules\", \"*.tmp\"]")
        .help("files that may change"),
    object("watch_options", Access::Kept).part_of("watch").help("options of PM2's file watcher"),
    ms("watch_delay", Access::Kept)
        .part_of("watch")
        .help("pause between a change of files and the restart"),
];
