//! What narrows a chosen profile, and how it is shown with where its values come from.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use clearing_profiles::{ChosenProfile, PROJECT_FILE, Profile, builtin_names};

use super::profiles::{Profiles, load};

fn default() -> ChosenProfile {
    ChosenProfile::trace("default", None).expect("the default profile loads")
}

/// The default profile narrowed by what a project's file says, or the whole message.
fn by_project(text: &str) -> Result<Profile, String> {
    let mut chosen = default();
    let narrowed = chosen.narrow_by_project(PROJECT_FILE, text.as_bytes().to_vec());
    narrowed.map(|()| chosen.into_profile()).map_err(|error| error.to_string())
}

/// The default profile narrowed by environment variables, or the whole message with its hint.
fn by_variables(variables: &[(&str, &str)]) -> Result<Profile, String> {
    let mut chosen = default();
    let narrowed =
        chosen.narrow_by_variables(variables.iter().map(|(name, value)| (*name, OsStr::new(*value))));
    let told = |error: clearing_profiles::ProfileError| {
        format!("{error}{}", error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default())
    };
    narrowed.map(|()| chosen.into_profile()).map_err(told)
}

#[test]
fn a_projects_file_narrows_the_chosen_profile() {
    let narrowed = by_project(
        "[limits]\nmemory = '1G'\n[environment]\npass = ['PATH']\n[syscalls]\nrefuse = ['ptrace']",
    );
    let narrowed = narrowed.expect("it narrows");
    assert_eq!((narrowed.name.as_str(), narrowed.limits.memory), ("default", Some(1 << 30)));
    assert_eq!(narrowed.environment.pass, ["PATH"]);
    assert!(narrowed.syscalls.refuse.contains("ptrace"));
    assert_eq!(by_project("").as_ref(), Ok(default().profile()));
}

#[test]
fn a_projects_file_that_would_permit_more_is_refused_at_its_place() {
    let expected = ".clearing/profile.toml:2:1: `memory` in [limits] permits more than `default` does
  2 | memory = '9G'
    | ^^^^^^
hint: a project's file and the environment may only narrow; your own profile, or an option, can permit more";
    assert_eq!(by_project("[limits]\nmemory = '9G'").unwrap_err(), expected);
    for (text, begin) in [
        ("widen = true", "1:1: `widen` in a project's file\n"),
        ("widen = false", "1:1: `widen` in a project's file\n"),
        ("reason = 'r'", "1:1: `reason` in a project's file\n"),
        ("extends = 'default'", "1:1: `extends` in a project's file\n"),
        ("[network]\nmode = 'host'", "2:1: `mode` in [network] permits more than `default` does\n"),
        (
            "environment.pass = ['GH_TOKEN']",
            "1:21: `pass` in [environment] has an entry that `default` does not",
        ),
        (
            "environment.set = { A = '1' }",
            "1:21: `set` in [environment] has an entry that `default` does not",
        ),
        ("syscalls.allow = ['mbind']", "1:19: `allow` in [syscalls] has an entry that `default` does not"),
        ("guards.seccomp = 'best-effort'", "1:8: `seccomp` in [guards] permits more than `default` does\n"),
        ("guards.tier = 'namespaces'", "1:8: a project's file cannot say how little isolation is accepted\n"),
        ("filesystem.read = []", "1:12: a project's file cannot say which paths of the host can be read\n"),
        (
            "rollback.max_snapshots = 1",
            "1:1: a project's file cannot say what is kept of a session's history\n",
        ),
        ("patch.max_files = 10001", "1:7: `max_files` in [patch] permits more than `default` does\n"),
        ("[limits]\nmemroy = 1", "2:1: unknown key `memroy` in [limits]\n"),
        ("[limit]\n", "1:2: unknown section [limit]\n"),
        ("limits = ", "1:"),
    ] {
        let message = by_project(text).unwrap_err();
        let rest = message.strip_prefix(".clearing/profile.toml:").expect("its own file");
        assert!(rest.starts_with(begin), "{message}");
        assert!(!message.contains("widen = true` and"), "{message}");
    }
}

