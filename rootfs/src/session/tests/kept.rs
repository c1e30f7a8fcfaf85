//! What stays of a history, whatever its bounds are.

use std::time::Duration;

use super::*;

/// What somebody asked for, and what a rollback kept.
fn gone_back(session: &mut Session) -> String {
    write(session, "good");
    session.snapshot(Some("asked"), Why::Asked).unwrap();
    write(session, "bad");
    session.rollback("asked", Why::RolledBack).unwrap().backup.unwrap()
}

fn snapshots(session: &Session) -> Vec<&str> {
    session.record().snapshots.iter().map(|snapshot| snapshot.name.as_str()).collect()
}

#[test]
fn what_a_rollback_kept_stays_beside_what_was_asked_for() {
    let place = Place::new();
    let mut session = place.create(None);
    let kept = gone_back(&mut session);
    let one = Retention { number: 1, age: None };
    assert_eq!(session.retain(one, Some(&kept)).unwrap().forgotten, Vec::<String>::new());
    // Nor does the next who looks at it, whom nobody is told of.
    assert_eq!(session.forget_beyond(one).unwrap(), Vec::<String>::new());
    session.rollback(&kept, Why::BeforeRollback).unwrap();
    assert_eq!(seen(&session), [["bad"], ["good"]]);
    // There is one such, and it is the last.
    write(&session, "worse");
    let next = session.rollback("asked", Why::RolledBack).unwrap().backup.unwrap();
    assert_eq!(session.retain(one, Some(&next)).unwrap().forgotten, [kept]);
    assert_eq!(snapshots(&session), ["initial", "asked", &next]);
}

#[test]
fn the_last_is_the_one_that_was_taken_last_wherever_the_clock_was_set() {
    let place = Place::new();
    let mut session = place.create(None);
    write(&session, "first");
    session.snapshot(None, Why::BeforeExec).unwrap();
    let ahead = |record: &mut Record| {
        record
            .snapshots
            .iter_mut()
            .for_each(|snapshot| snapshot.made = Timestamp::now() + Duration::from_secs(60));
    };
    session.change(ahead).unwrap();
    let kept = gone_back(&mut session);
    session.forget(&["asked".into()]).unwrap();
    let forgotten = session.retain(Retention { number: 1, age: None }, Some(&kept)).unwrap().forgotten;
    assert_eq!(forgotten, ["before-exec-1"]);
}

#[test]
fn what_is_told_is_not_too_old_however_slow_the_disk_was() {
    let place = Place::new();
    let mut session = place.create(None);
    let kept = gone_back(&mut session);
    std::thread::sleep(Duration::from_millis(2));
    let young = Retention { number: 100, age: Some(Duration::from_millis(1)) };
    assert_eq!(session.retain(young, Some(&kept)).unwrap().forgotten, ["asked"]);
    assert_eq!(session.retain(young, None).unwrap().forgotten, [kept]);
}
