//! Durations and sizes as people write them: `1.5s`, `512M`.

use std::time::Duration;

use thiserror::Error;

/// Reads a duration: a number and one of `ms`, `s`, `m`, `h`, `d`, down to the millisecond.
pub fn parse_duration(text: &str) -> Result<Duration, QuantityError> {
    let milliseconds = scaled(text, DURATION_UNITS).map_err(|fault| fault.of(text, "duration"))?;
    Ok(Duration::from_millis(milliseconds))
}

/// Reads a size in bytes: a number and nothing, `K`, `M`, `G` or `T`, by 1024.
pub fn parse_size(text: &str) -> Result<u64, QuantityError> {
    scaled(text, SIZE_UNITS).map_err(|fault| fault.of(text, "size"))
}

/// Reads a number of processors, such as `0.8`, in thousandths.
pub(crate) fn parse_thousandths(text: &str) -> Result<u64, QuantityError> {
    scaled(text, PROCESSOR_UNITS).map_err(|fault| fault.of(text, "number of processors"))
}

/// Why a text is no duration, no size or no count.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QuantityError {
    /// Not a number followed by a unit.
    #[error("`{text}` is not a {kind}")]
    Malformed {
        /// What was written.
        text: String,
        /// "duration", "size", "count" or "number of processors".
        kind: &'static str,
    },
    /// Finer than a millisecond or a byte.
    #[error("`{text}` is finer than a {kind} can be")]
    TooFine {
        /// What was written.
        text: String,
        /// "duration" or "size".
        kind: &'static str,
    },
    /// More than 64 bits hold.
    #[error("`{text}` is more than a {kind} can be")]
    TooLarge {
        /// What was written.
        text: String,
        /// "duration" or "size".
        kind: &'static str,
    },
}

impl QuantityError {
    /// How the thing is written.
    pub fn hint(&self) -> &'static str {
        let (Self::Malformed { kind, .. } | Self::TooFine { kind, .. } | Self::TooLarge { kind, .. }) = self;
        match *kind {
            "duration" => "write a number and a unit, such as `500ms`, `1.5s`, `10m` or `2h`",
            "count" => "write a whole number, such as `64`",
            "number of processors" => "write a number such as `0.5` or `2`",
            _ => "write a number of bytes or a number and a unit, such as `64K`, `512M` or `1G`",
        }
    }
}

/// Writes a duration as [`parse_duration`] reads it, in the largest unit that is exact.
pub fn write_duration(duration: Duration) -> String {
    let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    write(milliseconds, DURATION_UNITS)
}

/// Writes a size as [`parse_size`] reads it, in the largest unit that is exact.
pub fn write_size(size: u64) -> String {
    write(size, SIZE_UNITS)
}

/// Writes thousandths as [`parse_thousandths`] reads them.
pub(crate) fn write_thousandths(thousandths: u64) -> String {
    let fraction = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
    fraction.trim_end_matches('0').trim_end_matches('.').to_owned()
}

type Units = &'static [(&'static str, u64)];