#[test]
fn a_projects_file_is_bounded() {
    let many = |count: usize| format!("syscalls.refuse = [{}]", "'ptrace', ".repeat(count));
    assert!(by_project(&many(900)).is_ok());
    assert!(by_project(&many(1000)).unwrap_err().contains("states 1000 values at most"));
    let deep = format!("limits.memory = {}", "[".repeat(60_000));
    assert!(by_project(&deep).is_err());
    assert!(
        by_project("environment.pass = ['...', '...']").unwrap_err().contains("stands in the list already")
    );
}

#[test]
fn a_variable_narrows_the_key_that_it_mirrors() {
    let narrowed = by_variables(&[
        ("CLEARING_LIMITS_MEMORY", "1G"),
        ("CLEARING_LIMITS_CPUS", "0.5"),
        ("CLEARING_LIMITS_PROCESSES", "64"),
        ("CLEARING_LIMITS_TIMEOUT", "\"30s\""),
        ("CLEARING_FILESYSTEM_CACHES", "false"),
        ("CLEARING_ENVIRONMENT_PASS", "PATH, LC_ALL"),
        ("CLEARING_SYSCALLS_REFUSE", "[\"ptrace\"]"),
        ("CLEARING_PATCH_MAX_SIZE", "1M"),
        ("CLEARING_PATCH_KEEP", "*.proto"),
        ("CLEARING_STATE_DIR", "/somewhere"),
        ("CLEARING_TEST_SEED", "1"),
    ]);
    let narrowed = narrowed.expect("it narrows");
    assert_eq!((narrowed.patch.max_size, &narrowed.patch.keep[..]), (1 << 20, &["*.proto".to_owned()][..]));
    assert_eq!((narrowed.limits.memory, narrowed.limits.cpus), (Some(1 << 30), Some(500)));
    assert_eq!((narrowed.limits.processes, narrowed.filesystem.caches), (Some(64), false));
    assert_eq!(narrowed.limits.timeout.map(|time| time.as_secs()), Some(30));
    assert_eq!(narrowed.environment.pass, ["PATH", "LC_ALL"]);
    assert!(narrowed.syscalls.refuse.contains("ptrace"));
}

#[test]
fn a_variable_that_would_permit_more_or_means_nothing_is_refused_by_name_and_value() {
    for (name, value, expected) in [
        (
            "CLEARING_LIMITS_MEMORY",
            "9T",
            "CLEARING_LIMITS_MEMORY=9T: `memory` in [limits] permits more than `default` does
hint: a project's file and the environment may only narrow; your own profile, or an option, can permit more",
        ),
        (
            "CLEARING_LIMITS_MEMROY",
            "1G",
            "CLEARING_LIMITS_MEMROY=1G: no key of a profile is mirrored by it
hint: did you mean `CLEARING_LIMITS_MEMORY`?",
        ),
        (
            "CLEARING_LIMITS_MEMORY",
            "lots\u{1b}",
            "CLEARING_LIMITS_MEMORY=lots\u{fffd}: `memory` in [limits]: `lots\u{fffd}` is not a size
hint: write a number of bytes or a number and a unit, such as `64K`, `512M` or `1G`",
        ),
        (
            "CLEARING_X",
            "",
            "CLEARING_X=: no key of a profile is mirrored by it
hint: it is CLEARING_, a section and a key of a profile: CLEARING_LIMITS_MEMORY",
        ),
    ] {
        assert_eq!(by_variables(&[(name, value)]).unwrap_err(), expected);
    }
    for value in ["1G\n[network]\nmode = 'host'", "1G' # ", "{ a = 1 }", "1979-05-27"] {
        assert!(by_variables(&[("CLEARING_LIMITS_MEMORY", value)]).is_err(), "{value:?}");
    }
    assert!(by_variables(&[("CLEARING_GUARDS_TIER", "landlock")]).is_err());
    let bytes = OsStr::from_bytes(b"\xff");
    assert!(default().narrow_by_variables([("CLEARING_LIMITS_MEMORY", bytes)]).is_err());
}

