//! `docs/configuration.md` and `docs/schema.json`: each attribute of an app.

use ostler_config::attributes::{
    Applies, Attribute, Chapter, Effect, Flag, Rule, Type, Unit, Usual, chapters,
};

use super::markdown::{code, head, table};
use crate::args::sentence;

/// Returns the page.
pub(super) fn page() -> String {
    let mut out = head("Configuration", "configuration");
    out.push_str(
        "What may be said about an app: in a process file by these keys, on the command line by \
         these options. A process file holds a list `apps`, a list alone, or one app; it is \
         JavaScript (`*.config.js`, `.cjs`, `.mjs`), TypeScript (`*.config.ts`, `.mts`, `.cts`), \
         JSON with comments, YAML or TOML. \
         Every key may also be written in camelCase. Editors that know JSON Schema read \
         [schema.json](schema.json).\n\n\
         A change counts *at once*, with the *next start* of each process (the `restart` or \
         `reload` that brings it is one), in each *reload* from the one on that brings it, or \
         only for an app that is *added*. The record is what PM2 and its programs see, in \
         `jlist` and in the saved list; its name of an attribute is given where it is another.\n\n",
    );
    for chapter in chapters() {
        out.push_str(&section(&chapter));
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// Returns the JSON Schema of process files.
pub(super) fn schema() -> String {
    // A value can always be written.
    serde_json::to_string_pretty(&ostler_config::schema()).unwrap_or_default() + "\n"
}

fn section(chapter: &Chapter) -> String {
    let listed = chapter.attributes.iter().filter(|attribute| attribute.is_in_files());
    let rows: Vec<[String; 7]> = listed.map(row).collect();
    let titles =
        ["attribute", "means", "type", "default", "change counts", "option", "in the record"];
    format!("## {}\n\n{}", chapter.title, table(titles, &rows))
}

fn row(attribute: &Attribute) -> [String; 7] {
    let mut names = vec![code(attribute.name)];
    names.extend(attribute.aliases.iter().map(|alias| code(alias)));
    let later = match attribute.effect {
        Effect::Acts => String::new(),
        Effect::Kept => " Kept for other programs; ostler does not act on it.".to_owned(),
        Effect::NotYet { lacks, .. } => {
            format!(" **Not yet**: {lacks}. An option is refused, a file is warned of.")
        }
    };
    let meaning =
        format!("{}{later} Example: {}.", sentence(attribute.help), code(attribute.example));
    let options: Vec<String> = attribute.flags.iter().map(option).collect();
    let of_app = attribute.is_of_app();
    [
        names.join(", "),
        meaning,
        kind(attribute),
        default(attribute),
        if of_app { applies(attribute.applies) } else { "only the command reads it" }.to_owned(),
        options.join(", "),
        if of_app && attribute.record != attribute.name {
            code(attribute.record)
        } else {
            String::new()
        },
    ]
}

/// Returns type and unit: what may be written.
fn kind(attribute: &Attribute) -> String {
    if let Rule::Words(words) = attribute.rule {
        let truths = ["true", "false"].map(code).into_iter();
        let truths = truths.filter(|_| attribute.types.contains(&Type::Bool));
        let words = words.iter().map(|word| code(&format!("\"{word}\"")));
        return words.chain(truths).collect::<Vec<_>>().join(", ");
    }
    let name = |kind: &Type| match kind {
        Type::Text => "text",
        Type::Number => "number",
        Type::Bool => "`true` or `false`",
        Type::List => "list",
        Type::Object => "object",
    };
    let types: Vec<&str> = attribute.types.iter().map(name).collect();
    let unit = match attribute.unit {
        Some(Unit::Milliseconds) => ", milliseconds",
        Some(Unit::Bytes) => ", bytes",
        Some(Unit::Path) => ", path",
        None => "",
    };
    let rule = match attribute.rule {
        Rule::Min(least) if 0 < least => format!(", from {least} up"),
        Rule::Between(least, most) => format!(", from {least} to {most}"),
        Rule::Percent => ", or as `\"150%\"`".to_owned(),
        Rule::Memory => ", or as `\"100M\"`".to_owned(),
        Rule::Uptime => ", from 100 up, or as `\"10m\"`".to_owned(),
        Rule::Port
        | Rule::Count
        | Rule::Date
        | Rule::Cron
        | Rule::Any
        | Rule::Min(_)
        | Rule::Words(_)
        | Rule::NotEmpty
        | Rule::PlainItems
        | Rule::ExitCodes => String::new(),
    };
    types.join(" or ") + unit + &rule
}

fn default(attribute: &Attribute) -> String {
    match (attribute.usual, attribute.default()) {
        (Usual::Said(words), _) => words.to_owned(),
        (Usual::Spec | Usual::Json(_), Some(value)) => code(&value.to_string()),
        (Usual::Spec | Usual::Json(_), None) => String::new(),
    }
}

fn applies(applies: Applies) -> &'static str {
    match applies {
        Applies::AtOnce => "at once",
        Applies::NextStart => "next start",
        Applies::Reload => "reload",
        Applies::Added => "when added",
    }
}

fn option(flag: &Flag) -> String {
    let long = flag.long.iter().map(|long| format!("--{long}"));
    let short = flag.short.map(|short| format!("-{short}"));
    short.into_iter().chain(long).map(|name| code(&name)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attribute_of_a_file_is_in_one_row() {
        let page = page();
        for attribute in ostler_config::attributes().filter(|found| found.is_in_files()) {
            let start = format!("\n| `{}`", attribute.name);
            let rows = page.matches(&format!("{start} |")).count()
                + page.matches(&format!("{start}, ")).count();
            assert_eq!(rows, 1, "{}", attribute.name);
        }
    }
}
