use super::*;

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

/// A home with tools in it.
struct Scene {
    scratch: tempfile::TempDir,
    variables: Vec<(&'static str, OsString)>,
    visitor: Visitor,
}

impl Scene {
    fn new() -> Self {
        let scene =
            Self { scratch: tempfile::tempdir().unwrap(), variables: Vec::new(), visitor: Visitor::Caller };
        fs::create_dir_all(scene.home("app")).unwrap();
        scene
    }

    fn home(&self, path: &str) -> PathBuf {
        self.scratch.path().canonicalize().unwrap().join("home").join(path)
    }

    fn directory(&self, path: &str) -> PathBuf {
        fs::create_dir_all(self.home(path)).unwrap();
        self.home(path)
    }

    fn file(&self, path: &str) -> PathBuf {
        self.directory(path.rsplit_once('/').map_or("", |(parent, _)| parent));
        fs::write(self.home(path), "").unwrap();
        self.home(path)
    }

    fn program(&self, path: &str) -> PathBuf {
        let program = self.file(path);
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        program
    }

    fn link(&self, to: impl AsRef<Path>, path: &str) {
        self.directory(path.rsplit_once('/').map_or("", |(parent, _)| parent));
        symlink(to, self.home(path)).unwrap();
    }

    fn roots(&self, path: &[&str]) -> ToolRoots {
        let path = path.iter().map(|entry| match entry.strip_prefix("~/") {
            Some(below) => self.home(below),
            None => PathBuf::from(entry),
        });
        let environment = |name: &str| {
            let found = self.variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| value.clone())
        };
        tool_roots(&ToolRequest {
            path: &std::env::join_paths(path).unwrap(),
            home: Some(&self.home("")),
            project: &self.home("app"),
            state: &self.home(".local/state/clearing"),
            visitor: self.visitor,
            environment: &environment,
        })
    }

    /// The roots' paths relative to the home.
    fn shown(&self, path: &[&str]) -> Vec<String> {
        let name = |root: &ToolRoot| {
            let below = root.path.strip_prefix(self.home("")).map(|it| format!("~/{}", it.display()));
            below.unwrap_or_else(|_| root.path.display().to_string())
        };
        self.roots(path).roots.iter().map(name).collect()
    }
}

const NONE: [&str; 0] = [];

#[test]
fn what_every_command_sees_needs_no_root() {
    let scene = Scene::new();
    assert_eq!(scene.roots(&["/usr/local/bin", "/usr/bin", "/bin", "/sbin"]), ToolRoots::default());
}

#[test]
fn a_directory_of_no_known_layout_is_shown_alone() {
    let scene = Scene::new();
    scene.directory("tools/mine/bin");
    scene.file("tools/mine/secret");
    assert_eq!(scene.shown(&["~/tools/mine/bin"]), ["~/tools/mine/bin"]);
}

#[test]
fn pyenv_is_shown_whole_once_for_all_its_entries() {
    let mut scene = Scene::new();
    scene.directory(".pyenv/versions/3.12/bin");
    scene.directory(".pyenv/shims");
    scene.directory(".pyenv/bin");
    assert_eq!(scene.shown(&["~/.pyenv/shims", "~/.pyenv/bin"]), ["~/.pyenv"]);
    scene.directory("py/shims");
    scene.variables.push(("PYENV_ROOT", scene.home("py").into()));
    assert_eq!(scene.shown(&["~/py/shims"]), ["~/py"]);
    assert_eq!(scene.roots(&["~/py/shims"]).variables, ["PYENV_ROOT"]);
}

#[test]
fn cargo_shows_its_programs_and_rustup_and_no_token() {
    let scene = Scene::new();
    for file in
        [".cargo/bin/rustup", ".cargo/credentials.toml", ".cargo/config.toml", ".rustup/settings.toml"]
    {
        scene.file(file);
    }
    scene.directory(".cargo/registry");
    scene.link("rustup", ".cargo/bin/cargo");
    assert_eq!(scene.shown(&["~/.cargo/bin"]), ["~/.cargo/bin", "~/.rustup"]);
}

#[test]
fn what_a_layout_leaves_out_is_named_where_it_exists() {
    let scene = Scene::new();
    scene.directory(".local/share/uv/tools/ruff/bin");
    let roots = |scene: &Scene| scene.roots(&["~/.local/share/uv/tools/ruff/bin"]).roots;
    assert_eq!(roots(&scene)[0].leave_out, Vec::<PathBuf>::new());
    let credentials = scene.directory(".local/share/uv/credentials");
    assert_eq!(roots(&scene)[0].leave_out, [credentials]);
}

