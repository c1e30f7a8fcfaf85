//! From JSON to typed parameters.

use serde::de::DeserializeOwned;
use serde_json::{Number, Value};

use super::fault::Fault;

/// Reads parameters; whatever is wrong is named, with what would be right.
pub(crate) fn read<T: DeserializeOwned>(params: Value) -> Result<T, Fault> {
    serde_path_to_error::deserialize(with_whole_numbers(params)).map_err(|error| {
        let path = error.path().to_string();
        let why = error.into_inner();
        Fault::params(if path == "." { why.to_string() } else { format!("`{path}`: {why}") })
    })
}

/// A number without a fraction is a whole one, however it is written: `2`, `2.0` and `2e0` are the same to JSON Schema,
/// and in languages that know one kind of number alone.
pub(crate) fn with_whole_numbers(params: Value) -> Value {
    match params {
        Value::Number(number) => Value::Number(whole(&number).unwrap_or(number)),
        Value::Array(items) => items.into_iter().map(with_whole_numbers).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (name, with_whole_numbers(value))).collect()
        }
        other => other,
    }
}

fn whole(number: &Number) -> Option<Number> {
    const WHOLE: std::ops::Range<f64> = i64::MIN as f64..u64::MAX as f64;
    let number = number.as_f64().filter(|_| number.is_f64())?;
    let is_whole = number.fract() == 0.0 && WHOLE.contains(&number);
    is_whole.then(|| if number < 0.0 { Number::from(number as i64) } else { Number::from(number as u64) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::ExecStart;

    #[test]
    fn a_field_that_is_not_known_is_named_with_those_that_are() {
        let fault = read::<ExecStart>(json!({ "session": "s", "argv": [], "agv": [] })).expect_err("unknown");
        assert_eq!(fault.code, -32602);
        assert!(fault.message.contains("`agv`") && fault.message.contains("`argv`"), "{}", fault.message);
    }

    #[test]
    fn a_number_is_whole_by_its_value() {
        let params = json!({ "session": "s", "argv": ["2.0"], "yieldMs": 2e3, "terminal": { "rows": 24.0, "columns": 80 } });
        let start = read::<ExecStart>(params).expect("whole numbers");
        assert_eq!((start.yield_ms, start.terminal.map(|size| size.rows)), (Some(2000), Some(24)));
        for fraction in [json!(0.5), json!(-1.0), json!(1e30)] {
            read::<ExecStart>(json!({ "session": "s", "argv": ["a"], "yieldMs": fraction }))
                .expect_err("none");
        }
    }

    #[test]
    fn a_value_of_another_type_is_named() {
        let fault =
            read::<ExecStart>(json!({ "session": "s", "argv": ["a"], "yieldMs": "x" })).expect_err("a text");
        assert!(fault.message.contains("`yieldMs`") && fault.message.contains("u64"), "{}", fault.message);
    }
}
