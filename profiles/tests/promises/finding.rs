//! Where profiles are found, and how a chain of them ends.

use std::error::Error;
use std::fs;

use clearing_profiles::{Profile, ProfileError};

use super::profiles::Profiles;

#[test]
fn a_users_profile_comes_before_the_builtin_one_which_it_can_extend() {
    let profiles = Profiles::new([("default", &b"extends = \"default\"\n[limits]\nnofile = 512"[..])]);
    let profile = profiles.find("default").unwrap();
    assert_eq!((profile.name.as_str(), profile.limits.nofile), ("default", Some(512)));
    assert_eq!(Profile::find("default", None).unwrap().limits.nofile, Some(1024));
}

#[test]
fn a_name_falls_back_to_the_builtin_profiles() {
    assert_eq!(Profiles::new([]).find("default").unwrap(), Profile::builtin("default").unwrap());
}

#[test]
fn a_users_profile_that_cannot_be_read_is_an_error_and_not_passed_over() {
    let profiles = Profiles::new([]);
    fs::create_dir(profiles.path("default")).unwrap();
    assert!(matches!(profiles.find("default"), Err(ProfileError::Unreadable { .. })));
}

#[test]
fn what_has_a_slash_or_ends_in_toml_is_a_path() {
    let profiles = Profiles::new([("mine", &b"extends = \"default\""[..])]);
    let path = profiles.path("mine");
    assert_eq!(Profile::find(path.to_str().unwrap(), None).unwrap().name, "mine");
    assert_eq!(Profile::load(&path).unwrap().name, "mine");
    for missing in ["default.toml", "./default"] {
        let error = Profile::find(missing, None).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot read the profile {missing}"));
        assert_eq!(error.source().unwrap().to_string(), "No such file or directory (os error 2)");
    }
}

#[test]
fn a_path_in_extends_starts_from_the_file_that_names_it() {
    let profiles = Profiles::new([
        ("base", &b"extends = \"default\"\n[limits]\nnofile = 512"[..]),
        ("child", b"extends = \"./base.toml\""),
    ]);
    assert_eq!(Profile::load(&profiles.path("child")).unwrap().limits.nofile, Some(512));
}

#[test]
fn what_was_read_for_a_profile_is_known_to_be_as_it_was() {
    let profiles = Profiles::new([("mine", &b"extends = \"base\""[..]), ("base", b"extends = \"default\"")]);
    let sources = profiles.sources("mine");
    assert!(sources.are_still());
    // The parent, then one that was not there and comes before the built-in one, then both as they were.
    let steps: [(&str, Option<&str>, bool); 5] = [
        ("base", Some("extends = \"default\"\n[limits]\nnofile = 77"), false),
        ("base", Some("extends = \"default\""), true),
        ("default", Some("extends = \"default\""), false),
        ("default", None, true),
        ("mine", None, false),
    ];
    for (name, text, are_still) in steps {
        match text {
            Some(text) => fs::write(profiles.path(name), text).unwrap(),
            None => fs::remove_file(profiles.path(name)).unwrap(),
        }
        assert_eq!(sources.are_still(), are_still, "{name} {text:?}");
    }
}

#[test]
fn a_profile_that_is_the_default_is_as_it_was_while_it_is_that() {
    let profiles = Profiles::new([("mine", &b"extends = \"default\""[..])]);
    std::os::unix::fs::symlink("mine.toml", profiles.path("default")).unwrap();
    let sources = profiles.sources("mine");
    assert!(sources.are_still());
    fs::remove_file(profiles.path("default")).unwrap();
    fs::write(profiles.path("default"), "extends = \"default\"\n[limits]\nnofile = 77").unwrap();
    assert_eq!(profiles.find("mine").unwrap().limits.nofile, Some(77));
    assert!(!sources.are_still());
}

