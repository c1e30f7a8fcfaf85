//! P-I1: System V and POSIX shared memory and queues of the host are out of reach.

use clearing_tests::decoys::{MessageQueue, PosixMemory, SystemVMemory, secret};
use clearing_tests::{Site, for_each_caller, skip};

use crate::attack::{armed, assert_keeps, attempt, control, inside, outside};

#[test]
fn a_segment_of_the_host_cannot_be_attached() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let memory = SystemVMemory::make(&site);
        let line = ["shm-read", &memory.id().to_string()];
        assert_eq!(inside(&site, &line), "-1 EINVAL");
        assert!(!outside(&site, &line).starts_with("-1"), "control");
    });
}

#[test]
fn a_segment_of_the_host_cannot_be_removed() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let memory = SystemVMemory::make(&site);
        let line = ["raw", "shmctl", &memory.id().to_string(), "0", "null"];
        assert_eq!(inside(&site, &line), "-1 EINVAL");
        assert!(memory.is_intact());
        assert_eq!(outside(&site, &line), "0 ok", "control");
        assert!(!memory.is_intact(), "control");
    });
}

#[test]
fn a_segment_of_the_host_is_not_found_by_its_key() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let key = format!("{:#x}", std::process::id() | 0x5ec0_0000);
        let made = outside(&site, &["shm-make", &key, "kept outside"]);
        let id = made.split(' ').next().expect("a number").to_owned();
        let find = ["raw", "shmget", &key, "0", "0"];
        let answer = inside(&site, &find);
        let told = outside(&site, &find);
        control(&site, &format!("ipcrm --shmem-id {id}"));
        assert_eq!(answer, "-1 ENOENT");
        assert_eq!(told, made, "control");
    });
}

#[test]
fn segments_and_queues_of_the_host_are_not_listed() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let memory = SystemVMemory::make(&site);
        let list = "cat /proc/sysvipc/shm /proc/sysvipc/sem /proc/sysvipc/msg | grep -c '[0-9]'";
        attempt(&site, list).expect_stdout("0\n");
        assert!(memory.is_intact());
        assert!(!control(&site, list).starts_with("0\n"), "control");
    });
}

#[test]
fn a_semaphore_of_the_host_is_not_found() {
    is_not_found("semget {key} 0 0", "semget {key} 1 0x3b6", "--semaphore-id");
}

#[test]
fn a_queue_of_the_host_is_not_found() {
    is_not_found("msgget {key} 0", "msgget {key} 0x3b6", "--queue-id");
}

#[test]
fn a_posix_queue_of_the_host_cannot_be_read() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let queue = match MessageQueue::make() {
            Ok(queue) => queue,
            Err(error) => return skip(&format!("the host gives no message queue: {error}")),
        };
        let line = ["queue-read", queue.name()];
        assert_eq!(inside(&site, &line), "-1 ENOENT");
        assert_eq!(outside(&site, &line), queue.secret(), "control");
    });
}

#[test]
fn posix_memory_of_the_host_cannot_be_opened() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let memory = PosixMemory::make(&site);
        let read = format!("cat {0}; echo gone > {0}", memory.path().display());
        let output = attempt(&site, &read);
        assert!(!output.stdout.contains(memory.secret()), "{output}");
        assert!(memory.is_intact());
        assert_keeps(&site, memory.secret(), &format!("cat {}", memory.path().display()));
    });
}

#[test]
fn a_segment_made_inside_is_not_the_host_s_and_goes_with_the_run() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let key = format!("{:#x}", std::process::id() | 0x5ed0_0000);
        let made = inside(&site, &["shm-make", &key, &secret()]);
        assert!(made.ends_with("ok"), "{made}");
        let find = ["raw", "shmget", &key, "0", "0"];
        assert_eq!(outside(&site, &find), "-1 ENOENT");
        assert_eq!(inside(&site, &find), "-1 ENOENT");
    });
}

/// `{key}` stands for the key of an object that the caller makes outside; `kind` is how the object
/// is called when it is removed.
#[track_caller]
fn is_not_found(find: &str, make: &str, kind: &str) {
    for_each_caller(|caller| {
        let site = armed(caller);
        let key = format!("{:#x}", std::process::id() | 0x5ee0_0000);
        let line = |call: &str| {
            let call = format!("raw {}", call.replace("{key}", &key));
            call.split(' ').map(str::to_owned).collect::<Vec<_>>()
        };
        // IPC_CREAT is 0x200; 0x3b6 adds rw for everybody.
        let (find, make) = (line(find), line(make));
        let find: Vec<_> = find.iter().map(String::as_str).collect();
        let make: Vec<_> = make.iter().map(String::as_str).collect();
        let made = outside(&site, &make);
        let id = made.split(' ').next().expect("a number").to_owned();
        let (answer, told) = (inside(&site, &find), outside(&site, &find));
        control(&site, &format!("ipcrm {kind} {id}"));
        assert_eq!(answer, "-1 ENOENT");
        assert_eq!(told, made, "control");
    });
}
