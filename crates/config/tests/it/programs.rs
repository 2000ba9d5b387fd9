//! Process files that are programs, run by the real Node.

use ostler_config::{Options, load};

use crate::world::{World, node};

#[track_caller]
fn check(name: &str, text: &str) {
    let mut world = World::new(&["node"]);
    world.ctx.node = Some(node());
    world.file("a.js", "");
    world.file(name, text);
    let (specs, report) = load(name, &Options::default(), &world.ctx);
    assert!(report.is_empty(), "{}", world.render(&report));
    let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
    assert_eq!(names, ["one"], "{text}");
}

#[test]
fn a_json_file_may_be_an_expression_of_javascript() {
    check(
        "e.json",
        "// of people\n{ apps: [{ name: ['o', 'ne'].join(''), script: 'a' + '.js' }] }",
    );
    check("e.json", "[{ name: `${'one'}`, script: 'a.js', kill_timeout: 2 * 1000, }]");
}

#[test]
fn what_a_json_file_throws_is_pointed_at() {
    let mut world = World::new(&["node"]);
    world.ctx.node = Some(node());
    world.file("e.json", "{ apps: [{ script: 'a.js',\n  name: nowhere.x }] }");
    let (_, report) = load("e.json", &Options::default(), &world.ctx);
    let said = world.render(&report);
    assert!(said.contains("ReferenceError: nowhere is not defined"), "{said}");
    assert!(said.contains("--> e.json:2:9"), "{said}");
}

#[test]
fn a_warning_points_at_the_key_as_it_was_written() {
    let mut world = World::new(&["node"]);
    world.ctx.node = Some(node());
    world.file("a.js", "");
    let text = "module.exports = { apps: [\n\
                { script: 'a.js', eventLoopInspector: true, env: { event_loop_inspector: 1 } },\n\
                { name: 'b', script: 'a.js', eventLoopInspector: true, maxMemoryRestart: '1GB' },\n\
                { name: 'c', script: 'a.js', ['tra' + 'ce']: true },\n\
                ] };";
    world.file("e.config.js", text);
    let (_, report) = load("e.config.js", &Options::default(), &world.ctx);
    let said: Vec<(String, Option<usize>)> = report
        .iter()
        .map(|said| {
            let about = said.message.split(" has no").next().unwrap().chars().take(30).collect();
            (about, said.place.as_ref().map(|place| place.line))
        })
        .collect();
    let expected = [
        ("Verify \"maxMemoryRestart\" with", Some(3)),
        ("\"eventLoopInspector\"", Some(2)),
        ("\"eventLoopInspector\"", Some(3)),
        ("app `c`: \"trace\"", None),
    ];
    assert_eq!(said, expected.map(|(about, line)| (about.to_owned(), line)));
}

const APP: &str = "{ apps: [{ name: 'one', script: 'a.js' }] }";

#[test]
fn every_way_to_export() {
    check("e.config.js", &format!("module.exports = {APP}"));
    check("e.config.cjs", &format!("exports.default = {APP}"));
    check("e.config.js", &format!("module.exports = () => ({APP})"));
    check(
        "e.config.js",
        &format!(
            "module.exports = async () => {{
               await new Promise(r => setTimeout(r, 5)); return {APP}
             }}"
        ),
    );
    check("e.config.js", &format!("module.exports = Promise.resolve({APP})"));
    check("e.config.mjs", &format!("export default {APP}"));
    check("e.config.mjs", "export const apps = [{ name: 'one', script: 'a.js' }]");
    check("e.config.mjs", &format!("export default async () => ({APP})"));
    check("e.config.mjs", &format!("const it = await Promise.resolve({APP}); export default it"));
}

#[test]
fn what_the_file_prints_or_leaves_open_does_not_matter() {
    check(
        "e.config.js",
        &format!(
            "console.log('{{'); process.stdout.write('x'); setInterval(() => {{}}, 1000);
             module.exports = {APP}"
        ),
    );
}

#[test]
fn the_file_sees_the_callers_environment_and_folder() {
    let text = "module.exports = {
        name: process.env.SHELL_VAR === 's' ? 'one' : 'two',
        script: process.cwd() + '/a.js',
    }";
    check("e.config.js", text);
}

