//! What holds for any text: the loader neither panics nor points outside, and no child widens.

use proptest::prelude::*;

use super::profiles::{Profiles, load};
use clearing_profiles::{Profile, ProfileError};

pub(crate) const DEFAULT: &str = include_str!("../../builtin/default.toml");

/// Checks that a fault's place exists in the text.
pub(crate) fn assert_place(text: &str, error: &ProfileError) {
    let ProfileError::Faulty(fault) = error else {
        panic!("a text gives a fault, not: {error}");
    };
    let lines: Vec<&str> = text.split('\n').collect();
    assert!((1..=lines.len()).contains(&fault.line), "{fault}");
    assert!((1..=lines[fault.line - 1].chars().count() + 1).contains(&fault.column), "{fault}");
    assert!(fault.marks.ends_with('^'), "{fault}");
    assert!(!fault.to_string().contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_text_loads_or_is_faulty_at_a_place_in_it(text in "\\PC*|[a-z\\[\\]=\"'\\.\n\r\t#\u{1b}é日{},0-9]*") {
        if let Err(error) = load(&text) {
            assert_place(&text, &error);
        }
    }

    #[test]
    fn any_bytes_load_or_are_faulty(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let profiles = Profiles::new([("strict", &bytes[..])]);
        prop_assert!(matches!(profiles.find("strict"), Err(ProfileError::Faulty(_))));
    }

    #[test]
    fn the_default_with_a_change_in_its_text_loads_or_is_faulty_at_a_place_in_it(
        place in 0..DEFAULT.len(), removed in 0..20_usize, put in "[\\PC\n\r\t]{0,4}",
    ) {
        let start = DEFAULT.floor_char_boundary(place);
        let end = DEFAULT.floor_char_boundary((place + removed).min(DEFAULT.len())).max(start);
        let text = format!("{}{put}{}", &DEFAULT[..start], &DEFAULT[end..]);
        if let Err(error) = load(&text) {
            assert_place(&text, &error);
        }
    }

    #[test]
    fn no_child_without_widen_has_more_than_the_default(
        nofile in 0..4096_u64, processes in 0..8192_u64, seconds in 0..5_u64, host: bool, name in "[A-Z_]{1,6}\\*?",
    ) {
        let mode = if host { "host" } else { "none" };
        let text = format!(
            "extends = \"default\"\n[network]\nmode = \"{mode}\"\n[environment]\npass = [\"{name}\"]\n\
             [limits]\nnofile = {nofile}\nprocesses = {processes}\ngrace = \"{seconds}s\"",
        );
        let default = Profile::builtin("default").expect("the default profile loads");
        match load(&text) {
            Err(error) => assert_place(&text, &error),
            Ok(child) => {
                prop_assert!(child.network.mode <= default.network.mode);
                prop_assert!(child.limits.nofile <= default.limits.nofile);
                prop_assert!(child.limits.processes <= default.limits.processes);
                prop_assert!(child.limits.grace <= default.limits.grace);
                prop_assert!(!child.environment.passes(&name) || default.environment.passes(&name));
            }
        }
    }
}

#[test]
fn a_character_that_takes_no_cell_of_a_terminal_is_marked_all_the_same() {
    let text = "extends = \"default\"\n\u{fe00}=";
    assert_place(text, &load(text).expect_err("that is no key"));
}
