//! What PM2 and its programs know and ostler keeps for them, and what is for the command alone.

use super::attribute::{Attribute, Type};
use super::row::{object, of, switch, text, truth};

pub(super) static ROWS: &[Attribute] = &[
    truth("vizion")
        .kept()
        .usual("true")
        .flags(&[switch(&["no-vizion"], false).says("accepted for compatibility")])
        .example("false")
        .help("PM2 reads the version control data of the app"),
    truth("pmx")
        .kept()
        .usual("true")
        .flags(&[switch(&["no-pmx"], false).says("accepted for compatibility")])
        .example("false")
        .help("PM2 loads its agent into the app"),
    truth("automation")
        .kept()
        .usual("true")
        .flags(&[switch(&["no-automation"], false).says("accepted for compatibility")])
        .example("false")
        .help("PM2's agent offers actions"),
    truth("source_map_support").kept().help("source maps for Node"),
    truth("disable_source_map_support")
        .kept()
        .flags(&[switch(&["disable-source-map-support"], true)])
        .help("no source maps for Node"),
    object("io").kept_and_acts().help("settings of PM2's agent, as JSON in the variable `io`"),
    truth("trace").kept().help("PM2's agent traces transactions"),
    truth("disable_trace").kept().help("PM2's agent does not trace transactions"),
    truth("v8").kept().help("PM2's agent measures V8"),
    truth("event_loop_inspector").kept().help("PM2's agent looks at the event loop"),
    truth("deep_monitoring").kept().help("PM2's agent measures all it can"),
    truth("windowsHide").kept().usual("true").example("false").help("no window on Windows"),
    of("post_update", &[Type::List])
        .kept()
        .advice("write a list of texts, such as `[\"a\", \"b\"]`, or one text split on blanks")
        .example("[\"npm ci\"]")
        .help("commands after PM2's `pull`"),
    text("name_prefix").kept().help("set by PM2 for its modules"),
    text("install_url").kept().help("set by PM2 for its modules"),
    truth("km_link").record_only().kept().usual("false").help("whether PM2's service is linked"),
    truth("pmx_module").record_only().kept().help("whether it is a module of PM2"),
    object("module_conf").record_only().kept().help("settings of a module of PM2"),
    truth("force").help("with `start`, an app that is there already is started once more"),
    truth("write").help("accepted for compatibility"),
];
