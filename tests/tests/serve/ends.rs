//! However a command ends, it is told as it was.

use clearing_tests::{Site, assert_nothing_left, for_each_caller};

/// Has its parent trace it, and is stopped by a signal that it has a handler for.
const TRACED: &str = "syscall(101, 0, 0, 0, 0) == 0 or die; $SIG{USR1} = sub { $heard = 1 }; kill USR1 => $$; \
                      exec 'sh', '-c', 'exit 7' if $heard";

#[test]
fn a_command_that_a_real_time_signal_ends_has_ended() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        for left in ["", "(bash -c 'kill -41 $$' &); sleep 0.1; "] {
            let ended = client.exec(&session, &["bash", "-c", &format!("{left}kill -40 $$")]);
            assert_eq!(ended["outcome"]["signal"], 40, "{ended}");
        }
        assert_eq!(client.exec(&session, &["true"])["exitCode"], 0);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}

#[test]
fn a_command_that_asks_to_be_traced_ends_when_it_does_and_so_do_others() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        assert_eq!(site.clearing(["run", "--", "perl", "-e", TRACED]).output().code, Some(7));
        let mut client = site.serve([] as [&str; 0]);
        let session = client.session(&site);
        assert_eq!(client.exec(&session, &["perl", "-e", TRACED])["exitCode"], 7);
        // Orphans of init that do, beside one that ends.
        let orphans = "(perl -e \"$0\" & perl -e \"$0\" &); sleep 0.2; exit 3";
        assert_eq!(client.exec(&session, &["sh", "-c", orphans, TRACED])["exitCode"], 3);
        assert_eq!(client.exec(&session, &["true"])["exitCode"], 0);
        assert_eq!(client.finish(), 0);
        assert_nothing_left(&site);
    });
}
