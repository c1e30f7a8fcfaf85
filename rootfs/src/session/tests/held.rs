//! One writer at a time, and what the next one is told of it or waits for.

use std::thread;
use std::time::Duration;

use super::*;

#[test]
fn a_second_writer_is_told_who_the_first_is() {
    let place = Place::new();
    let session = place.create(Some("mine"));
    let error = place.sessions.open("mine", "exec").unwrap_err();
    let SessionError::Busy { holder, .. } = &error else { panic!("{error}") };
    assert_eq!((holder.pid, holder.verb.as_str()), (Some(std::process::id()), "create"));
    place.sessions.remove("mine").unwrap_err();
    place.sessions.read("mine").unwrap();
    drop(session);
    place.sessions.open("mine", "exec").unwrap();
}

#[test]
fn one_that_is_about_to_be_given_up_is_waited_for() {
    let place = Place::new();
    let session = place.create(Some("mine"));
    session.leave("serve");
    let leaving = thread::spawn(move || {
        // Longer than anybody waits who has to fear that it is for ever.
        thread::sleep(Duration::from_secs(1));
        drop(session);
    });
    place.sessions.open("mine", "exec").unwrap();
    leaving.join().unwrap();
}
