//! Whether a terminal gets colours: what the caller's environment says, as help and errors have it too.

use std::ffi::OsString;

/// Whether a terminal of the caller's gets colours.
pub(super) fn is_wanted() -> bool {
    is_wanted_by(&|name| std::env::var_os(name))
}

/// `NO_COLOR` refuses, `CLICOLOR_FORCE` asks, `CLICOLOR=0` refuses, and a terminal that cannot has none.
fn is_wanted_by(variable: &dyn Fn(&str) -> Option<OsString>) -> bool {
    let is_set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
    let says = |name: &str| is_set(name).then(|| variable(name) != Some("0".into()));
    let can = || variable("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
    if is_set("NO_COLOR") {
        return false;
    }
    match (says("CLICOLOR_FORCE"), says("CLICOLOR")) {
        (Some(true), _) => true,
        (_, Some(false)) => false,
        _ => can(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_refuses_comes_before_what_asks() {
        let wanted = |set: &[(&str, &str)]| {
            is_wanted_by(&|name| set.iter().find(|(one, _)| *one == name).map(|(_, value)| value.into()))
        };
        assert!(wanted(&[("TERM", "xterm")]));
        assert!(wanted(&[("TERM", "xterm"), ("NO_COLOR", ""), ("CLICOLOR", "1"), ("CLICOLOR_FORCE", "0")]));
        assert!(!wanted(&[("TERM", "dumb")]) && !wanted(&[]));
        assert!(wanted(&[("TERM", "dumb"), ("CLICOLOR_FORCE", "1")]));
        assert!(!wanted(&[("TERM", "xterm"), ("CLICOLOR", "0")]));
        assert!(!wanted(&[("TERM", "xterm"), ("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]));
    }
}
