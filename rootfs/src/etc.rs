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

/// Sorted. Each directory here costs a mount at every start, so it names a program that fails without it.
const WHOLE: &[&str] = &[
    "alternatives",    // Debian: `cc`, `java`, `editor` are links through it
    "bash.bashrc",     // interactive bash
    "crypto-policies", // Fedora: OpenSSL's configuration includes it
    "debian_version",
    "fonts", // fontconfig: headless browsers, PDF writers, plots
    "gai.conf",
    "host.conf",
    "inputrc",     // readline
    "java",        // Fedora: the JVM's configuration
    "ld.so.cache", // the loader finds no library of /usr/lib/* without it
    "ld.so.conf",  // ld(1) resolves libraries of libraries by it
    "ld.so.conf.d",
    "locale.alias",
    "locale.conf",
    "localtime",
    "lsb-release",
    "magic",
    "magic.mime",
    "maven",      // Debian: `mvn` reads it through a link
    "mime.types", // Python's mimetypes
    "nanorc",
    "networks",
    "os-release",
    "papersize",
    "php", // php.ini
    "pki", // Fedora: certificates
    "profile",
    "protocols",
    "redhat-release",
    "rpc",
    "services", // getservbyname(3)
    "shells",
    "ssl",   // certificates, openssl.cnf
    "texmf", // TeX
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
        file("fstab", String::new()),
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
