use serde_json::json;

use super::*;
use crate::digest::sha256;

#[test]
fn a_file_is_read_whole_and_in_parts_and_lines() {
    let scratch = Scratch::new();
    scratch.write("a/b.txt", "one\ntwo\nthree\n");
    let whole = scratch.done("fs/read", json!({ "path": "a/b.txt" }));
    assert_eq!(whole["text"], "one\ntwo\nthree\n");
    assert_eq!(
        (&whole["size"], &whole["truncated"], &whole["mode"]),
        (&json!(14), &json!(false), &json!("644"))
    );
    assert_eq!(whole["sha256"], sha256(b"one\ntwo\nthree\n"));
    let part = scratch.done("fs/read", json!({ "path": "/app/a/b.txt", "offset": 4, "maxBytes": 3 }));
    assert_eq!((&part["text"], &part["truncated"], &part["next"]), (&json!("two"), &json!(true), &json!(7)));
    assert_eq!(part.get("sha256"), None);
    let lines = scratch.done("fs/read", json!({ "path": "a/b.txt", "line": 2, "lines": 1, "sha256": true }));
    assert_eq!((&lines["text"], &lines["offset"], &lines["next"]), (&json!("two\n"), &json!(4), &json!(8)));
    assert_eq!(lines["sha256"], whole["sha256"]);
    let last = scratch.done("fs/read", json!({ "path": "a/b.txt", "line": 3 }));
    assert_eq!((&last["text"], &last["truncated"]), (&json!("three\n"), &json!(false)));
    let beyond = scratch.done("fs/read", json!({ "path": "a/b.txt", "line": 9 }));
    assert_eq!((&beyond["text"], &beyond["offset"]), (&json!(""), &json!(14)));
    scratch.refused("fs/read", json!({ "path": "a" }), "CLR-FILE-KIND");
    let missing = scratch.refused("fs/read", json!({ "path": "none" }), "CLR-FILE-MISSING");
    assert_eq!((&missing["errno"], &missing["path"]), (&json!("ENOENT"), &json!("none")));
    scratch.refused("fs/read", json!({ "path": "a", "line": 0 }), "CLR-FILE-REQUEST");
}

#[test]
fn text_is_cut_between_characters_and_what_is_none_travels_as_bytes() {
    let scratch = Scratch::new();
    scratch.write("text", "aä€");
    let cut = |most: u64, offset: u64| {
        scratch.done("fs/read", json!({ "path": "text", "maxBytes": most, "offset": offset }))
    };
    assert_eq!((&cut(2, 0)["text"], &cut(2, 0)["next"]), (&json!("a"), &json!(1)));
    assert_eq!((&cut(3, 0)["text"], &cut(3, 0)["next"]), (&json!("aä"), &json!(3)));
    assert_eq!((&cut(5, 0)["text"], &cut(9, 3)["text"]), (&json!("aä"), &json!("€")));
    // No character fits: nothing would come of reading on.
    assert_eq!((&cut(1, 3)["bytes"], &cut(1, 3)["next"]), (&json!("4g=="), &json!(4)));
    scratch.write("binary", b"a\xff\0");
    assert_eq!(scratch.done("fs/read", json!({ "path": "binary" }))["bytes"], "Yf8A");
    // Whole, it ends within a character.
    scratch.write("broken", b"a\xc3");
    assert_eq!(scratch.done("fs/read", json!({ "path": "broken" }))["bytes"], "YcM=");
}

