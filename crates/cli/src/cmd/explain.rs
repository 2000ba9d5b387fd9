//! `explain`: what the code of a complaint means.

use std::fmt::Write as _;

use ostler_config::{Code, code, codes};
use ostler_show::wrap;
use serde_json::{Value, json};

use crate::args::suggest::nearest;
use crate::failed::Failed;
use crate::session::Session;
use crate::view;

use super::told;

/// Runs the command `explain`. Without a code it lists them.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let asked = told::asked(session)?;
    let Some(word) = session.args.words.first().cloned() else {
        match &asked {
            Some(asked) => {
                let all: Vec<Value> = codes().iter().map(object).collect();
                told::array(session, asked, &all);
            }
            None => session.out.data(&list()),
        }
        return Ok(());
    };
    // As it is printed: `error[wrong-form]`.
    let within = word.split_once('[').and_then(|(_, rest)| rest.strip_suffix(']'));
    let Some(found) = code(within.unwrap_or(&word)) else {
        let shown = session.out.readable(&word).into_owned();
        let hint = match nearest(&word, codes().iter().map(|code| code.name)) {
            Some(near) => format!("did you mean `ostler explain {near}`?"),
            None => "`ostler explain` lists the codes".to_owned(),
        };
        return Err(Failed::misuse(format!("no complaint has the code `{shown}`")).hint(hint));
    };
    if let Some(asked) = asked {
        told::object(session, &asked, &object(found));
        return Ok(());
    }
    let width = if session.out.terminal { view::width().min(WIDEST) } else { WIDEST };
    session.out.data(&page(found, width));
    Ok(())
}

/// Lines that are longer are hard to read.
const WIDEST: usize = 80;

fn list() -> String {
    let width = codes().iter().map(|code| code.name.len()).max().unwrap_or(0);
    codes().iter().map(|code| format!("{:<width$}  {}\n", code.name, code.title)).collect()
}

fn object(code: &Code) -> Value {
    let (wrong, right) = code.example.unzip();
    json!({ "code": code.name, "title": code.title, "text": code.text, "wrong": wrong,
        "right": right })
}

fn page(code: &Code, width: usize) -> String {
    let mut out = format!("{}: {}\n\n", code.name, code.title);
    wrap(&mut out, code.text, 0, width);
    if let Some((wrong, right)) = code.example {
        let _ = write!(out, "\nwrong:  {wrong}\nright:  {right}\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_the_text_and_both_examples() {
        let page = page(code("two-probes").unwrap(), 80);
        // A line of 200 characters was cut by the terminal in the middle of words.
        assert!(page.lines().take(5).all(|line| line.chars().count() <= 80), "{page}");
        assert!(page.starts_with("two-probes: a health check that asks in two ways\n\n"), "{page}");
        assert!(page.contains("\nwrong:  {") && page.contains("\nright:  {"), "{page}");
        assert_eq!(list().lines().count(), codes().len());
    }
}
