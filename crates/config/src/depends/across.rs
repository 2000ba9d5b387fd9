//! What the apps of a file say of each other: names that nobody has, cycles, and conditions that
//! can never be met.

use std::collections::BTreeMap;

use ostler_core::depends::cycle;
use ostler_core::spec::{Condition, Dependency};

use super::{OUT_OF_A_CYCLE, in_a_cycle, parse};
use crate::chosen::{Chosen, Known};
use crate::context::Context;
use crate::diagnostic::{Diagnostic, Severity};
use crate::fields::Fields;
use crate::profiles;
use crate::suggest;
use crate::value::{Node, Span, Value};

/// Looks at what the chosen apps of a file depend on.
pub(crate) fn check(
    Known { all, names }: Known<'_, '_>,
    chosen: &Chosen,
    ctx: &Context,
    report: &mut Vec<Diagnostic>,
) {
    let by_name: BTreeMap<&str, usize> =
        names.iter().enumerate().rev().map(|(at, name)| (name.as_str(), at)).collect();
    let found: Vec<Vec<(Dependency, Option<Span>)>> =
        all.iter().map(|fields| fields.node("depends_on").map_or_else(Vec::new, read)).collect();
    let within = Within { all, names, chosen, ctx };
    for (at, dependencies) in found.iter().enumerate().filter(|(at, _)| within.is_chosen(*at)) {
        for (dependency, span) in dependencies {
            let said = match by_name.get(dependency.name.as_str()) {
                Some(on) if within.is_chosen(*on) => within.never_met(*on, dependency),
                Some(on) => within.left_out(at, *on, dependency),
                None => within.unknown(dependency),
            };
            report.extend(said.map(|said| within.place(at, *span, said)));
        }
    }
    let edges: Vec<Vec<usize>> = found
        .iter()
        .map(|all| {
            all.iter().filter_map(|(on, _)| by_name.get(on.name.as_str()).copied()).collect()
        })
        .collect();
    if let Some(way) = cycle(&edges) {
        within.refuse_cycle(&way, &found, report);
    }
}

fn read(node: &Node) -> Vec<(Dependency, Option<Span>)> {
    parse(node).dependencies
}

struct Within<'a, 'f> {
    all: &'a [Fields<'f>],
    names: &'a [String],
    chosen: &'a Chosen,
    ctx: &'a Context,
}

impl Within<'_, '_> {
    fn is_chosen(&self, at: usize) -> bool {
        self.chosen.is_chosen.get(at).copied().unwrap_or(false)
    }

    fn name(&self, at: usize) -> &str {
        self.names.get(at).map_or("", String::as_str)
    }

    /// The diagnostic at a name in an app's `depends_on`.
    fn place(&self, at: usize, span: Option<Span>, said: Diagnostic) -> Diagnostic {
        match (self.all.get(at), span) {
            (Some(fields), Some(_)) => fields.at_span("depends_on", span, said),
            (Some(fields), None) => fields.at("depends_on", said),
            (None, _) => said,
        }
    }

    /// Whether an app of that name is in the list; `None` where nobody looked.
    fn is_listed(&self, name: &str) -> Option<bool> {
        self.ctx.listed.as_ref().map(|listed| listed.contains(name))
    }

    fn unknown(&self, dependency: &Dependency) -> Option<Diagnostic> {
        let name = &dependency.name;
        let (severity, message) = match self.is_listed(name) {
            Some(true) => return None,
            Some(false) => (
                Severity::Error,
                format!("no app is called `{name}`, neither in this file nor in the list"),
            ),
            None => (Severity::Warning, format!("no app of this file is called `{name}`")),
        };
        let listed = self.ctx.listed.iter().flatten();
        let known = self.names.iter().chain(listed).map(String::as_str);
        let help = suggest::nearest(name, known).map_or_else(
            || "it must be in this file, or be started before".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        let said = Diagnostic::error("unknown-dependency", message).help(help);
        Some(Diagnostic { severity, ..said })
    }

    /// The other app is in this file, and is not meant.
    fn left_out(&self, at: usize, on: usize, dependency: &Dependency) -> Option<Diagnostic> {
        let (app, name) = (self.name(at), &dependency.name);
        let severity = match self.is_listed(name) {
            Some(true) => return None,
            Some(false) => Severity::Error,
            None => Severity::Warning,
        };
        let (why, help) = if self.chosen.by_name {
            let both = format!("{name},{app}");
            let help = format!("write `--only {}`", ostler_shell::word(&both));
            (format!("`--only` leaves out `{name}`"), help)
        } else {
            let of = self.all.get(on).map(profiles::of).unwrap_or_default();
            let first = of.first().map(|name| ostler_shell::word(name).into_owned());
            let first = first.unwrap_or_default();
            let why = format!("no profile that is chosen has `{name}`");
            (why, format!("write `--profile {first}`, or give `{app}` the same `profiles`"))
        };
        let where_ = match severity {
            Severity::Error => ", which is not in the list and",
            Severity::Warning | Severity::Note => ", which",
        };
        let message = format!("{why}{where_} `{app}` needs");
        Some(Diagnostic { severity, ..Diagnostic::error("unknown-dependency", message).help(help) })
    }

    /// A condition that the other app of this file can never meet.
    fn never_met(&self, on: usize, dependency: &Dependency) -> Option<Diagnostic> {
        let (fields, name) = (self.all.get(on)?, &dependency.name);
        let has = |key: &str| fields.node(key).is_some();
        match dependency.condition {
            Condition::Healthy if !has("health") && !fields.was_rejected("health") => {
                let message = format!("`{name}` is never `healthy`: it has no `health`");
                let help = format!("give `{name}` a `health`, or wait for it to be `ready`");
                Some(Diagnostic::error("never-met", message).help(help))
            }
            Condition::Completed if !ends(fields) => {
                let message =
                    format!("`{name}` is never `completed`: it is started again when it ends");
                let help = format!("give `{name}` `oneshot: true`");
                Some(Diagnostic::error("never-met", message).help(help))
            }
            Condition::Started | Condition::Ready | Condition::Healthy | Condition::Completed => {
                None
            }
        }
    }

    fn refuse_cycle(
        &self,
        way: &[usize],
        found: &[Vec<(Dependency, Option<Span>)>],
        report: &mut Vec<Diagnostic>,
    ) {
        let Some((first, last)) = way.first().zip(way.last()) else { return };
        // The dependency that closes it.
        let closing = found.get(*last).into_iter().flatten();
        let mut closing = closing.filter(|(on, _)| on.name == self.name(*first));
        let span = closing.next().and_then(|(_, span)| *span);
        let names: Vec<&str> = way.iter().map(|at| self.name(*at)).collect();
        let said = Diagnostic::error("dependency-cycle", in_a_cycle(&names)).help(OUT_OF_A_CYCLE);
        report.push(self.place(*last, span, said));
    }
}

/// Whether an app may end with success and stay so.
fn ends(fields: &Fields<'_>) -> bool {
    let codes = |key: &str| {
        let node = fields.node(key);
        node.map_or_else(Vec::new, |node| match &node.value {
            Value::List(items) => items.iter().map(Node::plain).collect(),
            _ => vec![node.plain()],
        })
    };
    let success = codes("success_exit_codes");
    let is_success = |code: &String| code == "0" || success.contains(code);
    fields.flag("oneshot") == Some(true)
        || fields.flag("autorestart") == Some(false)
        || codes("stop_exit_codes").iter().any(is_success)
}