#[test]
fn links_show_the_layout_they_lead_to_or_else_their_target_alone() {
    let scene = Scene::new();
    let pipx = scene.program(".local/share/pipx/venvs/black/bin/black");
    let mine = scene.program("src/secret-project/tool");
    scene.file("src/secret-project/secret");
    scene.link(pipx, ".local/bin/black");
    scene.link(mine, ".local/bin/tool");
    scene.link("nowhere", ".local/bin/dangling");
    scene.link("/usr/bin/env", ".local/bin/env");
    scene.link(scene.home(""), ".local/bin/home");
    let expected = ["~/.local/bin", "~/.local/share/pipx", "~/src/secret-project/tool"];
    assert_eq!(scene.shown(&["~/.local/bin"]), expected);
}

#[test]
fn a_link_behind_a_link_resolves_inside_too() {
    let scene = Scene::new();
    scene.program(".local/share/uv/python/cpython-3.12.1/bin/python3");
    scene.link("cpython-3.12.1", ".local/share/uv/python/cpython-3.12");
    scene.program("versions/2/tool");
    scene.link("2", "versions/current");
    scene.link("../.local/share/uv/python/cpython-3.12/bin/python3", "bin/python3");
    scene.link("../versions/current/tool", "bin/tool");
    assert_eq!(scene.shown(&["~/bin"]), ["~/.local/share/uv", "~/bin", "~/versions/current/tool"]);
}

#[test]
fn a_virtual_environment_comes_with_the_python_it_was_made_from() {
    let scene = Scene::new();
    scene.directory("venvs/x/bin");
    scene.directory(".pyenv/versions/3.12/bin");
    let config = format!("home = {}\nversion = 3.12\n", scene.home(".pyenv/versions/3.12/bin").display());
    fs::write(scene.home("venvs/x/pyvenv.cfg"), config).unwrap();
    assert_eq!(scene.shown(&["~/venvs/x/bin"]), ["~/.pyenv", "~/venvs/x"]);
}

#[test]
fn an_environment_in_the_project_comes_from_the_overlay_and_its_python_from_a_manager() {
    let scene = Scene::new();
    scene.directory("app/.venv/bin");
    scene.directory(".pyenv/versions/3.12/bin");
    scene.directory("secret/bin");
    let made_from = |home: &str| {
        let home = scene.home(home);
        fs::write(scene.home("app/.venv/pyvenv.cfg"), format!("home = {}\n", home.display())).unwrap();
        scene.shown(&["~/app/.venv/bin", "~/app/node_modules/.bin"])
    };
    assert_eq!(made_from(".pyenv/versions/3.12/bin"), ["~/.pyenv"]);
    assert_eq!(made_from("secret/bin"), NONE);
    assert_eq!(made_from(".pyenv/../secret/bin"), NONE);
}

#[test]
fn the_home_the_state_and_what_holds_them_are_never_shown() {
    let mut scene = Scene::new();
    scene.directory(".local/state/clearing/bin");
    let above = scene.home("").parent().unwrap().to_owned();
    let path = [above.to_str().unwrap(), "~/", "~/.local", "~/.local/state/clearing/bin", "/etc", "/"];
    let found = scene.roots(&path);
    assert_eq!(found.roots, []);
    assert_eq!(found.skipped.len(), path.len());
    assert!(found.skipped.iter().all(|(_, why)| matches!(why, Skipped::Forbidden(_))), "{found:?}");
    scene.directory("sub/bin");
    scene.variables.push(("PYENV_ROOT", scene.home("").into()));
    assert_eq!(scene.shown(&["~/sub/bin"]), ["~/sub/bin"]);
}

#[test]
fn entries_that_lead_nowhere_are_told() {
    let scene = Scene::new();
    let found = scene.roots(&["relative/bin", "~/sub/../bin", "~/absent"]);
    let expected = [
        ("relative/bin".into(), Skipped::Relative),
        (scene.home("sub/../bin"), Skipped::Relative),
        (scene.home("absent"), Skipped::Absent),
    ];
    assert_eq!((found.roots, found.skipped), (vec![], expected.to_vec()));
}

