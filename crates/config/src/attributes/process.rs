//! What a process is given: variables, a number, a user.

use ostler_core::Texts;
use ostler_core::spec::{AppSpec, Rejections};
use serde_json::{Map, Value as Json};

use super::access::{Access, FieldAccess, FieldType as _, field};
use super::attribute::{Applies, Attribute, Gives, Rule, Takes, Type};
use super::row::{object, of, switch, text, truth, value};
use super::worded::{Worded as _, worded};
use crate::value::{Node, Value};

pub(super) static ROWS: &[Attribute] = &[
    object("env", ENV)
        .resolved()
        .inside(r#"{ "additionalProperties": true }"#)
        .always_recorded()
        .advice("write an object, such as `{ \"NODE_ENV\": \"production\" }`")
        .usually("the variables of the command that starts the app")
        .example("{ \"NODE_ENV\": \"production\" }")
        .help("variables of the app, over those of the command that starts it"),
    of("env_file", &[Type::Text, Type::List], Access::Command)
        .resolved()
        .rule(Rule::PlainItems)
        .advice("write a path, such as `\".env\"`, or a list of paths")
        .example("\".env\"")
        .help(
            "files of variables from `cwd` on, by the rules of Node's `--env-file` and with \
             `${NAME}`; `env` goes over them; `env_file_<name>` is for `--env <name>`",
        ),
    of("filter_env", &[Type::Bool, Type::List, Type::Text], Access::Kept)
        .rule(Rule::PlainItems)
        .acts()
        .flags(&[value(&["filter-env"], "text").takes(Takes::Maybe("text")).gives(Gives::List)])
        .over_file()
        .advice("write a list of texts, such as `[\"a\", \"b\"]`, or one text split on blanks")
        .example("[\"SECRET_\"]")
        .help("drop inherited variables whose name contains one of these texts"),
    of("port", &[Type::Number, Type::Text], Access::Kept)
        .rule(Rule::Port)
        .acts()
        .example("3000")
        .advice("write a number, such as `3000`, a range, such as `\"3000-3999\"`, or `\"auto\"`")
        .help(
            "value of the variable `PORT`; of a range, and of `auto` (20000 to 29999), the app \
             gets a port that is free and keeps it",
        ),
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
    truth("source_map_support", Access::Kept)
        .acts()
        .flags(&[switch(&["source-map-support"], true)])
        .usually("`true`; with Node 18, where it is slow, `false`")
        .help("stack traces of a Node app name the lines of the source, by its source maps"),
    truth("disable_source_map_support", Access::Kept)
        .acts()
        .flags(&[switch(&["disable-source-map-support"], true)])
        .help("stack traces of a Node app name the lines of what is run"),
    text("unhandled_rejections", field!(unhandled_rejections))
        .rule(Rule::Words(Rejections::WORDS))
        .flags(&[value(&["unhandled-rejections"], "log|crash")])
        .advice("write `\"log\"` or `\"crash\"`")
        .example("\"crash\"")
        .help("a rejected promise that nobody handles is logged and counted, or ends a Node app"),
    truth("instances_given", field!(instances_given))
        .record_only()
        .help("whether `instances` was given"),
];

worded!(Rejections, "`log` or `crash`", { "log" => Log, "crash" => Crash });

/// Variables are texts to the app; a number or a truth is shown as it was written.
const ENV: Access = Access::Field(FieldAccess {
    get: |spec| {
        let shown = |(name, text): (&str, &str)| (name.to_owned(), shown(spec, name, text));
        spec.env.iter().map(shown).collect::<Map<_, _>>().into()
    },
    set: |spec, node| {
        let entries = match &node.value {
            Value::Object(entries) => entries.as_slice(),
            _ => &[],
        };
        let typed = entries.iter().filter(|entry| is_typed(&entry.node));
        let typed = typed.map(|entry| entry.key.clone()).collect();
        (spec.env, spec.env_typed) = (Texts::read(node)?, typed);
        Ok(())
    },
    same: |spec, usual| (&spec.env, &spec.env_typed) == (&usual.env, &usual.env_typed),
});

fn shown(spec: &AppSpec, name: &str, text: &str) -> Json {
    let typed = spec.env_typed.contains(name).then(|| serde_json::from_str(text).ok()).flatten();
    typed.unwrap_or_else(|| text.into())
}

/// Whether a variable is shown otherwise than as a text.
pub(crate) fn is_typed(node: &Node) -> bool {
    matches!(node.value, Value::Number(_) | Value::Bool(_))
}
