use std::fs;
use std::path::Path;

use super::*;
use crate::audit::chain::Lines;
use crate::audit::entry::Decision;
use crate::audit::verify::{Verified, verify};

fn append(log: &Log, words: &[&str]) -> u64 {
    let argv = crate::audit::words(words.iter().map(|word| word.as_bytes()));
    log.append(&Entry::Decision(&Decision { argv, ..Decision::asked("run") })).unwrap()
}

fn record(lines: u64) -> (tempfile::TempDir, Log) {
    let state = tempfile::tempdir().unwrap();
    let log = Log::at(state.path());
    (1..=lines).for_each(|number| assert_eq!(append(&log, &["true", &number.to_string()]), number));
    (state, log)
}

fn verified(log: &Log, expect: Option<&str>) -> Verified {
    verify(Lines::of(log).unwrap(), expect).unwrap()
}

fn fault(log: &Log) -> Option<String> {
    verified(log, None).fault.map(|fault| fault.to_string())
}

/// Rewrites the lines of the newest file.
fn rewrite(state: &Path, change: impl FnOnce(&mut Vec<String>)) {
    let path = state.join(CURRENT);
    let text = fs::read_to_string(&path).unwrap();
    let mut lines = text.split_inclusive('\n').map(str::to_owned).collect();
    change(&mut lines);
    fs::write(&path, lines.concat()).unwrap();
}

#[track_caller]
fn expect_fault(change: impl FnOnce(&mut Vec<String>), line: u64, what: &str) {
    let (state, log) = record(6);
    rewrite(state.path(), change);
    let fault = fault(&log).unwrap();
    assert!(fault.contains(&format!("audit.jsonl:{line}: ")) && fault.contains(what), "{fault}");
    // More lines change nothing of it.
    append(&log, &["later"]);
    assert_eq!(self::fault(&log).unwrap(), fault);
}

#[test]
fn an_untouched_record_is_whole_and_holds_every_hash_that_was_its_head() {
    let (_state, log) = record(0);
    let mut heads = Vec::new();
    for number in 0..5 {
        append(&log, &["true", &number.to_string()]);
        heads.push(verified(&log, None).head);
    }
    for head in heads {
        assert_eq!(verified(&log, Some(&head)).fault, None);
    }
    assert!(verified(&log, Some(&"0".repeat(64))).fault.is_some());
}

#[test]
fn the_first_line_that_was_changed_removed_put_in_moved_or_cut_is_named() {
    expect_fault(|lines| lines[2] = lines[2].replace("\"3\"", "\"4\""), 3, "it was changed");
    expect_fault(|lines| lines[2] = "{}\n".into(), 3, "no line of a record");
    expect_fault(|lines| lines[2].truncate(20), 3, "no line of a record");
    expect_fault(|lines| drop(lines.remove(2)), 3, "lines were removed");
    expect_fault(|lines| drop(lines.remove(0)), 1, "the lines before it are missing");
    expect_fault(|lines| lines.insert(3, lines[1].clone()), 4, "put in or moved");
    expect_fault(|lines| lines.swap(2, 3), 3, "lines were removed");
    expect_fault(|lines| lines[4] = lines[4].replace("\"seq\":5", "\"seq\":4"), 5, "put in or moved");
    expect_fault(|lines| lines.insert(2, "\n".into()), 3, "no line of a record");
}

#[test]
fn lines_that_were_cut_off_the_end_are_missed_by_who_knows_the_hash() {
    let (state, log) = record(4);
    let head = verified(&log, None).head;
    rewrite(state.path(), |lines| lines.truncate(2));
    assert_eq!(fault(&log), None);
    let told = verified(&log, Some(&head)).fault.unwrap().to_string();
    assert!(told.contains("audit.jsonl:2: no line up to here has the expected hash"), "{told}");
    append(&log, &["later"]);
    assert!(verified(&log, Some(&head)).fault.is_some());
}

#[test]
fn a_torn_line_is_kept_and_told_and_the_chain_goes_on_from_it() {
    for cut in [2, 30, 150] {
        let (state, log) = record(3);
        rewrite(state.path(), |lines| {
            let length = lines[2].len();
            lines[2].truncate(length - cut);
        });
        let torn = fs::read_to_string(state.path().join(CURRENT)).unwrap();
        let told = verified(&log, None);
        assert_eq!((told.fault, told.torn.len()), (None, 1));
        assert_eq!([append(&log, &["next"]), append(&log, &["after"])], [4, 5]);
        let told = verified(&log, None);
        assert_eq!((told.fault, told.lines), (None, 5));
        assert!(told.torn[0].to_string().ends_with("audit.jsonl:3"));
        assert!(fs::read_to_string(state.path().join(CURRENT)).unwrap().starts_with(&torn));
        // What is kept of it is in the chain as well.
        rewrite(state.path(), |lines| lines[2].insert(1, ' '));
        assert!(fault(&log).unwrap().contains("audit.jsonl:3: it was changed"));
    }
}

