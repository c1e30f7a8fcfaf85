//! P-F3: symlinks and hard links don't widen reads or writes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use clearing_tests::decoys::SecretFile;
use clearing_tests::{Site, for_each_caller};

use crate::attack::{armed, assert_keeps, attempt, control, inside, outside};

#[test]
fn an_absolute_link_in_the_project_reads_nothing_outside() {
    link_keeps_the_token(|token| token.display().to_string());
}

#[test]
fn a_relative_link_in_the_project_reads_nothing_outside() {
    link_keeps_the_token(|_| "../.secrets/token".to_owned());
}

#[test]
fn a_link_through_proc_reads_nothing_outside() {
    link_keeps_the_token(|token| format!("/proc/self/root{}", token.display()));
}

#[test]
fn a_link_through_the_working_directory_reads_nothing_outside() {
    link_keeps_the_token(|_| "/proc/self/cwd/../.secrets/token".to_owned());
}

#[test]
fn a_chain_of_links_reads_nothing_outside() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let token = SecretFile::new(&site);
        let project = site.project();
        symlink("..", project.join("up")).expect("symlink");
        symlink("up/.secrets", project.join("over")).expect("symlink");
        symlink("over/token", project.join("link")).expect("symlink");
        assert_keeps(&site, token.secret(), "cat link over/token; ls up");
    });
}

#[test]
fn a_link_made_inside_reads_nothing_outside() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let token = SecretFile::new(&site);
        let script = format!("ln -sfn {} made; cat made", token.path().display());
        assert_keeps(&site, token.secret(), &script);
    });
}

#[test]
fn a_link_in_tmp_or_home_reads_nothing_outside() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let token = SecretFile::new(&site);
        let path = token.path().display();
        let script =
            format!("d=$(mktemp -d); ln -s {path} $d/l; ln -sfn {path} ~/l; cat $d/l ~/l; rm -rf $d ~/l");
        assert_keeps(&site, token.secret(), &script);
    });
}

#[test]
fn writing_through_a_link_reaches_nothing_outside() {
    outside_file_stays("echo evil > link");
}

#[test]
fn writing_behind_a_link_to_a_directory_reaches_nothing_outside() {
    outside_file_stays("echo evil > up/outside.txt");
}

#[test]
fn a_mode_set_through_a_link_reaches_nothing_outside() {
    outside_file_stays("chmod 777 link");
}

#[test]
fn a_truncation_through_a_link_reaches_nothing_outside() {
    outside_file_stays("truncate -s 0 link");
}

#[test]
fn a_file_with_a_name_outside_too_is_changed_inside_alone() {
    outside_file_stays("echo evil > hard");
}

#[test]
fn a_mode_set_on_a_file_with_a_name_outside_is_set_inside_alone() {
    outside_file_stays("chmod 777 hard");
}

#[test]
fn a_mapping_of_a_file_with_a_name_outside_changes_it_inside_alone() {
    outside_file_stays("./probe truncate-mapped hard");
}

#[test]
fn no_hard_link_to_a_program_of_the_host_can_be_made() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let answer = inside(&site, &["raw", "link", "str:/usr/lib/os-release", "str:stolen"]);
        assert_eq!(answer, "-1 EXDEV");
        let own = outside(&site, &["raw", "link", "str:probe", "str:second"]);
        assert_eq!(own, "0 ok", "control");
    });
}

#[test]
fn no_hard_link_to_a_file_outside_can_be_made() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let token = SecretFile::new(&site);
        let script = format!("ln {} stolen; cat stolen", token.path().display());
        assert_keeps(&site, token.secret(), &script);
    });
}

#[test]
fn no_descriptor_can_be_linked_out_of_its_mount() {
    for_each_caller(|caller| {
        let site = armed(caller);
        // AT_EMPTY_PATH needs a capability, AT_SYMLINK_FOLLOW through /proc needs none.
        let link = "./probe raw linkat path:/usr/lib/os-release str: -100 str:stolen 0x1000;
            exec 5</usr/lib/os-release; ln -L /proc/self/fd/5 stolen; ls stolen";
        let output = attempt(&site, link);
        assert!(!output.stdout.contains("ok"), "{output}");
        assert!(!output.stdout.contains("stolen"), "{output}");
        let own = "exec 5<probe; ln -L /proc/self/fd/5 second; ls second";
        assert!(control(&site, own).contains("second"), "control");
    });
}

#[test]
fn swapping_a_directory_for_a_link_while_it_is_read_wins_nothing() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let token = SecretFile::new(&site);
        site.write("real/token", "harmless");
        symlink("../.secrets", site.project().join("link")).expect("symlink");
        let race = "(for i in $(seq 200); do
                ./probe raw renameat2 -100 str:real -100 str:link 2 >/dev/null; done) &
            for i in $(seq 200); do cat real/token; done; wait";
        assert_keeps(&site, token.secret(), race);
    });
}

/// The link's target is made from the token's path.
#[track_caller]
fn link_keeps_the_token(target: impl Fn(&Path) -> String) {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let token = SecretFile::new(&site);
        symlink(target(token.path()), site.project().join("link")).expect("symlink");
        assert_keeps(&site, token.secret(), "cat link");
    });
}

/// `link` leads to a file outside the project, `up` to its directory, `hard` is another name of it.
#[track_caller]
fn outside_file_stays(script: &str) {
    for_each_caller(|caller| {
        let site = armed(caller);
        let file = site.write_home("outside.txt", "x".repeat(5000));
        let project = site.project();
        symlink("../outside.txt", project.join("link")).expect("symlink");
        symlink("..", project.join("up")).expect("symlink");
        fs::hard_link(&file, project.join("hard")).expect("link");
        let state = || {
            let data = fs::metadata(&file).expect("still there");
            (fs::read(&file).expect("readable"), data.permissions(), data.modified().ok())
        };
        let before = state();
        attempt(&site, script);
        assert!(state() == before, "the file outside was changed");
        control(&site, script);
        assert!(state() != before, "control: {script}");
    });
}
