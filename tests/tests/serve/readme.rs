//! What the README shows of the protocol has the form that the binary says it has.

use clearing_tests::{Caller, Site};
use serde_json::Value;

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");

/// Whether a value has a form, as far as `clearing schema` uses JSON Schema; and where it has not.
pub(super) fn check(value: &Value, form: &Value, document: &Value, at: &str) -> Result<(), String> {
    if let Some(name) = form["$ref"].as_str() {
        let form = document.pointer(name.trim_start_matches('#')).ok_or_else(|| format!("no {name}"))?;
        check(value, form, document, at)?;
    }
    for any in [&form["anyOf"], &form["oneOf"]] {
        if let Some(forms) = any.as_array() {
            let fits = forms.iter().any(|form| check(value, form, document, at).is_ok());
            fits.then_some(()).ok_or_else(|| format!("{at}: {value} fits none of {forms:?}"))?;
        }
    }
    check_type(value, form, at)?;
    let known = form["properties"].as_object();
    for name in form["required"].as_array().into_iter().flatten() {
        let name = name.as_str().unwrap();
        value.get(name).ok_or_else(|| format!("{at}: `{name}` is missing"))?;
    }
    for (name, value) in value.as_object().into_iter().flatten() {
        let at = format!("{at}.{name}");
        match (known.and_then(|known| known.get(name)), &form["additionalProperties"]) {
            (Some(form), _) => check(value, form, document, &at)?,
            (None, Value::Bool(false)) => return Err(format!("{at} is not known")),
            (None, form @ Value::Object(_)) => check(value, form, document, &at)?,
            (None, _) => {}
        }
    }
    let items = value.as_array().into_iter().flatten().filter(|_| form["items"].is_object());
    items.enumerate().try_for_each(|(n, item)| check(item, &form["items"], document, &format!("{at}[{n}]")))
}

fn check_type(value: &Value, form: &Value, at: &str) -> Result<(), String> {
    let is = |name: &Value| match name.as_str().unwrap_or_default() {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    };
    let fits = match &form["type"] {
        Value::Null => true,
        Value::Array(names) => names.iter().any(is),
        name => is(name),
    };
    let is_listed = form["enum"].as_array().is_none_or(|all| all.contains(value));
    let is_same = form.get("const").is_none_or(|constant| constant == value);
    (fits && is_listed && is_same).then_some(()).ok_or_else(|| format!("{at}: {value} is no {form}"))
}

pub(super) fn schema(site: &Site) -> Value {
    let output = site.clearing(["schema"]).output();
    output.expect_code(0);
    serde_json::from_str(&output.stdout).unwrap()
}

#[test]
fn the_examples_of_the_readme_have_the_form_that_the_schema_says() {
    let site = Site::new(Caller::all()[0]);
    let document = schema(&site);
    let readme = std::fs::read_to_string(README).unwrap();
    let mut asked = std::collections::HashMap::new();
    let (mut requests, mut results, mut notes, mut errors) = (0, 0, 0, 0);
    for line in readme.lines() {
        let Some((to, frame)) =
            ["\u{2192} ", "\u{2190} "].iter().find_map(|to| Some((to, line.strip_prefix(to)?)))
        else {
            continue;
        };
        let frame: Value = serde_json::from_str(frame).unwrap_or_else(|error| panic!("{line}: {error}"));
        let method = frame["method"].as_str().unwrap_or_default();
        let form = |kind: &str, name: &str, what: &str| document[kind][name][what].clone();
        let (value, form) = match (frame.get("id"), *to) {
            (Some(id), "\u{2192} ") => {
                asked.insert(id.to_string(), method.to_owned());
                requests += 1;
                (&frame["params"], form("methods", method, "params"))
            }
            (None, _) => {
                notes += 1;
                (&frame["params"], form("notifications", method, "params"))
            }
            (Some(id), _) if frame.get("result").is_some() => {
                results += 1;
                (&frame["result"], form("methods", &asked[&id.to_string()], "result"))
            }
            (Some(_), _) => {
                errors += 1;
                (&frame["error"], document["error"].clone())
            }
        };
        assert!(form.is_object(), "{line}: nothing of it in the schema");
        check(value, &form, &document, "").unwrap_or_else(|why| panic!("{line}: {why}"));
    }
    assert!(requests > 5 && results > 4 && notes > 2 && errors > 1, "{requests} {results} {notes} {errors}");
}

#[test]
fn what_does_not_have_the_form_is_found() {
    let site = Site::new(Caller::all()[0]);
    let document = schema(&site);
    let form = &document["methods"]["exec/start"]["params"];
    let fits = |text: &str| check(&serde_json::from_str(text).unwrap(), form, &document, "");
    fits(r#"{"session":"s","argv":["a"]}"#).unwrap();
    for wrong in [
        r#"{"argv":["a"]}"#,
        r#"{"session":7,"argv":[]}"#,
        r#"{"session":"s","argv":["a"],"agv":1}"#,
        r#"{"session":"s","argv":[7]}"#,
        r#"{"session":"s","argv":[],"stdin":"shut"}"#,
    ] {
        assert!(fits(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn an_outcome_of_a_run_has_the_form_that_the_schema_says() {
    let site = Site::new(Caller::all()[0]);
    let document = schema(&site);
    for script in ["true", "echo x > a; kill -9 $$", "yes"] {
        let run = site.clearing(["run", "--json", "--output", "10000", "--", "sh", "-c", script]).output();
        let outcome = run.stdout.lines().last().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut outcome = outcome.unwrap();
        outcome.as_object_mut().unwrap().remove("type");
        check(&outcome, &document["json"]["outcome"], &document, "").unwrap();
    }
}
