//! Settings files without the credentials that people keep in them.

/// What a line with a credential mentions, in lower case.
const MARKS: &[&str] = &[
    "_auth",
    "askpass",
    "authorization",
    "bearer",
    "certfile",
    "credential",
    "extraheader",
    "gpgsign",
    "helper",
    "keyfile",
    "passphrase",
    "passw",
    "private",
    "secret",
    "signingkey",
    "token",
];

/// The text without each line that mentions a credential, or has a user in a URL; none if lines don't tell.
///
/// Too much may be left out, too little should not be: a line that goes on (`\` at its end) goes with its
/// continuation, and a file with strings over many lines is taken only if it mentions nothing at all.
pub(crate) fn without_credentials(text: &[u8]) -> Option<Vec<u8>> {
    let mut kept = Vec::with_capacity(text.len());
    let mut continued = false;
    let mut dropped = false;
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let drop = continued || mentions_credential(line);
        continued = drop && line.trim_ascii_end().ends_with(b"\\");
        dropped |= drop;
        if !drop {
            kept.extend_from_slice(line);
        }
    }
    let long_strings = ["\"\"\"", "'''"].iter().any(|mark| contains(text, mark.as_bytes()));
    (!(dropped && long_strings)).then_some(kept)
}

fn mentions_credential(line: &[u8]) -> bool {
    let line = line.to_ascii_lowercase();
    let mut tokens = line.split(|byte| b" \t\r\n,|;\"'=<>()[]".contains(byte));
    tokens.any(token_has_credential) || MARKS.iter().any(|mark| contains(&line, mark.as_bytes()))
}

/// An address with a user, or `user:password@host` without a scheme.
fn token_has_credential(token: &[u8]) -> bool {
    match position(token, b"://") {
        Some(at) => address_has_credential(&token[at + 3..]),
        None => token.iter().position(|&byte| byte == b':').is_some_and(|at| token[at..].contains(&b'@')),
    }
}

/// `user@host`, or a part that is long and mixed as only a token is: `/t/9f8e7d6c5b4a39281706/`.
fn address_has_credential(address: &[u8]) -> bool {
    let mut parts = address.split(|byte| b"/?&=\"' \t\r\n".contains(byte));
    let has_user = parts.next().is_some_and(|authority| authority.contains(&b'@'));
    has_user
        || parts.any(|part| part.len() >= 16 && part.iter().filter(|byte| byte.is_ascii_digit()).count() >= 4)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    position(text, part).is_some()
}

fn position(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_stay_and_credentials_go() {
        let cases: [(&str, Option<&str>); 11] = [
            (
                "[user]\n\tname = Ann\n\temail = ann@example.org\n",
                Some("[user]\n\tname = Ann\n\temail = ann@example.org\n"),
            ),
            (
                "registry=https://r.example/\n//r.example/:_authToken=npm_x\n",
                Some("registry=https://r.example/\n"),
            ),
            ("[global]\nindex-url = https://ann:pw@pypi.example/simple\n", Some("[global]\n")),
            (
                "a=https://r.example/npm/\nb=https://r.example/t/9f8e7d6c5b4a3928/x\n",
                Some("a=https://r.example/npm/\n"),
            ),
            ("[url \"https://x:tok@git.example/\"]\n\tinsteadOf = g:\n", Some("\tinsteadOf = g:\n")),
            ("a = 1\nproxy = ann:pw@proxy.example:3128\n", Some("a = 1\n")),
            ("GOPROXY=https://a.example,https://ann:pw@b.example,direct\n", Some("")),
            ("remote = git@git.example:ann/app.git\n", Some("remote = git@git.example:ann/app.git\n")),
            ("a = 1\ntoken = \\\n  abc\nb = 2\n", Some("a = 1\nb = 2\n")),
            ("token = \"\"\"\nabc\n\"\"\"\n", None),
            ("text = \"\"\"\nabc\n\"\"\"\n", Some("text = \"\"\"\nabc\n\"\"\"\n")),
        ];
        for (text, expected) in cases {
            let kept = without_credentials(text.as_bytes());
            assert_eq!(kept.as_deref(), expected.map(str::as_bytes), "{text}");
        }
    }
}
