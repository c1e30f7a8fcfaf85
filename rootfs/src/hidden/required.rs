//! What a path must hold to be matched by a pattern, as far as that is plain without compiling it.

/// The longest text without a slash that all hold which the pattern matches; empty where that may be nothing.
pub(super) fn required(pattern: &str) -> &str {
    // In brackets and braces stands what may be there; a backslash makes the next sign another one.
    let plain = pattern.split(['[', '{', '\\']).next().unwrap_or_default();
    plain.split(['*', '?', '/']).max_by_key(|run| run.len()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use globset::GlobBuilder;
    use proptest::prelude::*;

    use super::required;

    #[test]
    fn the_longest_run_of_plain_signs_is_required() {
        let cases = [
            (".env", ".env"),
            ("id_*", "id_"),
            ("*.pem", ".pem"),
            (".aws/credentials", "credentials"),
            ("a/**/bc", "bc"),
            ("{a,b}c", ""),
            ("x[ab]yyy", "x"),
            ("a\\*bb", "a"),
            ("*", ""),
        ];
        for (pattern, expected) in cases {
            assert_eq!(required(pattern), expected, "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_matched_without_it(pattern in "[ab/*?.{},\\[\\]!\\\\]{1,8}", path in "[ab/.*]{0,6}") {
            let glob = GlobBuilder::new(&pattern).literal_separator(true).build();
            let is_match = glob.is_ok_and(|glob| glob.compile_matcher().is_match(&path));
            prop_assert!(!is_match || path.contains(required(&pattern)), "{pattern} {path}");
        }
    }
}
