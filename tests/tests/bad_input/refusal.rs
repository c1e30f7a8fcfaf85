//! What a refusal must look like.

use clearing_tests::{Output, Site, for_each_caller};

/// Demands that `clearing` refused: 125, one message, no panic, nothing run.
#[track_caller]
pub(crate) fn is_refused(output: &Output, because: &str) {
    fails_with(output, 125, because);
    assert!(!output.stdout.contains("ran"), "it ran\n{output}");
}

/// Demands a code and a message.
#[track_caller]
pub(crate) fn fails_with(output: &Output, code: i32, because: &str) {
    output.expect_code(code).expect_stderr(because);
    assert!(!output.stderr.contains("panicked"), "{output}");
}

/// Demands that `clearing run OPTION… -- echo ran` is refused for every caller.
#[track_caller]
pub(crate) fn options_are_refused(options: &[&str], because: &str) {
    for_each_caller(|caller| {
        let site = Site::new(caller);
        is_refused(&site.run(["echo", "ran"]).args(options).output(), because);
    });
}
