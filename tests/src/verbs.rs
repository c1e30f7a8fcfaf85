//! The verbs that the binary itself says it has.

use crate::Site;

/// Every verb in the help of the binary, each as its words: `["policy", "check"]`.
///
/// # Panics
///
/// If the help names none, or cannot be had.
pub fn verbs(site: &Site) -> Vec<Vec<String>> {
    let verbs = below(site, &[]);
    assert!(verbs.len() > 15, "that cannot be all: {verbs:?}");
    verbs
}

fn below(site: &Site, verb: &[String]) -> Vec<Vec<String>> {
    let output = site.clearing(verb).arg("--help").output();
    let help = &output.expect_code(0).stdout;
    let named = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let named = named.take_while(|line| !line.is_empty());
    let names = named.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names: Vec<&str> = names.filter(|name| !name.is_empty() && *name != "help").collect();
    let mut all = Vec::new();
    for name in names {
        let verb = [verb, &[name.to_owned()]].concat();
        let inner = below(site, &verb);
        all.extend(if inner.is_empty() { vec![verb] } else { inner });
    }
    all
}
