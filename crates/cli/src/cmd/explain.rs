//! `explain`: what the code of a complaint means.

use std::fmt::Write as _;

use ostler_config::{Code, code, codes};

use crate::args::suggest::nearest;
use crate::failed::Failed;
use crate::session::Session;

/// Runs the command `explain`. Without a code it lists them.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let Some(word) = session.args.words.first().cloned() else {
        session.out.data(&list());
        return Ok(());
    };
    let Some(found) = code(&word) else {
        let shown = session.out.readable(&word).into_owned();
        let hint = match nearest(&word, codes().iter().map(|code| code.name)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                "`ostler explain` lists the codes, `ostler describe APP` is about an app".to_owned()
            }
        };
        return Err(Failed::new(format!("no complaint has the code `{shown}`")).hint(hint));
    };
    session.out.data(&page(found));
    Ok(())
}

fn list() -> String {
    let width = codes().iter().map(|code| code.name.len()).max().unwrap_or(0);
    codes().iter().map(|code| format!("{:<width$}  {}\n", code.name, code.title)).collect()
}

fn page(code: &Code) -> String {
    let mut out = format!("{}: {}\n\n{}\n", code.name, code.title, code.text);
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
        let page = page(code("two-probes").unwrap());
        assert!(page.starts_with("two-probes: a health check that asks in two ways\n\n"), "{page}");
        assert!(page.contains("\nwrong:  {") && page.contains("\nright:  {"), "{page}");
        assert_eq!(list().lines().count(), codes().len());
    }
}
