//! `docs/environment.md`: each environment variable.

use ostler_env::{Audience, VARIABLES, Variable};

use super::markdown::{code, head, table};

/// Returns the page.
pub(super) fn page() -> String {
    let mut out = head("Environment variables", "environment");
    out.push_str(&part(
        "## For the person who uses ostler\n\n\
         The daemon has the environment of the command that started it.\n\n",
        |variable| variable.audience == Audience::User,
    ));
    out.push_str(&part(
        "## What an application is given\n\n\
         Beside the variables of the shell that started it and those of its `env`. As in PM2, \
         every attribute that is a text, a number or a truth is a variable of its name as \
         well.\n\n",
        |variable| variable.given_to_apps && variable.audience == Audience::Internal,
    ));
    out.push_str(&part("## Between the parts of ostler\n\n", |variable| {
        !variable.given_to_apps && variable.audience == Audience::Internal
    }));
    out.push_str(&part("## For work on ostler itself\n\n", |variable| {
        variable.audience == Audience::Developer
    }));
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn part(head: &str, wanted: impl Fn(&Variable) -> bool) -> String {
    let rows: Vec<[String; 5]> =
        VARIABLES.iter().filter(|variable| wanted(variable)).map(row).collect();
    let titles = ["variable", "means", "default", "read by", "meaning from"];
    format!("{head}{}", table(titles, &rows))
}

fn row(variable: &Variable) -> [String; 5] {
    let readers: Vec<&str> = variable.readers.iter().map(|reader| reader.name()).collect();
    [
        code(variable.name),
        variable.meaning.to_owned(),
        variable.default.to_owned(),
        readers.join(", "),
        variable.origin.name().to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_is_in_one_table() {
        let page = page();
        for variable in VARIABLES {
            let found = page.matches(&format!("\n| `{}` |", variable.name)).count();
            assert_eq!(found, 1, "{}", variable.name);
        }
    }
}
