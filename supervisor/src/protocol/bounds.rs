//! What a form says of a value beyond its type: all that is refused for what it is, as far as JSON Schema has words
//! for it.

use clearing_profiles::{LimitName, limit_range};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::exec::LIMITS;
use crate::signals;

/// A word, a variable and a path end at the first NUL byte, and so have none.
pub(crate) const NO_NUL: &str = r"^[^\x00]*$";
/// An absolute path.
pub(crate) const ABSOLUTE: &str = r"^/[^\x00]*$";
/// What a variable may be called.
pub(crate) const VARIABLE: &str = r"^[^=\x00]+$";
/// What a session or a snapshot may be called.
pub(crate) const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";
/// What an exec may be called, as far as characters go: no more than 128 bytes.
pub(crate) const EXEC_NAME: &str = r"^[^\x00-\x1f\x7f-\x9f]{1,128}$";
/// Permission bits, as `chmod` takes them.
pub(crate) const MODE: &str = "^0*[0-7]{1,3}$";
/// Whole groups of four characters; no bit is set of which nothing comes.
pub(crate) const BASE64: &str =
    "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$";
/// With its unit.
const DURATION: &str = r"^(?:none|[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h|d))$";
const SIZE: &str = r"^(?:none|[0-9]+(?:\.[0-9]+)?[KMGT]?)$";
const COUNT: &str = "^(?:none|[0-9]+)$";
const PROCESSORS: &str = r"^(?:none|[0-9]+(?:\.[0-9]+)?)$";

/// What is asked of a field in one of several cases.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Field {
    /// It is a text.
    Text(&'static str),
    /// It is a text, or bytes in its place.
    Content(&'static str),
    /// It is a list with something in it.
    Items(&'static str),
    /// It is not there.
    Absent(&'static str),
}

/// A request is one of these cases, and no other one.
pub(crate) fn one_of(cases: &'static [&'static [Field]]) -> impl FnMut(&mut Schema) {
    |schema| put(schema, "oneOf", cases)
}

/// A request is one of these cases, or more than one.
pub(crate) fn any_of(cases: &'static [&'static [Field]]) -> impl FnMut(&mut Schema) {
    |schema| put(schema, "anyOf", cases)
}

fn put(schema: &mut Schema, word: &str, cases: &[&[Field]]) {
    let cases: Vec<Value> = cases.iter().map(|fields| case(fields)).collect();
    schema.insert(word.to_owned(), cases.into());
}

fn case(fields: &[Field]) -> Value {
    let (mut required, mut properties) = (Vec::new(), Map::new());
    for field in fields {
        let (name, form) = match field {
            Field::Text(name) => (name, json!({ "type": "string" })),
            Field::Content(name) => (name, json!({ "type": ["string", "object"] })),
            Field::Items(name) => (name, json!({ "type": "array", "minItems": 1 })),
            Field::Absent(name) => (name, json!({ "type": "null" })),
        };
        if !matches!(field, Field::Absent(_)) {
            required.push(*name);
        }
        properties.insert((*name).to_owned(), form);
    }
    json!({ "required": required, "properties": properties })
}

/// Nothing else may stand in it than what it names.
pub(crate) fn closed(schema: &mut Schema) {
    schema.remove("unevaluatedProperties");
    schema.insert("additionalProperties".to_owned(), false.into());
}

/// A whole number is no greater than what holds it.
pub(crate) fn whole(schema: &mut Schema) {
    if schema.get("maximum").is_some() {
        return;
    }
    let most = match schema.get("format").and_then(Value::as_str) {
        Some("uint" | "uint64") => u64::MAX,
        Some("uint32") => u32::MAX.into(),
        _ => return,
    };
    schema.insert("maximum".to_owned(), most.into());
}

/// A signal by its name.
pub(crate) fn signal(_: &mut SchemaGenerator) -> Schema {
    let names: Vec<&str> = signals::names().collect();
    json_schema!({ "type": "string", "pattern": format!("^(?:SIG)?(?:{})$", names.join("|")) })
}

/// How long a command may run.
pub(crate) fn timeout(schema: &mut Schema) {
    let range = limit_range(LimitName::Timeout);
    schema.insert("minimum".to_owned(), (*range.start()).into());
    schema.insert("maximum".to_owned(), (*range.end()).into());
}

/// Limits by their names; a number counts what the limit is counted in.
pub(crate) fn limits(_: &mut SchemaGenerator) -> Schema {
    let known: Map<String, Value> =
        LIMITS.into_iter().map(|(name, limit)| (name.to_owned(), amount(limit))).collect();
    json_schema!({ "type": "object", "properties": known, "additionalProperties": false, "default": {} })
}

fn amount(limit: LimitName) -> Value {
    let range = limit_range(limit);
    let (least, most) = (*range.start(), *range.end());
    let whole = json!({ "type": "integer", "minimum": least, "maximum": most });
    let (number, text) = match limit {
        LimitName::Timeout | LimitName::CpuTime => (whole, DURATION),
        LimitName::Memory | LimitName::Disk | LimitName::Output | LimitName::FileSize => (whole, SIZE),
        LimitName::Processes | LimitName::Inodes | LimitName::Nofile => (whole, COUNT),
        LimitName::Cpus => {
            let [least, most] = [least, most].map(|thousandths| thousandths as f64 / 1000.0);
            (json!({ "type": "number", "minimum": least, "maximum": most }), PROCESSORS)
        }
    };
    json!({ "anyOf": [number, { "type": "string", "pattern": text }] })
}
