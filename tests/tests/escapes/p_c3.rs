//! P-C3: set-user-ID and file-capability programs gain nothing.

use clearing_tests::{Caller, Site, for_each_caller, skip};

use crate::attack::{armed, attempt, control, inside, outside, printed};

#[test]
fn a_set_user_id_program_in_the_project_gains_nothing() {
    gains_nothing("chmod 4755 {program}", 1);
}

#[test]
fn a_set_group_id_program_in_the_project_gains_nothing() {
    gains_nothing("chmod 2755 {program}", 4);
}

#[test]
fn a_program_with_file_capabilities_gains_nothing() {
    if !Caller::all().contains(&Caller::Root) {
        return skip("only root can give a file capabilities");
    }
    let (site, root) = (armed(Caller::Ordinary), armed(Caller::Root));
    let program = root_owned(&site, &root);
    // CAP_NET_RAW, permitted and effective
    let value = "hex:0100000200200000000000000000000000000000";
    let line = ["raw", "setxattr", &format!("str:{program}"), "str:security.capability", value, "20", "0"];
    assert_eq!(outside(&root, &line), "0 ok", "root gives a capability");
    let packet = ["raw", "socket", "17", "3", "768"];
    let output = site.run([&["./privileged"], &packet[..]].concat()).output();
    assert_eq!(output.stdout.trim(), "-1 EPERM", "{output}");
    let told = printed(site.host("./privileged").args(packet));
    assert!(told.ends_with("ok"), "control: {told}");
}

#[test]
fn the_host_s_own_set_user_id_programs_gain_nothing() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let list = "find /usr/bin /usr/sbin -perm /6000 -type f 2>/dev/null | head -n 5";
        let programs = control(&site, list);
        let programs: Vec<_> = programs.lines().filter(|line| line.starts_with('/')).collect();
        if programs.is_empty() {
            return skip("the host has no such program");
        }
        for program in programs {
            // Each is started and looked at while it asks or complains.
            let script = format!(
                "{program} </dev/null >/dev/null 2>&1 & cat /proc/$!/status | grep -E '^(Uid|CapEff|CapPrm)'; wait"
            );
            let output = attempt(&site, &script);
            assert!(
                !output.stdout.contains("Uid:\t0") && !output.stdout.contains("\t0\t"),
                "{program}: {output}"
            );
        }
    });
}

#[test]
fn a_bit_set_inside_gains_nothing() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let script = "cp probe own; chmod 6755 own; ./own ids; grep CapEff /proc/self/status";
        let output = attempt(&site, script);
        let ids = output.stdout.lines().next().unwrap_or_default().to_owned();
        assert_eq!(ids, inside(&site, &["ids"]), "{output}");
    });
}

#[test]
fn a_capability_cannot_be_given_to_a_file_inside() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let value = "hex:0100000200200000000000000000000000000000";
        let line = ["raw", "setxattr", "str:probe", "str:security.capability", value, "20", "0"];
        assert_eq!(inside(&site, &line), "-1 EPERM");
        if caller == Caller::Root {
            assert_eq!(outside(&site, &line), "0 ok", "control");
        }
    });
}

/// A program of root's with the bit that `chmod` sets; `field` of its ids is the effective one.
#[track_caller]
fn gains_nothing(chmod: &str, field: usize) {
    if !Caller::all().contains(&Caller::Root) {
        return skip("only root can make a program of root's");
    }
    let root = armed(Caller::Root);
    for_each_caller(|caller| {
        let site = armed(caller);
        let program = root_owned(&site, &root);
        control(&root, &chmod.replace("{program}", &program));
        let ids = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let output = site.run(["./privileged", "ids"]).output();
        let seen = ids(&output.stdout);
        assert_eq!(seen, ids(&inside(&site, &["ids"])), "{output}");
        if caller == Caller::Ordinary {
            let bare = ids(&printed(site.host("./privileged").arg("ids")));
            if bare == ids(&outside(&site, &["ids"])) {
                return skip("control: the project's file system is mounted nosuid");
            }
            assert_eq!(bare[field], "0", "control: {bare:?}");
        }
    });
}

fn root_owned(site: &Site, root: &Site) -> String {
    let program = site.project().join("privileged").display().to_string();
    let copy = format!("install -m 755 probe {program}");
    control(root, &copy);
    program
}
