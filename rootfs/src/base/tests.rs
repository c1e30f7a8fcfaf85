use super::*;

use std::fs;
use std::os::unix::fs::symlink;

fn request() -> BaseRequest<'static> {
    BaseRequest {
        user: "ann",
        uid: 1000,
        gid: 1000,
        home: Path::new("/home/ann"),
        shell: Path::new("/bin/bash"),
        hostname: "clearing",
        names: HostNames::Own,
    }
}

fn content<'a>(base: &'a Base, wanted: &str) -> Option<&'a [u8]> {
    base.entries.iter().find_map(|entry| match entry {
        BaseEntry::File { path, content, .. } if path == Path::new(wanted) => Some(content.as_slice()),
        _ => None,
    })
}

/// A host with merged `bin`, a `lib64` of its own and a few entries in `/etc`.
fn host() -> tempfile::TempDir {
    let host = tempfile::tempdir().unwrap();
    let etc = host.path().join("etc");
    fs::create_dir_all(etc.join("ssl")).unwrap();
    fs::create_dir_all(host.path().join("lib64")).unwrap();
    fs::create_dir_all(etc.join("ssh")).unwrap();
    symlink("usr/bin", host.path().join("bin")).unwrap();
    symlink("/usr/share/zoneinfo/Etc/UTC", etc.join("localtime")).unwrap();
    symlink("ssl", etc.join("pki")).unwrap();
    fs::write(etc.join("services"), vec![b'x'; 5000]).unwrap();
    fs::write(etc.join("protocols"), "ip 0 IP\n").unwrap();
    fs::write(etc.join("shadow"), "root:secret\n").unwrap();
    fs::write(etc.join("hosts"), "10.0.0.1 db\n").unwrap();
    fs::write(etc.join("npmrc"), "a=b\n_authToken=x\n").unwrap();
    host
}

#[test]
fn each_entry_of_the_host_comes_in_the_cheapest_true_form() {
    let host = host();
    let base = Base::of(host.path(), &request());
    let link = |path: &str, to: &str| BaseEntry::Symlink { path: path.into(), to: to.into() };
    let expected = [
        BaseEntry::ReadOnly { path: "/usr".into() },
        link("/bin", "usr/bin"),
        BaseEntry::ReadOnly { path: "/lib64".into() },
        link("/etc/localtime", "/usr/share/zoneinfo/Etc/UTC"),
        BaseEntry::ReadOnly { path: "/etc/pki".into() },
        BaseEntry::ReadOnly { path: "/etc/ssl".into() },
    ];
    for entry in expected {
        assert!(base.entries.contains(&entry), "{entry:?}");
    }
    assert_eq!(content(&base, "/etc/protocols"), Some(&b"ip 0 IP\n"[..]));
    assert_eq!(content(&base, "/etc/npmrc"), Some(&b"a=b\n"[..]));
}

#[test]
fn what_nobody_needs_of_etc_does_not_come_in() {
    let host = host();
    let text = format!("{:?}", Base::of(host.path(), &request()));
    assert!(!text.contains("shadow\"") && !text.contains("ssh"), "{text}");
}

#[test]
fn the_accounts_are_the_callers_root_and_nobody() {
    let host = host();
    let base = Base::of(host.path(), &request());
    let expected = "ann:x:1000:1000::/home/ann:/bin/bash\nroot:x:0:0::/:/usr/sbin/nologin\n\
                    nobody:x:65534:65534::/:/usr/sbin/nologin\n";
    assert_eq!(content(&base, "/etc/passwd").map(String::from_utf8_lossy).as_deref(), Some(expected));
    let expected = "ann:x:1000:\nroot:x:0:\nnogroup:x:65534:\n";
    assert_eq!(content(&base, "/etc/group").map(String::from_utf8_lossy).as_deref(), Some(expected));
}

#[test]
fn a_home_with_colons_and_newlines_adds_no_account() {
    let host = host();
    let base =
        Base::of(host.path(), &BaseRequest { home: Path::new("/h:0\nevil:x:0:0::/:/bin/sh"), ..request() });
    assert_eq!(content(&base, "/etc/passwd").map(|text| text.split(|it| *it == b'\n').count()), Some(4));
}

#[test]
fn names_of_other_hosts_resolve_only_with_the_hosts_network() {
    let host = host();
    let own = Base::of(host.path(), &request());
    assert!(content(&own, "/etc/hosts").unwrap().starts_with(b"127.0.0.1\tlocalhost clearing\n"));
    assert_eq!(content(&own, "/etc/resolv.conf"), Some(&b""[..]));
    let shared = Base::of(host.path(), &BaseRequest { names: HostNames::Host, ..request() });
    assert_eq!(content(&shared, "/etc/hosts"), Some(&b"10.0.0.1 db\n"[..]));
}

#[test]
fn this_host_has_a_loader_and_an_account_inside() {
    let base = Base::of_host(&request());
    assert!(base.entries.iter().any(|entry| matches!(entry,
        BaseEntry::Symlink { path, .. } | BaseEntry::ReadOnly { path } if path == Path::new("/bin"))));
    assert!(content(&base, "/etc/passwd").is_some());
}
