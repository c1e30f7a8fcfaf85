//! The description of all resources, as OpenAPI 3.1. The forms in it are those of `clearing schema`, which is JSON
//! Schema of the same version.

use serde_json::{Map, Value};
use utoipa::openapi::path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, Content, ContentBuilder, HttpMethod, InfoBuilder, ObjectBuilder, OpenApi,
    OpenApiBuilder, PathItem, PathsBuilder, Ref, Required, ResponseBuilder, Schema, Type,
};

use super::answer::Wrong;
use super::routes::{EVENTS, Field, Kind, METRICS, OPENAPI, ROUTES, Route, Verb};
use crate::protocol::{Forms, METHODS};

/// A key in brackets has none.
const KEY: &str = r"^[^\[\]]*$";
/// Where the forms stand.
const FORMS: &str = "/components/schemas";
const JSON: &str = "application/json";

/// What a method takes.
struct Taken<'a> {
    params: &'a Value,
    /// The forms that are named in it.
    named: &'a Map<String, Value>,
}

impl Taken<'_> {
    /// The first of a choice, which a query can say: what is no text has no place there.
    fn plain(&self, form: &Value) -> Value {
        let form = of_name(self.named, form);
        match form["anyOf"].get(0) {
            Some(first) => self.plain(first),
            None => form,
        }
    }
}

/// The description.
pub(crate) fn document() -> Value {
    let mut forms = Forms::at(FORMS);
    let mut taken = Vec::new();
    for route in ROUTES {
        let method = METHODS.iter().find(|method| method.name == route.method);
        taken.extend(method.map(|method| (route, forms.of(method))));
    }
    let wrong = forms.said::<Wrong<'static>>();
    let mut named = forms.named();
    let mut paths = with_others(PathsBuilder::new(), &Taken { params: &named["ExecRead"], named: &named });
    for (route, (params, result)) in &taken {
        let (params, mut responses) = (of_name(&named, params.as_value()), Map::new());
        responses.insert(format!("{}Result", id(route)), result.as_value().clone());
        let operation = operation(route, &Taken { params: &params, named: &named });
        if route.verb.has_body() {
            responses.insert(format!("{}Body", id(route)), body(route, params));
        }
        named.extend(responses);
        paths = paths.path(route.path, PathItem::new(verb(route.verb), operation));
    }
    named.insert("Error".into(), wrong.as_value().clone());
    let mut document = serde_json::to_value(whole(paths)).unwrap_or_default();
    document["components"]["schemas"] = Value::Object(named);
    document
}

fn whole(paths: PathsBuilder) -> OpenApi {
    let description = "Runs commands that nobody vouches for, in sandboxes that live on, over a project that only a commit changes.";
    let info = InfoBuilder::new()
        .title("clearing")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(description));
    let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    let anybody = SecurityRequirement::default();
    let knowing = SecurityRequirement::new("token", [] as [&str; 0]);
    OpenApiBuilder::new()
        .info(info.build())
        .paths(paths)
        .components(Some(ComponentsBuilder::new().security_scheme("token", bearer).build()))
        // On a socket of the file system the peer itself is known.
        .security(Some([anybody, knowing]))
        .build()
}

/// Resources that are no methods.
fn with_others(paths: PathsBuilder, read: &Taken<'_>) -> PathsBuilder {
    let ok = |description: &str, kind: &str| {
        let text = ObjectBuilder::new().schema_type(Type::String).build();
        let content = ContentBuilder::new().schema(Some(text)).build();
        ResponseBuilder::new().description(description).content(kind, content)
    };
    let after = Field { name: "afterSeq", kind: Kind::Whole, otherwise: None };
    let events = OperationBuilder::new()
        .operation_id(Some("execEvents"))
        .summary(Some("What an exec says, as it comes: server-sent events, named as the notifications are"))
        .parameters(Some(in_path(EVENTS)))
        .parameter(in_query(&after, read))
        .response("200", ok("Events until the exec has said all", "text/event-stream"))
        .response("204", ResponseBuilder::new().description("All of it is known"))
        .response("default", wrong());
    let metrics = OperationBuilder::new()
        .operation_id(Some("metrics"))
        .summary(Some("What is counted, for Prometheus"))
        .response("200", ok("Counts and gauges", "text/plain"));
    let itself =
        OperationBuilder::new().operation_id(Some("openapi")).summary(Some("This document")).response(
            "200",
            ResponseBuilder::new().description("This document").content(JSON, Content::default()),
        );
    paths
        .path(EVENTS, PathItem::new(HttpMethod::Get, events))
        .path(OPENAPI, PathItem::new(HttpMethod::Get, itself))
        .path(METRICS, PathItem::new(HttpMethod::Get, metrics))
}

