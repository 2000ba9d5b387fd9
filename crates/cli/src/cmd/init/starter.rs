//! What a process file begins with, for the app that is in a folder.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// Files that an app of Node may begin with, the likeliest first.
const SCRIPTS: [&str; 6] =
    ["server.js", "app.js", "index.js", "src/index.js", "dist/index.js", "main.js"];
/// The same of Python.
const PYTHON: [&str; 5] = ["main.py", "app.py", "server.py", "run.py", "src/main.py"];
/// Files that say of a folder that it is one of Python.
const OF_PYTHON: [&str; 3] = ["pyproject.toml", "requirements.txt", "Pipfile"];

/// What was found to run.
struct Start {
    script: String,
    args: Option<String>,
    /// A line above the script.
    remark: Option<&'static str>,
    interpreter: Option<&'static str>,
    /// It is one of Node, so that workers share its port.
    shares: bool,
}

impl Start {
    fn of_node(script: &str) -> Self {
        Self {
            script: script.to_owned(),
            args: None,
            remark: None,
            interpreter: None,
            shares: true,
        }
    }

    fn of_python(script: &str, args: Option<String>) -> Self {
        let interpreter = Some("auto").filter(|_| script.ends_with(".py"));
        let remark = Some(match interpreter {
            Some(_) => {
                "Run by the Python of `.venv` or `venv`, else by `uv`, `poetry` or `python`."
            }
            None => "A program of `.venv` or `venv`, where it is not in PATH.",
        });
        Self { script: script.to_owned(), args, remark, interpreter, shares: false }
    }
}

/// Returns the file for the app in this folder.
pub(super) fn text(folder: &Path, package: &Value, simple: bool) -> String {
    let of_folder = || folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = value(package, "name");
    let name = name.map(|name| name.rsplit('/').next().unwrap_or(name).to_owned());
    let name = name.or_else(of_folder).unwrap_or_else(|| "app".to_owned());
    let start = find(folder, package);
    let mut lines = vec![format!("name: {},", quoted(&name))];
    if let Some(remark) = start.remark.filter(|_| !simple) {
        lines.push(format!("// {remark}"));
    }
    lines.push(format!("script: {},", quoted(&start.script)));
    lines.extend(start.args.map(|args| format!("args: {},", quoted(&args))));
    lines.extend(start.interpreter.map(|of| format!("interpreter: {},", quoted(of))));
    if simple {
        let lines = lines.join("\n    ");
        return format!("module.exports = {{\n  apps: [{{\n    {lines}\n  }}],\n}};\n");
    }
    let env = |value: &str| match start.shares {
        true => format!("{{ NODE_ENV: \"{value}\" }}"),
        false => "{}".to_owned(),
    };
    lines.extend(start.shares.then(|| INSTANCES.to_owned()));
    lines.push(ENV.to_owned());
    lines.push(format!("env: {},", env("development")));
    lines.push(format!("env_production: {},", env("production")));
    lines.push(REST.to_owned());
    let lines = lines.join("\n").replace('\n', "\n      ").replace("\n      \n", "\n\n");
    format!("{HEAD}module.exports = {{\n  apps: [\n    {{\n      {lines}\n    }},\n  ],\n}};\n")
}

const HEAD: &str = "// Every key is explained in docs/configuration.md.\n";
const INSTANCES: &str = "
// Workers that share the port of the app; `\"max\"` is one per processor.
// Without this line there is one process, which a reload restarts.
instances: 2,";
const ENV: &str = "
// Variables of the app. `--env production` puts those of `env_production` on top.";
const REST: &str = "
// A worker that uses more is replaced.
max_memory_restart: \"500M\",

// How long a worker may take to end when it is asked to, ms.
kill_timeout: 5000,";

/// A text of `package.json`.
pub(super) fn value<'p>(package: &'p Value, key: &str) -> Option<&'p str> {
    package.get(key).and_then(Value::as_str)
}

