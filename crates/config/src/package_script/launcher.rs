//! Programs of packages that start another one as their child: what they would start.
//!
//! A worker of a cluster must be the program that listens. What only sets variables is left out;
//! of the others some are known well enough to name the program behind them.

use std::path::Path;

use super::Line;
use crate::json;

/// Programs whose child listens and that do more than to start it.
const WRAPPERS: [&str; 22] = [
    "nodemon",
    "node-dev",
    "ts-node-dev",
    "tsnd",
    "concurrently",
    "conc",
    "npm-run-all",
    "run-s",
    "run-p",
    "react-scripts",
    "dotenv",
    "env-cmd",
    "cross-env-shell",
    "pm2",
    "pm2-runtime",
    "forever",
    "turbo",
    "nx",
    "lerna",
    "wait-on",
    "start-server-and-test",
    "sh",
];

/// Takes what only sets variables off the line: `env`, `cross-env`.
pub(super) fn unwrap(line: &mut Line) {
    while matches!(line.words.first().map(String::as_str), Some("env" | "cross-env")) {
        let is_variable = |word: &String| word.contains('=') && !word.starts_with(['-', '=']);
        let count = line.words.iter().skip(1).take_while(|word| is_variable(word)).count();
        if line.words.len() <= count + 1 {
            return;
        }
        let variables = line.words.drain(..=count).skip(1);
        line.env.extend(
            variables.filter_map(|word| word.split_once('=').map(|(n, v)| (n.into(), v.into()))),
        );
    }
}

/// Puts the program behind the line's into its place, for a worker of a cluster. `root`: the
/// folder of `package.json`.
///
/// # Errors
/// The program starts another one, and which is not known.
pub(super) fn behind(line: &mut Line, root: &Path) -> Result<(), String> {
    let name = line.words.first().cloned().unwrap_or_default();
    let name = name.rsplit('/').next().unwrap_or_default();
    let first = line.words.get(1).map_or("", String::as_str);
    match (name, first) {
        ("nest", "start") => nest(line, root),
        ("nuxt" | "nuxi", "start" | "preview") => nuxt(line, root),
        ("tsx", "watch") | ("next" | "nuxt" | "nuxi" | "astro", "dev") | ("nuxt" | "next", "") => {
            let what = if first.is_empty() { name.to_owned() } else { format!("{name} {first}") };
            Err(format!("`{what}` is for development and starts the program as its child"))
        }
        ("tsx", _) => {
            line.words.splice(..1, ["node", "--import", "tsx"].map(str::to_owned));
            Ok(())
        }
        (wrapper, _) if WRAPPERS.contains(&wrapper) => {
            Err(format!("`{wrapper}` starts the program as its child"))
        }
        (_, _) => Ok(()),
    }
}

/// `nest start` compiles, then starts what it has compiled.
fn nest(line: &mut Line, root: &Path) -> Result<(), String> {
    let options = line.words.get(2..).unwrap_or_default();
    let own: Vec<&String> = options.iter().take_while(|word| *word != "--").collect();
    if let Some(option) = own.first() {
        return Err(format!("what `nest start {option}` starts is not known"));
    }
    let args: Vec<String> = options.iter().skip(own.len() + 1).cloned().collect();
    let read = |file: &str| {
        let text = std::fs::read_to_string(root.join(file)).unwrap_or_default();
        json::parse(&text).ok()
    };
    let text = |file: &str, path: [&str; 2]| {
        let [outer, inner] = path;
        let root = read(file)?;
        let node = if outer.is_empty() { root.get(inner)? } else { root.get(outer)?.get(inner)? };
        node.as_text().map(str::to_owned)
    };
    let usual = |value: Option<String>, usual: &str| value.unwrap_or_else(|| usual.to_owned());
    let entry = usual(text("nest-cli.json", ["", "entryFile"]), "main");
    let source = usual(text("nest-cli.json", ["", "sourceRoot"]), "src");
    let out = text("tsconfig.build.json", ["compilerOptions", "outDir"])
        .or_else(|| text("tsconfig.json", ["compilerOptions", "outDir"]));
    let out = usual(out, "dist");
    let flat = format!("{}/{entry}.js", out.trim_start_matches("./").trim_end_matches('/'));
    let deep =
        format!("{}/{source}/{entry}.js", out.trim_start_matches("./").trim_end_matches('/'));
    let Some(found) = [&deep, &flat].into_iter().find(|path| root.join(path).is_file()) else {
        return Err(format!("`nest start` runs `{flat}`, which is not there: run `nest build`"));
    };
    line.words = ["node", "--enable-source-maps", found]
        .map(str::to_owned)
        .into_iter()
        .chain(args)
        .collect();
    Ok(())
}

/// `nuxt start` of version 3 and later starts the server that was built; of version 2 it
/// is the server.
fn nuxt(line: &mut Line, root: &Path) -> Result<(), String> {
    let built = ".output/server/index.mjs";
    if root.join(built).is_file() {
        line.words = ["node", built].map(str::to_owned).to_vec();
        return Ok(());
    }
    if root.join(".nuxt/dist").is_dir() {
        return Ok(());
    }
    Err(format!("`nuxt start` runs `{built}`, which is not there: run `nuxt build`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &str) -> Line {
        Line { env: Vec::new(), words: words.split(' ').map(str::to_owned).collect() }
    }

    #[test]
    fn what_sets_variables_is_taken_off() {
        let mut one = line("cross-env A=1 B=x=y env C= node a.js D=4");
        unwrap(&mut one);
        let env: Vec<String> =
            one.env.iter().map(|(name, value)| format!("{name}:{value}")).collect();
        assert_eq!(env, ["A:1", "B:x=y", "C:"]);
        assert_eq!(one.words.join(" "), "node a.js D=4");
        let mut alone = line("env A=1");
        unwrap(&mut alone);
        assert_eq!(alone.words.len(), 2);
    }

    #[test]
    fn the_program_behind_a_known_launcher_is_named_and_other_launchers_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let found = |words: &str| {
            let mut line = line(words);
            behind(&mut line, root).map(|()| line.words.join(" "))
        };
        assert!(found("nest start").unwrap_err().contains("run `nest build`"));
        std::fs::create_dir_all(root.join("out/src")).unwrap();
        std::fs::write(root.join("out/src/main.js"), "").unwrap();
        std::fs::write(
            root.join("tsconfig.json"),
            "{ // the compiler's\n \"compilerOptions\": { \"outDir\": \"./out\" } }",
        )
        .unwrap();
        let nest = "node --enable-source-maps out/src/main.js";
        assert_eq!(found("nest start").unwrap(), nest);
        assert_eq!(found("nest start -- a").unwrap(), format!("{nest} a"));
        assert!(found("nest start --watch").unwrap_err().contains("nest start --watch"));
        assert!(found("nuxt start").unwrap_err().contains("run `nuxt build`"));
        std::fs::create_dir_all(root.join(".nuxt/dist")).unwrap();
        assert_eq!(found("nuxt start").unwrap(), "nuxt start");
        std::fs::create_dir_all(root.join(".output/server")).unwrap();
        std::fs::write(root.join(".output/server/index.mjs"), "").unwrap();
        assert_eq!(found("nuxt start").unwrap(), "node .output/server/index.mjs");
        assert_eq!(found("tsx src/a.ts b").unwrap(), "node --import tsx src/a.ts b");
        assert!(found("tsx watch a.ts").is_err() && found("next dev").is_err());
        assert_eq!(found("next start").unwrap(), "next start");
        assert_eq!(found("nodemon a.js").unwrap_err(), "`nodemon` starts the program as its child");
    }
}