#[test]
fn a_module_package_is_loaded_too() {
    let mut world = World::new(&["node"]);
    world.ctx.node = Some(node());
    world.file("a.js", "");
    world.file("package.json", r#"{"type":"module"}"#);
    world.file("e.config.js", format!("export default {APP}"));
    let (specs, report) = load("e.config.js", &Options::default(), &world.ctx);
    assert!(report.is_empty() && specs.len() == 1, "{}", world.render(&report));
}

#[test]
fn without_node_a_program_cannot_be_read() {
    let world = World::new(&[]);
    world.file("e.config.js", "module.exports = {}");
    let (_, report) = load("e.config.js", &Options::default(), &world.ctx);
    assert!(world.render(&report).contains("`node` is not in PATH"));
}

const TYPED: &str = "type App = { name: string; script: string };
const name: string = 'one';
export default async (): Promise<{ apps: App[] }> => ({ apps: [{ name, script: './run' }] });
";

const RUN: &str = "{ apps: [{ name: 'one', script: './run' }] }";

/// What a world that has only this engine makes of a file.
#[track_caller]
fn evaluated(engine: &str, name: &str, text: &str) -> String {
    let Some(runtime) = ostler_testkit::runtimes::runtime(engine) else { return "one".to_owned() };
    let world = World::new(&[]);
    world.program("run", "#!/bin/sh\n");
    world.file(name, text);
    let program = runtime.name.split('-').next().unwrap();
    let link = world.ctx.cwd.parent().unwrap().join("bin").join(program);
    std::os::unix::fs::symlink(&runtime.path, link).unwrap();
    let (specs, report) = load(name, &Options::default(), &world.ctx);
    match specs.as_slice() {
        [spec] if report.is_empty() => spec.name.clone(),
        _ => world.render(&report),
    }
}

#[test]
fn a_process_file_may_be_written_in_typescript() {
    for engine in ["node-22", "node-24", "node-26", "bun", "deno"] {
        for name in ["e.config.ts", "e.config.mts"] {
            assert_eq!(evaluated(engine, name, TYPED), "one", "{engine} {name}");
        }
        let common = "const name: string = 'one';\nmodule.exports = { name, script: './run' };";
        assert_eq!(evaluated(engine, "e.config.cts", common), "one", "{engine}");
    }
}

#[test]
fn a_node_without_types_says_which_one_is_needed() {
    let said = evaluated("node-20", "e.config.ts", TYPED);
    assert!(said.contains("TypeScript needs Node 22.6 or newer, Bun or Deno: `node` is v20."));
    assert!(said.contains("help: install a newer Node"), "{said}");
}

#[test]
fn a_node_that_does_not_tell_its_version_is_said_to() {
    let world = World::new(&[]);
    world.program("../bin/node", "#!/bin/sh\n");
    world.file("e.config.ts", TYPED);
    let (_, report) = load("e.config.ts", &Options::default(), &world.ctx);
    let said = world.render(&report);
    assert!(said.contains("Bun or Deno: the version of `node` cannot be read"), "{said}");
}

#[test]
fn what_is_wrong_in_typescript_is_pointed_at() {
    let text = "const name: string = 'one';\nexport default { name: nowhere.x };\n";
    for engine in ["node-24", "bun", "deno"] {
        let said = evaluated(engine, "e.config.mts", text);
        assert!(said.contains("nowhere is not defined"), "{engine}: {said}");
        assert!(said.contains("--> e.config.mts:2:24"), "{engine}: {said}");
    }
    let said = evaluated("node-24", "e.config.ts", "export default {\n  name: ,\n};\n");
    assert!(said.contains("--> e.config.ts:2:"), "{said}");
}

#[test]
fn without_node_bun_or_deno_evaluates() {
    for engine in ["bun", "deno"] {
        let module = format!("export default () => Promise.resolve({RUN})");
        assert_eq!(evaluated(engine, "e.config.mjs", &module), "one", "{engine}");
        let common = format!("module.exports = {RUN}");
        assert_eq!(evaluated(engine, "e.config.js", &common), "one", "{engine}");
        let expression = "{ apps: [{ name: ['o', 'ne'].join(''), script: './run' }] }";
        assert_eq!(evaluated(engine, "e.json", expression), "one", "{engine}");
    }
}
