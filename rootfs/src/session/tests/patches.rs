//! Patches are kept or undone as a whole.

use super::*;

#[test]
fn a_patch_is_kept_as_a_whole_and_named_before_and_after() {
    let place = Place::new();
    let mut session = place.create(None);
    write(&session, "earlier");
    assert_eq!(session.begin_patch().unwrap().name, "before-patch-1");
    write(&session, "patched");
    assert_eq!(session.keep_patch().unwrap().name, "after-patch-1");
    assert_eq!(seen(&session), [["patched"], ["earlier"]]);
    assert!(!session.is_patching());
    session.rollback("before-patch-1", Why::BeforeRollback).unwrap();
    assert_eq!(seen(&session), [["earlier"]]);
}

#[test]
fn a_patch_that_is_undone_takes_nothing_else_with_it_whatever_was_forgotten() {
    let place = Place::new();
    let mut session = place.create(None);
    write(&session, "earlier");
    session.begin_patch().unwrap();
    write(&session, "patched");
    session.retain(Retention { number: 1, age: Some(std::time::Duration::ZERO) }, None).unwrap();
    session.undo_patch().unwrap();
    assert_eq!(seen(&session), [["earlier"]]);
    assert!(session.record().snapshot("before-patch-1").is_none());
}

#[test]
fn a_patch_that_was_killed_is_undone_by_the_next_and_counts_for_nobody_before() {
    let place = Place::new();
    let mut session = place.create(Some("one"));
    write(&session, "earlier");
    session.begin_patch().unwrap();
    session.begin_exec(&[]).unwrap();
    write(&session, "patched");
    drop(session);
    let record = place.sessions.read("one").unwrap();
    let present = place.sessions.uppers(&record, record.present(), PROJECT).unwrap();
    assert_eq!(present.iter().map(|upper| names(upper)).collect::<Vec<_>>(), [["earlier"]]);
    let session = place.sessions.open("one", "exec").unwrap();
    assert_eq!(session.recovered, [Recovered::PatchUndone]);
    assert_eq!(seen(&session), [["earlier"]]);
    drop(session);
    assert_eq!(place.sessions.open("one", "exec").unwrap().recovered, []);
}
