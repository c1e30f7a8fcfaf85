//! Who has connected: the kernel says their number, and the host's own files the rest.

use std::borrow::Cow;
use std::ffi::{CString, NulError, OsStr, OsString};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::net::UnixStream;

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};

use super::refusal::Refusal;
use crate::users::{GROUPS, USERS, User, groups_of, user};

/// A user that can be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) uid: u32,
    pub(super) user: User,
    /// Those of a login, whatever the process has that connected.
    pub(super) groups: Vec<u32>,
}

/// Where a user's server finds programs: nobody's login has been read.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// What it has of our own environment: how much its log is to say, and for which call of the service.
const PASSED: [&str; 2] = ["RUST_LOG", "INVOCATION_ID"];
/// By this it knows that its log goes to the journal.
const JOURNAL: &str = "JOURNAL_STREAM";
/// Whom the kernel names when it is nobody of ours: of another user namespace.
const OVERFLOW: u32 = 65_534;

/// Who has connected.
pub(super) fn of_peer(peer: &UnixStream) -> Result<Account, Refusal> {
    let failed = |what: &str, error: std::io::Error| Refusal::failed(format!("{what}: {error}"));
    let credentials =
        getsockopt(peer, PeerCredentials).map_err(|errno| failed("getsockopt(SO_PEERCRED)", errno.into()))?;
    let uid = credentials.uid();
    if uid == 0 {
        return Err(Refusal::root());
    }
    let is_ours = uid == rustix::process::geteuid().as_raw();
    if is_ours || uid == OVERFLOW || uid == u32::MAX {
        return Err(Refusal::nobody(uid));
    }
    let read = |file: &str| std::fs::read(file).map_err(|error| failed(&format!("read({file})"), error));
    let user = user(&read(USERS)?, uid).ok_or_else(|| Refusal::nobody(uid))?;
    let groups = groups_of(&read(GROUPS)?, &user);
    Ok(Account { uid, user, groups })
}

impl Account {
    /// How the user is called in the log.
    pub(super) fn name(&self) -> Cow<'_, str> {
        self.user.name.to_string_lossy()
    }

    /// The whole environment of the user's server; `journal` is the name that its log has there, if it has one.
    pub(super) fn environment(&self, journal: Option<&str>) -> Vec<CString> {
        let User { name, home, shell, .. } = &self.user;
        let shell = if shell.is_empty() { OsStr::new("/bin/sh") } else { shell };
        let language = std::env::var_os("LANG").unwrap_or_else(|| "C.UTF-8".into());
        let own = PASSED.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        let variables = [
            ("PATH", PATH.into()),
            ("HOME", home.clone()),
            ("USER", name.clone()),
            ("LOGNAME", name.clone()),
            ("SHELL", shell.to_owned()),
            ("LANG", language),
        ];
        let journal = journal.map(|name| (JOURNAL, name.into()));
        // None has a NUL but what somebody wrote into a file of lines.
        variables.into_iter().chain(own).chain(journal).flat_map(|(name, value)| entry(name, value)).collect()
    }
}

fn entry(name: &str, value: OsString) -> Result<CString, NulError> {
    CString::new([name.as_bytes(), b"=", &value.into_vec()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_what_its_user_has_and_nothing_of_ours() {
        let account = Account {
            uid: 1003,
            user: User { name: "plain".into(), gid: 1003, home: "/home/plain".into(), shell: "".into() },
            groups: Vec::new(),
        };
        let environment = account.environment(Some("8:15"));
        for entry in [c"HOME=/home/plain", c"USER=plain", c"SHELL=/bin/sh", c"JOURNAL_STREAM=8:15"] {
            assert!(environment.iter().any(|it| it.as_c_str() == entry), "{environment:?}");
        }
        let names: Vec<_> = environment.iter().filter_map(|it| it.to_str().ok()?.split('=').next()).collect();
        let known = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", JOURNAL];
        assert!(names.iter().all(|name| known.contains(name) || PASSED.contains(name)), "{names:?}");
    }

    #[test]
    fn who_shares_our_number_is_not_served() {
        let (one, _other) = UnixStream::pair().expect("socketpair");
        // Whoever runs this is root, or has the number of this process.
        assert!(of_peer(&one).is_err());
    }
}
