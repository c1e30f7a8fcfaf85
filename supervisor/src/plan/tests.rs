//! A plan depends on nothing but its arguments, and changes only on purpose.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use clearing_profiles::{NetworkMode, Profile};
use clearing_rootfs::{Base, BaseEntry, Cache, Chosen, GitDirectory, Identity, Project, ToolRoot, ToolRoots};
use clearing_runtime::spec::{Layer, Terminal, TerminalModes};

use super::{PlanView, plan};
use crate::host::Host;
use crate::outcome::Tier;
use crate::place::Writable;
use crate::request::RunRequest;
use crate::workspace::Workspace;

fn host(uid: u32) -> Host {
    let variables = [
        ("HOME", "/home/ann"),
        ("LANG", "C.UTF-8"),
        ("PATH", "/home/ann/.local/bin:bin:/usr/bin::/bin"),
        ("SECRET_TOKEN", "hunter2"),
        ("LD_PRELOAD", "/tmp/evil.so"),
    ];
    Host {
        uid,
        gid: uid,
        groups: vec![uid, 27],
        user: "ann".into(),
        home: "/home/ann".into(),
        umask: 0o022,
        cwd: "/home/ann/app/src".into(),
        environment: variables.map(|(name, value)| (OsString::from(name), OsString::from(value))).into(),
        tmpfs_layers: true,
        memory: 16 << 30,
        shift_base: 524_288,
        tier: Tier::Namespaces,
        process: 4711,
    }
}

fn project(uid: u32) -> Project {
    Project {
        root: "/home/ann/app".into(),
        cwd: "/home/ann/app/src".into(),
        chosen: Chosen::Git,
        identity: Identity { device: 1, inode: 2 },
        uid,
        gid: uid,
        mode: 0o755,
        git: Some(GitDirectory { common: "/home/ann/main/.git".into() }),
        notes: Vec::new(),
    }
}

fn base() -> Base {
    let path = PathBuf::from;
    Base {
        entries: vec![
            BaseEntry::ReadOnly { path: path("/usr") },
            BaseEntry::Symlink { path: path("/bin"), to: path("usr/bin") },
            BaseEntry::File { path: path("/etc/hostname"), content: b"clearing\n".to_vec(), mode: 0o644 },
            BaseEntry::ReadOnly { path: path("/etc/ssl") },
        ],
    }
}

fn workspace(uid: u32, layer: impl Fn(&str) -> Layer) -> Workspace {
    let writable = |name: &str| Writable { sealed: Vec::new(), layer: layer(name) };
    let home = writable("home");
    let tool = ToolRoot { path: "/home/ann/.local/bin".into(), in_home: true, leave_out: Vec::new() };
    let path = PathBuf::from("/home/ann/.cargo/registry");
    let cache = Cache { source: path.clone(), path };
    Workspace {
        project: project(uid),
        changes: writable("project"),
        git: Some(("/home/ann/main/.git".into(), writable("git"))),
        home: matches!(home.layer, Layer::Directories { .. }).then_some(home),
        caches: vec![(cache, writable("cache-.cargo%registry"))],
        settings: Vec::new(),
        tools: ToolRoots { roots: vec![tool], variables: Vec::new(), skipped: Vec::new() },
        base: base(),
        hidden: clearing_rootfs::Hidden::default(),
        parents: Vec::new(),
        read_only: Vec::new(),
        named: None,
        elsewhere: None,
        left_out: Vec::new(),
    }
}

fn in_memory(name: &str) -> Layer {
    Layer::Memory { name: name.into(), mode: 0o755 }
}

fn on_disk(name: &str) -> Layer {
    let path = |kind: &str| PathBuf::from(format!("/state/runs/1/{name}.{kind}"));
    Layer::Directories { upper: path("upper"), work: path("work") }
}

fn request() -> RunRequest {
    RunRequest {
        directory: None,
        session: None,
        profile: None,
        limits: Vec::new(),
        layer: None,
        network: None,
        tier: None,
        environment: vec![("DEBUG".into(), "1".into())],
        json: false,
        stats: None,
        admission: None,
        approved: false,
        command: vec!["npm".into(), "test".into()],
        call: None,
        script: None,
    }
}

fn shown(profile: &Profile, workspace: &Workspace, host: &Host, terminal: Option<Terminal>) -> String {
    let plan = plan(profile, workspace, &request(), host, terminal).expect("planned");
    serde_json::to_string_pretty(&PlanView::of(&plan)).expect("json")
}

fn default_profile() -> Profile {
    Profile::builtin("default").expect("built in")
}

#[test]
fn an_ordinary_callers_plan() {
    let workspace = workspace(1000, in_memory);
    insta::assert_snapshot!(shown(&default_profile(), &workspace, &host(1000), None));
}

#[test]
fn roots_plan_shifts_ids_and_maps_owners() {
    let workspace = workspace(0, on_disk);
    let modes = TerminalModes { input: 1, output: 2, control: 3, local: 4, keys: [0; 32] };
    let terminal = Terminal { streams: [true, true, false], rows: 24, columns: 80, modes };
    insta::assert_snapshot!(shown(&default_profile(), &workspace, &host(0), Some(terminal)));
}

#[test]
fn a_plan_holds_no_variable_that_the_profile_does_not_pass() {
    let text = shown(&default_profile(), &workspace(1000, in_memory), &host(1000), None);
    assert!(!text.contains("hunter2") && !text.contains("LD_PRELOAD"), "{text}");
    assert!(text.contains("PATH=/home/ann/.local/bin:/usr/bin:/bin\""), "{text}");
}

#[test]
fn the_hosts_network_is_planned_only_where_the_profile_has_it() {
    let mut profile = default_profile();
    profile.network.mode = NetworkMode::Host;
    let workspace = workspace(1000, in_memory);
    assert!(shown(&profile, &workspace, &host(1000), None).contains("\"network\": \"host\""));
    assert!(shown(&default_profile(), &workspace, &host(1000), None).contains("\"network\": \"none\""));
}

#[test]
fn what_lies_in_another_comes_after_it() {
    let workspace = workspace(1000, in_memory);
    let plan = plan(&default_profile(), &workspace, &request(), &host(1000), None).expect("planned");
    let text = serde_json::to_value(&plan.sandbox.root).expect("json");
    let targets: BTreeMap<String, usize> = text
        .as_array()
        .expect("list")
        .iter()
        .enumerate()
        .filter_map(|(place, step)| {
            let (_, step) = step.as_object()?.iter().next()?;
            Some((step.get("target")?.as_str()?.to_owned(), place))
        })
        .collect();
    assert!(targets["/home/ann"] < targets["/home/ann/.cargo/registry"]);
    assert!(targets["/home/ann"] < targets["/home/ann/app"]);
}

#[test]
fn every_call_of_the_table_has_a_number_and_the_filter_compiles() {
    let text = shown(&default_profile(), &workspace(1000, in_memory), &host(1000), None);
    let plan: serde_json::Value = serde_json::from_str(&text).expect("json");
    let instructions = plan["filter"]["instructions"].as_u64().expect("compiles");
    assert!((300..1500).contains(&instructions), "{instructions}");
}
