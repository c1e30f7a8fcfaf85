//! What snapshots are called that nobody chose a name for.

use super::*;

/// A snapshot that nobody chose a name for, of a state of its own.
fn taken(session: &mut Session, why: Why) -> String {
    write(session, &session.record().depth().to_string());
    session.snapshot(None, why).unwrap().name
}

#[test]
fn the_name_of_what_was_forgotten_never_comes_again() {
    let place = Place::new();
    let mut session = place.create(Some("one"));
    let first = [(); 3].map(|()| taken(&mut session, Why::RolledBack));
    assert_eq!(first, ["rolled-back-1", "rolled-back-2", "rolled-back-3"]);
    session.forget(&["rolled-back-3".into(), "rolled-back-1".into()]).unwrap();
    assert_eq!(taken(&mut session, Why::RolledBack), "rolled-back-4");
    session.forget(&["rolled-back-2".into()]).unwrap();
    session.forget(&["rolled-back-4".into()]).unwrap();
    // Whoever opens it next knows as much, and each kind counts for itself.
    drop(session);
    let mut session = place.sessions.open("one", "test").unwrap();
    assert_eq!(taken(&mut session, Why::RolledBack), "rolled-back-5");
    assert_eq!(taken(&mut session, Why::BeforeExec), "before-exec-1");
    // A label of the same form is a name as any other.
    session.snapshot(Some("before-exec-7"), Why::Asked).unwrap();
    session.forget(&["before-exec-7".into()]).unwrap();
    assert_eq!(taken(&mut session, Why::BeforeExec), "before-exec-8");
}

#[test]
fn what_was_undone_leaves_its_name_to_nobody() {
    let place = Place::new();
    let mut session = place.create(None);
    session.begin_patch().unwrap();
    session.undo_patch().unwrap();
    assert_eq!(session.begin_patch().unwrap().name, "before-patch-2");
}

#[test]
fn a_label_of_the_highest_number_makes_no_name_come_twice() {
    let place = Place::new();
    let mut session = place.create(None);
    for label in ["fork-18446744073709551615", "fork-18446744073709551614", "fork-1"] {
        session.snapshot(Some(label), Why::Asked).unwrap();
    }
    assert_eq!([(); 2].map(|()| taken(&mut session, Why::Fork)), ["fork-2", "fork-3"]);
}

#[test]
fn a_record_that_knows_of_nothing_forgotten_is_read() {
    let place = Place::new();
    let mut session = place.create(Some("old"));
    assert_eq!(taken(&mut session, Why::RolledBack), "rolled-back-1");
    let id = session.record().id.to_string();
    let text = || {
        let record = place.folder.path().join("state/sessions").join(&id).join("session.json");
        fs::read_to_string(record).unwrap()
    };
    // As it was before there was anything to say of that.
    assert!(!text().contains("forgotten"));
    drop(session);
    let mut session = place.sessions.open("old", "test").unwrap();
    session.forget(&["rolled-back-1".into()]).unwrap();
    assert!(text().contains("\"rolled-back\": 1"), "{}", text());
    assert_eq!(taken(&mut session, Why::RolledBack), "rolled-back-2");
}
