//! How many files know one attribute of an app: each of them is touched when another is added.
//!
//! The files that a new attribute will touch cannot be seen in the source, but those that mention
//! an old one can.

use super::parsed::Parsed;
use super::row::Row;

/// An attribute that is a number and one that is an object, each with words that mean nothing else.
const SAMPLES: [(&str, &[&str]); 2] = [
    ("kill_timeout", &["kill_timeout", "kill-timeout", "stop_grace"]),
    ("health", &["Health", "health_budget"]),
];

/// For each sample, the files of what users run that mention it outside of comments.
pub fn rows(files: &[Parsed<'_>]) -> Vec<Row> {
    let product: Vec<&Parsed<'_>> = files.iter().filter(|file| file.is_product()).collect();
    let row = |(name, words): (&str, &[&str])| {
        let mentioning = product.iter().filter(|file| mentions(&file.source.text, words));
        let places: Vec<String> = mentioning.map(|file| file.source.path.clone()).collect();
        Row {
            what: format!("files that know `{name}`"),
            now: places.len().to_string(),
            wanted: "",
            places,
        }
    };
    SAMPLES.map(row).into()
}

fn mentions(text: &str, words: &[&str]) -> bool {
    let product = text.split("#[cfg(test)]").next().unwrap_or(text);
    let code = product.lines().map(|line| line.split("//").next().unwrap_or(line));
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    code.flat_map(|line| line.split(|c| !is_part(c))).any(|word| words.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_outside_of_comments_count() {
        let words = ["health"];
        assert!(mentions("spec.health.is_some()", &words));
        assert!(!mentions("// its health\nlet healthy = 1;", &words));
        assert!(!mentions("#[cfg(test)]\nmod tests { fn health() {} }", &words));
    }
}
