//! The header of a plain unified diff: `---` and `+++`, each with a name and perhaps a time.

use std::borrow::Cow;

use super::class::{Class, Refusal};
use super::entry::How;
use super::lines::{Lines, chomp};
use super::name::{self, Until, is_dev_null, stripped, whole_name};

/// How many directories are left out, which the first names without any decide where nobody said it.
pub(super) struct Strip {
    pub(super) number: usize,
    pub(super) is_known: bool,
}

/// Reads both lines. Which of a deletion and a file that becomes empty it is, only the names and times say.
pub(super) fn header(lines: &mut Lines<'_>, strip: &mut Strip) -> Result<How, Refusal> {
    let at = lines.number();
    let (Some(old), Some(new)) = (lines.next(), lines.next()) else {
        return Err(Class::Header.refuse("it ends in its header").at(at));
    };
    read(chomp(&old[4..]), chomp(&new[4..]), strip).map_err(|refusal| refusal.at(at))
}

fn read(old: &[u8], new: &[u8], strip: &mut Strip) -> Result<How, Refusal> {
    let (old_name, new_name) = (name_of(old)?, name_of(new)?);
    strip.guess(old_name.as_deref(), new_name.as_deref());
    let named = |name: Option<Cow<'_, [u8]>>| name.map(|name| stripped(&name, strip.number)).transpose();
    match (named(old_name)?, named(new_name)?) {
        (None, None) => Err(Class::DevNull.refuse("both sides say that there is no file")),
        (None, Some(name)) => Ok(How::Create(name::path(name)?)),
        (Some(name), None) => Ok(How::Delete(name::path(name)?)),
        (Some(old_name), Some(new_name)) => {
            let path = name::path(one_of(old_name, new_name)?)?;
            Ok(match (is_epoch(old), is_epoch(new)) {
                (true, false) => How::Create(path),
                (false, true) => How::Delete(path),
                _ => How::Modify(path),
            })
        }
    }
}

/// The name on one side; none where it says that there is no file.
fn name_of(side: &[u8]) -> Result<Option<Cow<'_, [u8]>>, Refusal> {
    if is_dev_null(side) {
        return Ok(None);
    }
    whole_name(without_time(side), Until::Tab).map(Some)
}

impl Strip {
    fn guess(&mut self, old: Option<&[u8]>, new: Option<&[u8]>) {
        let mut names = [old, new].into_iter().flatten();
        if !self.is_known && names.all(|name| !name.contains(&b'/')) {
            (self.number, self.is_known) = (0, true);
        }
    }
}

/// What editors and people append to the name of what they keep.
const KEPT_AS: [&[u8]; 4] = [b".orig", b".old", b".bak", b"~"];

/// The file that both names mean: one may be that of a kept copy.
fn one_of(old: Vec<u8>, new: Vec<u8>) -> Result<Vec<u8>, Refusal> {
    let is_kept =
        |kept: &[u8], plain: &[u8]| kept.strip_prefix(plain).is_some_and(|ending| KEPT_AS.contains(&ending));
    if old == new || is_kept(&old, &new) {
        Ok(new)
    } else if is_kept(&new, &old) {
        Ok(old)
    } else {
        Err(Class::Names.refuse("`---` and `+++` name two files"))
    }
}

/// Some programs put a time after the name without a tab between them: `2010-07-05 19:41:17 +0000`.
fn without_time(side: &[u8]) -> &[u8] {
    if side.first() == Some(&b'"') || side.contains(&b'\t') {
        return side;
    }
    let pattern = |text: &[u8]| {
        let shape = text.iter().map(|byte| if byte.is_ascii_digit() { b'0' } else { *byte });
        shape.take(19).eq(*b"0000-00-00 00:00:00")
    };
    let starts = side.windows(20).position(|window| window[0] == b' ' && pattern(&window[1..]));
    let rest_is_time = |at: &usize| {
        side[at + 20..]
            .iter()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b' ' | b'+' | b'-' | b':' | b'\r'))
    };
    starts.filter(rest_is_time).map_or(side, |at| side[..at].trim_ascii_end())
}

/// Whether the time after the name is the beginning of time, by which some programs say that there is no
/// file. It is told in the zone of whoever made the diff.
fn is_epoch(side: &[u8]) -> bool {
    let Some(tab) = side.iter().position(|&byte| byte == b'\t') else { return false };
    let Ok(text) = std::str::from_utf8(side[tab + 1..].trim_ascii()) else { return false };
    let mut words = text.split_ascii_whitespace();
    let (Some(day), Some(time), Some(zone), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return false;
    };
    let hour_and_minute = |text: &str| {
        let digits: String = text.chars().filter(|it| *it != ':').collect();
        let (hour, minute) = (digits.get(..2)?, digits.get(2..4)?);
        Some(hour.parse::<i32>().ok()? * 60 + minute.parse::<i32>().ok()?)
    };
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let is_whole = fraction.bytes().all(|byte| byte == b'0') && time.ends_with(":00");
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let (Some(clock), Some(zone)) =
        (hour_and_minute(time), hour_and_minute(zone.trim_start_matches(['+', '-'])))
    else {
        return false;
    };
    let since_midnight = match day {
        "1970-01-01" => clock,
        "1969-12-31" => clock - 24 * 60,
        _ => return false,
    };
    is_whole && since_midnight == sign * zone
}

#[cfg(test)]
mod tests {
    use super::*;

    fn how(old: &str, new: &str) -> Result<How, Class> {
        let mut strip = Strip { number: 1, is_known: false };
        read(old.as_bytes(), new.as_bytes(), &mut strip).map_err(|refusal| refusal.class)
    }

    #[test]
    fn times_and_kept_copies_are_no_part_of_a_name() {
        let modify = |name: &str| Ok(How::Modify(name.into()));
        assert_eq!(how("a/x\t2010-07-05 19:41:17.0 +0000", "b/x\t2010-07-05 19:41:18.0 +0000"), modify("x"));
        assert_eq!(how("a/x 2010-07-05 19:41:17 +0000", "b/x 2010-07-05 19:41:18 +0000"), modify("x"));
        assert_eq!(how("a/x.orig", "b/x"), modify("x"));
        assert_eq!(how("x", "x~"), modify("x"));
        assert_eq!(how("a/x\r", "b/x\r"), modify("x"));
        assert_eq!(how("a/x", "b/y"), Err(Class::Names));
    }

    #[test]
    fn a_file_from_the_beginning_of_time_is_none() {
        let create = Ok(How::Create("x".into()));
        assert_eq!(how("a/x\t1970-01-01 00:00:00.000000000 +0000", "b/x\t2020-01-01 00:00:00 +0000"), create);
        assert_eq!(how("a/x\t1969-12-31 16:00:00.0 -0800", "b/x\t2020-01-01 00:00:00 +0000"), create);
        let modify = Ok(How::Modify("x".into()));
        assert_eq!(how("a/x\t1970-01-01 00:00:00.0 -0800", "b/x\t2020-01-01 00:00:00 +0000"), modify);
        assert_eq!(how("/dev/null", "/dev/null"), Err(Class::DevNull));
    }
}
