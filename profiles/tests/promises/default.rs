//! The built-in profile: what stands in it, and what must never.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use clearing_profiles::{Guard, NetworkMode, Profile, Requirement, builtin_names, syscalls};

fn default() -> Profile {
    Profile::builtin("default").expect("the default profile loads")
}

#[test]
fn every_builtin_profile_loads_under_its_own_name() {
    for name in builtin_names() {
        assert_eq!(Profile::builtin(name).unwrap().name, name);
        assert_eq!(Profile::find(name, None).unwrap(), Profile::builtin(name).unwrap());
    }
}

/// The value that the build made, and what the file says when it is read now.
#[test]
fn every_builtin_profile_is_what_its_file_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("builtin");
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let read: BTreeMap<String, Profile> = files
        .map(|path| Profile::load(&path).unwrap_or_else(|error| panic!("{error}")))
        .map(|profile| (profile.name.clone(), profile))
        .collect();
    let built: BTreeMap<String, Profile> =
        builtin_names().map(|name| (name.to_owned(), Profile::builtin(name).unwrap())).collect();
    assert_eq!(built, read);
}

#[test]
fn default_requires_every_guard() {
    let guards = default().guards;
    assert_eq!(guards.best_effort().count(), 0);
    for guard in Guard::all() {
        assert_eq!(guards.requirement(guard), Requirement::Required, "{}", guard.name());
    }
}

#[test]
fn default_has_no_network_no_core_dumps_and_no_wall_timeout() {
    let profile = default();
    assert_eq!(profile.network.mode, NetworkMode::None);
    assert_eq!(profile.limits.core, 0);
    assert_eq!(profile.limits.nofile, Some(1024));
    assert_eq!(profile.limits.timeout, None);
    assert_eq!(profile.limits.grace, Duration::from_secs(2));
    assert_eq!(profile.widened, []);
}

#[test]
fn default_passes_what_tools_need() {
    let environment = default().environment;
    for name in ["PATH", "HOME", "LANG", "LC_ALL", "TERM", "CARGO_HOME", "PYENV_ROOT", "NO_COLOR", "CI"] {
        assert!(environment.passes(name), "{name}");
    }
}

#[test]
fn no_builtin_profile_passes_a_secret_a_socket_or_a_loader_variable() {
    for name in builtin_names() {
        passes_nothing_secret(name);
    }
}

fn passes_nothing_secret(profile: &str) {
    let environment = Profile::builtin(profile).expect("it loads").environment;
    for name in [
        "AWS_SECRET_ACCESS_KEY",
        "AWS_PROFILE",
        "GITHUB_TOKEN",
        "GH_TOKEN",
        "NPM_TOKEN",
        "npm_config__auth",
        "CARGO_REGISTRY_TOKEN",
        "CARGO_REGISTRIES_MINE_TOKEN",
        "PIP_INDEX_URL",
        "GOPROXY",
        "HTTP_PROXY",
        "https_proxy",
        "ANTHROPIC_API_KEY",
        "OPENAI_API_KEY",
        "DATABASE_URL",
        "SESSION_SECRET",
        "FLASK_SECRET_KEY",
        "GOAUTH",
        "NPM_CONFIG_TOKEN",
        "RUSTC_WRAPPER",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "KUBECONFIG",
        "SSH_AUTH_SOCK",
        "SSH_AGENT_PID",
        "GPG_AGENT_INFO",
        "DBUS_SESSION_BUS_ADDRESS",
        "DOCKER_HOST",
        "DISPLAY",
        "WAYLAND_DISPLAY",
        "XAUTHORITY",
        "XDG_RUNTIME_DIR",
        "TMPDIR",
        "MAKEFLAGS",
        "NODE_OPTIONS",
        "GIT_SSH_COMMAND",
        "GIT_CONFIG_COUNT",
        "LD_PRELOAD",
        "LD_LIBRARY_PATH",
        "GCONV_PATH",
        "BASH_ENV",
        "BASH_FUNC_ls%%",
    ] {
        assert!(!environment.passes(name), "{profile} passes {name}");
    }
    let secret = ["TOKEN", "SECRET", "PASSW", "_KEY", "AUTH_SOCK", "CREDENTIAL", "COOKIE"];
    let told = |pattern: &&Cow<'_, str>| secret.iter().any(|word| pattern.contains(word));
    assert_eq!(environment.pass.iter().find(told), None, "{profile}");
}

#[test]
fn each_builtin_profile_names_each_variable_once() {
    for name in builtin_names() {
        let pass = Profile::builtin(name).expect("it loads").environment.pass;
        let distinct: BTreeSet<&str> = pass.iter().map(AsRef::as_ref).collect();
        assert_eq!(distinct.len(), pass.len(), "{name}");
    }
}

#[test]
fn no_builtin_profile_opens_more_of_the_host_than_default() {
    for name in builtin_names() {
        let profile = Profile::builtin(name).expect("it loads");
        assert_eq!((profile.network, profile.guards), (default().network, default().guards), "{name}");
        assert_eq!((profile.filesystem.read.len(), profile.syscalls.allow.len()), (0, 0), "{name}");
    }
}

#[test]
fn strict_narrows_and_says_what() {
    let strict = Profile::builtin("strict").expect("it loads");
    assert_eq!(strict.widened, []);
    assert!(!strict.filesystem.caches && !strict.filesystem.tool_roots);
    assert_eq!(strict.limits.timeout, Some(Duration::from_secs(600)));
    assert!(strict.environment.pass.len() < 20 && strict.syscalls.refuse.contains("ptrace"));
}

#[test]
fn default_adds_nothing_to_the_table_and_so_borrows_it() {
    let rules = default().syscall_rules();
    assert!(matches!(rules, Cow::Borrowed(_)));
    assert_eq!(rules, syscalls());
}

#[test]
fn default_is_printed_as_json_with_every_value() {
    let mut json = serde_json::to_value(default()).unwrap();
    json["environment"]["pass"] = serde_json::json!("…");
    json["guards"] = serde_json::json!("…");
    let expected = serde_json::json!({
        "name": "default",
        "widened": [],
        "filesystem": {
            "read": [], "hide": [], "sensitive": true, "show": [], "readOnly": [], "toolRoots": true, "caches": true,
            "layer": "auto", "layerSize": 2u64 << 30,
        },
        "network": { "mode": "none" },
        "environment": { "pass": "…", "set": {} },
        "commands": { "default": "allow", "enforce": false, "rules": [] },
        "limits": {
            "timeoutMs": null, "graceMs": 2000, "cpuThousandths": null, "cpuTimeMs": null,
            "memory": 8_u64 << 30, "processes": 4096, "disk": 8_u64 << 30, "inodes": null, "output": null,
            "fileSize": null, "nofile": 1024, "core": 0, "stack": 8 << 20, "memlock": 65536,
            "cgroup": "best-effort",
        },
        "output": { "head": 32 << 20, "tail": 32 << 20 },
        "rollback": { "on": [], "maxSnapshots": 100, "maxAgeMs": null },
        "patch": { "maxSize": 64 << 20, "maxFiles": 10_000, "maxMade": 256 << 20, "keep": [] },
        "syscalls": { "allow": [], "refuse": [] },
        "landlock": { "abi": null },
        "guards": "…",
    });
    assert_eq!(json, expected);
    let guards = serde_json::to_value(default().guards).unwrap();
    assert_eq!(guards.as_object().unwrap().len(), Guard::all().count() + 1);
    assert_eq!(guards["tier"], "namespaces");
    assert_eq!(guards["no_new_privs"], "required");
}
