//! What is parked is nobody's until it is given.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

fn park(place: &Place) -> Session {
    let project = place.project();
    place.sessions.park(NewSession { name: None, project: &project, profile: "default" }).unwrap()
}

fn is_unknown(place: &Place, name: &str) -> bool {
    matches!(place.sessions.read(name), Err(SessionError::Unknown { .. }))
}

#[test]
fn nobody_is_shown_what_is_parked_and_it_is_kept_for_as_long_as_it_is_held() {
    let place = Place::in_memory();
    let session = park(&place);
    let id = session.record().id.to_string();
    assert!(place.sessions.list().unwrap().is_empty());
    assert!(is_unknown(&place, &id));
    assert!(matches!(place.sessions.open(&id, "exec"), Err(SessionError::Unknown { .. })));
    place.create(None);
    assert!(place.sessions.collect().unwrap().is_empty());
    assert_eq!((place.layers(), place.sessions.list().unwrap().len()), (2, 1));
    drop(session);
    place.sessions.collect().unwrap();
    assert_eq!(place.layers(), 1);
    assert!(!place.folder.path().join("state/sessions").join(id).exists());
}

#[test]
fn what_is_given_is_as_if_it_were_made_then() {
    let place = Place::in_memory();
    let mut session = park(&place);
    session.foresee_exec(&[]).unwrap();
    let id = session.record().id.clone();
    let before = Timestamp::now();
    session.give(Some("mine"), "exec").unwrap();
    let record = place.sessions.read("mine").unwrap();
    assert_eq!((&record, &record.id), (session.record(), &id));
    assert!(record.made >= before && record.snapshots[0].made >= before && record.used >= record.made);
    assert!(record.running.is_none() && record.execs == 0);
    let holder = place.sessions.holder(&id).unwrap();
    assert!(holder.verb == "exec" && holder.since >= before, "{holder:?}");
    drop(session);
    place.sessions.collect().unwrap();
    assert!(place.sessions.open("mine", "exec").unwrap().recovered.is_empty());
}

#[test]
fn when_one_without_a_name_was_given_is_written_by_the_next_change_or_when_that_is_asked_for() {
    type Change = fn(&mut Session) -> Result<(), SessionError>;
    let begin: Change = |session| session.begin_exec(&[]);
    for write in [Session::write_owed, begin] {
        let place = Place::in_memory();
        let mut session = park(&place);
        session.foresee_exec(&[]).unwrap();
        let (id, before) = (session.record().id.to_string(), Timestamp::now());
        session.give(None, "exec").unwrap();
        assert!(place.sessions.read(&id).unwrap().made < before && session.record().made >= before);
        write(&mut session).unwrap();
        let written = place.sessions.read(&id).unwrap();
        assert_eq!(&written, session.record());
        // Once is enough.
        session.write_owed().unwrap();
        assert_eq!(place.sessions.read(&id).unwrap(), written);
    }
}

#[test]
fn a_name_that_is_taken_leaves_it_parked() {
    let place = Place::in_memory();
    place.create(Some("mine"));
    let mut session = park(&place);
    for wrong in ["mine", "s-x", "a/b"] {
        session.give(Some(wrong), "exec").unwrap_err();
    }
    assert!(is_unknown(&place, session.record().id.as_str()));
    session.give(None, "exec").unwrap();
    assert_eq!(place.sessions.list().unwrap().len(), 2);
}

#[test]
fn whoever_is_killed_while_it_is_given_has_given_it_or_not() {
    let place = Place::in_memory();
    let mut session = park(&place);
    session.foresee_exec(&[]).unwrap();
    // The record is written, and the step that gives it away is not done.
    session.change_swiftly(|record| record.name = Some("mine".to_owned())).unwrap();
    let id = session.record().id.to_string();
    drop(session);
    assert!(is_unknown(&place, &id) && is_unknown(&place, "mine"));
    place.create(Some("mine"));
    place.sessions.collect().unwrap();
    assert_eq!((place.layers(), place.sessions.list().unwrap().len()), (1, 1));
}