/// In milliseconds, smallest first.
const DURATION_UNITS: Units = &[("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// In bytes, smallest first.
const SIZE_UNITS: Units = &[("", 1), ("K", 1 << 10), ("M", 1 << 20), ("G", 1 << 30), ("T", 1 << 40)];

/// In thousandths.
const PROCESSOR_UNITS: Units = &[("", 1000)];

enum Unscalable {
    Malformed,
    TooFine,
    TooLarge,
}

impl Unscalable {
    fn of(self, text: &str, kind: &'static str) -> QuantityError {
        let text = text.to_owned();
        match self {
            Self::Malformed => QuantityError::Malformed { text, kind },
            Self::TooFine => QuantityError::TooFine { text, kind },
            Self::TooLarge => QuantityError::TooLarge { text, kind },
        }
    }
}

/// Counts in the smallest unit, exactly: `1.5s` is 1500, never 1499.
fn scaled(text: &str, units: Units) -> Result<u64, Unscalable> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = units.iter().find(|(name, _)| *name == unit).ok_or(Unscalable::Malformed)?.1;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || fraction.contains('.') {
        return Err(Unscalable::Malformed);
    }
    let whole: u64 = whole.parse().map_err(|_| Unscalable::TooLarge)?;
    let fraction = parts(fraction, unit)?;
    whole.checked_mul(unit).and_then(|n| n.checked_add(fraction)).ok_or(Unscalable::TooLarge)
}

/// What `0.fraction` of a unit is, if that is a whole number.
fn parts(fraction: &str, unit: u64) -> Result<u64, Unscalable> {
    let digits = fraction.trim_end_matches('0');
    if digits.is_empty() {
        return Ok(0);
    }
    let power = u32::try_from(digits.len()).map_err(|_| Unscalable::TooFine)?;
    let divisor = 10_u128.checked_pow(power).ok_or(Unscalable::TooFine)?;
    let digits: u128 = digits.parse().map_err(|_| Unscalable::TooFine)?;
    // Below 10^38 times 2^40 would not fit; so many digits are never exact, though.
    let product = digits.checked_mul(u128::from(unit)).ok_or(Unscalable::TooFine)?;
    match product % divisor {
        0 => u64::try_from(product / divisor).map_err(|_| Unscalable::TooLarge),
        _ => Err(Unscalable::TooFine),
    }
}

fn write(amount: u64, units: Units) -> String {
    let exact = units.iter().rev().find(|(_, unit)| amount.is_multiple_of(*unit) && amount >= *unit);
    let (name, unit) = exact.unwrap_or(&units[0]);
    format!("{}{name}", amount / unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use QuantityError::{Malformed, TooFine, TooLarge};

    #[test]
    fn durations_mean_what_is_written() {
        for (text, milliseconds) in [
            ("0s", 0),
            ("30s", 30_000),
            ("1.5s", 1500),
            ("1.50s", 1500),
            ("0.001s", 1),
            ("250ms", 250),
            ("10m", 600_000),
            ("0.5h", 1_800_000),
            ("2d", 172_800_000),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn sizes_mean_what_is_written() {
        for (text, bytes) in [
            ("0", 0),
            ("4096", 4096),
            ("64K", 65_536),
            ("1.5G", 1_610_612_736),
            ("0.5K", 512),
            ("16T", 1 << 44),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_not_exactly_a_quantity_is_refused() {
        let kind = "duration";
        for text in [
            "", "s", "30", "30 s", " 30s", "30x", "-1s", "+1s", "1e3s", "1.s", ".5s", "1.2.3s", "30S", "٣s",
            "1s\0",
        ] {
            assert_eq!(parse_duration(text), Err(Malformed { text: text.into(), kind }), "{text}");
        }
        for text in ["1.5ms", "0.0001s", &format!("0.{}1s", "0".repeat(60))] {
            assert_eq!(parse_duration(text), Err(TooFine { text: text.into(), kind }), "{text}");
        }
        for text in ["18446744073709551616ms", "18446744073709551615s"] {
            assert_eq!(parse_duration(text), Err(TooLarge { text: text.into(), kind }), "{text}");
        }
        let kind = "size";
        for text in ["1k", "1KB", "1KiB", "0x10", "1_000", "-1"] {
            assert_eq!(parse_size(text), Err(Malformed { text: text.into(), kind }), "{text}");
        }
        assert_eq!(parse_size("0.3K"), Err(TooFine { text: "0.3K".into(), kind }));
        assert_eq!(parse_size("16777216T"), Err(TooLarge { text: "16777216T".into(), kind }));
    }

    #[test]
    fn what_is_written_is_read_back() {
        for milliseconds in [0, 1, 999, 1000, 1500, 60_000, 90_000, 86_400_000, u64::MAX] {
            let duration = Duration::from_millis(milliseconds);
            assert_eq!(parse_duration(&write_duration(duration)), Ok(duration));
        }
        for size in [0, 1, 1023, 1024, 1536, 1 << 20, 3 << 30, 1 << 63, u64::MAX] {
            assert_eq!(parse_size(&write_size(size)), Ok(size));
        }
    }
}
