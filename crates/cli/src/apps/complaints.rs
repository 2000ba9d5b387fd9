//! What is wrong with options and process files, told to a person or a program.

use std::borrow::Cow;

use ostler_config::{COLUMNS, Diagnostic, IGNORED_OPTION, Severity};

use crate::args::{self, CommandId};
use crate::failed::{FAILED, Failed, MISUSED};
use crate::program::Program;
use crate::session::Session;
use crate::voice::{Notice, Problem, Progress};

/// Tells what there is to say about a process file.
pub(crate) fn tell(session: &mut Session, diagnostics: &[Diagnostic]) {
    _ = report(session, diagnostics, true);
}

/// Prints every complaint, and returns the failure, which has nothing more to say. `others`: other
/// apps of the file are fine, which PM2 words differently.
pub(super) fn report(session: &mut Session, diagnostics: &[Diagnostic], others: bool) -> Failed {
    let color = session.out.paint.text;
    if session.program == Program::Ostler {
        let diagnostics = in_order_of_file(diagnostics);
        // A line in which something else is wrong is not proposed.
        let alone = diagnostics.iter().filter(|one| one.is_error()).count() == 1;
        let shown = diagnostics.iter().map(|diagnostic| match diagnostic.code {
            IGNORED_OPTION => Diagnostic { severity: Severity::Error, ..diagnostic.clone() },
            _ => diagnostic.clone(),
        });
        if session.out.progress() == Some(Progress::Json) {
            shown.for_each(|diagnostic| tell_object(session, &diagnostic, alone));
        } else {
            let columns = window();
            let own = |of: Diagnostic| in_full(session, of, alone).render_own(color, columns);
            let texts: Vec<String> = shown.map(own).collect();
            session.out.message_aside(&texts.join("\n"));
        }
        let errors = || diagnostics.iter().filter(|one| one.is_error());
        let misused = errors().all(Diagnostic::is_misuse) && !diagnostics.is_empty();
        return Failed::quiet(if misused { MISUSED } else { FAILED });
    }
    for diagnostic in diagnostics {
        let text = diagnostic.render(false);
        let details = text.split_once('\n').map_or("", |(_, rest)| rest).trim_end();
        let details = if details.is_empty() { String::new() } else { format!("\n{details}") };
        let prefix = if others && diagnostic.code == "no-script" { "Error: " } else { "" };
        let text = format!("{prefix}{}{details}", diagnostic.message);
        match diagnostic.severity {
            Severity::Error => session.out.problem(&Problem::new(text)),
            Severity::Warning => session.out.warn(&text),
            Severity::Note => session.out.tell(&Notice::Note { text: &diagnostic.message }),
        }
    }
    Failed::quiet(FAILED)
}

/// Returns complaints in the order of the file, as whoever mends it goes through it; those that are
/// about all of it come first.
pub(crate) fn in_order_of_file(diagnostics: &[Diagnostic]) -> Vec<Diagnostic> {
    let mut diagnostics = diagnostics.to_vec();
    // A file may extend others: file by file, in the order in which they are first named.
    let mut origins: Vec<Option<String>> = Vec::new();
    for of in &diagnostics {
        if !origins.contains(&of.origin) {
            origins.push(of.origin.clone());
        }
    }
    let file = |of: &Diagnostic| origins.iter().position(|known| *known == of.origin);
    diagnostics
        .sort_by_key(|of| of.place.as_ref().map(|place| (file(of), place.line, place.column)));
    diagnostics
}

/// Tells a complaint to a program, with its place.
fn tell_object(session: &mut Session, diagnostic: &Diagnostic, alone: bool) {
    let mut text = diagnostic.own_message().to_owned();
    if let (Some(file), Some(place)) = (&diagnostic.origin, &diagnostic.place) {
        text = format!("{file}:{}:{}: {text}", place.line, place.column);
    }
    let diagnostic = &in_full(session, diagnostic.clone(), alone);
    let hint = diagnostic.own_hint();
    let hint = hint.as_deref();
    match diagnostic.severity {
        Severity::Error => {
            let hint = hint.map(str::to_owned);
            session.out.problem(&Problem::Other { message: text, hint });
        }
        Severity::Warning => {
            session.out.tell(&Notice::Warning { text: &text, hint, apart: true });
        }
        Severity::Note => session.out.tell(&Notice::Note { text: &text }),
    }
}

/// Returns a complaint about a file that was typed with the line that was probably meant.
/// `alone`: nothing else is wrong.
fn in_full(session: &Session, diagnostic: Diagnostic, alone: bool) -> Diagnostic {
    let meant = diagnostic.ours.meant.as_ref();
    match meant.and_then(|(typed, near)| session.args.typed.with_file(typed, near)) {
        Some(line) => diagnostic.own_help(format!("did you mean `{line}`?")),
        None if alone => for_run(session, of_option(session, diagnostic)),
        None => for_run(session, diagnostic),
    }
}

/// Returns it with the line in which the value of an option is one that can be meant, or that does
/// without the option.
fn of_option(session: &Session, diagnostic: Diagnostic) -> Diagnostic {
    let is_of_value =
        |hint: &str| ["write ", "leave ", "a file has "].iter().any(|of| hint.starts_with(of));
    let hint = diagnostic.own_hint().filter(|hint| is_of_value(hint));
    let option = diagnostic.own_message().split("`--").nth(1).and_then(|of| of.split('`').next());
    let (Some(hint), Some(option)) = (hint.map(Cow::into_owned), option) else { return diagnostic };
    let Some((value, right)) = session.args.attribute(option).zip(args::sample_of(option)) else {
        return diagnostic;
    };
    let typed = &session.args.typed;
    if hint.starts_with("leave ") {
        let line = typed.without_option(&format!("--{option}"), Some(value));
        let Some(line) = line else { return diagnostic };
        return diagnostic.own_help(format!("{hint} (`{line}`)"));
    }
    // The line has the example, where there is only one.
    let one = hint.split_once(" such as `").filter(|(_, of)| !of.contains([';', ',']));
    let own = one.and_then(|(_, of)| of.split('`').next()).filter(|of| !of.starts_with('-'));
    let line = typed.corrected(value, own.unwrap_or(&right));
    let Some(line) = line else { return diagnostic };
    let text = one.map_or(hint.as_str(), |(text, _)| text.trim_end_matches(','));
    diagnostic.own_help(format!("{text}, as in `{line}`"))
}

/// Returns it with the command that was typed in place of `start`, which advice names.
fn for_run(session: &Session, diagnostic: Diagnostic) -> Diagnostic {
    let is_run = session.args.command.is_some_and(|command| command.id == CommandId::Run);
    match diagnostic.own_hint().filter(|_| is_run) {
        Some(hint) => {
            // Nothing of the list is run.
            let hint = hint.replace("; `ostler list` shows what there is", "");
            diagnostic.own_help(hint.replace("`ostler start ", "`ostler run "))
        }
        None => diagnostic,
    }
}

/// Returns how many columns a frame may have.
fn window() -> usize {
    match rustix::termios::tcgetwinsize(std::io::stderr()) {
        Ok(size) if 0 < size.ws_col => size.ws_col.into(),
        Ok(_) | Err(_) => COLUMNS,
    }
}
