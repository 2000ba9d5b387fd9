//! What has no effect, or not the one that is probably meant.

use super::Resolver;
use crate::attributes::{Attribute, NotYet};
use crate::diagnostic::Diagnostic;

impl Resolver<'_, '_> {
    /// What a runtime cannot do is said, and done as well as it can be.
    pub(super) fn warn_balance(&mut self, program: Option<&str>) {
        let balance = self.fields.text("balance").unwrap_or("round-robin");
        let is =
            |name: &str| program.is_some_and(|program| program.rsplit('/').next() == Some(name));
        let (message, help) = if is("deno") && balance == "shared" {
            (
                "deno cannot take a shared socket: its workers get connections in turn",
                "leave `balance` out for deno",
            )
        } else if is("bun") && balance != "round-robin" {
            (
                "bun's workers bind the port by themselves: the kernel spreads connections, \
                 whatever `balance` says",
                "leave `balance` out for bun, or use Node",
            )
        } else {
            return;
        };
        self.report
            .push(self.fields.at("balance", Diagnostic::warning("runtime", message).help(help)));
    }

    /// What the app asks for and is not done. What only says more about such a key needs
    /// no second warning.
    pub(super) fn warn_not_yet(&mut self) {
        let said = |key: &Attribute| self.fields.is_option(key.name);
        for (key, node) in self.fields.iter().filter(|(key, _)| !said(key)) {
            if let Some(not_yet) = NotYet::of(key, &node.to_json()) {
                let said = not_yet.of_key(self.fields.written(key.name));
                self.report.push(self.fields.at(key.name, said));
            }
        }
    }
}