#[test]
fn a_file_that_cannot_be_read_any_more_is_not_as_it_was() {
    let profiles = Profiles::new([("mine", &b"extends = \"default\""[..])]);
    let (named, builtin) = (profiles.sources("mine"), profiles.sources("default"));
    for name in ["mine", "default"] {
        let _ = fs::remove_file(profiles.path(name));
        fs::create_dir(profiles.path(name)).unwrap();
    }
    assert!(!named.are_still() && !builtin.are_still());
}

#[test]
fn names_cannot_lead_out_of_the_folder() {
    for name in ["", ".", "..", "a\0b", "a b", "de\u{202e}fault", "-"] {
        let error = Profiles::new([]).find(name).unwrap_err();
        assert!(matches!(error, ProfileError::NotFound { .. }), "{name:?}: {error}");
    }
}

#[test]
fn an_unknown_name_is_told_with_the_nearest() {
    let error = Profile::builtin("defualt").unwrap_err();
    assert_eq!(error.to_string(), "no profile is named `defualt`");
    assert_eq!(error.hint().as_deref(), Some("did you mean `default`?"));
    let error = Profile::find("browser", None).unwrap_err();
    let expected = "built in: default, express, flask, go, node, offline, python, react, rust, strict; a path has a `/` or ends \
                    in `.toml`";
    assert_eq!(error.hint().as_deref(), Some(expected));
}

#[test]
fn a_circle_is_refused_where_it_closes() {
    let profiles = Profiles::new([
        ("a", &b"extends = \"b\""[..]),
        ("b", b"# then\nextends = \"c\""),
        ("c", b"extends = \"./a.toml\""),
        ("self", b"extends = \"./self.toml\""),
    ]);
    let expected = "c.toml:1:11: `./a.toml` is in this chain of profiles already
  1 | extends = \"./a.toml\"
    |           ^^^^^^^^^^";
    assert_eq!(profiles.message("a"), expected);
    assert!(profiles.message("self").starts_with("self.toml:1:11: `./self.toml` is in this chain"));
}

#[test]
fn a_profile_that_only_names_itself_has_no_parent() {
    let profiles = Profiles::new([("mine", &b"extends = \"mine\""[..])]);
    assert!(profiles.message("mine").starts_with("mine.toml:1:11: no profile is named `mine`\n"));
}

#[test]
fn a_chain_has_eight_profiles_at_most() {
    let names: Vec<String> = (0..9).map(|n| format!("p{n}")).collect();
    let texts: Vec<String> = (1..9).map(|n| format!("extends = \"p{n}\"")).collect();
    let chain = |last: &'static str| {
        let texts = texts.iter().map(String::as_str).chain([last]);
        Profiles::new(names.iter().map(String::as_str).zip(texts.map(str::as_bytes)))
    };
    let profiles = chain("extends = \"default\"");
    assert!(profiles.find("p2").is_ok(), "p2 to p8, and the default");
    let message = profiles.message("p1");
    assert!(message.starts_with("p8.toml:1:11: more than 8 profiles extend one another\n"), "{message}");
}

#[test]
fn a_fault_in_a_parent_is_told_at_its_own_place() {
    let profiles = Profiles::new([
        ("base", &b"extends = \"default\"\n[limits]\ncore = -1"[..]),
        ("child", b"extends = \"base\""),
    ]);
    assert!(profiles.message("child").starts_with("base.toml:3:8: `core` in [limits]: -1 is out of range\n"));
}

#[test]
fn a_missing_file_in_extends_is_told_where_it_is_named() {
    let profiles = Profiles::new([("child", &b"extends = \"/nowhere/base.toml\""[..])]);
    let expected =
        "child.toml:1:11: cannot read the profile /nowhere/base.toml: No such file or directory (os error 2)
  1 | extends = \"/nowhere/base.toml\"
    |           ^^^^^^^^^^^^^^^^^^^^";
    assert_eq!(profiles.message("child"), expected);
}

#[test]
fn a_file_without_end_is_not_read_to_its_end() {
    let error = Profile::find("/dev/zero", None).unwrap_err();
    assert_eq!(error.to_string(), "/dev/zero is longer than a profile can be, 1048576 bytes");
}
