//! Programs that are told by arguments what they run: `python -m MODULE`.
//!
//! Such an app has a module and no script, and yet a script must be there that is executed: so the
//! interpreter is its own script, and no script stands behind the interpreter's arguments.

use crate::spec::AppSpec;

impl AppSpec {
    /// Whether the program is told by the interpreter's arguments what it runs, and by no script.
    #[must_use]
    pub fn is_own_interpreter(&self) -> bool {
        self.interpreter.is_some() && self.interpreter.as_deref() == self.script.to_str()
    }
}
