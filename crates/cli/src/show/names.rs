//! Names of fields as a program writes them: `name,pid`, and `{name} {pid}`.

use crate::args::suggest::nearest;
use crate::failed::Failed;

/// Returns the names of `name,pid`.
///
/// # Errors
/// There is none between two commas, or one is there twice.
pub(crate) fn split(fields: &str) -> Result<Vec<&str>, Failed> {
    let mut names: Vec<&str> = Vec::new();
    for name in fields.split(',').map(str::trim) {
        if name.is_empty() {
            let what = if fields.trim().is_empty() { "is empty" } else { "has an empty name" };
            let hint = "`--json` alone gives every field; names stand between commas: `name,pid`";
            return Err(Failed::misuse(format!("the list of fields of `--json` {what}")).hint(hint));
        }
        if names.contains(&name) {
            return Err(Failed::misuse(format!("`--json` names the field `{name}` twice")));
        }
        names.push(name);
    }
    Ok(names)
}

/// Whether there is a field of this name.
///
/// # Errors
/// There is none.
pub(crate) fn check(name: &str, known: Option<&[&str]>) -> Result<(), Failed> {
    match known {
        Some(known) if !known.contains(&name) => Err(unknown(name, known)),
        Some(_) | None => Ok(()),
    }
}

/// Says that there is no field of this name.
pub(crate) fn unknown(name: &str, known: &[&str]) -> Failed {
    Failed::misuse(format!("there is no field `{name}`")).hint(hint(known))
}

/// Says which fields there are.
pub(crate) fn hint(known: &[&str]) -> String {
    format!("the fields are {}", known.join(", "))
}

/// Returns the fields that were probably meant by `name,pid`, each once; none where that is what is
/// written, or one is near to none.
pub(crate) fn meant(fields: &str, known: &[&str]) -> Option<String> {
    let mut meant: Vec<&str> = Vec::new();
    for name in fields.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let near = near(name, known)?;
        if !meant.contains(&near) {
            meant.push(near);
        }
    }
    let meant = meant.join(",");
    (meant != fields && !meant.is_empty()).then_some(meant)
}

/// The same of `{name} {pid}`.
pub(crate) fn meant_template(template: &str, known: &[&str]) -> Option<String> {
    let mut meant = String::new();
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('{') {
        let (name, after) = behind.split_once('}')?;
        meant.push_str(&format!("{before}{{{}}}", near(name.trim(), known)?));
        rest = after;
    }
    meant.push_str(rest);
    (meant != template).then_some(meant)
}

/// Returns the field of this name, or the one that is nearly called so.
fn near<'n>(name: &'n str, known: &[&'n str]) -> Option<&'n str> {
    // Where any name may be one, each is.
    if known.is_empty() {
        return Some(name);
    }
    let names = || known.iter().copied();
    names().find(|known| *known == name).or_else(|| nearest(name, names()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_fields_has_a_name_between_its_commas_and_each_once() {
        assert_eq!(split("name, pid").unwrap(), ["name", "pid"]);
        for (fields, is_near) in [("", false), (",", false), ("name,", true), ("name,name", true)] {
            let failed = split(fields).unwrap_err();
            assert_eq!(failed.code, crate::failed::MISUSED, "{fields}");
            let meant = meant(fields, &["name", "pid"]);
            assert_eq!(meant.as_deref(), is_near.then_some("name"), "{fields}");
        }
    }

    #[test]
    fn a_slip_of_a_field_is_put_right() {
        let known = ["name", "pid"];
        assert_eq!(meant("nmae,pid", &known).as_deref(), Some("name,pid"));
        assert_eq!(meant("name,pid", &known), None);
        assert_eq!(meant("name,colour", &known), None);
        let template = meant_template("{nmae}: {pid}", &known);
        assert_eq!(template.as_deref(), Some("{name}: {pid}"));
    }
}
