//! A child permits as much as its parent or less, key by key, unless it says why not.

use clearing_profiles::{Guard, NetworkMode, Requirement, Widening};

use super::profiles::{Profiles, load, message};

/// A root in which every key leaves room on both sides.
const PARENT: &str = r#"
[filesystem]
read = ["/opt/tools", "~/sdk"]
hide = ["notes"]
sensitive = true
show = [".env.test"]
read_only = ["vendor"]
tool_roots = true
caches = false
layer = "auto"
layer_size = "2G"
[network]
mode = "none"
[environment]
pass = ["PATH", "LC_*"]
set = { CI = "1" }
[commands]
default = "ask"
enforce = true
rules = [{ prefix = ["git"], decision = "allow", reason = "it is known" }]
[limits]
timeout = "60s"
grace = "2s"
nofile = 1024
core = "1M"
stack = "8M"
memlock = "64K"
file_size = "1G"
processes = 100
cpus = 1.5
cpu_time = "10s"
memory = "1G"
disk = "1G"
inodes = 1000
output = "1M"
cgroup = "required"
[output]
head = "4M"
tail = "8M"
[rollback]
on = ["timeout"]
max_snapshots = 10
max_age = "7d"
[patch]
max_size = "1M"
max_files = 100
max_made = "4M"
keep = ["schema.sql"]

[syscalls]
allow = ["personality"]
refuse = ["ptrace"]
[landlock]
abi = 3
[guards]
tier = "namespaces"
user = "required"
mount = "required"
pid = "required"
network = "required"
ipc = "required"
uts = "required"
cgroup = "best-effort"
idmap = "required"
rootfs = "required"
procfs = "required"
keyring = "required"
capabilities = "required"
no_new_privs = "required"
landlock = "required"
seccomp = "required"
descriptors = "required"
environment = "required"
rlimits = "required"
"#;

