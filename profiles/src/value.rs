//! Reads single values, and says what was expected where they are something else.

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::diagnostic::Fault;
use crate::quantity::{
    QuantityError, parse_duration, parse_size, parse_thousandths, write_duration, write_size,
    write_thousandths,
};
use crate::suggest::did_you_mean;

/// A value with its place.
pub(crate) type Item<'i> = Spanned<DeValue<'i>>;

pub(crate) fn string<'a>(item: &'a Item<'_>) -> Result<&'a str, Fault> {
    match item.get_ref() {
        DeValue::String(text) => Ok(text),
        _ => Err(expected("a string", item)),
    }
}

pub(crate) fn boolean(item: &Item<'_>) -> Result<bool, Fault> {
    match item.get_ref() {
        DeValue::Boolean(value) => Ok(*value),
        _ => Err(expected("`true` or `false`", item)),
    }
}

pub(crate) fn array<'a, 'i>(item: &'a Item<'i>) -> Result<&'a DeArray<'i>, Fault> {
    match item.get_ref() {
        DeValue::Array(items) => Ok(items),
        _ => Err(expected("a list", item)),
    }
}

pub(crate) fn table<'i>(item: Item<'i>) -> Result<DeTable<'i>, Fault> {
    match item.get_ref() {
        DeValue::Table(_) => {}
        _ => return Err(expected("a table", &item)),
    }
    match item.into_inner() {
        DeValue::Table(table) => Ok(table),
        _ => Ok(DeTable::new()),
    }
}

/// Reads one of a few words.
pub(crate) fn word<T: Copy>(words: &[(&str, T)]) -> impl Fn(&Item<'_>) -> Result<T, Fault> {
    move |item| {
        let text = string(item)?;
        let found = words.iter().find(|(word, _)| *word == text);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let known: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            Fault::new(item.span(), format!("expected {}, found \"{text}\"", known.join(" or ")))
                .hint_if(did_you_mean(text, words.iter().map(|(word, _)| *word)))
        })
    }
}

/// Reads a count within a range.
pub(crate) fn count(range: RangeInclusive<u64>) -> impl Fn(&Item<'_>) -> Result<u64, Fault> {
    move |item| match item.get_ref() {
        DeValue::Integer(_) => within(whole(item)?, &range, item.span(), |count| count.to_string()),
        _ => Err(expected("a whole number", item)),
    }
}

/// Reads a size, bytes or such as `"512M"`, within a range.
pub(crate) fn size(range: RangeInclusive<u64>) -> impl Fn(&Item<'_>) -> Result<u64, Fault> {
    move |item| {
        let size = match item.get_ref() {
            DeValue::Integer(_) => whole(item)?,
            DeValue::String(text) => parse_size(text).map_err(|error| quantity(&error, item))?,
            _ => return Err(expected("a size such as \"512M\"", item)),
        };
        within(size, &range, item.span(), |size| write_size(*size))
    }
}

/// Reads a duration, such as `"30s"`, within a range.
pub(crate) fn duration(range: RangeInclusive<Duration>) -> impl Fn(&Item<'_>) -> Result<Duration, Fault> {
    move |item| match item.get_ref() {
        DeValue::String(text) => {
            let duration = parse_duration(text).map_err(|error| quantity(&error, item))?;
            within(duration, &range, item.span(), |duration| write_duration(*duration))
        }
        _ => Err(expected("a duration such as \"30s\"", item)),
    }
}

/// Reads a number such as `0.8`, in thousandths, within a range.
pub(crate) fn thousandths(range: RangeInclusive<u64>) -> impl Fn(&Item<'_>) -> Result<u64, Fault> {
    move |item| {
        let number = match item.get_ref() {
            DeValue::Integer(_) => whole(item)?.to_string(),
            DeValue::Float(float) => float.as_str().to_owned(),
            _ => return Err(expected("a number such as 0.8", item)),
        };
        let thousandths = parse_thousandths(&number).map_err(|error| quantity(&error, item))?;
        within(thousandths, &range, item.span(), |thousandths| write_thousandths(*thousandths))
    }
}

/// Reads `"none"`, or what `read` reads.
pub(crate) fn or_none<T>(
    read: impl Fn(&Item<'_>) -> Result<T, Fault>,
) -> impl Fn(&Item<'_>) -> Result<Option<T>, Fault> {
    move |item| match item.get_ref() {
        DeValue::String(text) if text == "none" => Ok(None),
        _ => read(item).map(Some),
    }
}

/// A fault that tells what was found in place of what was expected.
pub(crate) fn expected(what: &str, item: &Item<'_>) -> Fault {
    let found = match item.get_ref() {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    Fault::new(item.span(), format!("expected {what}, found {found}"))
}

fn whole(item: &Item<'_>) -> Result<u64, Fault> {
    let DeValue::Integer(integer) = item.get_ref() else {
        return Err(expected("a whole number", item));
    };
    u64::from_str_radix(integer.as_str(), integer.radix())
        .map_err(|_| Fault::new(item.span(), format!("{integer} is out of range")))
}

fn within<T: PartialOrd>(
    value: T,
    range: &RangeInclusive<T>,
    place: Range<usize>,
    write: impl Fn(&T) -> String,
) -> Result<T, Fault> {
    if range.contains(&value) {
        return Ok(value);
    }
    let (least, most) = (write(range.start()), write(range.end()));
    Err(Fault::new(place, format!("{} is out of range, from {least} to {most}", write(&value))))
}

fn quantity(error: &QuantityError, item: &Item<'_>) -> Fault {
    Fault::new(item.span(), error.to_string()).hint(error.hint())
}