#[test]
fn every_builtin_profile_is_shown_as_a_file_that_permits_the_same() {
    for name in builtin_names() {
        let shown = ChosenProfile::trace(name, None).expect("it loads").to_toml();
        let mut again = load(&shown).unwrap_or_else(|error| panic!("{error}\n{shown}"));
        let built = Profile::builtin(name).expect("it loads");
        again.name.clone_from(&built.name);
        again.widened.clone_from(&built.widened);
        assert_eq!(again, built, "{shown}");
        assert!(!shown.lines().any(|line| line.contains(" = ") && !line.contains("  # ")), "{shown}");
    }
}

#[test]
fn each_value_is_shown_with_what_stated_it_last() {
    let profiles = Profiles::new([(
        "mine",
        &b"extends = 'python'\nwiden = true\nreason = 'a \"reason\"'\n[limits]\n  nofile = 2048\n\
           [environment]\npass = ['...', 'MINE']\nset = { A = \"x\" }\n"[..],
    )]);
    let path = profiles.path("mine");
    let mut chosen = ChosenProfile::trace(path.to_str().unwrap(), None).unwrap();
    chosen.narrow_by_project("P", b"limits.processes = 100".to_vec()).unwrap();
    chosen.narrow_by_variables([("CLEARING_LIMITS_CPUS", OsStr::new("0.5"))]).unwrap();
    chosen.set("limits", "memory", "--memory", |profile| profile.limits.memory = Some(1 << 40));
    let text = chosen.to_toml().replace(path.to_str().unwrap(), "mine.toml");
    for line in [
        "# It is widened by mine: a \"reason\"",
        "nofile = 2048  # mine.toml:5:3",
        "processes = 100  # P:1:8",
        "cpus = 0.5  # CLEARING_LIMITS_CPUS",
        "memory = \"1T\"  # --memory",
        "pass = [  # mine.toml:7:1",
        "    \"MINE\",  # mine.toml:7:16",
        "[environment.set]  # mine.toml:8:1",
        "\"A\" = \"x\"  # mine.toml:8:9",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line}\n{text}");
    }
    assert!(text.contains("\nmode = \"none\"  # built-in default:"), "{text}");
    assert!(text.contains("\n    \"PYTEST_ADDOPTS\", "), "{text}");
    assert!(text.contains("\n\"PIP_NO_INPUT\" = \"1\"  # built-in python:"), "{text}");
    let json = serde_json::to_value(chosen.shown()).unwrap();
    assert_eq!(
        json["sections"]["limits"]["memory"]["origin"],
        serde_json::json!({"kind": "flag", "name": "--memory"})
    );
    let pass = &json["sections"]["environment"]["pass"];
    let last = pass["value"].as_array().unwrap().len() - 1;
    assert_eq!(pass["value"][last], "MINE");
    assert_eq!(pass["entries"][last]["line"], 7);
    assert_eq!(pass["entries"][0]["kind"], "builtin");
    assert_eq!(json["widened"][1]["profile"], "mine");
}

#[test]
fn a_rule_is_shown_where_it_stands_though_its_examples_are_not() {
    let rule =
        "{ prefix = ['git', ['push', 'fetch']], decision = 'ask', reason = 'r', match = ['git push'] }";
    let mut chosen = default();
    chosen
        .narrow_by_project("P", format!("[commands]\nrules = ['...',\n  {rule}]").into_bytes())
        .expect("it narrows");
    let text = chosen.to_toml();
    let line = text.lines().find(|line| line.contains("prefix = [\"git\", [\"push\", \"fetch\"]]"));
    assert!(line.expect("the rule").ends_with(",  # P:3:3"), "{text}");
    let again = load(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(again.commands, chosen.profile().commands);
}