#[test]
fn an_entry_inside_another_root_is_not_shown_twice() {
    let scene = Scene::new();
    scene.directory("tools/bin/extra");
    assert_eq!(scene.shown(&["~/tools/bin/extra", "~/tools/bin", "~/tools/bin"]), ["~/tools/bin"]);
}

#[test]
fn below_opt_the_whole_product_is_shown() {
    let scene = Scene::new();
    scene.directory("opt/node/bin");
    scene.directory("opt/other");
    assert_eq!(scene.shown(&["~/opt/node/bin"]), ["~/opt/node"]);
}

#[test]
fn the_words_of_the_path_lead_there_inside_even_through_links() {
    let scene = Scene::new();
    scene.directory(".nvm/versions/v20/bin");
    scene.link(".nvm/versions/v20", "node");
    assert_eq!(scene.shown(&["~/node/bin"]), ["~/.nvm", "~/node/bin"]);
}

#[test]
fn each_layout_stands_once_and_what_it_needs_is_one() {
    let mut names: Vec<&str> = crate::layouts::LAYOUTS.iter().map(|layout| layout.directory).collect();
    let all = names.len();
    for need in crate::layouts::LAYOUTS.iter().flat_map(|layout| layout.needs) {
        assert!(names.contains(need), "{need}");
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn the_project_by_another_name_opens_nothing() {
    let scene = Scene::new();
    scene.file(".ssh/id_rsa");
    scene.program("other/bin/python3");
    scene.link("../../.ssh/id_rsa", "app/bin/leak");
    scene.directory("app/.venv/bin");
    let config = format!("home = {}\n", scene.home("other/bin").display());
    fs::write(scene.home("app/.venv/pyvenv.cfg"), config).unwrap();
    scene.link("app", "alias");
    assert_eq!(scene.shown(&["~/alias/bin", "~/alias/.venv/bin"]), Vec::<String>::new());
}

#[test]
fn a_link_to_what_is_no_program_opens_nothing() {
    let scene = Scene::new();
    scene.file(".ssh/id_rsa");
    scene.link("../.ssh/id_rsa", "tools/key");
    scene.link("../.ssh", "tools/keys");
    assert_eq!(scene.shown(&["~/tools"]), ["~/tools"]);
}

#[test]
fn an_environment_that_names_no_python_opens_nothing_but_itself() {
    let scene = Scene::new();
    scene.file(".ssh/id_rsa");
    scene.directory(".ssh/bin");
    scene.directory("venvs/x/bin");
    let config = format!("home = {}\n", scene.home(".ssh/bin").display());
    fs::write(scene.home("venvs/x/pyvenv.cfg"), config).unwrap();
    assert_eq!(scene.shown(&["~/venvs/x/bin"]), ["~/venvs/x"]);
}

#[test]
fn what_others_may_not_enter_is_shown_to_them_in_the_home_alone() {
    let mut scene = Scene::new();
    scene.visitor = Visitor::Anybody;
    let outside = crate::normalize(&scene.home("../outside"));
    fs::create_dir_all(outside.join("shut/bin")).unwrap();
    fs::create_dir_all(outside.join("open")).unwrap();
    let program = scene.program("../outside/shut/tool");
    symlink("../shut/tool", outside.join("open/tool")).unwrap();
    scene.directory("tools");
    symlink(scene.home(""), outside.join("alias")).unwrap();
    for (path, mode) in [("..", 0o755), ("", 0o700), ("../outside/shut", 0o750)] {
        fs::set_permissions(scene.home(path), fs::Permissions::from_mode(mode)).unwrap();
    }
    let place = |name: &str| outside.join(name).display().to_string();
    let path = [place("shut/bin"), place("shut"), place("open"), place("alias/tools"), "~/tools".to_owned()];
    let found = scene.roots(&path.each_ref().map(String::as_str));
    let in_home: Vec<_> = found.roots.iter().map(|root| (root.path.clone(), root.in_home)).collect();
    let expected =
        [(scene.home("tools"), true), (outside.join("alias/tools"), true), (outside.join("open"), false)];
    assert_eq!(in_home, expected);
    let shut = Skipped::Closed(outside.join("shut"));
    let closed = [outside.join("shut/bin"), outside.join("shut"), crate::normalize(&program)];
    assert_eq!(found.skipped, closed.map(|path| (path, shut.clone())));
}
