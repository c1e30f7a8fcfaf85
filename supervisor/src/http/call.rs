//! From what a request says to the parameters of a method.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::routes::{Field, Kind, Route};
use crate::protocol::Fault;

/// The parameters: those in the path, those after the `?`, and those of the body, each in one of the three.
pub(crate) fn params<'a>(
    route: &Route,
    path: impl Iterator<Item = (&'a str, &'a str)>,
    query: &str,
    body: &[u8],
) -> Result<Value, Fault> {
    let mut params = of_body(route, body)?;
    for (name, value) in path {
        add(&mut params, name, Value::from(value))?;
    }
    for (name, value) in of_query(route, query)? {
        add(&mut params, &name, value)?;
    }
    Ok(Value::Object(params))
}

fn add(params: &mut Map<String, Value>, name: &str, value: Value) -> Result<(), Fault> {
    match params.insert(name.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err(Fault::params(format!("`{name}` stands in the path, and has no place in the body"))),
    }
}

fn of_body(route: &Route, body: &[u8]) -> Result<Map<String, Value>, Fault> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    if !route.verb.has_body() {
        return Err(Fault::params(format!("a {} has no body", route.verb.text())));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(params)) => Ok(params),
        Ok(_) => Err(Fault::params("the body is no object")),
        Err(error) => Err(Fault::no_json("the body", &error.to_string())),
    }
}

fn of_query(route: &Route, query: &str) -> Result<Map<String, Value>, Fault> {
    let mut params = Map::new();
    for field in route.query {
        params.extend(field.otherwise.map(|value| (field.name.to_owned(), value.into())));
    }
    let mut said = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(name)?, decoded(value)?);
        let (field, key) = find(route, &name)?;
        put(&mut said, field, key, value)?;
    }
    params.extend(said);
    Ok(params)
}

fn decoded(text: &str) -> Result<String, Fault> {
    let text = text.replace('+', " ");
    let decoded = percent_decode_str(&text).decode_utf8().map(std::borrow::Cow::into_owned);
    decoded.map_err(|_| Fault::params("what stands after the `?` is not UTF-8"))
}

/// The parameter of this name, and the key in brackets.
fn find<'a>(route: &Route, name: &'a str) -> Result<(&'static Field, Option<&'a str>), Fault> {
    let keyed = name.strip_suffix(']').and_then(|name| name.split_once('['));
    let keyed = keyed.filter(|(_, key)| !key.contains(['[', ']']));
    let (bare, key) = keyed.map_or((name, None), |(bare, key)| (bare, Some(key)));
    let is_it = |field: &&Field| field.name == bare && (field.kind == Kind::Pairs) == key.is_some();
    route.query.iter().find(is_it).map(|field| (field, key)).ok_or_else(|| {
        let known: Vec<String> = route.query.iter().map(|field| format!("`{}`", field.name)).collect();
        let known = if known.is_empty() { "none is known".into() } else { known.join(", ") };
        Fault::params(format!("`{name}` may not stand after the `?` here: {known}"))
    })
}

fn put(said: &mut Map<String, Value>, field: &Field, key: Option<&str>, value: String) -> Result<(), Fault> {
    let name = field.name;
    let wrong = |wanted: &str| Fault::params(format!("`{name}`: {wanted} is wanted"));
    let value = match field.kind {
        Kind::Text | Kind::Many | Kind::Pairs => Value::from(value),
        Kind::Whole => value.parse::<u64>().map_err(|_| wrong("a whole number"))?.into(),
        Kind::Truth => value.parse::<bool>().map_err(|_| wrong("`true` or `false`"))?.into(),
    };
    let is_new = match (field.kind, key) {
        (Kind::Many, _) => {
            let all = said.entry(name).or_insert_with(|| Value::Array(Vec::new()));
            all.as_array_mut().is_some_and(|all| {
                all.push(value);
                true
            })
        }
        (Kind::Pairs, Some(key)) => {
            let all = said.entry(name).or_insert_with(|| Value::Object(Map::new()));
            all.as_object_mut().is_some_and(|all| all.insert(key.to_owned(), value).is_none())
        }
        _ => said.insert(name.to_owned(), value).is_none(),
    };
    if is_new { Ok(()) } else { Err(Fault::params(format!("`{name}` stands there twice"))) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::routes::{ROUTES, Verb};
    use super::*;

    fn of(verb: Verb, path: &str) -> &'static Route {
        ROUTES.iter().find(|route| route.verb == verb && route.path.ends_with(path)).expect("a route")
    }

    fn refused(route: &Route, path: &[(&str, &str)], query: &str, body: &str) -> String {
        params(route, path.iter().copied(), query, body.as_bytes()).expect_err("a fault").message
    }

    #[test]
    fn a_parameter_comes_from_the_path_the_query_or_the_body() {
        let (execs, path) = (of(Verb::Post, "/execs"), [("session", "s")]);
        let said = params(execs, path.into_iter(), "", b"{\"argv\":[\"true\"]}").expect("parameters");
        assert_eq!(said, json!({ "session": "s", "argv": ["true"] }));
        let diff = of(Verb::Get, "/diff");
        let said =
            params(diff, path.into_iter(), "paths=a%20b&paths=c+d&patch=true", b"").expect("parameters");
        assert_eq!(said, json!({ "session": "s", "paths": ["a b", "c d"], "patch": true }));
        let list = of(Verb::Get, "/v1/sessions");
        let said = params(list, [].into_iter(), "labels[task]=42&labels%5Bb%5D=", b"").expect("parameters");
        assert_eq!(said, json!({ "labels": { "task": "42", "b": "" } }));
    }

    #[test]
    fn an_exec_is_told_as_it_is_unless_somebody_waits() {
        let exec = of(Verb::Get, "/{exec}");
        let waits = |query| params(exec, [].into_iter(), query, b"").expect("parameters");
        assert_eq!((waits("")["waitMs"].as_u64(), waits("waitMs=7")["waitMs"].as_u64()), (Some(0), Some(7)));
    }

    #[test]
    fn what_stands_in_two_places_or_in_a_wrong_one_is_refused() {
        let (execs, output) = (of(Verb::Post, "/execs"), of(Verb::Get, "/output"));
        let path = [("session", "s")];
        assert!(refused(execs, &path, "", "{\"session\":\"t\"}").contains("`session` stands in the path"));
        assert!(refused(execs, &path, "argv=a", "{}").contains("`argv` may not stand"));
        assert!(refused(output, &path, "waitMs=1&waitMs=2", "").contains("twice"));
        assert!(refused(output, &path, "waitMs=-1", "").contains("a whole number"));
        assert!(refused(output, &path, "afterSeq=%ff", "").contains("UTF-8"));
        assert!(refused(output, &path, "", "{}").contains("has no body"));
        assert!(refused(execs, &path, "", "[]").contains("no object"));
        assert!(refused(execs, &path, "", "{").contains("no JSON"));
        assert!(refused(execs, &path, "", "\u{c}").contains("no JSON"));
        for query in ["labels=a", "labels[a][b]=c", "labels[a]]=c", "labels[[]=c"] {
            assert!(refused(of(Verb::Get, "/v1/sessions"), &[], query, "").contains("`labels`"), "{query}");
        }
    }
}