#[test]
fn a_line_that_only_lacks_its_end_is_whole_with_it() {
    let (state, log) = record(3);
    rewrite(state.path(), |lines| assert_eq!(lines[2].pop(), Some('\n')));
    assert_eq!(append(&log, &["next"]), 4);
    let told = verified(&log, None);
    assert_eq!((told.fault, told.torn.len(), told.lines), (None, 0, 4));
}

#[test]
fn lines_torn_one_after_the_other_are_all_kept() {
    let (state, log) = record(2);
    let path = state.path().join(CURRENT);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}{{\"se\n{{\"seq\":4,\"pre")).unwrap();
    assert_eq!(append(&log, &["next"]), 5);
    let told = verified(&log, None);
    assert_eq!((told.fault, told.torn.len(), told.lines), (None, 2, 5));
}

#[test]
fn the_chain_goes_on_through_the_files_that_a_long_record_is_kept_in() {
    let (state, log) = record(0);
    let log = log.with_longest(1_000);
    let numbers: Vec<u64> = (0..20).map(|_| append(&log, &["true"])).collect();
    assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
    assert!(state.path().join("audit-00000002.jsonl").exists());
    let told = verified(&log, None);
    assert_eq!((told.lines, told.fault), (20, None));
    // Killed between a file's end and the next one's beginning.
    fs::rename(state.path().join(CURRENT), state.path().join("audit-00000099.jsonl")).unwrap();
    assert_eq!(append(&log, &["true"]), 21);
    assert_eq!(fault(&log), None);
    fs::remove_file(state.path().join("audit-00000002.jsonl")).unwrap();
    let told = fault(&log).unwrap();
    assert!(told.contains("audit-00000003.jsonl:1: ") && told.contains("lines were removed"), "{told}");
}

#[test]
fn a_torn_line_at_a_files_end_is_kept_there() {
    let (state, log) = record(3);
    rewrite(state.path(), |lines| lines[2].truncate(40));
    let log = log.with_longest(300);
    assert_eq!(append(&log, &["next"]), 4);
    assert!(!fs::read(state.path().join(CURRENT)).unwrap().starts_with(b"\n"));
    let told = verified(&log, None);
    assert_eq!((told.fault, told.torn.len(), told.lines), (None, 1, 4));
}

#[test]
fn a_line_of_megabytes_and_of_any_bytes_is_followed_by_others() {
    let (_state, log) = record(1);
    let long = "x".repeat(3 << 20);
    append(&log, &[&long]);
    let argv = crate::audit::words([&b"\xff\n\0"[..]]);
    log.append(&Entry::Decision(&Decision { argv, ..Decision::asked("run") })).unwrap();
    let told = verified(&log, None);
    assert_eq!((told.fault, told.lines), (None, 3));
}

#[test]
fn a_link_in_its_place_is_not_followed() {
    let (state, log) = record(0);
    std::os::unix::fs::symlink(state.path().join("elsewhere"), state.path().join(CURRENT)).unwrap();
    log.append(&Entry::Decision(&Decision::asked("run"))).unwrap_err();
    assert!(!state.path().join("elsewhere").exists());
}

#[test]
fn who_keeps_the_file_open_goes_on_from_what_others_wrote() {
    let (state, log) = record(2);
    let holding = log.clone();
    for round in 0..4 {
        append(&holding, &["one"]);
        append(&holding, &["two"]);
        // Another process has a file of its own.
        let kept = Held::take(&state.path().join(CURRENT));
        append(&log, &["between", &round.to_string()]);
        kept.into_iter().for_each(Held::keep);
    }
    // Set aside by somebody else, and as long again.
    let others = Log::at(state.path()).with_longest(1);
    append(&others, &["elsewhere"]);
    append(&holding, &["here"]);
    let small = holding.clone().with_longest(1);
    for number in 0..3 {
        append(&small, &["each", &number.to_string()]);
    }
    let verified = verified(&log, None);
    assert_eq!((verified.fault, verified.lines), (None, 19));
}