fn operation(route: &Route, taken: &Taken<'_>) -> OperationBuilder {
    let (id, params) = (id(route), taken.params);
    let done = ResponseBuilder::new()
        .description(if route.makes { "It is made" } else { "It is done" })
        .content(JSON, form(&format!("{id}Result")));
    let mut operation = OperationBuilder::new()
        .tag(route.method.split('/').next().unwrap_or_default())
        .description(params["description"].as_str())
        .parameters(Some(in_path(route.path)))
        .parameters(Some(route.query.iter().map(|field| in_query(field, taken))))
        .response(if route.makes { "201" } else { "200" }, done)
        .response("default", wrong());
    if route.verb.has_body() {
        let required = if needs_a_body(route, params) { Required::True } else { Required::False };
        let body =
            RequestBodyBuilder::new().required(Some(required)).content(JSON, form(&format!("{id}Body")));
        operation = operation.request_body(Some(body.build()));
    }
    operation.operation_id(Some(id))
}

fn wrong() -> ResponseBuilder {
    ResponseBuilder::new().description("It is refused, and why").content(JSON, form("Error"))
}

fn form(name: &str) -> Content {
    ContentBuilder::new().schema(Some(Ref::new(format!("#{FORMS}/{name}")))).build()
}

fn in_path(path: &str) -> Vec<Parameter> {
    let parameter = |name: &str| {
        let text = ObjectBuilder::new().schema_type(Type::String).build();
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path);
        parameter.required(Required::True).schema(Some(text)).build()
    };
    names(path).map(parameter).collect()
}

/// The names in braces.
fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn in_query(field: &Field, taken: &Taken<'_>) -> Parameter {
    let params = taken.params;
    let form = taken.plain(&params["properties"][field.name]);
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let schema: Schema = match field.kind {
        Kind::Text => text().pattern(form["pattern"].as_str()).into(),
        Kind::Whole => {
            let [least, most] = ["minimum", "maximum"].map(|bound| form[bound].as_u64());
            let whole = ObjectBuilder::new().schema_type(Type::Integer).minimum(least).maximum(most);
            whole.default(field.otherwise.map(Value::from)).into()
        }
        Kind::Truth => ObjectBuilder::new().schema_type(Type::Boolean).into(),
        Kind::Many => text().to_array_builder().into(),
        Kind::Pairs => {
            let key: Schema = text().pattern(Some(KEY)).into();
            ObjectBuilder::new().additional_properties(Some(text())).property_names(Some(key)).into()
        }
    };
    let is_required = is_required(params, field.name);
    ParameterBuilder::new()
        .name(field.name)
        .parameter_in(ParameterIn::Query)
        .required(if is_required { Required::True } else { Required::False })
        .description(params["properties"][field.name]["description"].as_str())
        .style((field.kind == Kind::Pairs).then_some(ParameterStyle::DeepObject))
        .explode(matches!(field.kind, Kind::Pairs | Kind::Many).then_some(true))
        .schema(Some(schema))
        .build()
}

fn is_required(params: &Value, name: &str) -> bool {
    params["required"].as_array().is_some_and(|required| required.iter().any(|one| one == name))
}

