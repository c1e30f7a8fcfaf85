//! P-F6: `/tmp`, `/dev/shm` and the home are the run's own and go with it.

use std::fs;
use std::path::Path;

use clearing_tests::decoys::{PosixMemory, SecretFile, secret};
use clearing_tests::{Site, Tree, for_each_caller};
use nix::sys::signal::Signal;

use crate::attack::{assert_keeps, attempt, control};

#[test]
fn a_file_in_the_host_s_tmp_is_not_seen() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let decoy = Removed(format!("/tmp/{}", secret()));
        fs::write(&decoy.0, &decoy.0).expect("write");
        site.own(Path::new(&decoy.0));
        assert_keeps(&site, &decoy.0[5..], "ls /tmp; cat /tmp/clearing-secret-*");
    });
}

#[test]
fn a_file_in_the_host_s_shared_memory_is_not_seen() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let decoy = PosixMemory::make(&site);
        assert_keeps(&site, decoy.secret(), "cat /dev/shm/clearing-secret-*");
    });
}

#[test]
fn a_file_made_in_tmp_is_not_on_the_host() {
    leaves_nothing_in("/tmp");
}

#[test]
fn a_file_made_in_var_tmp_is_not_on_the_host() {
    leaves_nothing_in("/var/tmp");
}

#[test]
fn a_file_made_in_shared_memory_is_not_on_the_host() {
    leaves_nothing_in("/dev/shm");
}

#[test]
fn a_file_made_in_tmp_is_gone_in_the_next_run() {
    is_gone_in_the_next_run("/tmp");
}

#[test]
fn a_file_made_in_shared_memory_is_gone_in_the_next_run() {
    is_gone_in_the_next_run("/dev/shm");
}

#[test]
fn a_file_made_in_the_home_is_gone_in_the_next_run() {
    is_gone_in_the_next_run("$HOME");
}

#[test]
fn a_file_made_in_the_workspace_is_gone_in_the_next_run() {
    is_gone_in_the_next_run("$PWD");
}

#[test]
fn settings_written_to_the_home_do_not_reach_it() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write_home(".bashrc", "# mine\n");
        let before = Tree::of(&site.home());
        let plant = "echo evil >> ~/.bashrc; mkdir -p ~/.ssh; echo evil > ~/.ssh/authorized_keys";
        let output = attempt(&site, &format!("{plant}; cat ~/.ssh/authorized_keys"));
        output.expect_stdout("evil");
        Tree::of(&site.home()).expect_same_as(&before);
        control(&site, plant);
        assert!(Tree::of(&site.home()) != before, "control");
    });
}

#[test]
fn a_file_in_the_home_is_not_seen() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let token = SecretFile::new(&site);
        assert_keeps(&site, token.secret(), "cat ~/.secrets/token; grep -r clearing-secret ~");
    });
}

#[test]
fn two_runs_at_once_share_no_tmp() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mark = secret();
        let make = format!("touch /tmp/{mark} /dev/shm/{mark} ~/{mark}; echo made; exec sleep 60");
        let first = site.run(["sh", "-c", &make]).spawn();
        first.expect_printed("made");
        let output = attempt(&site, &format!("ls -a /tmp /dev/shm ~ | grep {mark}"));
        assert!(!output.stdout.contains(&mark), "{output}");
        first.signal(Signal::SIGTERM);
        first.wait().expect_code(143);
        let bare = format!("touch ~/{mark}; ls -a ~ | grep {mark}; rm ~/{mark}");
        assert!(control(&site, &bare).contains(&mark), "control");
    });
}

#[track_caller]
fn leaves_nothing_in(directory: &str) {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let made = Removed(format!("{directory}/{}", secret()));
        let script = format!("echo here > {path}; cat {path}", path = made.0);
        attempt(&site, &script);
        assert!(!Path::new(&made.0).exists(), "{} is on the host", made.0);
        control(&site, &script);
        assert!(Path::new(&made.0).exists(), "control");
    });
}

#[track_caller]
fn is_gone_in_the_next_run(directory: &str) {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let look = format!("cat {directory}/made-by-a-run; rm -f {directory}/made-by-a-run");
        let first = format!("echo still there > {directory}/made-by-a-run; {look}");
        // Seen by the run that made it: the directory can be written at all.
        let kept = first.split_once("; rm").map_or(first.as_str(), |(kept, _)| kept);
        attempt(&site, kept).expect_stdout("still there");
        let output = attempt(&site, &look);
        assert!(!output.stdout.contains("still there"), "{output}");
        assert!(control(&site, &first).contains("still there"), "control");
    });
}

/// A path of the host's that goes at the end of a proof.
struct Removed(String);

impl Drop for Removed {
    fn drop(&mut self) {
        // Not made, as it should be, is nothing to tell.
        let _ = fs::remove_file(&self.0);
    }
}
