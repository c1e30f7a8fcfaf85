//! Commands that are not there, are not programs, or are very long.

use clearing_tests::{Site, for_each_caller};

use crate::chmod;
use crate::refusal::fails_with;

#[test]
fn a_missing_command_is_127() {
    fails(&["no-such-command"], 127, "execute: execve(no-such-command): No such file");
    fails(&["./no-such-command"], 127, "execute: execve(./no-such-command)");
    fails(&["/no/such/command"], 127, "execute: execve(/no/such/command)");
    fails(&[""], 127, "execute: execve()");
}

#[test]
fn a_path_through_a_file_is_127() {
    fails(&["./plain/command"], 127, "execute: execve(./plain/command)");
}

#[test]
fn a_file_that_is_no_program_is_126() {
    fails(&["./plain"], 126, "execute: execve(./plain): Permission denied");
}

#[test]
fn a_directory_is_126() {
    fails(&["/usr"], 126, "execute: execve(/usr): Permission denied");
    fails(&["."], 126, "execute: execve(.)");
}

#[test]
fn a_script_whose_interpreter_is_absent_is_127() {
    fails(&["./orphan"], 127, "execute: execve(./orphan)");
}

#[test]
fn a_text_without_an_interpreter_line_is_run_by_sh() {
    for_each_caller(|caller| {
        let site = furnished(&caller);
        site.run(["./text", "argument"]).output().expect_code(5).expect_stdout("text: argument\n");
    });
}

#[test]
fn a_program_that_is_cut_short_is_126_or_a_shell_s_error() {
    for_each_caller(|caller| {
        let site = furnished(&caller);
        let path = site.write("cut", b"\x7fELF\x02\x01\x01");
        chmod(&path, 0o755);
        let output = site.run(["./cut"]).output();
        assert!(matches!(output.code, Some(126 | 127 | 2)), "{output}");
    });
}

#[test]
fn more_arguments_than_the_sandbox_s_stack_takes_are_126() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let many = r#"ulimit -s 65536; word=$(head -c 100000 /dev/zero | tr '\0' x)
            for n in $(seq 40); do set -- "$@" "$word"; done; exec "$@""#;
        let output = site.run(["true"]).through(["sh", "-c", many, "sh"]).output();
        fails_with(&output, 126, "Argument list too long");
    });
}

#[test]
fn a_command_s_name_of_a_hundred_kilobytes_is_an_error() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let output = site.run([&"x".repeat(100_000)]).output();
        assert!(matches!(output.code, Some(126 | 127)), "{:?}", output.code);
    });
}

#[test]
fn no_command_at_all_is_refused_with_the_usage() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        fails_with(&site.clearing(["run"]).output(), 125, "Usage:");
        fails_with(&site.clearing(["run", "--"]).output(), 125, "Usage:");
        fails_with(&site.clearing([""; 0]).output(), 125, "Usage:");
    });
}

#[test]
fn odd_names_of_the_binary_itself_are_no_matter() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        for name in ["", "-sh", "--help", "a b"] {
            let renamed = ["bash", "-c", r#"exec -a "$0" "$@""#, name];
            site.run(["sh", "-c", "exit 6"]).through(renamed).output().expect_code(6);
        }
    });
}

#[track_caller]
fn fails(command: &[&str], code: i32, because: &str) {
    for_each_caller(|caller| {
        let site = furnished(&caller);
        let output = site.run(command).output();
        fails_with(&output, code, because);
        assert_eq!(
            (&output.outcome()["cause"], &output.outcome()["exitCode"]),
            (&"setup".into(), &code.into())
        );
    });
}

fn furnished(caller: &clearing_tests::Caller) -> Site {
    let site = Site::new(*caller);
    site.write("plain", "no program");
    for (name, content) in [("orphan", "#!/no/such/interpreter\n"), ("text", "echo text: $1; exit 5\n")] {
        let path = site.write(name, content);
        chmod(&path, 0o755);
    }
    site
}
