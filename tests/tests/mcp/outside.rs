//! Clients that this project did not write: the protocol's own SDK for Python, and the inspector's command line.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use clearing_tests::{DEADLINE, Site, assert_nothing_left, expect_success, for_each_caller, patience};
use serde_json::Value;

use crate::refused::PROFILE;

const SDK: &str = "mcp==2.3.0";
const INSPECTOR: &str = "@modelcontextprotocol/inspector@2.12.0";
/// It wants a later Node than Debian has; the registry has each as a package.
const NODE: &str = "22.22.0";
const PYTHON: &str = "/usr/bin/python3";

/// What the program in Python says.
const SAYS: &str = "server clearing\nrun 3 'one\\n'\nprogress begun\ncancelled\npatch True\nchanges added kept\n\
                    refused True CLR-POLICY-CMD\nwhy made by hand True\ncommit True\n";

#[test]
fn the_sdk_for_python_works_on_a_project_by_the_old_handshake_and_by_the_new() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/mcp_client.py");
    let source = std::fs::read_to_string(source).unwrap();
    for_each_caller(|caller| {
        for begin in ["initialize", "discover"] {
            let site = Site::new(caller);
            site.write("note.txt", "of the project\n");
            let profile = site.write_home("strict.toml", PROFILE);
            let client = site.write_home("mcp_client.py", &source);
            let mut program = site.host(PYTHON);
            program.arg(client).arg(site.binary()).arg(site.project()).arg(profile).arg(begin);
            // Far more than it takes anywhere: what it waits for always comes.
            program.arg(patience(5 * DEADLINE).as_secs().to_string());
            program.env("CLEARING_STATE_DIR", site.state()).env("PYTHONPATH", sdk(&site));
            let output = program.output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert_eq!(said, SAYS, "{begin}: {}", String::from_utf8_lossy(&output.stderr));
            assert_eq!(std::fs::read_to_string(site.project().join("kept")).unwrap(), "kept\n");
            assert!(!site.project().join("bad").exists());
            assert_nothing_left(&site);
        }
    });
}

#[test]
fn the_inspector_lists_the_tools_without_fault_and_calls_one() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let tools = inspected(&site, &["--strict", "--method", "tools/list"]);
        assert_eq!(tools["tools"].as_array().unwrap().len(), 12);
        let call = ["--method", "tools/call", "--tool-name", "run", "--tool-arg", "shell=echo hi; exit 3"];
        let ran = inspected(&site, &call);
        assert_eq!(ran["isError"], false);
        assert_eq!(ran["structuredContent"]["exitCode"], 3);
        assert_eq!(ran["content"][1]["text"], "stdout:\nhi");
        assert_nothing_left(&site);
    });
}

fn inspected(site: &Site, options: &[&str]) -> Value {
    let modules = inspector(site).join("node_modules");
    let mut program = site.host(modules.join(format!("node-linux-{}/bin/node", arch())));
    program.arg(modules.join("@modelcontextprotocol/inspector/clients/launcher/build/index.js"));
    program
        .arg("--cli")
        .arg(site.binary())
        .args(["mcp", "--discard", "-w"])
        .arg(site.project())
        .args(options);
    program.env("CLEARING_STATE_DIR", site.state());
    let output = program.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {told}", output.status);
    assert!(!told.contains("unknown format"), "{told}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The SDK and what it needs, for the system's Python.
fn sdk(site: &Site) -> PathBuf {
    installed(site, "mcp-sdk", &mut |place| {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "--python", PYTHON, "install", "--quiet", "--disable-pip-version-check"]);
        pip.arg("--target").arg(place).arg(SDK);
        pip
    })
}

/// The inspector and the Node that it wants.
fn inspector(site: &Site) -> PathBuf {
    installed(site, "mcp-inspector", &mut |place| {
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--prefix"]);
        npm.arg(place).arg(INSPECTOR).arg(format!("node-linux-{}@{NODE}", arch()));
        npm
    })
}

fn arch() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" }
}

/// A copy, for the site's caller, of what is installed once.
fn installed(site: &Site, name: &str, install: &mut dyn FnMut(&Path) -> Command) -> PathBuf {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let lock = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    if !cache.exists() {
        let half = cache.with_extension("half");
        let _ = std::fs::remove_dir_all(&half);
        std::fs::create_dir_all(&half).unwrap();
        expect_success(&mut install(&half));
        std::fs::rename(&half, &cache).unwrap();
    }
    drop(lock);
    let copy = site.directory().join(name);
    expect_success(Command::new("cp").args(["-rT", "--reflink=auto"]).arg(&cache).arg(&copy));
    site.own(&copy);
    copy
}
