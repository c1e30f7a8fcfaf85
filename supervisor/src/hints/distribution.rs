//! Which distribution this is, as `os-release(5)` has it.

/// The distribution, as far as advice depends on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Distribution {
    /// For people; empty where there is no `os-release`.
    pub(crate) name: String,
    /// Its own id and those of what it is like.
    ids: Vec<String>,
}

impl Distribution {
    /// Reads the text of an `os-release`.
    pub(super) fn parse(text: &str) -> Self {
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='));
            line.map(|value| value.trim_matches(['"', '\'']).to_owned()).unwrap_or_default()
        };
        let ids = format!("{} {}", value("ID"), value("ID_LIKE"));
        Self {
            name: value("PRETTY_NAME"),
            ids: ids.split_whitespace().map(str::to_ascii_lowercase).collect(),
        }
    }

    /// Whether it is `id`, or says that it is like it.
    pub(super) fn is_like(&self, id: &str) -> bool {
        self.ids.iter().any(|known| known == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_optional_and_likeness_counts() {
        let mint = Distribution::parse(
            "NAME=\"Linux Mint\"\nID=linuxmint\nID_LIKE=\"ubuntu debian\"\nPRETTY_NAME=\"Linux Mint 22\"\n",
        );
        assert_eq!(mint.name, "Linux Mint 22");
        assert!(mint.is_like("ubuntu") && mint.is_like("debian") && !mint.is_like("arch"));
        let rocky = Distribution::parse("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.4\"\n");
        assert!(rocky.is_like("rhel") && rocky.name.is_empty());
    }

    #[test]
    fn no_text_is_no_distribution() {
        assert_eq!(Distribution::parse(""), Distribution::default());
    }
}