/// What is left for the body of what a method takes.
fn body(route: &Route, mut params: Value) -> Value {
    for name in names(route.path) {
        if let Some(properties) = params["properties"].as_object_mut() {
            properties.remove(name);
        }
        if let Some(required) = params["required"].as_array_mut() {
            required.retain(|one| one != name);
        }
    }
    params
}

/// Whether something has to stand in it, whatever the choice.
fn needs_a_body(route: &Route, params: &Value) -> bool {
    let required = params["required"].as_array();
    let is_any = required.is_some_and(|all| all.iter().any(|one| !names(route.path).any(|name| one == name)));
    let cases = ["oneOf", "anyOf"].iter().filter_map(|word| params[*word].as_array());
    is_any || cases.into_iter().any(|cases| cases.iter().all(|case| needs_a_body(route, case)))
}

/// The form that a reference names.
fn of_name(named: &Map<String, Value>, form: &Value) -> Value {
    let name = form["$ref"].as_str().and_then(|to| to.rsplit('/').next());
    name.and_then(|name| named.get(name)).unwrap_or(form).clone()
}

/// `session/create` as a name: `sessionCreate`.
fn id(route: &Route) -> String {
    let mut words = route.method.split('/');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |id, word| {
        let (head, tail) = word.split_at(1);
        id + &head.to_uppercase() + tail
    })
}

fn verb(verb: Verb) -> HttpMethod {
    match verb {
        Verb::Get => HttpMethod::Get,
        Verb::Post => HttpMethod::Post,
        Verb::Put => HttpMethod::Put,
        Verb::Delete => HttpMethod::Delete,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All references in a document.
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn every_route_is_described_and_every_reference_leads_somewhere() {
        let document = document();
        assert_eq!(document["openapi"], "3.1.0");
        for route in ROUTES {
            let operation = &document["paths"][route.path][route.verb.text().to_lowercase()];
            assert_eq!(operation["operationId"], id(route), "{} {}", route.verb.text(), route.path);
            assert_eq!(operation.get("requestBody").is_some(), route.verb.has_body());
        }
        let mut found = Vec::new();
        references(&document, &mut found);
        for reference in found {
            let place = reference.trim_start_matches('#');
            assert!(document.pointer(place).is_some(), "{reference}");
        }
    }

    #[test]
    fn a_query_has_the_bounds_of_the_method() {
        let document = document();
        let parameter = |path: &str, name: &str| {
            let parameters = document["paths"][path]["get"]["parameters"].as_array().expect("parameters");
            let found = parameters.iter().find(|parameter| parameter["name"] == name).expect("the parameter");
            found["schema"].clone()
        };
        let files = "/v1/sessions/{session}/files";
        assert_eq!(parameter(files, "line")["minimum"], 1);
        assert_eq!(parameter(files, "path")["pattern"], r"^[^\x00]*$");
        assert_eq!(parameter(&format!("{files}/list"), "depth")["maximum"], u32::MAX);
        assert_eq!(parameter(EVENTS, "afterSeq")["maximum"], u64::MAX);
        assert_eq!(parameter("/v1/sessions", "labels")["propertyNames"]["pattern"], KEY);
    }

    #[test]
    fn a_body_is_wanted_where_nothing_is_no_request() {
        let document = document();
        let required = |path: &str| document["paths"][path]["post"]["requestBody"]["required"].clone();
        let execs = "/v1/sessions/{session}/execs";
        // One of a choice, some field, and none.
        assert_eq!(required(execs), true);
        assert_eq!(required(&format!("{execs}/{{exec}}/signal")), true);
        assert_eq!(required("/v1/sessions/{session}/snapshots"), false);
    }

    #[test]
    fn what_stands_in_the_path_is_not_in_the_body() {
        let document = document();
        let body = &document["components"]["schemas"]["execWriteBody"];
        assert!(body["properties"]["text"].is_object(), "{body}");
        assert!(body["properties"].get("session").is_none() && !is_required(body, "exec"), "{body}");
    }
}
