//! `/etc` inside: which of the host's entries programs truly need, and what is written for the sandbox.

use std::fmt::Write;
use std::os::fd::OwnedFd;
use std::path::Path;

use crate::base::{BaseEntry, BaseRequest, HostNames};
use crate::files::read_regular;

/// How an entry of the host's `/etc` is taken over.
pub(crate) enum Wanted {
    /// As it is.
    Whole,
    /// As a copy without the lines that hold credentials.
    WithoutCredentials,
}

/// Sorted. Each entry costs a mount or a copy at every start, so it is here for a program that misses it.
const WHOLE: &[&str] = &[
    // Debian: `cc`, `java`, `editor` are links through it.
    "alternatives",
    "bash.bashrc",
    // Fedora: OpenSSL's configuration includes it.
    "crypto-policies",
    "debian_version",
    // Headless browsers, PDF writers and plots find no font without it.
    "fonts",
    // readline
    "inputrc",
    // Fedora: the JVM's configuration.
    "java",
    // The loader finds no library beside the standard directories without it.
    "ld.so.cache",
    // ld(1) finds the libraries that libraries need by it.
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "lsb-release",
    // Debian: `mvn` reads its configuration there, through a link.
    "maven",
    // Python's mimetypes and web servers under test.
    "mime.types",
    "os-release",
    // php.ini
    "php",
    // Fedora: certificates.
    "pki",
    "profile",
    // getprotobyname(3)
    "protocols",
    "redhat-release",
    // getservbyname(3)
    "services",
    // Certificates, openssl.cnf.
    "ssl",
    "texmf",
    "timezone",
];

/// Sorted. World-readable on the host, and still the place where registry tokens are kept.
const WITHOUT_CREDENTIALS: &[&str] = &["gemrc", "gitconfig", "npmrc", "pip.conf", "wgetrc"];

/// Says whether programs need this name of the host's `/etc`.
pub(crate) fn wanted_of_etc(name: &str) -> Option<Wanted> {
    // `java-17-openjdk`: the JVM of Debian has its configuration there, behind links.
    let versioned = name.starts_with("java-") && name.ends_with("-openjdk");
    if versioned || WHOLE.binary_search(&name).is_ok() {
        Some(Wanted::Whole)
    } else if WITHOUT_CREDENTIALS.binary_search(&name).is_ok() {
        Some(Wanted::WithoutCredentials)
    } else {
        None
    }
}

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
    fn the_tables_are_sorted_as_the_search_needs() {
        assert!(WHOLE.is_sorted() && WITHOUT_CREDENTIALS.is_sorted());
    }

    #[test]
    fn nothing_secret_is_wanted() {
        for name in
            ["shadow", "gshadow", "ssh", "sudoers", "sudoers.d", "environment", "machine-id", "nix", "docker"]
        {
            assert!(wanted_of_etc(name).is_none(), "{name}");
        }
    }
}
