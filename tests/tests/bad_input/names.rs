//! A project's path may hold every byte but NUL.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use clearing_tests::{Site, for_each_caller};

#[test]
fn spaces_and_quotes() {
    works(b"a b 'c' \"d\" `e`");
}

#[test]
fn what_separates_the_options_of_mounts() {
    works(b"a:b,c=d\\e:");
}

#[test]
fn newlines_tabs_and_escapes() {
    works(b"a\nb\tc\\040d\x1b[2Je");
}

#[test]
fn bytes_that_are_no_text() {
    works(b"\xff\xfea\x80");
}

#[test]
fn what_a_shell_would_take_apart() {
    works(b"$(touch x) * ? ~ -rf #");
}

#[test]
fn a_name_as_long_as_the_kernel_allows() {
    works(&[b'x'; 255]);
}

/// The command works there, its changes are counted, and the project is untouched.
#[track_caller]
fn works(name: &[u8]) {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let project = site.project().join(OsStr::from_bytes(name));
        std::fs::create_dir(&project).unwrap();
        std::fs::write(project.join("file"), "read\n").unwrap();
        site.own(&project);
        let script =
            r#"cat file; test "$(pwd -P; echo .)" = "$(printf '%s\n.' "$PWD")" && echo same; echo x > new"#;
        let here = site.run(["sh", "-c", script]).current_dir(&project);
        let named = site.run(["sh", "-c", script]).args(["-w".as_ref(), project.as_os_str()]);
        for output in [here.args(["-w", "."]).output(), named.output()] {
            output.expect_code(0).expect_stdout("read\nsame\n");
            assert_eq!(output.outcome()["changes"]["added"], 1, "{output}");
        }
        assert!(!project.join("new").exists());
    });
}
