//! The nearest of the known names to one that is not known.

/// "did you mean …?", if one of the known names is near enough to be meant.
pub(crate) fn did_you_mean<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<String> {
    nearest(name, known).map(|nearest| format!("did you mean `{nearest}`?"))
}

/// The same, or else all the known names, where they are few.
pub(crate) fn one_of(name: &str, known: &[&str]) -> Option<String> {
    let all = || format!("known are `{}`", known.join("`, `"));
    did_you_mean(name, known.iter().copied()).or_else(|| (!known.is_empty()).then(all))
}

fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let name: Vec<char> = name.chars().take(LONGEST).collect();
    let limit = 1.max(name.len() / 3);
    let measured = known.into_iter().map(|known| (distance(&name, known), known));
    let (distance, known) = measured.min_by_key(|(distance, _)| *distance)?;
    (distance <= limit).then_some(known)
}

/// No known name is longer, and the distance takes time that grows with the square.
const LONGEST: usize = 64;

/// How many characters must be put in, taken out or replaced, or neighbours swapped.
fn distance(name: &[char], known: &str) -> usize {
    let known: Vec<char> = known.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=known.len()).collect();
    for (row, character) in name.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, other) in known.iter().enumerate() {
            let replaced = last[column] + usize::from(character != other);
            let mut best = replaced.min(last[column + 1] + 1).min(next[column] + 1);
            let swapped = row > 0 && column > 0 && *character == known[column - 1] && name[row - 1] == *other;
            if swapped {
                best = best.min(before_last[column - 1] + 1);
            }
            next.push(best);
        }
        before_last = std::mem::replace(&mut last, next);
    }
    last[known.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn nearest_name_is_found_within_a_third_of_its_length() {
        let known = ["timeout", "grace", "nofile", "core"];
        for (typed, meant) in [
            ("timout", Some("timeout")),
            ("tiemout", Some("timeout")),
            ("no_file", Some("nofile")),
            ("cores", Some("core")),
            ("memory", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, known), meant, "{typed}");
        }
    }

    #[test]
    fn huge_name_is_measured_in_bounded_time() {
        assert_eq!(nearest(&"x".repeat(1 << 20), ["timeout"]), None);
    }
}
