//! `docs/mcp.md`: what a coding agent is offered.

use super::markdown::{head, table};
use crate::args::tools;

/// Returns the page.
pub(super) fn page() -> String {
    let mut out = head("Coding agents", "mcp");
    out.push_str(
        "`ostler mcp` lets a coding agent start, watch and manage apps, by the Model Context \
         Protocol on standard input and output. The agent starts it, and it ends with the \
         agent:\n\n\
         ```\n\
         claude mcp add ostler -- ostler mcp\n\
         ```\n\n\
         Agents that have a file for it (`.mcp.json`, `.cursor/mcp.json`) are told the same so:\n\n\
         ```json\n\
         { \"mcpServers\": { \"ostler\": { \"command\": \"ostler\", \"args\": [\"mcp\"] } } }\n\
         ```\n\n\
         The program that speaks is `ostler-companion`, beside `ostler`. Each tool runs the \
         command of `ostler` that has its name, but `ports`, which runs `list`. It answers with \
         what `--json` prints and with what the command says: what failed, why, the app's last \
         lines, and what to do.\n\n\
         ## Tools\n\n",
    );
    out.push_str(&table(["tool", "effect", "does", "takes"], &tools::rows()));
    out.push_str(
        "They are marked for the agent (`readOnlyHint`, `destructiveHint`), and \
         [`tools.json`](tools.json) has them whole. Those that are destructive are offered only \
         with `--allow-destructive`.\n\n\
         ## Which apps\n\n\
         Those whose working directory is the folder in which `ostler mcp` was started, or below \
         it: an agent that works on one project sees no other. A name of an app elsewhere is \
         refused with its folder. `--all` shows and manages the apps of all folders.\n\n\
         This keeps an agent from what it does not mean. It is no prison: whoever may start a \
         program may do what the program does, and a process file may name another `cwd`; such an \
         app is started, and is then no app of the project.\n\n\
         Values of variables are not shown, and secrets in arguments are `***`. What apps write to \
         their logs is shown as it is.\n",
    );
    out
}
