//! What makes an app ready is said once.

use ostler_core::spec::{AppSpec, Ready};

use crate::diagnostic::Diagnostic;
use crate::fields::Fields;
use crate::value::Value;

/// Complains of two signs.
pub(crate) fn check(spec: &AppSpec, fields: &Fields<'_>, report: &mut Vec<Diagnostic>) {
    let written = fields.node("wait_ready").map(|node| &node.value);
    if spec.ready.as_ref().is_some_and(|ready| *ready != Ready::Message)
        && matches!(written, Some(Value::Bool(true)))
    {
        let message = "`wait_ready` is a second sign beside `ready`; there can be only one";
        let said = Diagnostic::error("two-probes", message).help("leave one of them out");
        report.push(fields.at("wait_ready", said));
    }
}
