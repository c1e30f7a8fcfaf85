//! The README's table of tools is that of the server.

use clearing_tests::{Caller, Site};
use serde_json::json;

use crate::Mcp;

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");

#[test]
fn the_readme_lists_every_tool_and_no_other() {
    let site = Site::new(Caller::all()[0]);
    let mut mcp = Mcp::begin(&site, &[]);
    let told = mcp.ask("tools/list", json!({}));
    let tools = told["tools"].as_array().unwrap();
    let served: Vec<&str> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    let readme = std::fs::read_to_string(README).unwrap();
    let table = readme.lines().skip_while(|line| *line != "| tool | what it does | takes |").skip(2);
    let rows = table.map_while(|line| line.strip_prefix("| `")?.split_once("` |"));
    let rows: Vec<(&str, &str)> = rows.collect();
    assert_eq!(rows.iter().map(|(name, _)| *name).collect::<Vec<_>>(), served);
    for ((name, rest), tool) in rows.iter().zip(tools) {
        let takes = rest.rsplit('|').nth(1).unwrap();
        let listed: Vec<&str> = takes.split('`').skip(1).step_by(2).collect();
        let known = tool["inputSchema"]["properties"].as_object().unwrap();
        for argument in &listed {
            assert!(known.contains_key(*argument), "`{name}` takes no `{argument}`");
        }
        assert_eq!(listed.len(), known.len(), "`{name}` takes {:?}", known.keys());
    }
    assert_eq!(mcp.finish(), 0);
}
