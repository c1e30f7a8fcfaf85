//! Many sessions in one server, worked on by many clients at once, some of which go away: every request is
//! answered once, what commands say comes whole and in order, and nothing is left in the end.
//!
//! `CLEARING_SOAK=SESSIONS,COMMANDS` makes it longer than the 20 by 20 of every day.
#![allow(clippy::unwrap_used, reason = "a proof that cannot be carried out has failed")]

mod peer;
mod worker;

use std::path::{Path, PathBuf};
use std::thread;

use clearing_tests::{Random, Site, assert_nothing_left, for_each_caller};

use worker::{Tally, Worker};

const CLIENTS: usize = 8;

#[test]
fn many_sessions_and_clients_lose_no_answer_and_no_output_and_leave_nothing() {
    let (sessions, commands) = size();
    let seed = Random::seed();
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("note.txt", "of the project\n");
        let before = site.project_tree();
        let server = site.serve(["--on-eof", "kill"]);
        let socket = socket(&site.state()).unwrap();
        let project = site.project();
        let tallies: Vec<Tally> = thread::scope(|scope| {
            let work = |number: usize| {
                let own = sessions / CLIENTS + usize::from(number < sessions % CLIENTS);
                Worker::new(&socket, &project, Random::of_case(seed, number as u64)).work(own, commands)
            };
            let workers: Vec<_> = (0..CLIENTS).map(|number| scope.spawn(move || work(number))).collect();
            workers
                .into_iter()
                .map(|worker| worker.join().unwrap_or_else(|_| panic!("{}", server.told())))
                .collect()
        });
        let all = tallies.into_iter().fold(Tally::default(), Tally::and);
        println!("{caller:?}: {all:?}");
        assert!(all.has_everything(), "{all:?}");
        assert_eq!(server.finish(), 0);
        site.project_tree().expect_same_as(&before);
        assert_nothing_left(&site);
    });
}

fn size() -> (usize, usize) {
    let asked = std::env::var("CLEARING_SOAK").unwrap_or_else(|_| "20,20".into());
    let (sessions, commands) = asked.split_once(',').unwrap();
    (sessions.parse().unwrap(), commands.parse().unwrap())
}

/// The server's.
fn socket(state: &Path) -> Option<PathBuf> {
    let mut sockets = std::fs::read_dir(state.join("servers")).ok()?;
    sockets.find_map(|entry| Some(entry.ok()?.path())).filter(|path| path.extension().is_some())
}
