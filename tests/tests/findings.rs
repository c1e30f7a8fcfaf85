//! Findings about the Python that a session wrote.

use clearing_tests::{Site, for_each_caller};

const SCRIPT: &str = "import os\n\ndef clean(path):\n    os.system('rm -r ' + path)\n";

#[test]
fn what_came_with_the_change_is_told_and_what_was_there_is_not() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        site.write("old.py", SCRIPT);
        site.write("untouched.py", SCRIPT);
        site.clearing(["create", "--name", "s"]).output().expect_code(0);
        let none = site.clearing(["findings", "s"]).output();
        assert_eq!(none.expect_code(0).expect_stderr("nothing found").stdout, "");
        let write = "sed -i '1i # moved down' old.py && echo 'x = eval(y)' >> old.py && mkdir bin && \
                     printf '#!/usr/bin/env python3\\nimport subprocess as s\\ns.run(c, shell=True)\\n' > bin/tool && \
                     printf 'eval(1)' > text && printf 'print(\"eval(1)\")  # exec(1)\\n' > said.py && \
                     printf '\\000' > binary.py && ln -s old.py link.py";
        site.clearing(["exec", "s"]).command(["sh", "-c", write]).output().expect_code(0);
        let found = site.clearing(["findings", "s"]).output();
        let expected = "bin/tool:3:1: high: `shell=True` hands a text to a shell (shell-true)\n\
                        binary.py:1:1: medium: it is no text, or too long to be looked at (unread)\n\
                        old.py:6:5: high: it runs text as a program (code-from-text)\n";
        assert_eq!(found.expect_code(0).stdout, expected, "{found}");
        let json = site.clearing(["findings", "--json", "s"]).output();
        let last = json.expect_code(0).stdout.lines().last().expect("a line");
        let expected = r#"{"type":"finding","path":"old.py","line":6,"column":5,"rule":"code-from-text","severity":"high","message":"it runs text as a program"}"#;
        assert_eq!(last, expected);
    });
}

#[test]
fn a_program_handed_in_is_read_from_standard_input() {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        let found = site.clearing(["findings", "-"]).stdin(SCRIPT).output();
        assert_eq!(found.expect_code(0).stdout, "-:4:5: high: it hands a text to a shell (shell)\n");
    });
}
