//! Which escapes a machine tries: all of them take a quarter of an hour there, so each machine takes a part.

use std::collections::BTreeMap;

/// How many attacks on a promise are tried where its turn is.
const EACH: usize = 2;

/// The part of machine `number` among so many: of every promise whose turn it is some attacks, and those whose
/// names hold one of `words`. All machines together attack every promise.
///
/// A test's name begins with the module of its promise, as in `p_f1::a_file_outside_cannot_be_read`.
pub(super) fn slice(tests: &[String], (number, machines): (usize, usize), words: &[&str]) -> Vec<String> {
    let mut promises: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
    for test in tests {
        let module = test.split("::").next().filter(|module| module.starts_with("p_"));
        module.into_iter().for_each(|module| promises.entry(module).or_default().push(test));
    }
    let turns = promises.values().skip(number).step_by(machines);
    let chosen = turns.flat_map(|attacks| spread(attacks)).map(String::clone);
    let named = tests.iter().filter(|test| words.iter().any(|word| test.contains(word))).cloned();
    let mut all: Vec<String> = chosen.chain(named).collect();
    all.sort();
    all.dedup();
    all
}

/// Some of them, as far apart as can be: neighbours in a file try much the same.
fn spread<'a, T>(all: &'a [&T]) -> impl Iterator<Item = &'a T> {
    all.iter().copied().step_by(all.len().div_ceil(EACH).max(1))
}

/// The names of what a test program prints with `--list --format terse`.
pub(super) fn listed(text: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_machines_together_attack_every_promise_and_none_too_often() {
        let tests: Vec<String> = (0..51)
            .flat_map(|promise| (0..=promise).map(move |attack| format!("p_{promise:02}::attack_{attack}")))
            .collect();
        let parts: Vec<_> = (0..5).map(|number| slice(&tests, (number, 5), &[])).collect();
        assert!(parts.iter().all(|part| (15..=22).contains(&part.len())), "{parts:?}");
        let mut attacked: Vec<_> = parts.iter().flatten().map(|test| &test[..4]).collect();
        attacked.dedup();
        attacked.sort_unstable();
        attacked.dedup();
        assert_eq!(attacked.len(), 51);
    }

    #[test]
    fn what_is_named_is_tried_as_well_and_once() {
        let tests = ["p_a1::one", "p_a2::two", "lessons::overlay"].map(str::to_owned);
        assert_eq!(slice(&tests, (0, 2), &["overlay", "one"]), ["lessons::overlay", "p_a1::one"]);
    }

    #[test]
    fn names_are_read_from_a_list() {
        assert_eq!(listed("p_a1::one: test\nother: benchmark\n\n"), ["p_a1::one"]);
    }
}
