//! Files and command-line options to [`AppSpec`], with diagnosed errors.
//!
//! A process file is written by a person, often in a hurry, often copied. Whatever is wrong in it
//! is found here, all of it at once, each with its place and what to do; nothing later checks
//! again. The ways in:
//!
//! - [`load`], [`load_text`]: a process file → the apps that may be started, and diagnostics;
//! - [`from_script`]: `start app.js` → one app;
//! - [`options_patch`]: options at a restart → changes to an app that exists.
//!
//! What an app may say is one table, [`attributes`]: all ways read it, and so do `ostler-pm2` for
//! PM2's record, help and documentation.
//!
//! Nothing reads the process's own environment: the caller's world is a [`Context`]. For plain
//! scripts and for JSON that is JSON nothing is run, and no more is read than the script's first
//! bytes and the `package.json` above it.

#![forbid(unsafe_code)]

mod alerts;
pub mod attributes;
mod bases;
mod changes;
mod check;
mod chosen;
mod codes;
mod context;
pub mod cron;
mod depends;
mod deploy;
mod diagnostic;
mod dotenv;
mod env_files;
mod environment;
mod evaluate;
mod fds;
mod fields;
mod file;
mod head;
mod health;
mod hooks;
pub mod idle_stop;
mod inherit;
mod instances;
mod interpreter;
mod json;
mod log_names;
mod module;
mod names;
mod objects;
mod options;
mod package;
mod package_script;
mod place;
mod placeholders;
mod port;
mod ports;
mod profiles;
mod python;
mod reading;
mod ready;
mod receivers;
mod remembered;
mod resolve;
mod rules;
mod run_as;
mod schema;
mod script;
mod shape;
mod signs;
mod sinks;
mod source;
mod suggest;
mod syntax_help;
mod toml;
mod units;
mod unknown;
mod users;
mod value;
pub mod watch;
mod yaml;

pub use attributes::{Attribute, NotYet, attributes, not_yet};
pub use changes::options_patch;
pub use codes::{Code, code, codes};
pub use context::Context;
pub use depends::{OUT_OF_A_CYCLE, condition_word, in_a_cycle, in_order};
pub use deploy::{DEPLOY_FILES, Target as DeployTarget, deploy_target};
pub use diagnostic::{Diagnostic, IGNORED_OPTION, Ours, Severity, UNKNOWN_DEPENDENCY};
pub use file::{Apps, OfProfiles, load, load_text, of_profiles, read, read_text};
pub use instances::count as instances_of;
pub use log_names::{LogNames, log_paths_mut};
pub use names::{doubtful_name, refused_name, refused_namespace};
pub use options::Options;
pub use place::{COLUMNS, Place};
pub use port::{ONE_PORT, SHARE_IT, fill, is_made, port_of, port_range, ports_of};
pub use profiles::ALL_PROFILES;
pub use reading::{STANDARD_INPUT, is_config_file};
pub use schema::schema;
pub use script::{SERVE, SERVE_ARGUMENT, ends_as_script, is_program, name_of as name_of_script};
pub use units::{has_date as is_date_format, signal_name};
pub use users::user_name;

use ostler_core::spec::AppSpec;

/// The app that `start <script>` with these options means.
///
/// `script` is a path, a program in `PATH`, or a line with blanks for the shell. The whole line is
/// the app's name then. Where an option names a module of Python it counts for nothing. What there
/// is to say about it comes with it.
///
/// # Errors
/// Everything that is wrong with it.
pub fn from_script(
    script: &str,
    options: &Options,
    ctx: &Context,
) -> Result<(AppSpec, Vec<Diagnostic>), Vec<Diagnostic>> {
    let mut report = Vec::new();
    let mut fields = fields::Fields::of_options(options, &mut report);
    // A module of Python stands in place of a script.
    if ctx.as_pm2 || fields.node("module").is_none() {
        let script = attributes::find("script").map(|key| (key, value::Node::text(script)));
        fields.add_options(script.into_iter().collect(), &mut report);
    }
    options.refuse_not_yet(&mut report);
    if options.env.is_some() {
        let message = "Using --env [env] without passing the ecosystem.config.js does not work";
        let help = "put the variables before the command: `NODE_ENV=test ostler start app.js`";
        report.push(
            Diagnostic::error("env-without-file", message)
                .own("`--env` is for process files")
                .origin(diagnostic::COMMAND_LINE)
                .help(help),
        );
    }
    let spec = resolve::resolve(&fields, environment::From::Options, ctx, &mut report);
    match spec {
        Some(spec) if !report.iter().any(Diagnostic::is_error) => Ok((spec, report)),
        Some(_) | None => Err(report),
    }
}

/// Returns what a text of YAML says, or the line in which it is wrong, from 1 on, and why.
///
/// # Errors
/// It is no YAML.
pub fn read_yaml(text: &str) -> Result<serde_json::Value, (usize, String)> {
    yaml::parse(text)
        .map(|node| node.to_json())
        .map_err(|wrong| (Place::of(text, wrong.span.start, wrong.span.end).line, wrong.message))
}