#[test]
fn a_file_is_made_with_its_directories_and_replaced_with_its_mode() {
    let scratch = Scratch::new();
    let made = scratch.done("fs/write", json!({ "path": "x/y/z.sh", "text": "one", "mode": "755" }));
    assert_eq!(
        (&made["created"], &made["mode"], &made["path"]),
        (&json!(true), &json!("755"), &json!("x/y/z.sh"))
    );
    let again = scratch.done("fs/write", json!({ "path": "x/y/z.sh", "bytes": "dHdv" }));
    assert_eq!(
        (&again["created"], &again["mode"], &again["size"]),
        (&json!(false), &json!("755"), &json!(3))
    );
    assert_eq!(scratch.text("x/y/z.sh"), "two");
    let added = scratch.done("fs/write", json!({ "path": "x/y/z.sh", "text": "!", "append": true }));
    assert_eq!((scratch.text("x/y/z.sh").as_str(), &added["size"]), ("two!", &json!(4)));
    assert_eq!(fs::read_dir(scratch.top.join("x/y")).expect("read").count(), 1, "nothing is left beside it");
    scratch.refused("fs/write", json!({ "path": "new", "text": "", "create": false }), "CLR-FILE-MISSING");
    scratch.refused("fs/write", json!({ "path": "x", "text": "" }), "CLR-FILE-KIND");
    scratch.refused("fs/write", json!({ "path": ".", "text": "" }), "CLR-FILE-KIND");
    scratch.refused("fs/write", json!({ "path": "x/y/z.sh/deeper", "text": "" }), "CLR-FILE-KIND");
    for wrong in [
        json!({}),
        json!({ "text": "", "bytes": "" }),
        json!({ "bytes": "?" }),
        json!({ "text": "", "mode": "7777" }),
    ] {
        let mut params = wrong;
        params["path"] = json!("new");
        scratch.refused("fs/write", params, "CLR-FILE-REQUEST");
    }
    assert!(!scratch.top.join("new").exists());
}

#[test]
fn what_changed_meanwhile_is_not_written_over() {
    let scratch = Scratch::new();
    let absent = json!({ "path": "f", "text": "1", "expected": "absent" });
    let hash = scratch.done("fs/write", absent.clone())["sha256"].clone();
    let error = scratch.refused("fs/write", absent, "CLR-FILE-CHANGED");
    assert_eq!(error["actual"], hash);
    let upon = |text: &str| json!({ "path": "f", "text": text, "expected": hash });
    scratch.done("fs/write", upon("2"));
    let error = scratch.refused("fs/write", upon("3"), "CLR-FILE-CHANGED");
    assert_eq!((scratch.text("f").as_str(), &error["actual"]), ("2", &json!(sha256(b"2"))));
    let error =
        scratch.refused("fs/write", json!({ "path": "g", "text": "", "expected": hash }), "CLR-FILE-CHANGED");
    assert_eq!(error["actual"], "absent");
}

#[test]
fn edits_are_made_all_or_none() {
    let scratch = Scratch::new();
    scratch.write("f", "let a = 1;\nlet b = 1;\n");
    let edit = |edits: Value| json!({ "path": "f", "edits": edits });
    let done = scratch.done(
        "fs/edit",
        edit(json!([{ "old": "a = 1", "new": "a = 2" }, { "old": "let", "new": "var", "all": true }])),
    );
    assert_eq!((scratch.text("f").as_str(), &done["replaced"]), ("var a = 2;\nvar b = 1;\n", &json!(3)));
    assert_eq!(done["sha256"], sha256(b"var a = 2;\nvar b = 1;\n"));
    for (bad, why) in [("var", "2 times"), ("nowhere", "does not stand"), ("", "empty")] {
        let error = scratch.refused(
            "fs/edit",
            edit(json!([{ "old": "a = 2", "new": "a = 3" }, { "old": bad, "new": "x" }])),
            "CLR-FILE-MISMATCH",
        );
        assert!(error["message"].as_str().expect("text").contains(why), "{error}");
    }
    assert_eq!(scratch.text("f"), "var a = 2;\nvar b = 1;\n");
    scratch.write("binary", b"\xff");
    scratch.refused("fs/edit", json!({ "path": "binary", "edits": [] }), "CLR-FILE-KIND");
}

