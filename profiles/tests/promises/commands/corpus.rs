//! The corpus: each line of it is decided as it says.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use clearing_profiles::{Commands, Decision};
use serde::Deserialize;

use super::commands;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Corpus {
    policies: BTreeMap<String, Policy>,
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    policy: String,
    shell: String,
    #[serde(default)]
    allow: Vec<Line>,
    #[serde(default)]
    ask: Vec<Line>,
    #[serde(default)]
    deny: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(untagged)]
enum Line {
    Text(String),
    Argv(Vec<String>),
}

fn corpora() -> [Corpus; 2] {
    [include_str!("corpus.toml"), include_str!("arguments.toml")]
        .map(|text| toml::from_str(text).expect("a corpus is a table"))
}

fn decide(commands: &Commands, shell: &str, line: &Line) -> Decision {
    match line {
        Line::Text(text) => super::of_text(commands, shell, text.as_bytes()),
        Line::Argv(argv) => commands.judge(argv).decision(),
    }
}

#[test]
fn every_line_of_the_corpus_is_decided_as_it_says() {
    let (mut lines, mut wrong) = (0, Vec::new());
    let cases = corpora().into_iter().flat_map(|Corpus { policies, case }| {
        case.into_iter().map(move |case| (commands(&policies[&case.policy].text), case))
    });
    for (rules, Case { policy, shell, allow, ask, deny }) in cases {
        for (expected, list) in [(Decision::Allow, allow), (Decision::Ask, ask), (Decision::Deny, deny)] {
            let distinct: BTreeSet<Line> = list.into_iter().collect();
            for line in distinct {
                lines += 1;
                let decision = decide(&rules, &shell, &line);
                if decision != expected {
                    wrong.push(format!("{policy} {shell}: {line:?} is {decision:?}, not {expected:?}"));
                }
            }
        }
    }
    println!("{lines} lines");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(lines >= 300, "{lines}");
}
