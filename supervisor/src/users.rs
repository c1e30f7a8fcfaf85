//! Users and groups of the host, by its own files: `passwd(5)` and `group(5)`.
//!
//! Not all that stands there is text: names of people are in whatever encoding they once had.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

/// Where users stand.
pub(crate) const USERS: &str = "/etc/passwd";
/// Where groups stand.
pub(crate) const GROUPS: &str = "/etc/group";

/// A user who can log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: OsString,
    /// Of their login.
    pub(crate) gid: u32,
    /// A path from the root.
    pub(crate) home: OsString,
    /// Empty where it is the usual one.
    pub(crate) shell: OsString,
}

/// The first user of that number.
pub(crate) fn user(users: &[u8], uid: u32) -> Option<User> {
    let fields = lines(users).find(|fields| fields.get(2).copied().and_then(number) == Some(uid))?;
    let [name, _, _, gid, _, home, shell] = fields[..] else { return None };
    let text = |field: &[u8]| OsStr::from_bytes(field).to_owned();
    let user = User { name: text(name), gid: number(gid)?, home: text(home), shell: text(shell) };
    home.starts_with(b"/").then_some(user)
}

/// All groups that a user has after a login, in order.
pub(crate) fn groups_of(groups: &[u8], user: &User) -> Vec<u32> {
    let name = user.name.as_bytes();
    let has = |fields: &Vec<&[u8]>| {
        fields.get(3).is_some_and(|members| members.split(|byte| *byte == b',').any(|member| member == name))
    };
    let further = lines(groups).filter(has).filter_map(|fields| number(fields[2]));
    let mut all: Vec<u32> = further.chain([user.gid]).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The number of a group, by its name.
pub(crate) fn group(groups: &[u8], name: &str) -> Option<u32> {
    let fields = lines(groups).find(|fields| fields[0] == name.as_bytes())?;
    fields.get(2).copied().and_then(number)
}

/// The fields of each line that has a name. A comment has none, nor has a line that stands for another source.
fn lines(text: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    let named = |line: &&[u8]| !matches!(line.first(), None | Some(b'#' | b'+' | b'-' | b':'));
    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_start).filter(named);
    lines.map(|line| line.split(|byte| *byte == b':').collect())
}

/// One that can be a user's or a group's: the last one stands for none.
fn number(field: &[u8]) -> Option<u32> {
    let digits = field.iter().all(u8::is_ascii_digit).then_some(field)?;
    std::str::from_utf8(digits).ok()?.parse().ok().filter(|number| *number != u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/bash\n\
                            # a comment\n\
                            #old:x:1000:0::/home/old:/bin/sh\n\
                            zoe:x:1005:1005:Zo\xeb,,,:/home/zo\xeb:\n\
                            +more:x:1000:0::/home/more:/bin/sh\n\
                            ann:x:1000:1000:Ann,,,:/home/ann:/bin/bash\n\
                            later:x:1000:0:::/bin/bash\n\
                            cut:x:1001:1001\n\
                            lost:x:1002:1002::home:\n\
                            plain:x:1003:50::/home/plain:\n\
                            odd:x:1004:+0::/home/odd:\n\
                            :x:1006:1006::/home/nameless:\n";
    const GROUP: &[u8] = b"root:x:0:\n\
                           #wheel:x:10:ann\n\
                           caf\xe9:x:60:zoe,ann\n\
                           staff2:x:7:anna,joann\n\
                           staff:x:50:plain,ann,plain\n\
                           ann:x:1000:\n\
                           odd:x\n\
                           none:x:4294967295:ann\n";

    fn found(uid: u32) -> Option<User> {
        user(PASSWD, uid)
    }

    #[test]
    fn a_user_is_found_by_number() {
        let ann = found(1000).expect("ann");
        assert_eq!((ann.name.to_str(), ann.gid), (Some("ann"), 1000));
        assert_eq!((ann.home.to_str(), ann.shell.to_str()), (Some("/home/ann"), Some("/bin/bash")));
        let plain = found(1003).expect("plain");
        assert_eq!((plain.gid, plain.shell.to_str()), (50, Some("")));
        for unusable in [1, 1001, 1002, 1004, 1006, 1007, u32::MAX] {
            assert_eq!(found(unusable), None, "{unusable}");
        }
    }

    #[test]
    fn what_is_no_text_shuts_nobody_out() {
        assert_eq!(found(1005).expect("zoe").home.as_bytes(), b"/home/zo\xeb");
        assert_eq!(group(GROUP, "staff"), Some(50));
    }

    #[test]
    fn a_user_has_the_groups_of_a_login() {
        let groups = |uid| groups_of(GROUP, &found(uid).expect("a user"));
        assert_eq!(groups(1000), [50, 60, 1000]);
        assert_eq!(groups(1003), [50]);
        assert_eq!(groups(1005), [60, 1005]);
    }

    #[test]
    fn a_group_is_found_by_its_whole_name() {
        let names = ["staff", "root", "odd", "sta", "", "#wheel", "wheel", "none"];
        let numbers = [Some(50), Some(0), None, None, None, None, None, None];
        assert_eq!(names.map(|name| group(GROUP, name)), numbers);
    }
}
