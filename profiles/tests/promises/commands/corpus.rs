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

fn corpus() -> Corpus {
    toml::from_str(include_str!("corpus.toml")).expect("the corpus is a table")
}

fn decide(commands: &Commands, shell: &str, line: &Line) -> Decision {
    match line {
        Line::Text(text) => super::of_text(commands, shell, text.as_bytes()),
        Line::Argv(argv) => commands.judge(argv).decision(),
    }
}

#[test]
fn every_line_of_the_corpus_is_decided_as_it_says() {
    let Corpus { policies, case } = corpus();
    let (mut lines, mut wrong) = (0, Vec::new());
    for Case { policy, shell, allow, ask, deny } in case {
        let rules = commands(&policies[&policy].text);
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
