use clearing_profiles::Profile;

use super::*;

fn limits() -> Limits {
    Profile::builtin("default").expect("built in").limits
}

#[test]
fn nine_tenths_of_a_limit_are_told_once() {
    let limits = Limits { memory: Some(1000), ..limits() };
    let sample = |memory| Sample { memory, ..Sample::default() };
    let mut alerts = Alerts::default();
    assert_eq!(alerts.near(&sample(900), 0, &limits), []);
    let near = Alert::NearLimit { limit: LimitName::Memory, used: 901, allowed: 1000 };
    assert_eq!(alerts.near(&sample(901), 0, &limits), [near]);
    assert_eq!(alerts.near(&sample(950), 0, &limits), []);
}

#[test]
fn output_near_its_limit_is_told_as_well() {
    let limits = Limits { output: Some(1000), ..limits() };
    let near = Alert::NearLimit { limit: LimitName::Output, used: 950, allowed: 1000 };
    assert_eq!(Alerts::default().near(&Sample::default(), 950, &limits), [near]);
}

#[test]
fn a_small_limit_is_not_near_before_it_is() {
    let limits = Limits { processes: Some(8), output: Some(0), ..limits() };
    let near = |processes| Alerts::default().near(&Sample { processes, ..Sample::default() }, 0, &limits);
    assert_eq!((near(0), near(7), near(8).len()), (vec![], vec![], 1));
}

#[test]
fn what_a_group_counted_is_told_when_it_has_grown() {
    let (mut alerts, limits) = (Alerts::default(), Limits { processes: Some(8), ..limits() });
    let events = Events { forks_refused: 3, ..Events::default() };
    assert_eq!(alerts.happened(events, &limits), [Alert::ForkRefused { times: 3, allowed: Some(8) }]);
    assert_eq!(alerts.happened(events, &limits), []);
}

#[test]
fn a_hundred_thousand_refusals_are_told_a_few_times_and_counted_to_the_last() {
    let (mut alerts, limits) = (Alerts::default(), Limits { processes: None, ..limits() });
    let refused = |forks_refused| Events { forks_refused, ..Events::default() };
    let told = (0..=100_000).map(|count| alerts.happened(refused(count), &limits).len()).sum::<usize>();
    assert_eq!(told, 17);
    assert_eq!(alerts.into_all(), [Alert::ForkRefused { times: 100_000, allowed: None }]);
}

#[test]
fn a_person_hears_what_how_much_and_the_option_that_gives_more() {
    let near = Alert::NearLimit { limit: LimitName::Memory, used: 61 << 20, allowed: 64 << 20 };
    assert_eq!(near.text(), "memory came near the limit: 61M of 64M; `--memory 128M` gives it more");
    let killed = Alert::OutOfMemory { kills: 1, allowed: Some(64 << 20) };
    assert_eq!(
        killed.text(),
        "the kernel killed 1 process for want of memory; `--memory 128M` gives it more"
    );
    let refused = Alert::ForkRefused { times: 2, allowed: Some(32) };
    assert_eq!(refused.text(), "a new process was refused 2 times; `--pids 64` gives it more");
}

#[test]
fn what_a_person_heard_is_known_unless_it_is_a_count_that_has_grown() {
    let near = |used| Alert::NearLimit { limit: LimitName::Disk, used, allowed: 100 };
    assert!(near(99).is_known_from(&near(91)));
    let refused = |times| Alert::ForkRefused { times, allowed: None };
    assert!(refused(1).is_known_from(&refused(1)) && !refused(2).is_known_from(&refused(1)));
}

#[test]
fn more_of_nothing_is_something() {
    assert_eq!(gives_more(LimitName::Output, 0), "`--output 1M` gives it more");
    assert_eq!(gives_more(LimitName::Inodes, 1), "`--inodes 100` gives it more");
    assert_eq!(gives_more(LimitName::Inodes, 1000), "`--inodes 2000` gives it more");
    assert_eq!(gives_more(LimitName::Timeout, 300), "`--timeout 600ms` gives it more");
}
