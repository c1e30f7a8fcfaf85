//! Conditions, `u32 arg1 & MASK == VALUE`, as Rust text.

use toml::Spanned;

use crate::source::Source;

/// Compiles conditions that must all hold.
pub(crate) fn compile_all(source: &Source, conditions: &[Spanned<String>]) -> Result<String, String> {
    let compiled: Result<Vec<_>, _> = conditions.iter().map(|condition| compile(source, condition)).collect();
    Ok(format!("&[{}]", compiled?.join(", ")))
}

fn compile(source: &Source, condition: &Spanned<String>) -> Result<String, String> {
    let words = Words::split(condition.get_ref()).and_then(|words| words.compile(source));
    words.map_err(|what| source.complain(condition.span(), what))
}

/// The parts of a condition.
struct Words<'w> {
    width: &'w str,
    argument: &'w str,
    mask: Option<&'w str>,
    comparison: &'w str,
    value: &'w str,
}

impl<'w> Words<'w> {
    /// Only an equality can have a mask.
    fn split(condition: &'w str) -> Result<Self, &'static str> {
        let words: Vec<&str> = condition.split_whitespace().collect();
        match words[..] {
            [width, argument, comparison, value] => {
                Ok(Self { width, argument, mask: None, comparison, value })
            }
            [width, argument, "&", mask, comparison @ "==", value] => {
                Ok(Self { width, argument, mask: Some(mask), comparison, value })
            }
            _ => Err("a condition reads `u32 arg1 & MASK == VALUE`"),
        }
    }

    fn compile(&self, source: &Source) -> Result<String, &'static str> {
        let argument = argument(self.argument)?;
        let (width, widest) = width(self.width)?;
        let value = number(source, self.value, widest)?;
        let comparison = match self.mask.map(|mask| number(source, mask, widest)).transpose()? {
            Some(mask) if value & !mask != 0 => return Err("the mask takes bits away that the value has"),
            Some(mask) => format!("MaskedEqual({mask:#x})"),
            None => comparison(self.comparison)?.to_owned(),
        };
        Ok(format!(
            "Condition {{ argument: {argument}, width: Width::{width}, \
             comparison: Comparison::{comparison}, value: {value:#x} }}"
        ))
    }
}

fn argument(word: &str) -> Result<u8, &'static str> {
    let number = word.strip_prefix("arg").and_then(|number| number.parse().ok());
    number.filter(|number| *number < 6).ok_or("arguments are `arg0` to `arg5`")
}

/// A width, and the largest number that it holds.
fn width(word: &str) -> Result<(&'static str, u64), &'static str> {
    match word {
        "u32" => Ok(("Dword", u64::from(u32::MAX))),
        "u64" => Ok(("Qword", u64::MAX)),
        _ => Err("widths are `u32` and `u64`"),
    }
}

/// A number as written, or by a name in `[constants]`.
fn number(source: &Source, word: &str, widest: u64) -> Result<u64, &'static str> {
    let written = || match word.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    };
    let number = source.file.constants.get(word).copied().or_else(written);
    match number.ok_or("not a number, nor a name in [constants]")? {
        number if number > widest => Err("the number is wider than the argument"),
        number => Ok(number),
    }
}

fn comparison(word: &str) -> Result<&'static str, &'static str> {
    Ok(match word {
        "==" => "Equal",
        "!=" => "NotEqual",
        "<" => "Less",
        "<=" => "LessOrEqual",
        ">" => "Greater",
        ">=" => "GreaterOrEqual",
        _ => return Err("no such comparison"),
    })
}
