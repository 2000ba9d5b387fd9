//! Apps of Python: by which interpreter, and where its programs are found.

use ostler_config::Options;

use crate::world::{World, options};

fn environment(world: &World, folder: &str) {
    world.file(&format!("{folder}/pyvenv.cfg"), "");
    world.program(&format!("{folder}/bin/python"), "#!/bin/sh\n");
    world.program(&format!("{folder}/bin/uvicorn"), "#!/bin/sh\n");
}

fn interpreter(world: &World) -> (String, Vec<String>) {
    let app = world.app("{ script: 'app.py', interpreter: 'auto' }");
    let program = app.interpreter.unwrap();
    (program.replace(world.ctx.cwd.to_str().unwrap(), "."), app.interpreter_args)
}

#[test]
fn auto_takes_the_environment_of_the_folder_then_what_makes_one_then_python() {
    let world = World::new(&["python3", "uv", "poetry"]);
    world.file("app.py", "");
    let plain = |program: &str| (program.to_owned(), Vec::<String>::new());
    let run = |program: &str| (program.to_owned(), vec!["run".to_owned(), "python".to_owned()]);
    assert_eq!(interpreter(&world), plain("python3"));
    world.file("poetry.lock", "");
    assert_eq!(interpreter(&world), run("poetry"));
    world.file("uv.lock", "");
    assert_eq!(interpreter(&world), run("uv"));
    // A folder of that name that is none.
    world.program("env/bin/python", "#!/bin/sh\n");
    assert_eq!(interpreter(&world), run("uv"));
    environment(&world, "venv");
    assert_eq!(interpreter(&world), plain("./venv/bin/python"));
    environment(&world, ".venv");
    assert_eq!(interpreter(&world), plain("./.venv/bin/python"));
}

#[test]
fn auto_is_what_nothing_is_for_any_other_script() {
    let world = World::new(&["bash", "node"]);
    world.file("a.sh", "");
    let app = world.app("{ script: 'a.sh', interpreter: 'auto' }");
    assert_eq!(app.interpreter.as_deref(), Some("bash"));
}

#[test]
fn a_program_of_the_environment_is_found_although_it_is_not_in_path() {
    let mut world = World::new(&["bash"]);
    environment(&world, ".venv");
    let given = Options { args: Some(vec!["main:app".to_owned()]), ..options(&[]) };
    let app = world.start("uvicorn", &given);
    assert_eq!(app.script, world.ctx.cwd.join(".venv/bin/uvicorn"));
    assert_eq!(
        (app.name.as_str(), app.args, app.interpreter),
        ("uvicorn", given.args.unwrap(), None)
    );
    let said = world.refused("gunicorn", &options(&[]));
    assert!(said.starts_with("error[no-script]"), "{said}");
    world.ctx.as_pm2 = true;
    let said = world.refused("uvicorn", &options(&[]));
    assert!(said.starts_with("error[no-script]"), "{said}");
}

#[test]
fn a_module_is_what_python_runs_and_no_script_stands_behind_it() {
    let world = World::new(&["python3", "uv"]);
    let of = |app: &str| {
        let app = world.app(app);
        let program = app.interpreter.clone().unwrap();
        assert_eq!(app.script.to_str(), Some(program.as_str()));
        assert!(app.is_own_interpreter());
        assert_eq!(app.env.get("PYTHONUNBUFFERED"), Some("1"));
        let program = program.replace(world.ctx.cwd.parent().unwrap().to_str().unwrap(), "");
        (app.name, program, app.interpreter_args.join(" "), app.args.join(" "))
    };
    let is = |name: &str, program: &str, own: &str, args: &str| {
        (name.to_owned(), program.to_owned(), own.to_owned(), args.to_owned())
    };
    let plain = of("{ module: 'celery', args: '-A tasks worker' }");
    assert_eq!(plain, is("celery", "/bin/python3", "-m celery", "-A tasks worker"));
    world.file("uv.lock", "");
    let uv = of("{ module: 'my.jobs', node_args: '-X dev' }");
    assert_eq!(uv, is("my-jobs", "/bin/uv", "run python -X dev -m my.jobs", ""));
    environment(&world, ".venv");
    let own = of("{ name: 'x', module: 'celery' }");
    assert_eq!(own, is("x", "/app/.venv/bin/python", "-m celery", ""));
    let asked = of("{ module: 'celery', interpreter: 'python3' }");
    assert_eq!(asked, is("celery", "/bin/python3", "-m celery", ""));
}

#[test]
fn a_program_of_python_tells_what_it_prints_at_once() {
    let world = World::new(&["bash"]);
    environment(&world, ".venv");
    world.program(".venv/bin/celery", "#!/srv/app/.venv/bin/python3\nprint('x')\n");
    let unbuffered = |script: &str| {
        world.start(script, &options(&[])).env.get("PYTHONUNBUFFERED").map(str::to_owned)
    };
    assert_eq!(unbuffered("celery").as_deref(), Some("1"));
    // Of the environment, but a program of a shell.
    assert_eq!(unbuffered("uvicorn"), None);
}
