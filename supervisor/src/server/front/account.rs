//! Who has connected: the kernel says their numbers, and `/etc/passwd` the rest.

use std::ffi::CString;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;

use clearing_runtime::peer_groups;
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};

use super::refusal::Refusal;

/// A user that can be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Of the process that connected.
    pub(super) groups: Vec<u32>,
    pub(super) name: String,
    home: String,
    shell: String,
}

/// Where a user's server finds programs: nobody's login has been read.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// What it has of our own environment: how its log is to look, and where that goes.
const PASSED: [&str; 3] = ["RUST_LOG", "JOURNAL_STREAM", "INVOCATION_ID"];
/// Whom the kernel names when it is nobody of ours: of another user namespace.
const OVERFLOW: u32 = 65_534;

/// Who has connected.
pub(super) fn of_peer(peer: &UnixStream) -> Result<Account, Refusal> {
    let failed = |what: &str, error: std::io::Error| Refusal::failed(format!("{what}: {error}"));
    let credentials =
        getsockopt(peer, PeerCredentials).map_err(|errno| failed("getsockopt(SO_PEERCRED)", errno.into()))?;
    let (uid, gid) = (credentials.uid(), credentials.gid());
    if uid == 0 {
        return Err(Refusal::root());
    }
    let is_ours = uid == rustix::process::geteuid().as_raw();
    if is_ours || uid == OVERFLOW || uid == u32::MAX || gid == u32::MAX {
        return Err(Refusal::nobody(uid));
    }
    let groups = peer_groups(peer.as_fd()).map_err(|error| failed("getsockopt(SO_PEERGROUPS)", error))?;
    let passwd =
        std::fs::read_to_string("/etc/passwd").map_err(|error| failed("read(/etc/passwd)", error))?;
    let (name, home, shell) = find(&passwd, uid).ok_or_else(|| Refusal::nobody(uid))?;
    Ok(Account { uid, gid, groups, name, home, shell })
}

/// The name, home and shell of a user, as `passwd(5)` has them.
fn find(passwd: &str, uid: u32) -> Option<(String, String, String)> {
    let line =
        passwd.lines().find(|line| line.split(':').nth(2).and_then(|id| id.parse().ok()) == Some(uid))?;
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, _, _, _, home, shell] = fields[..] else { return None };
    let is_usable = !name.is_empty() && home.starts_with('/');
    is_usable.then(|| (name.to_owned(), home.to_owned(), shell.to_owned()))
}

impl Account {
    /// The whole environment of the user's server.
    pub(super) fn environment(&self) -> Vec<CString> {
        let shell = if self.shell.is_empty() { "/bin/sh" } else { &self.shell };
        let own = |name: &str| std::env::var(name).ok();
        let mut variables = vec![
            ("PATH", PATH.to_owned()),
            ("HOME", self.home.clone()),
            ("USER", self.name.clone()),
            ("LOGNAME", self.name.clone()),
            ("SHELL", shell.to_owned()),
            ("LANG", own("LANG").unwrap_or_else(|| "C.UTF-8".to_owned())),
        ];
        variables.extend(PASSED.into_iter().filter_map(|name| Some((name, own(name)?))));
        let entries = variables.into_iter().map(|(name, value)| CString::new(format!("{name}={value}")));
        // None has a NUL: a file of lines and an environment have none.
        entries.flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
                          # a comment\n\
                          ann:x:1000:1000:Ann,,,:/home/ann:/bin/bash\n\
                          cut:x:1001:1001\n\
                          lost:x:1002:1002::home:\n\
                          plain:x:1003:1003::/home/plain:\n";

    #[test]
    fn a_user_is_found_by_number() {
        let found = |name: &str, home: &str, shell: &str| Some((name.into(), home.into(), shell.into()));
        assert_eq!(find(PASSWD, 1000), found("ann", "/home/ann", "/bin/bash"));
        assert_eq!(find(PASSWD, 1003), found("plain", "/home/plain", ""));
        for unusable in [1, 1001, 1002, 1004] {
            assert_eq!(find(PASSWD, unusable), None, "{unusable}");
        }
    }

    #[test]
    fn a_server_has_what_its_user_has_and_nothing_of_ours() {
        let account = Account {
            uid: 1003,
            gid: 1003,
            groups: Vec::new(),
            name: "plain".into(),
            home: "/home/plain".into(),
            shell: String::new(),
        };
        let environment = account.environment();
        for entry in [c"HOME=/home/plain", c"USER=plain", c"SHELL=/bin/sh"] {
            assert!(environment.iter().any(|it| it.as_c_str() == entry), "{environment:?}");
        }
        let names: Vec<_> = environment.iter().filter_map(|it| it.to_str().ok()?.split('=').next()).collect();
        let known = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG"];
        assert!(names.iter().all(|name| known.contains(name) || PASSED.contains(name)), "{names:?}");
    }

    #[test]
    fn who_shares_our_number_is_not_served() {
        let (one, _other) = UnixStream::pair().expect("socketpair");
        // Whoever runs this is root, or has the number of this process.
        assert!(of_peer(&one).is_err());
    }
}
