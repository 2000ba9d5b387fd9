//! Arguments and variables that are each instance's own.

use ostler_core::spec::AppSpec;

use crate::diagnostic::Diagnostic;
use crate::fields::Fields;

/// What has no value without a port.
const OF_PORT: [&str; 2] = ["{port}", "{port+instance}"];

/// Complains of what has no value.
pub(crate) fn check(spec: &AppSpec, fields: &Fields<'_>, report: &mut Vec<Diagnostic>) {
    let port = spec.env.get("PORT").and_then(|port| port.trim().parse::<u16>().ok());
    if port.is_some() {
        return;
    }
    let asked = |text: &str| OF_PORT.into_iter().find(|part| text.contains(part));
    let arg = spec.args.iter().find_map(|arg| asked(arg)).map(|part| ("args", part));
    let of_file = spec.file_variables.iter().filter_map(|name| spec.env.get(name));
    let variable = of_file.filter_map(asked).next().map(|part| ("env", part));
    for (key, part) in arg.into_iter().chain(variable) {
        let message = format!("`{key}` has `{part}`, but the app has no `port`");
        let said = Diagnostic::error("no-port", message).help("write `port: 3000`, for instance");
        report.push(fields.at(key, said));
    }
}
