//! `/etc` inside: which of the host's entries programs truly need, and what is written for the sandbox.

use std::fmt::Write;
use std::os::fd::OwnedFd;
use std::path::Path;

use crate::base::{BaseEntry, BaseRequest, HostNames};
use crate::files::read_regular;

/// How an entry of the host's `/etc` is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A directory or a long file, shown as it is.
    Shown,
    /// A link into `/usr`, which stays one.
    Link,
    /// A short file, for which a copy is cheaper than a mount.
    Copied,
    /// A short file, copied without the lines that hold credentials.
    Cleaned,
}

use Wanted::{Cleaned, Copied, Link, Shown};

/// Each entry costs time at every start, so it is here for a program that misses it. To ask for them one by
/// one is cheaper than to list a grown `/etc`.
pub(crate) const WANTED: &[(&str, Wanted)] = &[
    // Debian: `cc`, `java`, `editor` are links through it.
    ("alternatives", Shown),
    // Fedora: OpenSSL's configuration includes it.
    ("crypto-policies", Shown),
    // Programs that ask for the distribution; most read `os-release`.
    ("debian_version", Copied),
    // Headless browsers, PDF writers and plots find no font without it.
    ("fonts", Shown),
    ("gitconfig", Cleaned),
    // The configuration of the JVM, which is behind links: Fedora's, then Debian's.
    ("java", Shown),
    ("java-8-openjdk", Shown),
    ("java-11-openjdk", Shown),
    ("java-17-openjdk", Shown),
    ("java-21-openjdk", Shown),
    ("java-25-openjdk", Shown),
    // The loader finds no library beside the standard directories without it.
    ("ld.so.cache", Shown),
    // ld(1) finds the libraries that libraries need by it.
    ("ld.so.conf", Copied),
    ("ld.so.conf.d", Shown),
    ("localtime", Link),
    ("lsb-release", Copied),
    // Debian: `mvn` reads its configuration there, through a link.
    ("maven", Shown),
    // Python's mimetypes, web servers under test.
    ("mime.types", Shown),
    ("npmrc", Cleaned),
    ("os-release", Link),
    // php.ini
    ("php", Shown),
    ("pip.conf", Cleaned),
    // Fedora: certificates.
    ("pki", Shown),
    // getprotobyname(3)
    ("protocols", Copied),
    ("redhat-release", Copied),
    // getservbyname(3)
    ("services", Copied),
    // Certificates, openssl.cnf.
    ("ssl", Shown),
    ("texmf", Shown),
    ("timezone", Copied),
];

/// The files of `/etc` that tell of the sandbox, not of the host.
pub(crate) fn synthesised(host: &OwnedFd, request: &BaseRequest<'_>) -> Vec<BaseEntry> {
    let mut files = vec![
        file("passwd", passwd(request)),
        file("group", group(request)),
        file("hostname", format!("{}\n", field(request.hostname))),
        file("nsswitch.conf", NSSWITCH.to_owned()),
        BaseEntry::Symlink { path: "/etc/mtab".into(), to: "../proc/self/mounts".into() },
    ];
    match request.names {
        HostNames::Own => {
            files.extend([file("hosts", hosts(request.hostname)), file("resolv.conf", String::new())])
        }
        HostNames::Host => {
            files.extend(["hosts", "resolv.conf"].into_iter().filter_map(|name| copy(host, name)))
        }
    }
    files
}

const NSSWITCH: &str = "passwd: files
group: files
shadow: files
hosts: files dns
networks: files
protocols: files
services: files
";

const NOBODY: u32 = 65534;

/// The kernel shows every id that is not mapped as `nobody`.
fn passwd(request: &BaseRequest<'_>) -> String {
    let (home, shell) = (request.home.to_string_lossy(), request.shell.to_string_lossy());
    let (user, home, shell) = (field(request.user), field(&home), field(&shell));
    let mut text = format!("{user}:x:{}:{}::{home}:{shell}\n", request.uid, request.gid);
    for (name, id) in others(request.uid) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name}:x:{id}:{id}::/:/usr/sbin/nologin");
    }
    text
}

fn group(request: &BaseRequest<'_>) -> String {
    let mut text = format!("{}:x:{}:\n", field(request.user), request.gid);
    for (name, id) in others(request.gid) {
        let name = if id == NOBODY { "nogroup" } else { name };
        let _ = writeln!(text, "{name}:x:{id}:");
    }
    text
}

fn others(own: u32) -> impl Iterator<Item = (&'static str, u32)> {
    [("root", 0), ("nobody", NOBODY)].into_iter().filter(move |(_, id)| *id != own)
}

fn hosts(hostname: &str) -> String {
    format!("127.0.0.1\tlocalhost {name}\n::1\tlocalhost ip6-localhost {name}\n", name = field(hostname))
}

/// A value that cannot end its field or its line.
fn field(value: &str) -> String {
    value.chars().filter(|it| *it != ':' && !it.is_control()).collect()
}

fn file(name: &str, content: String) -> BaseEntry {
    BaseEntry::File { path: Path::new("/etc").join(name), content: content.into_bytes(), mode: 0o644 }
}

fn copy(host: &OwnedFd, name: &str) -> Option<BaseEntry> {
    let content = read_regular(host, name, 1024 * 1024).ok()?;
    Some(BaseEntry::File { path: Path::new("/etc").join(name), content, mode: 0o644 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_wanted() {
        for name in
            ["shadow", "gshadow", "ssh", "sudoers", "sudoers.d", "environment", "machine-id", "nix", "docker"]
        {
            assert!(WANTED.iter().all(|(wanted, _)| *wanted != name), "{name}");
        }
    }
}
