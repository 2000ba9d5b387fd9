//! The list as lines (`--mini-list`).

use ostler_pm2::words::status;
use ostler_text::shown;
use ostler_wire::control::ProcView;

use super::cells;

/// Returns one process as lines; `pid_file` is not part of the list and comes apart.
pub(crate) fn mini(process: &ProcView, pid_file: &str, now: u64) -> String {
    let pid_file = shown(pid_file);
    let watching = if process.watching { "yes" } else { "no" };
    format!(
        "+--- {}\nnamespace : {}\nversion : {}\npid : {}\npm2 id : {}\nstatus : {}\nmode : {}\n\
         restarted : {}\nuptime : {}\nmemory usage : {} \nerror log : {}\n\
         watching : {watching}\nPID file : {pid_file}\n\n",
        shown(&process.name),
        shown(&process.namespace),
        shown(cells::version(process)),
        process.pid,
        process.id,
        status(process.phase),
        cells::mode(process),
        process.restarts,
        cells::uptime(process, now),
        cells::memory(process.memory),
        shown(process.logs.get(1).and_then(Option::as_deref).unwrap_or("N/A")),
    )
}
