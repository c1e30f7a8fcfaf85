use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::json;

use super::*;

#[test]
fn nothing_outside_is_reached_by_any_path_or_link() {
    let scratch = Scratch::new();
    let outside = scratch.top.join("../outside").canonicalize().expect("there");
    scratch.link("../outside", "out");
    scratch.link(outside.to_str().expect("text"), "absolute");
    scratch.link("..", "up");
    scratch.link("/", "root");
    scratch.link("out", "twice");
    scratch.link("/proc/self/cwd", "magic");
    let outward = [
        "../outside",
        "a/../../outside",
        "/etc/passwd",
        "/",
        "out",
        "absolute",
        "up/outside",
        "twice",
        "magic",
    ];
    scratch.write("a/file", "x");
    for path in outward.into_iter().chain(["root/etc/passwd", "/app/../outside", "/app-other/x"]) {
        scratch.refused("fs/read", json!({ "path": path }), "CLR-FILE-OUTSIDE");
        scratch.refused("fs/stat", json!({ "path": path, "follow": true }), "CLR-FILE-OUTSIDE");
        scratch.refused("fs/list", json!({ "path": path }), "CLR-FILE-OUTSIDE");
        scratch.ask("fs/write", json!({ "path": path, "text": "evil" })).expect_err(path);
        scratch.ask("fs/write", json!({ "path": path, "text": "evil", "append": true })).expect_err(path);
        scratch
            .ask("fs/edit", json!({ "path": path, "edits": [{ "old": "secret", "new": "evil" }] }))
            .expect_err(path);
    }
    for path in ["../outside", "up/outside", "root/etc/passwd", "/etc/passwd", ".."] {
        scratch.ask("fs/remove", json!({ "path": path, "recursive": true })).expect_err(path);
        scratch.ask("fs/move", json!({ "from": path, "to": "mine" })).expect_err(path);
        scratch.ask("fs/move", json!({ "from": "a/file", "to": path, "replace": true })).expect_err(path);
    }
    assert_eq!((scratch.outside().as_str(), scratch.text("a/file").as_str()), ("secret", "x"));
    // Links themselves can be told of and removed.
    assert_eq!(scratch.done("fs/stat", json!({ "path": "out" }))["target"], "../outside");
    scratch.done("fs/remove", json!({ "path": "up", "recursive": true }));
    assert_eq!(scratch.outside(), "secret");
}

#[test]
fn links_that_stay_inside_are_written_through_and_loops_end() {
    let scratch = Scratch::new();
    scratch.write("a/real", "x");
    scratch.link("a/real", "link");
    scratch.link("../a/./real", "a/chain");
    scratch.link("a", "directory");
    scratch.link("new", "dangling");
    scratch.link("loop", "loop");
    let written = scratch.done("fs/write", json!({ "path": "link", "text": "1" }));
    assert_eq!((scratch.text("a/real").as_str(), &written["path"]), ("1", &json!("a/real")));
    scratch.done("fs/write", json!({ "path": "directory/chain", "text": "2" }));
    scratch.done("fs/write", json!({ "path": "dangling", "text": "3" }));
    assert_eq!((scratch.text("a/real"), scratch.text("new")), ("2".into(), "3".into()));
    assert!(scratch.top.join("link").is_symlink() && scratch.top.join("dangling").is_symlink());
    scratch.refused("fs/read", json!({ "path": "loop" }), "CLR-FILE-OUTSIDE");
    scratch.refused("fs/write", json!({ "path": "loop", "text": "" }), "CLR-FILE-OUTSIDE");
}

#[test]
fn pipes_and_sockets_are_refused_at_once() {
    let scratch = Scratch::new();
    mknodat(CWD, scratch.top.join("fifo"), FileType::Fifo, Mode::from_raw_mode(0o666), 0).expect("made");
    let _listener = UnixListener::bind(scratch.top.join("socket")).expect("bound");
    for (path, kind) in [("fifo", "fifo"), ("socket", "socket")] {
        scratch.refused("fs/read", json!({ "path": path }), "CLR-FILE-KIND");
        scratch.refused("fs/write", json!({ "path": path, "text": "x" }), "CLR-FILE-KIND");
        scratch.refused("fs/write", json!({ "path": path, "text": "x", "append": true }), "CLR-FILE-KIND");
        scratch.refused("fs/edit", json!({ "path": path, "edits": [] }), "CLR-FILE-KIND");
        assert_eq!(scratch.done("fs/stat", json!({ "path": path }))["type"], kind);
        scratch.done("fs/remove", json!({ "path": path }));
    }
}

