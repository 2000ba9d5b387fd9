//! Arguments and variables that are each instance's own, and the port that is not.

use ostler_core::spec::{AppSpec, ExecMode};

use crate::diagnostic::Diagnostic;
use crate::fields::Fields;
use crate::port::{OF_PORT, ONE_PORT, SHARE_IT, port_of, port_range};

/// Complains of what has no value.
pub(crate) fn check(spec: &AppSpec, fields: &Fields<'_>, report: &mut Vec<Diagnostic>) {
    if port_of(spec).is_some() || port_range(spec).is_some() {
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

/// Complains of an app whose processes would all have the same port.
pub(crate) fn check_port(spec: &AppSpec, fields: &Fields<'_>, report: &mut Vec<Diagnostic>) {
    if spec.exec_mode == ExecMode::Fork && 1 < spec.instances && port_range(spec).is_some() {
        let said = Diagnostic::error("one-port", ONE_PORT).help(SHARE_IT);
        report.push(fields.at("port", said));
    }
}
