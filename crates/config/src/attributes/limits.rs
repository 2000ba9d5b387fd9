//! What a process may take of the machine.

use super::access::field;
use super::attribute::{Attribute, Rule, Type};
use super::forms::{Percent, Size};
use super::row::{number, of, size, value};

pub(super) static ROWS: &[Attribute] = &[
    number("nofile", field!(limits.nofile))
        .aliases(&["limit_nofile"])
        .rule(Rule::Min(1))
        .flags(&[value(&["nofile"], "n")])
        .usually("the limits of the command that starts the manager")
        .advice("write a number of files, such as `65536`")
        .example("65536")
        .help("files and sockets that each process may have open, soft and hard limit"),
    number("nice", field!(limits.nice))
        .rule(Rule::Between(-20, 19))
        .flags(&[value(&["nice"], "n")])
        .usually("that of the command that starts the manager")
        .advice("write a number from -20 (goes first) to 19 (goes last)")
        .example("10")
        .help("nice value of each process: -20 goes first, which root alone may give, 19 last"),
    number("oom_score", field!(limits.oom_score))
        .aliases(&["oom_score_adj"])
        .rule(Rule::Between(-1000, 1000))
        .flags(&[value(&["oom-score"], "n")])
        .usually("that of the command that starts the manager")
        .advice("write a number from -1000 (never) to 1000 (first)")
        .example("500")
        .help(
            "how soon the kernel kills each process when memory runs out: -1000 never, 1000 first",
        ),
    of("max_cpu", &[Type::Number, Type::Text], field!(limits.max_cpu as Percent))
        .rule(Rule::Percent)
        .flags(&[value(&["max-cpu"], "percent")])
        .advice("write percent of one core, such as `150` or `\"150%\"` for one and a half")
        .example("150")
        .help(
            "processor time that each process may take with its descendants, percent of one core; \
             needs a control group with the controller `cpu`, and is refused without",
        ),
    size("max_memory", field!(limits.max_memory as Size))
        .flags(&[value(&["max-memory"], "size")])
        .advice("write a number of bytes, or a text such as `\"512M\"`")
        .example("\"512M\"")
        .help(
            "memory that each process may have with its descendants; above it the kernel ends \
             them: bytes, or `512M`, `2G`; needs a control group with the controller `memory`, and \
             is refused without",
        ),
];
