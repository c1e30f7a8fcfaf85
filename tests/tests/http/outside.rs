//! Clients and checks that others wrote.

use std::process::Command;

use clearing_tests::{Caller, DEADLINE, Site, expect_success, for_each_caller, skip};
use serde_json::{Value, json};

use crate::gates::{TOKEN, open_to_the_network};
use crate::peer::House;

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");

/// Whether whoever runs the proofs has a module of Python's.
fn has(module: &str) -> bool {
    let is_there = Command::new("python3").args(["-c", &format!("import {module}")]).output();
    let is_there = is_there.is_ok_and(|output| output.status.success());
    if !is_there {
        skip(&format!("python3 has no module `{module}`"));
    }
    is_there
}

#[test]
fn curl_does_what_the_readme_shows() {
    let readme = std::fs::read_to_string(README).unwrap();
    let (_, shown) = readme.split_once("$ clearing serve --socket serve.sock &\n").unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    let commands: Vec<&str> = shown.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
    let results: Vec<&str> = shown.lines().filter(|line| line.starts_with('{')).collect();
    assert_eq!((commands.len(), results.len()), (3, 2), "{shown}");
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("package.json", r#"{"scripts":{"test":"true"}}"#);
        let house = House::open(&site);
        let project = site.project();
        let mut session = String::new();
        for (command, result) in commands[1..].iter().zip(&results) {
            // An alias is known from the next line on.
            let script = format!("shopt -s expand_aliases\n{}\n{command}\n", commands[0])
                .replace("/home/u/app", project.to_str().unwrap())
                .replace("serve.sock", house.socket.to_str().unwrap())
                .replace("s-8567qnct", &session)
                .replace(r#"["npm","test"]"#, r#"["true"]"#);
            let said = expect_success(site.host("bash").args(["-c", &script]));
            let said: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
            let shown: Value = serde_json::from_str(&result.replace("{…}", "{}")).unwrap();
            for name in shown.as_object().unwrap().keys() {
                assert!(said.get(name).is_some(), "`{name}` is not in {said}");
            }
            said["session"].as_str().unwrap().clone_into(&mut session);
        }
        house.close();
    });
}

#[test]
fn the_served_description_is_openapi_by_a_validators_word() {
    if !has("openapi_spec_validator") {
        return;
    }
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let house = House::open(&site);
        let served = house.peer().get("/v1/openapi.json");
        let printed = site.clearing(["schema", "--openapi"]).output();
        assert_eq!(served, serde_json::from_str::<Value>(&printed.stdout).unwrap());
        let file = site.directory().join("openapi.json");
        std::fs::write(&file, served.to_string()).unwrap();
        let check = |file: &std::path::Path| {
            Command::new("python3").args(["-m", "openapi_spec_validator"]).arg(file).output().unwrap()
        };
        let output = check(&file);
        assert!(output.status.success(), "{output:?}");
        // It would find a fault.
        let mut faulty = served;
        faulty["paths"]["/v1/health"]["get"]["responses"] = json!([]);
        std::fs::write(&file, faulty.to_string()).unwrap();
        assert!(!check(&file).status.success());
        house.close();
    });
}

/// What it is to do, and what it cannot be promised.
const SETTINGS: &str = include_str!("schemathesis.toml");
/// Its command line: the module itself cannot be executed.
const SCHEMATHESIS: &str = "import sys; from schemathesis.cli import schemathesis; sys.exit(schemathesis())";

#[test]
fn what_the_description_promises_is_so_by_schemathesis() {
    if !has("schemathesis") {
        return;
    }
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let house = open_to_the_network(&site);
        let mut peer = house.peer();
        let [session, other] = [(); 2].map(|()| peer.session(&site));
        peer.post(&format!("{other}/execs"), json!({ "exec": "ended", "argv": ["true"] }));
        site.write("note.txt", "of the project\n");
        let id = |session: &str| session.rsplit('/').next().unwrap().to_owned();
        let known = SETTINGS
            .replace("@SESSION@", &id(&session))
            .replace("@OTHER@", &id(&other))
            .replace("@PROJECT@", site.project().to_str().unwrap());
        let config = site.directory().join("schemathesis.toml");
        std::fs::write(&config, known).unwrap();
        let mut run = Command::new("python3");
        run.args(["-c", SCHEMATHESIS, "--config-file"]).arg(&config).arg("run");
        run.arg(format!("http://{}/v1/openapi.json", house.address()));
        run.args(["--header", &format!("Authorization: Bearer {TOKEN}"), "--no-color"]);
        // All that a form can be wrong in takes long, and is the same whoever asks; what is made up is tried by each.
        let phases = if caller == Caller::all()[0] { "coverage,fuzzing" } else { "fuzzing" };
        run.args(["--phases", phases]);
        // What is made up is the same in each run.
        run.env("PYTHONHASHSEED", "0");
        let output = run.current_dir(site.directory()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
        assert!(said.contains("Fuzzing") && said.contains("generated"), "{said}");
        // Who says nothing for so long is hung up on.
        assert_eq!(house.peer().get("/v1/health")["state"], "ok");
        let server = house.server.with_deadline(DEADLINE);
        server.signal(nix::sys::signal::Signal::SIGTERM);
        server.wait().expect_code(0);
    });
}
