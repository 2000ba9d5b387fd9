//! What an app runs, and by which program: a script, or a module of Python.

use std::path::Path;

use super::Resolver;
use crate::diagnostic::Diagnostic;
use crate::interpreter::{self, Interpreter};
use crate::module::{MODULE, is_module, module_of, name_of_module};
use crate::script::{self, Target};

impl Resolver<'_, '_> {
    /// What runs, and by which program, each where it was found.
    pub(super) fn what_runs(&mut self, cwd: &Path) -> (Option<Target>, Option<Interpreter>) {
        if let Some(module) = module_of(self.fields, self.ctx) {
            return self.module(module, cwd).unzip();
        }
        let target = self.script(cwd);
        let interpreter = target.as_ref().and_then(|target| self.interpreter(target, cwd));
        (target, interpreter)
    }

    fn script(&mut self, cwd: &Path) -> Option<Target> {
        let Some(script) = self.fields.text("script") else {
            if !self.fields.was_rejected("script") && !self.fields.was_rejected(MODULE) {
                let diagnostic = Diagnostic::error("no-script", "No script path - aborting")
                    .own("this app has no `script`");
                return self.fail("script", diagnostic.help("give the app a `script`"));
            }
            return None;
        };
        let diagnostic = match script::find(script, cwd, self.ctx) {
            Ok(target) => return Some(target),
            Err(diagnostic) => diagnostic,
        };
        let own_cwd = self.fields.text("cwd");
        if script::lacks_folder(script, cwd, self.ctx) && own_cwd.is_some() {
            return self.fail("cwd", diagnostic);
        }
        let file = self.fields.origin().filter(|_| !self.ctx.as_pm2);
        self.fail("script", script::beside(diagnostic, script, (file, own_cwd), self.ctx))
    }

    fn interpreter(&mut self, target: &Target, cwd: &Path) -> Option<Interpreter> {
        if target.args.is_some() {
            return Some(Interpreter::default());
        }
        let asked = self.fields.text("interpreter");
        let key = if asked.is_some() { "interpreter" } else { "script" };
        interpreter::choose(&target.path, asked, cwd, self.ctx)
            .map_or_else(|diagnostic| self.fail(key, diagnostic), Some)
    }

    /// A module of Python. What is executed is the Python itself, which is script and interpreter:
    /// so no script stands behind the interpreter's arguments, of which the last name the module.
    fn module(&mut self, module: &str, cwd: &Path) -> Option<(Target, Interpreter)> {
        if let Some(script) = self.fields.text("script") {
            let message =
                format!("an app has a `script` or a `module`, and this has `{script}` too");
            let diagnostic = Diagnostic::error("two-scripts", message);
            return self.fail(MODULE, diagnostic.help("leave one of them out"));
        }
        if !is_module(module) {
            let message = format!("`{module}` is not the name of a module");
            let help = "write it as in `import`, such as `celery`; a file is a `script`";
            return self.fail(MODULE, Diagnostic::error("wrong-form", message).help(help));
        }
        let asked = self.fields.text("interpreter");
        let key = if asked.is_some() { "interpreter" } else { MODULE };
        let found = match asked {
            Some("none") => None,
            // What ends so is a script of Python.
            asked => {
                let asked = asked.unwrap_or(interpreter::AUTO);
                match interpreter::choose(Path::new("module.py"), Some(asked), cwd, self.ctx) {
                    Ok(found) => Some(found).filter(|found| !found.is_node_like()),
                    Err(diagnostic) => return self.fail(key, diagnostic),
                }
            }
        };
        let program = found
            .as_ref()
            .and_then(|found| self.ctx.find_program_from(found.program.as_deref()?, cwd));
        let (Some(found), Some(path)) = (found, program) else {
            let message = format!("`{}` runs no module of Python", asked.unwrap_or_default());
            let help = "leave `interpreter` out, or name a Python, such as `python3`";
            return self.fail("interpreter", Diagnostic::error("wrong-form", message).help(help));
        };
        let program = Some(path.to_string_lossy().into_owned());
        let target = Target { path, args: None, name: name_of_module(module) };
        Some((target, Interpreter { program, ..found }))
    }
}
