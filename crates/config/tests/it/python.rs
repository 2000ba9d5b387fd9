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
