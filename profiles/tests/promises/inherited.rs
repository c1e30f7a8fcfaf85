//! What a child has of its parent, where it says something of the same.

use clearing_profiles::{Answer, HostPath};

use super::narrowing::family;

#[test]
fn dots_in_a_list_stand_for_what_the_parent_has() {
    let heading = "extends = \"parent\"\nwiden = true\nreason = \"more\"\n";
    let child = "[filesystem]\nread = [\"/srv\", \"...\"]\n[environment]\npass = [\"...\", \"LANG\"]\n";
    let profile = family(&format!("{heading}{child}")).find("child").unwrap();
    let expected = [
        HostPath::Absolute("/srv".into()),
        HostPath::Absolute("/opt/tools".into()),
        HostPath::Home("sdk".into()),
    ];
    assert_eq!(profile.filesystem.read, expected);
    assert_eq!(profile.environment.pass, ["PATH", "LC_*", "LANG"]);
}

#[test]
fn what_is_hidden_or_closed_stays_so_unless_the_child_widens() {
    let child = "[filesystem]\nhide = [\"*.secret\"]\nread_only = []\n";
    let narrowed = family(&format!("extends = \"parent\"\n{child}")).find("child").unwrap().filesystem;
    assert_eq!(
        (narrowed.hide, narrowed.read_only),
        (vec!["notes".into(), "*.secret".into()], vec!["vendor".into()])
    );
    let heading = "extends = \"parent\"\nwiden = true\nreason = \"more\"\n";
    let widened = family(&format!("{heading}{child}")).find("child").unwrap().filesystem;
    assert_eq!((widened.hide, widened.read_only), (vec!["*.secret".to_owned()], Vec::<String>::new()));
}

#[test]
fn what_is_kept_stays_so_unless_the_child_widens() {
    let keep = |heading: &str, keep: &str| {
        family(&format!("extends = \"parent\"\n{heading}[patch]\nkeep = {keep}"))
            .find("child")
            .unwrap()
            .patch
            .keep
    };
    assert_eq!(keep("", r#"["*.proto", "schema.sql"]"#), ["schema.sql", "*.proto"]);
    assert_eq!(keep("", "[]"), ["schema.sql"]);
    assert_eq!(keep("widen = true\nreason = \"r\"\n", r#"["*.proto"]"#), ["*.proto"]);
}

#[test]
fn set_variables_are_joined_to_those_of_the_parent() {
    let heading = "extends = \"parent\"\nwiden = true\nreason = \"more\"\n";
    let profile = family(&format!("{heading}[environment.set]\nDEBUG = \"1\"")).find("child").unwrap();
    let set: Vec<_> = profile.environment.set.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(set, ["CI=1", "DEBUG=1"]);
}

#[test]
fn the_nearest_word_on_a_system_call_wins() {
    let answer = |child: &str, call: &str| {
        let rules = family(child).find("child").unwrap().syscall_rules();
        rules.iter().find(|rule| rule.name == call).map(|rule| (rule.answer, rule.when.len())).unwrap()
    };
    let narrow = "extends = \"parent\"\n";
    assert_eq!(answer(narrow, "personality"), (Answer::Allow, 0));
    assert_eq!(answer(narrow, "ptrace"), (Answer::Eperm, 0));
    let refused = "extends = \"parent\"\n[syscalls]\nrefuse = [\"personality\", \"clone\", \"clone3\"]";
    assert_eq!(answer(refused, "personality"), (Answer::Eperm, 0));
    assert_eq!(answer(refused, "clone"), (Answer::Eperm, 0), "without its conditions");
    assert_eq!(answer(refused, "clone3"), (Answer::Enosys, 0), "libraries must still fall back");
    let widened = "extends = \"parent\"\nwiden = true\nreason = \"gdb\"\n[syscalls]\nallow = [\"ptrace\"]";
    assert_eq!(answer(widened, "ptrace"), (Answer::Allow, 0));
    assert_eq!(answer(widened, "read"), (Answer::Allow, 0));
}
