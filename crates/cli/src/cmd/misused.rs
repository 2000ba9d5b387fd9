//! Command lines that are not understood: how that is said, and with which exit code.
//!
//! Under our own name it is one line on standard error with its hint, and code 2, which a script
//! can tell from a command that failed. PM2 has its own places, and code 1.

use ostler_text::shown;

use crate::args::flags::FLAGS;
use crate::args::{self, Command, FlagId, Misuse, Typed, help, pm2_help};
use crate::failed::Failed;
use crate::output::Output;
use crate::paint::Ink;
use crate::program::Program;
use crate::voice::{Problem, Progress};

/// Says what to begin with, where no command was given.
pub(super) fn nothing_asked(out: &mut Output, program: Program) {
    match program {
        Program::Ostler => out.data_aside(&help::first_words()),
        Program::Pm2 => out.data(&pm2_help::usage()),
    }
}

/// Says what is not understood; silence does not suppress it.
pub(super) fn refuse(out: &mut Output, misuse: &Misuse, program: Program, typed: &Typed) {
    match program {
        Program::Ostler => refuse_in_our_way(out, misuse, typed),
        Program::Pm2 => refuse_in_pm2s_way(out, misuse),
    }
}

/// The failure of a command that has seen only later that its line is not understood.
pub(super) fn failed(misuse: &Misuse, typed: &Typed) -> Failed {
    let said = args::said(misuse, Program::Ostler, typed);
    let failed = Failed::misuse(said.text);
    match said.hint {
        Some(hint) => failed.hint(hint),
        None => failed,
    }
}

fn refuse_in_our_way(out: &mut Output, misuse: &Misuse, typed: &Typed) {
    let said = args::said(misuse, Program::Ostler, typed);
    if wants_objects(typed) {
        out.show_progress(Progress::Json);
        out.problem(&Problem::Other { message: said.text, hint: said.hint });
        return;
    }
    let paint = out.paint;
    let error = paint.ink(&[Ink::Bold, Ink::Red], "error:");
    let hint = said.hint.map_or(String::new(), |hint| {
        format!("{} {}\n", paint.ink(&[Ink::Bold, Ink::Cyan], "hint:"), shown(&hint))
    });
    let text = format!("{error} {}\n{hint}", shown(&said.text));
    let text = out.for_window(&text).into_owned();
    out.data_aside(&text);
}

/// Whether a program reads what this line says, by a command that tells it in objects.
fn wants_objects(typed: &Typed) -> bool {
    let command = typed.words().find_map(|word| Command::find(word, Program::Ostler));
    let tells = |command: &Command| {
        FLAGS.iter().any(|flag| flag.id == FlagId::Progress && flag.acts_with(command.id))
    };
    command.is_some_and(tells) && typed.has_value("--progress", "json")
}

fn refuse_in_pm2s_way(out: &mut Output, misuse: &Misuse) {
    let said = args::said(misuse, Program::Pm2, &Typed::default());
    let (text, hint) = (shown(&said.text), said.hint.as_deref().map(shown));
    match misuse {
        Misuse::Command { .. } => {
            let line = out.paint.ink(&[Ink::Red], "[PM2][ERROR] ");
            out.data(&format!("{line}{text}\n"));
            if let Some(hint) = hint {
                out.data(&format!("hint: {hint}\n"));
            }
            out.data(&format!("\n{}", pm2_help::usage()));
        }
        Misuse::Absent { .. }
        | Misuse::Option { .. }
        | Misuse::AbsentOption { .. }
        | Misuse::Elsewhere { .. }
        | Misuse::Value { .. }
        | Misuse::ExitCode { .. }
        | Misuse::NotANumber { .. }
        | Misuse::Missing { .. }
        | Misuse::Extra { .. }
        | Misuse::NoCommand { .. }
        | Misuse::Apart { .. }
        | Misuse::Dashed { .. }
        | Misuse::Swallowed { .. }
        | Misuse::Contrary { .. }
        | Misuse::Whose { .. }
        | Misuse::Taken { .. }
        | Misuse::NotText(_) => {
            let hint = hint.map_or(String::new(), |hint| format!("  hint: {hint}\n"));
            out.data_aside(&format!("\n  error: {text}\n{hint}\n"));
        }
    }
}
