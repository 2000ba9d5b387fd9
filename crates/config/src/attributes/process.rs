//! What a process is given: variables, a number, a user.

use super::access::{Access, field};
use super::attribute::{Applies, Attribute, Gives, Rule, Takes, Type};
use super::row::{number, object, of, switch, text, truth, value};

pub(super) static ROWS: &[Attribute] = &[
    object("env", field!(env))
        .resolved()
        .inside(r#"{ "additionalProperties": true }"#)
        .always_recorded()
        .advice("write an object, such as `{ \"NODE_ENV\": \"production\" }`")
        .usually("the variables of the command that starts the app")
        .example("{ \"NODE_ENV\": \"production\" }")
        .help("variables of the app, over those of the command that starts it"),
    of("filter_env", &[Type::Bool, Type::List, Type::Text], Access::Kept)
        .rule(Rule::PlainItems)
        .acts()
        .flags(&[value(&["filter-env"], "text").takes(Takes::Maybe("text")).gives(Gives::List)])
        .over_file()
        .advice("write a list of texts, such as `[\"a\", \"b\"]`, or one text split on blanks")
        .example("[\"SECRET_\"]")
        .help("drop inherited variables whose name contains one of these texts"),
    number("port", Access::Kept).acts().example("3000").help("value of the variable `PORT`"),
    truth("append_env_to_name", Access::Command)
        .resolved()
        .applies(Applies::Added)
        .help("with `--env <name>`, `-<name>` is added to the app's name"),
    text("instance_var", field!(instance_var))
        .always_recorded()
        .in_environment()
        .flags(&[value(&["instance-var"], "name")])
        .example("\"WORKER\"")
        .help("variable with the number of the instance"),
    text("increment_var", field!(increment_var))
        .flags(&[value(&["increment-var"], "name")])
        .example("\"PORT\"")
        .help("variable that is one higher for each instance"),
    text("username", field!(username))
        .resolved()
        .always_recorded()
        .in_environment()
        .usually("the user that the app runs as")
        .example("\"deploy\"")
        .help("user shown in lists"),
    of("uid", &[Type::Number, Type::Text], field!(uid))
        .aliases(&["user"])
        .resolved()
        .flags(&[value(&["user", "uid"], "user").short('u')])
        .over_file()
        .usually("the user of the daemon")
        .advice("write the name or number of a user")
        .example("33")
        .help("user to run as (root only)"),
    of("gid", &[Type::Number, Type::Text], field!(gid))
        .resolved()
        .flags(&[value(&["gid"], "group")])
        .over_file()
        .usually("the primary group of the user")
        .advice("write the name or number of a group")
        .example("33")
        .help("group to run as (root only)"),
    truth("autostart", field!(autostart))
        .always_recorded()
        .in_environment()
        .applies(Applies::Added)
        .flags(&[switch(&["no-autostart"], false).says("add the app without starting it")])
        .example("false")
        .help("start the app when it is added"),
    truth("instances_given", field!(instances_given))
        .record_only()
        .help("whether `instances` was given"),
];
