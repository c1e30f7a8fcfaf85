//! From JSON to typed parameters.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::fault::Fault;

/// Reads parameters; whatever is wrong is named, with what would be right.
pub(crate) fn read<T: DeserializeOwned>(params: Value) -> Result<T, Fault> {
    serde_path_to_error::deserialize(params).map_err(|error| {
        let path = error.path().to_string();
        let why = error.into_inner();
        Fault::params(if path == "." { why.to_string() } else { format!("`{path}`: {why}") })
    })
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
    fn a_value_of_another_type_is_named() {
        let fault =
            read::<ExecStart>(json!({ "session": "s", "argv": ["a"], "yieldMs": "x" })).expect_err("a text");
        assert!(fault.message.contains("`yieldMs`") && fault.message.contains("u64"), "{}", fault.message);
    }
}
