//! P-H1: only descriptors 0, 1, 2 come in.

use clearing_tests::decoys::SecretFile;
use clearing_tests::for_each_caller;

use crate::attack::{armed, inside};

#[test]
fn a_file_open_in_the_caller_does_not_come_in() {
    stays_out("exec 7<{token}", "cat <&7; cat /proc/self/fd/7");
}

#[test]
fn a_directory_open_in_the_caller_does_not_come_in() {
    stays_out("exec 5<{secrets}", "cat /proc/self/fd/5/token");
}

#[test]
fn the_host_s_root_open_in_the_caller_does_not_come_in() {
    stays_out("exec 3</", "cat /proc/self/fd/3{token}");
}

#[test]
fn a_file_open_for_writing_in_the_caller_does_not_come_in() {
    stays_out("exec 6<>{token}", "cat <&6; cat /dev/fd/6");
}

#[test]
fn a_high_number_does_not_come_in() {
    // dash knows one digit only.
    let wrapper = r#"exec 900<{token}; exec "$@""#;
    for_each_caller(|caller| {
        let site = armed(caller);
        let token = SecretFile::new(&site);
        let wrapper = wrapper.replace("{token}", &token.path().display().to_string());
        let output = site
            .run(["bash", "-c", "cat <&900; echo made"])
            .through(["bash", "-c", &wrapper, "bash"])
            .output();
        output.expect_stdout("made");
        assert!(!output.stdout.contains(token.secret()), "{output}");
    });
}

#[test]
fn a_socket_and_a_pipe_of_the_caller_do_not_come_in() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let wrapper = r#"exec 8<>/dev/null 9>&1; exec "$@" 4</dev/zero 5>&2"#;
        let holder = ["sh", "-c", wrapper, "sh"];
        let output = site.run(["./probe", "descriptors"]).through(holder).output();
        assert_eq!(output.stdout.trim(), "0 1 2", "{output}");
        let mut bare = site.host("sh");
        bare.args(&holder[1..]).args(["./probe", "descriptors"]);
        assert!(crate::attack::printed(&mut bare).contains("8 9"), "control");
    });
}

#[test]
fn none_of_the_runtime_s_own_descriptors_come_in() {
    for_each_caller(|caller| {
        let site = armed(caller);
        assert_eq!(inside(&site, &["descriptors"]), "0 1 2");
    });
}

#[test]
fn no_descriptor_comes_in_where_standard_input_is_closed() {
    for_each_caller(|caller| {
        let site = armed(caller);
        let closed = ["sh", "-c", r#"exec "$@" <&-"#, "sh"];
        let output = site.run(["./probe", "descriptors"]).through(closed).output();
        let seen: Vec<_> = output.stdout.split_whitespace().collect();
        assert!(seen == ["1", "2"] || seen == ["0", "1", "2"], "{output}");
    });
}

/// `open` is done by the caller, `take` inside; `{token}` is a file, `{secrets}` its directory.
#[track_caller]
fn stays_out(open: &str, take: &str) {
    for_each_caller(|caller| {
        let site = armed(caller);
        let token = SecretFile::new(&site);
        let path = token.path().display().to_string();
        let secrets = path.trim_end_matches("/token");
        let fill = |text: &str| text.replace("{token}", &path).replace("{secrets}", secrets);
        let wrapper = fill(&format!(r#"{open}; exec "$@""#));
        let holder = ["sh", "-c", &wrapper, "sh"];
        let take = fill(&format!("{take}; echo made"));
        let output = site.run(["sh", "-c", &take]).through(holder).output();
        output.expect_stdout("made");
        assert!(!output.stdout.contains(token.secret()), "{output}");
        let mut bare = site.host("sh");
        bare.args(&holder[1..]).args(["sh", "-c", &take]);
        let told = crate::attack::printed(&mut bare);
        assert!(told.contains(token.secret()), "control: {told}");
    });
}
