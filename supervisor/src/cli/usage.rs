//! A command line that cannot be understood, and help.

use std::ffi::OsStr;
use std::process::ExitCode;

use super::talk::{emit_error, say};
use crate::error_code::USAGE;
use crate::exit_code::REFUSED;
use crate::outcome::ErrorText;
use crate::text::line;

/// Help goes to standard output and is a success; anything else is refused as `run` refuses.
pub(super) fn refuse(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // Nothing can be told where there is nobody to read it.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let text = error.render().to_string();
    let told = told(&text);
    if std::env::args_os().any(|word| is_obeyed(&word)) {
        // The words that were not understood are in it, and would be obeyed by a terminal, or begin a line.
        say(&format!(
            "clearing: {}\nhint: {}\n",
            line(&told.message),
            told.hint.as_deref().unwrap_or_default()
        ));
    } else {
        let _ = error.print();
    }
    if is_json_asked_for() {
        emit_error(&told);
    }
    ExitCode::from(REFUSED)
}

fn is_obeyed(word: &OsStr) -> bool {
    let word = word.to_string_lossy();
    line(&word) != word
}

/// Whether `--json` stands among our own options, understood or not.
pub(super) fn is_json_asked_for() -> bool {
    std::env::args_os().skip(1).take_while(|word| word != "--").any(|word| word == "--json")
}

/// The first paragraph is what is wrong; the tips are the way forward, or the help is.
fn told(text: &str) -> ErrorText {
    let message: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
    let message = message.join(" ");
    let tips: Vec<&str> = text.lines().filter_map(|line| line.trim().strip_prefix("tip: ")).collect();
    let hint = if tips.is_empty() { "`--help` tells what there is".to_owned() } else { tips.join("; ") };
    let message = message.strip_prefix("error: ").unwrap_or(&message).to_owned();
    ErrorText { code: Some(USAGE.into()), message, hint: Some(hint) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_with_what_is_nearest() {
        let text = "error: unexpected argument '--jsn' found\n\n  tip: a similar argument exists: '--json'\n\n\
                    Usage: clearing ls [OPTIONS]\n\nFor more information, try '--help'.\n";
        let ErrorText { code, message, hint } = told(text);
        assert_eq!(
            (code.as_deref(), message.as_str()),
            (Some("CLR-USAGE"), "unexpected argument '--jsn' found")
        );
        assert_eq!(hint.as_deref(), Some("a similar argument exists: '--json'"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let text = "error: the following required arguments were not provided:\n  <CMD>...\n\nUsage: …\n";
        let ErrorText { message, hint, .. } = told(text);
        assert_eq!(message, "the following required arguments were not provided: <CMD>...");
        assert_eq!(hint.as_deref(), Some("`--help` tells what there is"));
    }
}