#[test]
fn huge_files_are_read_in_bounds() {
    let scratch = Scratch::new();
    fs::File::create(scratch.top.join("sparse")).expect("made").set_len(1 << 40).expect("grown");
    let part = scratch.done("fs/read", json!({ "path": "sparse", "maxBytes": u64::MAX }));
    let text = part["text"].as_str().expect("text");
    assert_eq!((text.len(), &part["truncated"], &part["next"]), (8 << 20, &json!(true), &json!(8 << 20)));
    scratch.refused("fs/read", json!({ "path": "sparse", "sha256": true }), "CLR-FILE-FULL");
    scratch.refused("fs/edit", json!({ "path": "sparse", "edits": [] }), "CLR-FILE-SIZE");
    scratch.refused(
        "fs/write",
        json!({ "path": "sparse", "text": "", "expected": "absent!" }),
        "CLR-FILE-FULL",
    );
    let end = scratch.done("fs/read", json!({ "path": "sparse", "offset": u64::MAX >> 1 }));
    assert_eq!((&end["text"], &end["truncated"]), (&json!(""), &json!(false)));
}

#[test]
fn names_that_are_no_text_and_deep_trees_are_listed_and_removed() {
    let scratch = Scratch::new();
    fs::write(scratch.top.join(std::ffi::OsStr::from_bytes(b"a\xff")), "x").expect("written");
    let entry = &scratch.done("fs/list", json!({}))["entries"][0];
    assert_eq!(entry["path"], json!({ "bytes": "Yf8=" }));
    assert_eq!(scratch.done("fs/read", json!({ "path": entry["path"] }))["text"], "x");
    scratch.done("fs/remove", json!({ "path": entry["path"] }));
    scratch.refused("fs/read", json!({ "path": "a\u{0}b" }), "CLR-FILE-REQUEST");
    // Deeper than a path can be long.
    let mut held = fs::File::open(&scratch.top).expect("opened");
    let name = "d".repeat(200);
    for _ in 0..100 {
        rustix::fs::mkdirat(&held, &name, Mode::RWXU).expect("made");
        let flags = rustix::fs::OFlags::DIRECTORY;
        held = rustix::fs::openat(&held, &name, flags, Mode::empty()).expect("opened").into();
    }
    let deep = scratch.done("fs/list", json!({ "depth": 500 }));
    let entries = deep["entries"].as_array().expect("entries");
    assert!(entries.iter().any(|entry| entry["unread"] == json!("ENAMETOOLONG")), "{}", entries.len());
    scratch.done("fs/remove", json!({ "path": name, "recursive": true }));
    assert_eq!(fs::read_dir(&scratch.top).expect("read").count(), 0);
}

#[test]
fn a_directory_that_is_swapped_for_a_link_all_the_time_leads_nowhere() {
    let scratch = Scratch::new();
    let beside = scratch.top.join("../beside");
    fs::create_dir(&beside).expect("made");
    fs::write(beside.join("file"), "secret").expect("written");
    scratch.write("real/file", "mine");
    scratch.link("../beside", "evil");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let swap = || {
            let (top, flags) =
                (fs::File::open(&scratch.top).expect("opened"), rustix::fs::RenameFlags::EXCHANGE);
            while !stop.load(Ordering::Relaxed) {
                rustix::fs::renameat_with(&top, "real", &top, "evil", flags).expect("swapped");
            }
        };
        scope.spawn(swap);
        let (mut reached, mut refused) = (0, 0);
        while reached < 200 || refused < 200 {
            match scratch.ask("fs/read", json!({ "path": "real/file" })) {
                Ok(answer) => {
                    assert_ne!(answer["text"], "secret");
                    reached += 1;
                }
                Err(_) => refused += 1,
            }
            let _ = scratch.ask("fs/write", json!({ "path": "real/file", "text": "mine" }));
            let _ = scratch.ask("fs/remove", json!({ "path": "real/none/x", "recursive": true }));
            let _ = scratch.ask("fs/list", json!({ "path": ".", "depth": 3 }));
        }
        stop.store(true, Ordering::Relaxed);
    });
    let names: Vec<_> =
        fs::read_dir(&beside).expect("read").map(|entry| entry.expect("entry").file_name()).collect();
    assert_eq!((fs::read_to_string(beside.join("file")).expect("read").as_str(), names.len()), ("secret", 1));
}