/// Section and line of a child that permits more than [`PARENT`].
const WIDER: &[(&str, &str)] = &[
    ("filesystem", r#"read = ["/opt"]"#),
    ("filesystem", r#"read = ["/opt/toolsmith"]"#),
    ("filesystem", r#"read = ["...", "/srv"]"#),
    ("filesystem", r#"read = ["~/opt/tools"]"#),
    ("filesystem", "sensitive = false"),
    ("filesystem", r#"show = ["...", ".env"]"#),
    ("filesystem", r#"layer_size = 2147483649"#),
    ("filesystem", "caches = true"),
    ("filesystem", r#"layer = "disk""#),
    ("filesystem", r#"layer = "copy""#),
    ("filesystem", r#"layer_size = "3G""#),
    ("network", r#"mode = "host""#),
    ("environment", r#"pass = ["LANG"]"#),
    ("environment", r#"pass = ["PATH*"]"#),
    ("environment", r#"pass = ["...", "EDITOR"]"#),
    ("environment", r#"set = { CI = "2" }"#),
    ("environment", r#"set = { DEBUG = "1" }"#),
    ("commands", r#"default = "allow""#),
    ("commands", "enforce = false"),
    ("commands", r#"rules = [{ prefix = ["rm"], decision = "allow", reason = "r" }]"#),
    ("limits", r#"timeout = "61s""#),
    ("limits", r#"timeout = "none""#),
    ("limits", r#"grace = "2001ms""#),
    ("limits", "nofile = 1025"),
    ("limits", r#"core = "2M""#),
    ("limits", r#"stack = "none""#),
    ("limits", r#"memlock = "65K""#),
    ("limits", r#"file_size = "none""#),
    ("limits", "processes = 101"),
    ("limits", "cpus = 1.501"),
    ("limits", "cpus = 2"),
    ("limits", r#"cpu_time = "none""#),
    ("limits", r#"memory = "2G""#),
    ("limits", r#"memory = "none""#),
    ("limits", r#"disk = "1025M""#),
    ("limits", "inodes = 1001"),
    ("limits", r#"output = "none""#),
    ("limits", r#"nofile = "none""#),
    ("limits", r#"cgroup = "best-effort""#),
    ("patch", r#"max_size = "2M""#),
    ("patch", "max_files = 101"),
    ("patch", r#"max_made = "4097K""#),
    ("syscalls", r#"allow = ["mbind"]"#),
    ("syscalls", r#"allow = ["ptrace"]"#),
    ("output", r#"head = "5M""#),
    ("output", r#"tail = "9M""#),
    ("landlock", "abi = 2"),
    ("landlock", r#"abi = "none""#),
    ("guards", r#"seccomp = "best-effort""#),
    ("guards", r#"tier = "landlock""#),
];

/// Section and line of a child that permits as much as [`PARENT`] or less.
const NARROWER: &[(&str, &str)] = &[
    ("filesystem", "read = []"),
    ("filesystem", r#"read = ["/opt/tools/bin", "~/sdk"]"#),
    ("filesystem", r#"read = ["..."]"#),
    ("filesystem", r#"hide = ["*.secret"]"#),
    ("filesystem", "hide = []"),
    ("filesystem", "show = []"),
    ("filesystem", r#"read_only = ["docs"]"#),
    ("filesystem", r#"layer_size = 4096"#),
    ("filesystem", "tool_roots = false"),
    ("filesystem", "caches = false"),
    ("filesystem", r#"layer = "memory""#),
    ("filesystem", r#"layer_size = "1G""#),
    ("network", r#"mode = "none""#),
    ("environment", r#"pass = ["PATH", "LC_ALL", "LC_M*"]"#),
    ("environment", r#"set = { CI = "1" }"#),
    ("commands", r#"default = "deny""#),
    ("commands", "rules = []"),
    ("commands", r#"rules = [{ prefix = ["git", "log"], decision = "allow", reason = "r" }]"#),
    ("commands", r#"rules = ["...", { prefix = ["git", "push"], decision = "deny", reason = "r" }]"#),
    ("limits", r#"timeout = "1m""#),
    ("limits", r#"timeout = "1ms""#),
    ("limits", r#"grace = "0s""#),
    ("limits", "nofile = 16"),
    ("limits", "core = 0"),
    ("limits", r#"stack = "128K""#),
    ("limits", "memlock = 0"),
    ("limits", r#"file_size = "1M""#),
    ("limits", "processes = 1"),
    ("rollback", r#"on = ["error", "timeout", "oom", "violation"]"#),
    ("rollback", "on = []"),
    ("rollback", "max_snapshots = 400"),
    ("rollback", r#"max_age = "none""#),
    ("rollback", r#"max_age = "30d""#),
    ("patch", "max_size = 1"),
    ("patch", "max_files = 99"),
    ("patch", r#"max_made = "1M""#),
    ("patch", r#"keep = ["*.proto"]"#),
    ("patch", "keep = []"),
    ("syscalls", r#"allow = ["personality", "read"]"#),
    ("syscalls", r#"refuse = ["personality", "chmod"]"#),
    ("output", r#"head = "1M""#),
    ("output", r#"tail = "8M""#),
    ("landlock", "abi = 3"),
    ("landlock", "abi = 9"),
    ("guards", r#"cgroup = "required""#),
    ("guards", r#"tier = "namespaces""#),
    ("guards", r#"cgroup = "best-effort""#),
];

/// The parent, and a child of it.
pub(crate) fn family(child: &str) -> Profiles {
    Profiles::new([("parent", PARENT.as_bytes()), ("child", child.as_bytes())])
}

#[test]
fn every_widening_is_refused_at_its_key() {
    for (section, line) in WIDER {
        let message = family(&format!("extends = \"parent\"\n[{section}]\n{line}\n")).message("child");
        let key = line.split_once(" =").expect("a key").0;
        assert!(message.starts_with("child.toml:3:"), "{message}");
        assert!(message.contains(&format!("`{key}` in [{section}] ")), "{message}");
        assert!(message.contains("`parent`"), "{message}");
        assert!(message.ends_with("hint: say `widen = true` and a `reason` at the top, if that is meant"));
    }
}

#[test]
fn every_widening_is_accepted_with_a_reason_which_is_kept() {
    for (section, line) in WIDER {
        let heading = "extends = \"parent\"\nwiden = true\nreason = \"the tests need it\"";
        let profile = family(&format!("{heading}\n[{section}]\n{line}\n")).find("child").unwrap();
        let reason = "the tests need it".to_owned();
        assert_eq!(profile.widened, [Widening { profile: "child".to_owned(), reason }], "{line}");
    }
}

#[test]
fn every_narrowing_is_accepted() {
    for (section, line) in NARROWER {
        let profile = family(&format!("extends = \"parent\"\n[{section}]\n{line}\n")).find("child");
        assert!(profile.is_ok(), "{line}: {}", profile.unwrap_err());
    }
}

#[test]
fn a_widening_message_points_at_the_key_or_the_entry() {
    let expected = "child.toml:3:1: `timeout` in [limits] permits more than `parent` does
  3 | timeout = \"none\"
    | ^^^^^^^
hint: say `widen = true` and a `reason` at the top, if that is meant";
    assert_eq!(family("extends = 'parent'\n[limits]\ntimeout = \"none\"").message("child"), expected);
    let expected = "child.toml:5:5: `pass` in [environment] has an entry that `parent` does not permit
  5 |     'LANG', # is new
    |     ^^^^^^
hint: say `widen = true` and a `reason` at the top, if that is meant";
    let child = "extends = 'parent'\n[environment]\npass = [\n    'PATH',\n    'LANG', # is new\n]";
    assert_eq!(family(child).message("child"), expected);
}

#[test]
fn a_child_that_states_nothing_is_its_parent_but_for_the_name() {
    let profiles = family("extends = \"parent\"");
    let mut child = profiles.find("child").unwrap();
    child.name = "parent".to_owned();
    assert_eq!(child, profiles.find("parent").unwrap());
}

#[test]
fn a_grandchild_narrows_what_its_parent_left() {
    let child = "extends = \"parent\"\n[limits]\ntimeout = \"10s\"";
    let profiles = |text: &str| {
        Profiles::new([
            ("parent", PARENT.as_bytes()),
            ("child", child.as_bytes()),
            ("grandchild", text.as_bytes()),
        ])
    };
    let message = profiles("extends = \"child\"\n[limits]\ntimeout = \"20s\"").message("grandchild");
    assert!(
        message.starts_with("grandchild.toml:3:1: `timeout` in [limits] permits more than `child` does\n")
    );
    assert!(profiles("extends = \"child\"\n[limits]\ntimeout = \"5s\"").find("grandchild").is_ok());
}

#[test]
fn what_is_kept_are_names() {
    for name in ["", "*", "..", "db/schema.sql", "a*b", "**", "a?", "[ab]", "a\\n"] {
        let message = family(&format!("extends = \"parent\"\n[patch]\nkeep = [\"{name}\"]")).message("child");
        assert!(message.starts_with("child.toml:3:9: `keep` in [patch]: "), "{message}");
    }
}

#[test]
fn patterns_that_mean_everything_or_nothing_are_refused() {
    for (key, pattern) in [
        ("hide", "/"),
        ("hide", "."),
        ("hide", "../x"),
        ("hide", "!x"),
        ("show", ""),
        ("read_only", "src/*"),
        ("read_only", "a/../../b"),
    ] {
        let message =
            family(&format!("extends = \"parent\"\n[filesystem]\n{key} = [\"{pattern}\"]")).message("child");
        assert!(
            message.starts_with("child.toml:3:") && message.contains(&format!("`{pattern}`")),
            "{message}"
        );
    }
}

#[test]
fn what_is_stated_is_what_is_had() {
    let child = "extends = \"default\"\nwiden = true\nreason = \"browser tests\"\n[network]\nmode = \"host\"\n\
                 [guards]\nlandlock = \"best-effort\"\n[filesystem]\nread = [\"~/.config/x\", \"/opt//a/./b/\"]";
    let profile = load(child).unwrap();
    assert_eq!(profile.network.mode, NetworkMode::Host);
    assert_eq!(profile.guards.requirement(Guard::Landlock), Requirement::BestEffort);
    assert_eq!(profile.guards.best_effort().collect::<Vec<_>>(), [Guard::Landlock]);
    let home = std::path::Path::new("/home/u");
    let read: Vec<_> = profile.filesystem.read.iter().map(|path| path.resolve(home)).collect();
    assert_eq!(read, [home.join(".config/x"), "/opt/a/b".into()]);
}

#[test]
fn a_parent_that_cannot_be_had_is_told_where_it_is_named() {
    let expected = "strict.toml:2:11: no profile is named `defautl`
  2 | extends = \"defautl\"
    |           ^^^^^^^^^
hint: did you mean `default`?";
    assert_eq!(message("# mine\nextends = \"defautl\""), expected);
}

/// Where only what rules name can be executed, a rule that allows what the default would have is no narrowing.
#[test]
fn a_child_names_no_further_program_under_enforce() {
    let parent = "extends = 'default'
        [commands]
        enforce = true
        rules = [{ prefix = ['sh'], decision = 'allow', reason = 'r' }]";
    let child = |rule: &str, widening: &str| {
        let child = format!("extends = 'parent'\n{widening}\n[commands]\nrules = ['...', {rule}]");
        let profiles = Profiles::new([("parent", parent.as_bytes()), ("child", child.as_bytes())]);
        profiles.find("child").map_err(|error| error.to_string())
    };
    let rule = |prefix: &str, decision: &str| {
        format!("{{ prefix = {prefix}, decision = '{decision}', reason = 'r' }}")
    };
    for (prefix, decision) in [("['id']", "allow"), ("['id']", "ask"), ("[['sh', 'id']]", "allow")] {
        let error = child(&rule(prefix, decision), "").unwrap_err();
        assert!(error.contains("has an entry that `parent` does not"), "{prefix}: {error}");
    }
    child(&rule("['id']", "allow"), "widen = true\nreason = 'r'").unwrap();
    child(&rule("['sh', '-c']", "ask"), "").unwrap();
    child(&rule("['id']", "deny"), "").unwrap();
}
