//! `systemctl reload` reads profiles again.

use serde_json::json;

use crate::door::User;
use crate::machine::{Machine, SERVICE, await_that};

#[test]
fn the_next_command_is_judged_by_the_profile_as_it_is_then() {
    let Some(machine) = Machine::with_socket() else { return };
    let tester = User::of_system("tester");
    let write = |says: &str| tester.write_profile("mine", says);
    write("");
    let session = tester.session_with("reloaded", json!({ "profile": "mine" }));
    // Not something that a shell does itself.
    let run = || tester.run(&session, "ls");
    assert_eq!(run()["exitCode"], 0);

    let denial = "[commands]\ndefault = \"deny\"\n";
    write(denial);
    assert_eq!(run()["exitCode"], 0, "nobody has asked for it to be read again");
    // Nothing can take the place of what runs, but what is forbidden is forbidden at once.
    tester.begin(&session, "sleep 15");
    machine.systemctl(&["reload", SERVICE]);
    await_that("the reload", || machine.journal().contains("its profile has changed"));
    assert_eq!(run()["outcome"]["cause"], "policy", "{}", machine.journal());

    write("[commands]\nnonsense = 1\n");
    machine.systemctl(&["reload", SERVICE]);
    await_that("the reload", || machine.journal().contains("its profile stays as it was"));
    assert_eq!(run()["outcome"]["cause"], "policy");

    write("widen = true\nreason = \"a mark\"\n[environment]\nset = { MARK = \"new\" }\n");
    machine.systemctl(&["reload", SERVICE]);
    await_that("the reload", || tester.run(&session, "test \"$MARK\" = new")["exitCode"] == 0);
}