/// A text of JSON is one of JavaScript.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn find(folder: &Path, package: &Value) -> Start {
    let is_there = |script: &str| folder.join(script).is_file();
    if package.is_null()
        && let Some(start) = python(folder)
    {
        return start;
    }
    let has = |name: &str| {
        let all = ["dependencies", "devDependencies"].map(|kind| package.get(kind)?.get(name));
        all.iter().any(Option::is_some)
    };
    if has("next") {
        let remark = Some("`npm run build` comes first.");
        let args = Some("start".to_owned());
        return Start { args, remark, ..Start::of_node("node_modules/next/dist/bin/next") };
    }
    if has("nuxt") {
        let remark = Some("`npm run build` writes it.");
        return Start { remark, ..Start::of_node(".output/server/index.mjs") };
    }
    if has("@nestjs/core") {
        let remark = Some("`npm run build` writes it.");
        return Start { remark, ..Start::of_node("dist/main.js") };
    }
    let main = value(package, "main").filter(|main| is_there(main));
    let found = SCRIPTS.into_iter().find(|script| is_there(script));
    Start::of_node(main.or(found).unwrap_or("app.js"))
}

/// The app of a folder of Python; `None`: it is none.
fn python(folder: &Path) -> Option<Start> {
    let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap_or_default();
    let needs = OF_PYTHON.map(read).join("\n").to_lowercase();
    let script = PYTHON.into_iter().find(|script| folder.join(script).is_file());
    if folder.join("manage.py").is_file() {
        let args = Some("runserver --noreload 127.0.0.1:8000".to_owned());
        return Some(Start::of_python("manage.py", args));
    }
    let is_python = OF_PYTHON.iter().any(|file| folder.join(file).is_file());
    if !is_python && script.is_none() {
        return None;
    }
    let script = script.unwrap_or("main.py");
    let module = script.trim_end_matches(".py").replace('/', ".");
    Some(if needs.contains("uvicorn") || needs.contains("fastapi") {
        Start::of_python("uvicorn", Some(format!("{module}:app --port 8000")))
    } else if needs.contains("gunicorn") {
        Start::of_python("gunicorn", Some(format!("{module}:app --bind 127.0.0.1:8000")))
    } else {
        Start::of_python(script, None)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(package: &Value, files: &[(&str, &str)], lines: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        for simple in [false, true] {
            let text = text(folder.path(), package, simple);
            let found: Vec<&str> = text.lines().map(str::trim).collect();
            for line in lines {
                assert!(found.contains(line), "{line} in\n{text}");
            }
            assert!(text.lines().all(|line| line.trim_end() == line), "{text}");
        }
    }

    #[test]
    fn the_app_is_found_by_what_it_needs() {
        let needs = |name: &str| json!({ "name": "shop", "dependencies": { name: "1" } });
        let next = ["script: \"node_modules/next/dist/bin/next\",", "args: \"start\","];
        check(&needs("next"), &[], &next);
        check(&needs("nuxt"), &[], &["script: \".output/server/index.mjs\","]);
        check(&needs("@nestjs/core"), &[], &["name: \"shop\",", "script: \"dist/main.js\","]);
        check(&needs("express"), &[("server.js", "")], &["script: \"server.js\","]);
        // A tool of the front end in Python, in a project of Node.
        check(&needs("next"), &[("requirements.txt", "")], &next);
        check(&Value::Null, &[], &["script: \"app.js\","]);
    }

    #[test]
    fn a_folder_of_python_is_told_by_its_files() {
        let auto = "interpreter: \"auto\",";
        let check = |files: &[(&str, &str)], lines: &[&str]| check(&Value::Null, files, lines);
        check(&[("main.py", "")], &["script: \"main.py\",", auto]);
        check(&[("manage.py", "")], &["script: \"manage.py\",", auto]);
        let fast = [("pyproject.toml", "dependencies = [\"FastAPI\"]"), ("app.py", "")];
        check(&fast, &["script: \"uvicorn\",", "args: \"app:app --port 8000\","]);
        let flask = [("requirements.txt", "flask\ngunicorn\n")];
        check(&flask, &["script: \"gunicorn\",", "args: \"main:app --bind 127.0.0.1:8000\","]);
    }
}
