//! Sandboxes of a process with many threads, which a launcher makes, as root and as an ordinary user.
//!
//! Each proof is a process of its own, since a launcher can be started only once.

#[path = "../cgroups/calls.rs"]
mod calls;
mod ends;
#[path = "../cgroups/identity.rs"]
mod identity;
mod many;
mod place;
mod sandboxes;

use std::env;
use std::process::ExitCode;

use place::Place;

type Proof = (&'static str, fn());

const PROOFS: [Proof; 11] = [
    ("fifty_sandboxes_of_eight_threads_each_run_a_command", many::fifty_of_eight_threads),
    ("an_owner_s_files_are_shown_from_a_thread", many::owners_from_a_thread),
    ("a_host_is_probed_from_a_thread_as_without_a_launcher", many::probed_from_a_thread),
    ("a_work_is_done_with_its_words_and_descriptors", many::works_are_done),
    ("a_second_launcher_is_refused", many::second_is_refused),
    ("nobody_has_the_supervisor_s_descriptors", many::descriptors_are_closed),
    ("the_launcher_tells_nothing_of_the_environment", many::environment_is_wiped),
    ("the_launcher_s_death_is_told_and_ends_every_sandbox", ends::launcher_s_death),
    ("the_supervisor_s_death_leaves_nothing", ends::supervisor_s_death),
    ("a_sandbox_that_is_dropped_is_gone", ends::dropped_is_gone),
    ("a_killed_init_without_namespaces_leaves_no_family", ends::family_of_a_killed_init),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["payload", ref rest @ ..] => sandboxes::payload(rest),
        ["supervise"] => ends::supervise(),
        ["measure", count] => many::measure(count.parse().expect("a number")),
        ["proof", name] => {
            many::register();
            let (_, proof) = PROOFS.iter().find(|(known, _)| *known == name).expect("a known proof");
            proof();
        }
        // The runner's own flags begin with a dash.
        ref words => {
            let filters: Vec<&str> = words.iter().copied().filter(|word| !word.starts_with('-')).collect();
            let wanted = |name: &str| filters.is_empty() || filters.iter().any(|word| name.contains(word));
            return prove(PROOFS.iter().map(|(name, _)| *name).filter(|name| wanted(name)));
        }
    }
    ExitCode::SUCCESS
}

fn prove<'a>(names: impl Iterator<Item = &'a str>) -> ExitCode {
    let place = Place::make();
    let (mut passed, mut failed) = (0, 0);
    for name in names {
        for uid in place::callers() {
            let proved = place.prove(name, uid);
            println!("test {name} as user {uid} ... {}", if proved { "ok" } else { "FAILED" });
            *(if proved { &mut passed } else { &mut failed }) += 1;
        }
    }
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "test result: {verdict}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out"
    );
    ExitCode::from(u8::from(failed > 0))
}
