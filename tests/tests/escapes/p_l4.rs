//! P-L4: what is written is limited in total, in `/tmp` as everywhere.

use clearing_tests::for_each_caller;

use crate::attack::armed;

#[test]
fn one_file_does_not_get_past_the_limit() {
    ends_at_the_disk_limit("dd if=/dev/zero of=large bs=1M count=1000; sleep 60");
}

#[test]
fn a_file_in_tmp_counts() {
    ends_at_the_disk_limit("dd if=/dev/zero of=/tmp/large bs=1M count=1000; sleep 60");
}

#[test]
fn shared_memory_by_name_counts() {
    ends_at_the_disk_limit("dd if=/dev/zero of=/dev/shm/large bs=1M count=1000; sleep 60");
}

#[test]
fn a_little_everywhere_is_as_much_as_all_in_one_place() {
    ends_at_the_disk_limit(
        "for place in . /tmp /dev/shm ~; do head -c 8M /dev/zero > $place/part; done; sleep 60",
    );
}

#[test]
fn a_file_without_a_name_counts() {
    ends_at_the_disk_limit("exec 5>gone; rm gone; dd if=/dev/zero bs=1M count=1000 >&5; sleep 60");
}

#[test]
fn a_thousand_small_files_count() {
    ends_at_the_disk_limit("./probe files 100000; sleep 60");
}

#[test]
fn directories_count() {
    ends_at_the_disk_limit(
        "for i in $(seq 20); do (mkdir top$i && cd top$i && mkdir $(seq 1000)); done; sleep 60",
    );
}

#[test]
fn a_directory_that_is_closed_to_everybody_counts() {
    ends_at_the_disk_limit(
        "mkdir closed; exec 5>closed/large; chmod 000 closed; dd if=/dev/zero bs=1M count=1000 >&5; sleep 60",
    );
}

#[test]
fn a_file_in_a_directory_that_may_be_listed_alone_counts() {
    ends_at_the_disk_limit(
        "mkdir closed; exec 5>closed/large; chmod 400 closed; dd if=/dev/zero bs=1M count=1000 >&5; sleep 60",
    );
}

/// In memory, and on disk as well.
#[track_caller]
fn ends_at_the_disk_limit(script: &str) {
    for_each_caller(|caller| {
        for layer in ["memory", "disk"] {
            let site = armed(caller);
            let output = site.run(["sh", "-c", script]).args(["--disk", "20M", "--layer", layer]).output();
            assert_eq!(output.outcome()["cause"], "disk", "{layer}: {output}");
        }
    });
}
