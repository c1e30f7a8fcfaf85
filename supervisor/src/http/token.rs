//! What a client has to know that comes over the network.

use std::io::Read as _;
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use sha2::{Digest as _, Sha256};

use crate::error::Error;
use crate::text::printable;

/// Of a token nothing is kept but this.
pub(super) struct Token([u8; 32]);

/// One that is shorter could be guessed.
const SHORTEST: usize = 16;
const LONGEST: u64 = 4096;

impl Token {
    /// Reads it from a file that is the caller's, and that nobody else reads.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let failed = |error: std::io::Error| Error::Input(path.to_owned(), error);
        let wrong = |why: &str| Error::Request(format!("`{}`: {why}", printable(path)));
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = open(path, flags, Mode::empty()).map_err(|errno| failed(errno.into()))?;
        let found = fstat(&file).map_err(|errno| failed(errno.into()))?;
        if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
            return Err(wrong("a token stands in a regular file"));
        }
        let own = rustix::process::geteuid().as_raw();
        if found.st_uid != own && found.st_uid != 0 {
            return Err(wrong("the file of a token belongs to who runs the server"));
        }
        if found.st_mode & 0o077 != 0 {
            return Err(wrong("others may read or write it: a token's file has mode 600"));
        }
        let mut text = String::new();
        std::fs::File::from(file).take(LONGEST).read_to_string(&mut text).map_err(failed)?;
        let token = text.trim();
        if token.len() < SHORTEST || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong("a token has at least 16 characters, all of them visible ones of ASCII"));
        }
        Ok(Self(Sha256::digest(token).into()))
    }

    /// Whether this is it. How long that takes tells nothing of how much of it is right: hashes are compared, to
    /// their end.
    pub(super) fn is(&self, said: &[u8]) -> bool {
        let said: [u8; 32] = Sha256::digest(said).into();
        self.0.iter().zip(said).fold(0, |unlike, (own, said)| unlike | (own ^ said)) == 0
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_token_is_its_owners_alone_and_long_enough() {
        let scratch = tempfile::tempdir().expect("a directory");
        let file = |name: &str, text: &str, mode: u32| {
            let path = scratch.path().join(name);
            std::fs::write(&path, text).expect("a file");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("a mode");
            Token::read(&path).map_err(|error| error.message())
        };
        let token = file("good", "0123456789abcdef\n", 0o600).expect("a token");
        assert!(token.is(b"0123456789abcdef"));
        assert!(!token.is(b"0123456789abcdeg") && !token.is(b"") && !token.is(b"0123456789abcdef\n"));
        let why = |said: Result<Token, String>| said.err().expect("no token");
        assert!(why(file("open", "0123456789abcdef", 0o640)).contains("mode 600"));
        assert!(why(file("short", "0123456789", 0o600)).contains("at least 16"));
        assert!(why(file("odd", "0123456789 abcdef", 0o600)).contains("at least 16"));
        std::os::unix::fs::symlink("good", scratch.path().join("link")).expect("a link");
        Token::read(&scratch.path().join("link")).err().expect("no token");
        assert!(why(Token::read(scratch.path()).map_err(|error| error.message())).contains("regular file"));
    }
}
