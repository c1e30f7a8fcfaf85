//! What the loader says of a faulty profile: the whole message, at its place.

use super::profiles::{Profiles, load, message};

/// Compares the whole message on each text, which stands below `extends = "default"`.
///
/// A text and its message are parted by `----`, and cases by `====`; `␍` and `␛` stand for the bytes.
fn assert_messages(cases: &str) {
    for case in cases.split("====\n") {
        let (text, expected) = case.split_once("----\n").expect("a text and a message");
        let text = text.replace('␍', "\r").replace('␛', "\u{1b}");
        let actual = message(&format!("extends = \"default\"\n{text}"));
        assert_eq!(actual, expected.trim_end_matches('\n'), "\n{actual}\n");
    }
}

#[test]
fn unknown_keys_are_refused_with_the_nearest_known_one() {
    assert_messages(include_str!("messages/unknown_keys.txt"));
}

#[test]
fn rules_on_commands_are_held_to_their_examples() {
    assert_messages(include_str!("messages/commands.txt"));
}

#[test]
fn values_of_another_kind_are_told_apart() {
    assert_messages(include_str!("messages/kinds.txt"));
}

#[test]
fn quantities_are_refused_by_name_and_never_clamped() {
    assert_messages(include_str!("messages/quantities.txt"));
}

#[test]
fn words_are_the_known_ones() {
    assert_messages(include_str!("messages/words.txt"));
}

#[test]
fn a_place_in_a_list_of_many_lines_is_its_own() {
    assert_messages(include_str!("messages/lists.txt"));
}

#[test]
fn a_place_is_right_after_tabs_crlf_and_letters_of_any_width() {
    assert_messages(include_str!("messages/widths.txt"));
}

#[test]
fn host_paths_are_absolute_or_below_the_home() {
    assert_messages(include_str!("messages/host_paths.txt"));
}

#[test]
fn variables_of_the_loader_and_broken_names_are_refused_where_they_stand() {
    assert_messages(include_str!("messages/variables.txt"));
}

#[test]
fn system_calls_are_known_and_some_are_never_allowed() {
    assert_messages(include_str!("messages/syscalls.txt"));
}

#[test]
fn widening_needs_a_reason_and_a_reason_needs_widening() {
    assert_messages(include_str!("messages/reasons.txt"));
}

#[test]
fn broken_toml_is_told_at_its_place() {
    assert_messages(include_str!("messages/broken.txt"));
}

#[test]
fn text_for_terminals_is_made_harmless() {
    assert_messages(include_str!("messages/terminals.txt"));
}

#[test]
fn a_root_states_every_key() {
    let expected = "strict.toml:1:1: `read` in [filesystem] is not stated
  1 | [limits]
    | ^
hint: a profile without `extends` states every key; say `extends = \"default\"` to inherit";
    assert_eq!(message("[limits]\ntimeout = \"30s\""), expected);
    let expected = "strict.toml:3:1: `mode` in [network] is not stated
  3 | [network]
    | ^^^^^^^^^
hint: a profile without `extends` states every key; say `extends = \"default\"` to inherit";
    let filesystem = "read = [], hide = [], sensitive = true, show = [], read_only = [], tool_roots = true, caches = true, layer = 'auto', layer_size = 4096";
    assert_eq!(message(&format!("filesystem = {{ {filesystem} }}\n\n[network]")), expected);
}

#[test]
fn a_root_has_nothing_to_widen_and_no_list_to_take_over() {
    let expected = "strict.toml:1:1: `widen` without `extends`: there is nothing to widen
  1 | widen = true
    | ^^^^^";
    assert_eq!(message("widen = true"), expected);
    let expected =
        "strict.toml:2:9: `read` in [filesystem]: `...` stands for the parent's list, and there is no parent
  2 | read = [\"...\"]
    |         ^^^^^";
    assert_eq!(message("[filesystem]\nread = [\"...\"]"), expected);
}

#[test]
fn bytes_that_are_not_utf8_are_told_at_their_place() {
    let profiles = Profiles::new([("strict", &b"extends = \"default\"\n# \xc3\xa9\xff\n"[..])]);
    let expected = "strict.toml:2:4: not UTF-8\n  2 | # é\u{fffd}\n    |    ^";
    assert_eq!(profiles.message("strict"), expected);
}

#[test]
fn of_a_very_long_line_the_place_alone_is_shown() {
    let text =
        format!("environment = {{ pass = [{}1, {}] }}", "\"A\", ".repeat(10_000), "\"B\", ".repeat(10_000));
    let head = "extends = \"default\"\nwiden = true\nreason = \"r\"\n";
    let told = message(&format!("{head}{text}"));
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(
        lines[0],
        "strict.toml:4:50025: `pass` in [environment]: expected a string, found a whole number"
    );
    assert!(lines[1].starts_with("  4 | …") && lines[1].ends_with('…') && lines[1].len() < 260, "{told}");
    let caret = lines[2].chars().position(|c| c == '^').expect("a caret");
    assert_eq!(lines[1].chars().nth(caret), Some('1'), "{told}");
}

#[test]
fn a_byte_order_mark_is_not_seen() {
    assert_eq!(load("\u{feff}extends = \"default\"\n").unwrap().name, "strict");
    let expected = "strict.toml:1:1: unknown key `extend` at the top
  1 | extend = \"default\"
    | ^^^^^^
hint: did you mean `extends`?";
    assert_eq!(message("\u{feff}extend = \"default\"\n"), expected);
}

#[test]
fn an_empty_file_is_faulty_at_its_beginning() {
    assert!(message("").starts_with("strict.toml:1:1: `read` in [filesystem] is not stated\n"));
}
