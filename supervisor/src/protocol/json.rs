//! A value that is written once and told more than once.

use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// Plain data, as it is told.
#[derive(Debug, Clone)]
pub(crate) struct Json(Arc<RawValue>);

impl Json {
    pub(crate) fn of(what: &impl Serialize) -> Self {
        // There is nothing in it that cannot be written.
        Self(serde_json::value::to_raw_value(what).unwrap_or_else(|_| RawValue::NULL.to_owned()).into())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}
