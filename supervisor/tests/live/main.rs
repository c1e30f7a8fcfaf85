//! Sessions in sandboxes that live on, as root and as an ordinary user.
//!
//! Each proof is a process of its own, in a home with a project, and has a launcher, as a server does.

mod calls;
mod idle;
mod layers;
mod many;
mod reach;
mod running;
mod site;
mod zygote;

use std::env;
use std::process::ExitCode;

use site::{Place, Site};

type Proof = (&'static str, fn(&Site));

const PROOFS: [Proof; 37] = [
    ("twenty_idle_sessions_take_little_memory", idle::take_little_memory),
    ("what_was_written_goes_with_a_rollback_and_comes_back", layers::goes_and_comes_back),
    ("the_home_goes_back_too", layers::home_goes_back),
    ("a_fork_goes_its_own_way", layers::fork_goes_its_own_way),
    ("layers_that_cannot_be_shown_leave_all_as_it_was", layers::failure_leaves_all_as_it_was),
    ("a_way_to_the_project_that_was_changed_is_refused", layers::way_that_was_changed_is_refused),
    ("a_session_goes_back_by_itself_as_its_profile_says", layers::goes_back_by_itself),
    ("a_changed_project_is_seen_by_the_next_command", layers::changed_project_is_seen),
    ("what_runs_refuses_a_snapshot_or_is_ended", running::refuses_or_is_ended),
    ("a_project_that_changes_below_what_runs_is_told", running::change_below_is_told),
    ("a_command_that_cannot_be_asked_for_leaves_the_session_quiet", running::unasked_leaves_it_quiet),
    ("twenty_commands_at_once_have_each_its_own_output_limits_and_cause", many::each_has_its_own),
    ("a_limit_ends_the_command_that_passes_it", many::limit_ends_one),
    ("a_server_outlives_the_command_that_began_it", many::server_stays),
    ("what_runs_away_is_ended_with_its_command", many::what_runs_away_is_ended_too),
    ("what_a_command_left_is_ended_alone", many::rest_is_ended_alone),
    ("one_command_can_signal_another", many::one_signals_another),
    ("commands_keep_what_they_are_told_apart_by", many::mark_stays),
    ("the_death_of_init_is_the_end_of_each", many::death_of_init_ends_all),
    ("a_refused_command_is_told_and_recorded", many::refused_is_told_and_recorded),
    ("a_command_can_have_a_terminal", many::terminal_is_one),
    ("eight_hundred_commands_leave_nothing_in_init", reach::commands_leave_nothing_in_init),
    ("fifty_snapshots_and_rollbacks_leave_nothing_behind", reach::nothing_is_left_behind),
    ("who_stops_what_unmounts_keeps_nothing_by_that", reach::stopping_what_unmounts_keeps_nothing),
    ("commands_are_begun_by_a_zygote_as_by_init", zygote::begins_commands),
    ("a_thousand_commands_leave_one_zygote_and_an_idle_sandbox_none", zygote::a_thousand_commands_leave_one),
    ("outcomes_do_not_say_who_began_a_command", zygote::outcomes_are_the_same),
    ("limits_are_a_command_s_own_whoever_begins_it", zygote::limits_are_the_commands),
    ("no_end_of_a_command_is_missed_among_orphans", zygote::no_end_is_missed_among_orphans),
    ("a_zygote_that_is_killed_is_replaced_and_nothing_lost", zygote::killed_it_is_replaced),
    ("a_zygote_that_is_stopped_keeps_nobody_waiting", zygote::stopped_it_keeps_nobody),
    ("no_command_looks_into_a_zygote_or_another_command", zygote::nobody_looks_into_it),
    ("layers_change_beside_a_zygote_that_is_not_alive", zygote::layers_change_beside_it),
    ("what_only_init_may_do_for_a_command_is_done", zygote::what_takes_rights_is_done),
    ("one_more_command_takes_few_system_calls", calls::are_few),
    ("commands_on_terminals_are_begun_by_a_zygote", zygote::terminals_come_from_it_too),
    ("old_layers_are_out_of_reach_and_rules_hold", reach::old_layers_are_out_of_reach),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [first, name] = &arguments[..]
        && first == "proof"
    {
        let (_, proof) = PROOFS.iter().find(|(known, _)| known == name).expect("a known proof");
        // As a server does, whose sandboxes these are.
        clearing::start_launcher().expect("a launcher");
        proof(&Site::of_environment());
        return ExitCode::SUCCESS;
    }
    if let [first, times] = &arguments[..]
        && first == "repeat"
    {
        clearing::start_launcher().expect("a launcher");
        calls::repeat(&Site::of_environment(), times.parse().expect("a number"));
        return ExitCode::SUCCESS;
    }
    if let [first, processes @ ..] = &arguments[..]
        && first == "spy"
    {
        zygote::spy(processes);
        return ExitCode::SUCCESS;
    }
    // The runner's own flags begin with a dash.
    let filters: Vec<&String> = arguments.iter().filter(|word| !word.starts_with('-')).collect();
    let wanted = |name: &str| filters.is_empty() || filters.iter().any(|filter| name.contains(*filter));
    prove(PROOFS.iter().map(|(name, _)| *name).filter(|name| wanted(name)))
}

fn prove<'a>(names: impl Iterator<Item = &'a str>) -> ExitCode {
    let place = Place::make();
    let (mut passed, mut failed) = (0, 0);
    for name in names {
        for uid in site::callers() {
            let proved = place.prove(name, uid);
            println!("test {name} as user {uid} ... {}", if proved { "ok" } else { "FAILED" });
            *(if proved { &mut passed } else { &mut failed }) += 1;
        }
    }
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "test result: {verdict}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out"
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
