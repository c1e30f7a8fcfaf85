//! Records that nobody waited for.

use super::*;

/// A session that went on without waiting for the disk, and the record that was written so.
fn gone_on_swiftly(place: &Place) -> (Session, std::path::PathBuf) {
    let mut session = place.create(Some("swift"));
    write(&session, "one");
    let (step, _) = session.step_to_snapshot(Some("first"), Why::Asked).unwrap();
    session.take_swiftly(step).unwrap();
    write(&session, "two");
    let (step, rolled) = session.step_back("initial", Why::BeforeRollback).unwrap();
    session.take_swiftly(step).unwrap();
    assert_eq!(rolled.backup.as_deref(), Some("before-rollback-1"));
    let sessions = place.folder.path().join("state/sessions");
    let later = sessions.join(session.record().id.as_str()).join("session.later.json");
    (session, later)
}

#[test]
fn what_was_not_waited_for_is_what_everybody_reads() {
    let place = Place::new();
    let (session, later) = gone_on_swiftly(&place);
    assert_eq!(place.sessions.read("swift").unwrap(), *session.record());
    assert_eq!(place.sessions.list().unwrap()[0].record.as_ref().unwrap(), session.record());
    drop(session);
    place.sessions.collect().unwrap();
    let mut session = place.sessions.open("swift", "rollback").unwrap();
    assert!(session.recovered.is_empty() && seen(&session).is_empty());
    session.rollback("before-rollback-1", Why::Asked).unwrap();
    assert_eq!(seen(&session), [["two"], ["one"]]);
    // The one that followed the record before says nothing any more.
    assert!(later.exists());
    assert_eq!(place.sessions.read("swift").unwrap(), *session.record());
}

#[test]
fn a_power_cut_may_take_back_what_was_not_waited_for_and_that_is_told() {
    let place = Place::new();
    let (session, later) = gone_on_swiftly(&place);
    let swept = session.record().clone();
    drop(session);
    // What the record on disk names is not collected, though no session has it at present.
    place.sessions.collect().unwrap();
    let whole = fs::read(&later).unwrap();
    fs::write(&later, vec![0; whole.len()]).unwrap();
    let mut session = place.sessions.open("swift", "exec").unwrap();
    assert_eq!(session.recovered, [Recovered::Unsure]);
    assert_eq!(session.record().snapshots.len(), swept.snapshots.len() - 2);
    assert_eq!(seen(&session), [["one"]]);
    session.snapshot(Some("again"), Why::Asked).unwrap();
    drop(session);
    assert!(place.sessions.open("swift", "exec").unwrap().recovered.is_empty());
}
