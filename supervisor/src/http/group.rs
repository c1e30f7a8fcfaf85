//! Groups of users, as the host's own file has them.

use crate::error::Error;

const FILE: &str = "/etc/group";

/// The number of a group, by its name or as it is.
pub(super) fn number(group: &str) -> Result<u32, Error> {
    if let Ok(number) = group.parse() {
        return Ok(number);
    }
    let text = std::fs::read_to_string(FILE).map_err(|error| Error::Input(FILE.into(), error))?;
    find(&text, group)
        .ok_or_else(|| Error::Request(format!("`--group`: there is no group `{group}` in {FILE}")))
}

fn find(text: &str, group: &str) -> Option<u32> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(group)).then(|| fields.nth(1)?.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_group_is_found_by_its_whole_name() {
        let text = "root:x:0:\nstaff2:x:7:\nstaff:x:50:a,b\nodd:x\n";
        assert_eq!(
            ["staff", "root", "odd", "sta", ""].map(|name| super::find(text, name)),
            [Some(50), Some(0), None, None, None]
        );
    }
}
