//! What a command is called and takes.

use super::arg::Arg::{self, Any, Many, Maybe, Needed};
use super::commands::{COMMANDS, Command, CommandId};
use crate::program::Program;

impl Command {
    /// Finds the command of this name.
    pub(crate) fn find(name: &str, program: Program) -> Option<&'static Self> {
        Self::of(program).find(|command| command.names.contains(&name))
    }

    /// Returns the commands under a name of the program.
    pub(crate) fn of(program: Program) -> impl Iterator<Item = &'static Self> {
        COMMANDS
            .iter()
            .filter(move |command| program == Program::Ostler || !command.is_ours_alone())
    }

    /// Whether PM2's command line does not have it.
    fn is_ours_alone(&self) -> bool {
        use CommandId::{
            Apply, Explain, Health, Help, LinkPm2, Mcp, Migrate, Plan, Run, Skill, Validate,
        };
        matches!(
            self.id,
            Apply
                | Explain
                | Help
                | Run
                | Health
                | LinkPm2
                | Mcp
                | Migrate
                | Plan
                | Skill
                | Validate
        )
    }

    /// Returns the command that runs apps in the foreground, which `pm2-runtime` is.
    pub(crate) fn run() -> Option<&'static Self> {
        Self::by_id(CommandId::Run)
    }

    /// Returns the command with this id.
    pub(crate) fn by_id(id: CommandId) -> Option<&'static Self> {
        COMMANDS.iter().find(|command| command.id == id)
    }

    /// Returns the name that is shown.
    pub(crate) fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }

    /// Returns its other names.
    pub(crate) fn others(&self) -> &'static [&'static str] {
        self.names.get(1..).unwrap_or_default()
    }

    /// Returns names and arguments as PM2 writes them: `scale <app_name> <number>`.
    pub(crate) fn pm2_usage(&self) -> String {
        let takes: &[Arg] = match self.id {
            // PM2's list is always of everything, and its reload of one.
            CommandId::List => &[],
            CommandId::Reload => &[Needed("id|name|namespace|all")],
            _ => self.takes,
        };
        let shown = takes.iter().map(|arg| match arg {
            Needed(name) => format!(" <{name}>"),
            Maybe(name) => format!(" [{name}]"),
            Many(name) => format!(" <{name}...>"),
            Any(name) => format!(" [{name}...]"),
        });
        self.names.join("|") + &shown.collect::<String>()
    }

    /// Returns the arguments, each after a blank.
    pub(crate) fn arguments(&self) -> String {
        self.takes.iter().map(|arg| format!(" {}", arg.shown())).collect()
    }

    /// Returns how many arguments it takes at most.
    pub(crate) fn takes_at_most(&self) -> usize {
        let is_one = |arg: &Arg| matches!(arg, Needed(_) | Maybe(_));
        if self.takes.iter().all(is_one) { self.takes.len() } else { usize::MAX }
    }

    /// Whether it only tells what there is: no manager is started for it, but by PM2's commands.
    pub(crate) fn only_reads(&self, program: Program) -> bool {
        use CommandId::{
            Describe, Env, Export, Id, Inspect, Jlist, List, Logs, Pid, Prettylist, Wait,
        };
        let is_looked_at = matches!(
            self.id,
            List | Jlist | Prettylist | Describe | Env | Logs | Inspect | Export | Pid | Id
        );
        self.id == Wait || is_looked_at && program == Program::Ostler
    }

    /// Whether it does nothing without the name of an app, and takes arguments for that app.
    pub(crate) fn needs_app(&self) -> bool {
        matches!(self.id, CommandId::Restart | CommandId::Reload)
    }

    /// Whether what stands after `--` are arguments of an app that it starts.
    pub(crate) fn takes_app_arguments(&self) -> bool {
        use CommandId::{Reload, Restart, Run, Start, StartOrReload, StartOrRestart};
        matches!(self.id, Start | Run | Restart | Reload | StartOrRestart | StartOrReload)
    }

    /// Whether its first word may be a program, which is followed by words of its own.
    pub(super) fn takes_program(&self) -> bool {
        matches!(self.id, CommandId::Start | CommandId::Run)
    }
}