#[test]
fn a_power_cut_brings_back_a_record_that_says_that_a_command_runs() {
    let place = Place::in_memory();
    let mut session = park(&place);
    session.foresee_exec(&[]).unwrap();
    session.give(None, "exec").unwrap();
    session.begin_exec(&[]).unwrap();
    let (id, started) = (session.record().id.to_string(), session.record().running.clone().unwrap().started);
    let directory = session.path();
    drop(session);
    fs::remove_file(directory.join("session.later.json")).unwrap();
    let recovered = place.sessions.open(&id, "exec").unwrap().recovered;
    let [Recovered::ExecKilled(running)] = &recovered[..] else { panic!("{recovered:?}") };
    assert!(running.started <= started);
}

#[test]
fn what_was_hidden_since_is_written_where_no_power_cut_takes_it_back() {
    let place = Place::in_memory();
    let mut session = park(&place);
    session.foresee_exec(&[]).unwrap();
    session.give(None, "exec").unwrap();
    let hidden = HiddenPath { path: crate::path_text::PathText("key".into()), rule: "a rule".into() };
    session.begin_exec(std::slice::from_ref(&hidden)).unwrap();
    let directory = session.path();
    drop(session);
    let _ = fs::remove_file(directory.join("session.later.json"));
    let text = fs::read_to_string(directory.join("session.json")).unwrap();
    assert!(text.contains("a rule"), "{text}");
}

#[test]
fn no_collection_makes_it_fail_that_a_session_is_made() {
    let place = Place::in_memory();
    let sessions = place.sessions.clone();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                sessions.collect().unwrap();
            }
        });
        for round in 0..300 {
            let session = if round % 2 == 0 { place.create(None) } else { park(&place) };
            drop(session);
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(place.sessions.list().unwrap().len(), 150);
}

#[test]
fn the_first_command_of_a_parked_one_is_written_down_before_anybody_asks_for_it() {
    let place = Place::in_memory();
    let mut session = park(&place);
    session.foresee_exec(&[]).unwrap();
    session.give(None, "exec").unwrap();
    let before = Timestamp::now();
    assert!(session.begin_foreseen(&[]));
    let (id, exact) = (session.record().id.clone(), session.record().running.clone().unwrap());
    assert!(exact.started >= before && !exact.foreseen);
    // Whoever is killed here has begun it.
    let written = place.sessions.read(id.as_str()).unwrap().running.unwrap();
    assert!(written.foreseen && written.started < before);
    assert!(!place.sessions.read(id.as_str()).unwrap().is_running() && session.record().is_running());
    session.write_owed().unwrap();
    assert_eq!(place.sessions.read(id.as_str()).unwrap(), *session.record());
    session.end_exec().unwrap();
    assert!(!session.begin_foreseen(&[]));
    assert_eq!(place.sessions.read(id.as_str()).unwrap(), *session.record());
}

#[test]
fn what_changed_while_nobody_could_tell_is_taken_for_unseen() {
    let place = Place::in_memory();
    let mut session = park(&place);
    session.foresee_exec(&[]).unwrap();
    session.give(None, "exec").unwrap();
    let id = session.record().id.to_string();
    assert!(session.begin_foreseen(&[]));
    drop(session);
    let recovered = place.sessions.open(&id, "exec").unwrap().recovered;
    let [Recovered::ExecKilled(running)] = &recovered[..] else { panic!("{recovered:?}") };
    assert!(running.foreseen);
}

#[test]
fn where_no_command_came_none_was_killed() {
    let place = Place::in_memory();
    let mut session = park(&place);
    session.foresee_exec(&[]).unwrap();
    session.give(None, "exec").unwrap();
    let id = session.record().id.to_string();
    session.write_owed().unwrap();
    drop(session);
    let session = place.sessions.open(&id, "exec").unwrap();
    assert!(session.recovered.is_empty() && session.record().running.is_none());
}

#[test]
fn what_is_hidden_since_was_not_foreseen() {
    let place = Place::in_memory();
    let mut session = park(&place);
    session.foresee_exec(&[]).unwrap();
    session.give(None, "exec").unwrap();
    let hidden = HiddenPath { path: crate::path_text::PathText("key".into()), rule: "a rule".into() };
    assert!(!session.begin_foreseen(std::slice::from_ref(&hidden)));
    assert!(session.record().running.is_none() && session.record().hidden.is_empty());
}