#[test]
fn a_directory_is_listed_level_by_level_sorted_and_bounded() {
    let scratch = Scratch::new();
    for path in ["b/inner/deep", "a", ".hidden", "c/1", "c/2"] {
        scratch.write(path, "x");
    }
    scratch.link("a", "link");
    let paths = |params: Value| -> (Vec<String>, bool) {
        let answer = scratch.done("fs/list", params);
        let entries = answer["entries"].as_array().expect("entries").iter();
        (
            entries.map(|entry| entry["path"].as_str().expect("text").into()).collect(),
            answer["truncated"] == json!(true),
        )
    };
    let told = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(paths(json!({})), (told(&[".hidden", "a", "b", "c", "link"]), false));
    assert_eq!(paths(json!({ "hidden": false, "limit": 2 })), (told(&["a", "b"]), true));
    let deep = told(&["a", "b", "b/inner", "b/inner/deep", "c", "c/1", "c/2", "link"]);
    assert_eq!(paths(json!({ "hidden": false, "depth": 9 })), (deep, false));
    // What is near is told before what is deep.
    let near = told(&["a", "b", "b/inner", "c", "link"]);
    assert_eq!(paths(json!({ "hidden": false, "depth": 9, "limit": 5 })), (near, true));
    assert_eq!(paths(json!({ "path": "/app/c" })), (told(&["c/1", "c/2"]), false));
    let link = &scratch.done("fs/list", json!({}))["entries"][4];
    assert_eq!((&link["type"], &link["target"]), (&json!("link"), &json!("a")));
    scratch.refused("fs/list", json!({ "path": "a" }), "CLR-FILE-KIND");
    scratch.refused("fs/list", json!({ "path": "none" }), "CLR-FILE-MISSING");
}

#[test]
fn what_stands_under_a_path_is_told() {
    let scratch = Scratch::new();
    scratch.write("a", "four");
    scratch.link("a", "link");
    let file = scratch.done("fs/stat", json!({ "path": "a" }));
    assert_eq!((&file["type"], &file["size"], &file["mode"]), (&json!("file"), &json!(4), &json!("644")));
    let link = scratch.done("fs/stat", json!({ "path": "link" }));
    assert_eq!((&link["type"], &link["target"]), (&json!("link"), &json!("a")));
    assert_eq!(scratch.done("fs/stat", json!({ "path": "link", "follow": true }))["type"], "file");
    assert_eq!(scratch.done("fs/stat", json!({ "path": "" }))["type"], "directory");
}

#[test]
fn files_links_and_directories_are_removed() {
    let scratch = Scratch::new();
    scratch.write("a/b/c", "x");
    scratch.link("a", "link");
    let error = scratch.refused("fs/remove", json!({ "path": "a" }), "CLR-FILE-NOT-EMPTY");
    assert_eq!(error["entries"], json!(["a/b"]));
    scratch.done("fs/remove", json!({ "path": "link", "recursive": true }));
    assert!(scratch.top.join("a/b/c").exists(), "a link is removed itself");
    scratch.done("fs/remove", json!({ "path": "a", "recursive": true }));
    assert!(!scratch.top.join("a").exists());
    scratch.refused("fs/remove", json!({ "path": "a" }), "CLR-FILE-MISSING");
    scratch.refused("fs/remove", json!({ "path": "/app", "recursive": true }), "CLR-FILE-KIND");
}

#[test]
fn files_get_other_names_and_directories_are_made() {
    let scratch = Scratch::new();
    scratch.write("a", "a");
    scratch.write("b", "b");
    scratch.refused("fs/move", json!({ "from": "a", "to": "b" }), "CLR-FILE-EXISTS");
    scratch.done("fs/move", json!({ "from": "a", "to": "b", "replace": true }));
    scratch.done("fs/move", json!({ "from": "b", "to": "new/place" }));
    assert_eq!(scratch.text("new/place"), "a");
    scratch.done("fs/mkdir", json!({ "path": "x/y" }));
    scratch.done("fs/mkdir", json!({ "path": "x/y" }));
    assert!(scratch.top.join("x/y").is_dir());
    scratch.refused("fs/mkdir", json!({ "path": "new/place" }), "CLR-FILE-KIND");
    scratch.refused("fs/mkdir", json!({ "path": "../x" }), "CLR-FILE-OUTSIDE");
}

#[test]
fn parameters_that_mean_nothing_are_refused_and_all_methods_known() {
    let error =
        Request::of("fs/read", json!({ "path": "a", "more": 1 })).expect("a method").expect_err("a field");
    assert!(error.to_string().contains("unknown field `more`"), "{error}");
    assert!(Request::of("fs/none", json!({})).is_none());
    for method in ["read", "write", "edit", "list", "stat", "remove", "move", "mkdir"] {
        let method = &format!("fs/{method}");
        let params = json!({ "path": "a", "from": "a", "to": "b", "edits": [] });
        let request = Request::of(method, params).expect("a method");
        assert!(request.is_err(), "{method} takes what it does not know");
    }
}
