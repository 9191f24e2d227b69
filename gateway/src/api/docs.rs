//! The OpenAPI document and a page that shows it, rendered here: no outside host, no script.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use relight_common::edge::Problem;
use serde_json::{Value, json};
use utoipa::openapi::OpenApi;

use crate::app::App;

/// `/api/v1/openapi.json` and `/api/docs`.
pub fn routes(document: OpenApi) -> Router<App> {
    let document = Arc::new(serde_json::to_value(document).expect("a document of strings"));
    let shown = Arc::new(contents(&document));
    Router::new()
        .route(
            "/api/v1/openapi.json",
            get(move || async move { Json(Value::clone(&document)) }),
        )
        .route(
            "/api/docs",
            get(async move |State(app): State<App>| page(&app, &shown)),
        )
}

fn page(app: &App, contents: &Value) -> Result<Response, Problem> {
    let html = app.templates().render_raw(
        "docs.html",
        minijinja::value::Value::from(minijinja::value::Serde(contents)),
    )?;
    Ok(Html(html).into_response())
}

/// The document in the order a person reads it: operations by tag, then the bodies.
fn contents(document: &Value) -> Value {
    let mut tags: Vec<(String, Vec<Value>)> = Vec::new();
    let paths = document["paths"].as_object().into_iter().flatten();
    for (path, item) in paths {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let tag = operation["tags"][0].as_str().unwrap_or("other").to_owned();
            let shown = operation_of(method, path, operation);
            match tags.iter_mut().find(|(name, _)| *name == tag) {
                Some((_, operations)) => operations.push(shown),
                None => tags.push((tag, vec![shown])),
            }
        }
    }
    let tags: Vec<Value> = tags
        .into_iter()
        .map(|(name, operations)| json!({"name": name, "operations": operations}))
        .collect();
    json!({"info": document["info"], "openapi": document["openapi"], "tags": tags, "schemas": schemas(document)})
}

fn operation_of(method: &str, path: &str, operation: &Value) -> Value {
    let parameters: Vec<Value> = operation["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|p| {
            json!({"name": p["name"], "where": p["in"], "required": p["required"], "words": p["description"],
                "kind": kind(&p["schema"])})
        })
        .collect();
    let answers: Vec<Value> = operation["responses"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(status, answer)| {
            let content = answer["content"].as_object().and_then(|c| c.values().next());
            json!({"status": status, "words": answer["description"],
                "kind": content.map(|c| kind(&c["schema"]))})
        })
        .collect();
    json!({
        "method": method.to_uppercase(),
        "path": path,
        "id": format!("{method}{}", path.replace(['/', '{', '}'], "-")),
        "words": operation["summary"].as_str().or(operation["description"].as_str()),
        "session": operation["security"].is_array(),
        "parameters": parameters,
        "body": operation.pointer("/requestBody/content/application~1json/schema").map(kind),
        "answers": answers,
    })
}

fn schemas(document: &Value) -> Vec<Value> {
    let all = document.pointer("/components/schemas").and_then(Value::as_object);
    all.into_iter()
        .flatten()
        .map(|(name, schema)| json!({"name": name, "words": schema["description"], "shapes": shapes(schema)}))
        .collect()
}

/// The one shape of an object, or the shapes of a choice.
fn shapes(schema: &Value) -> Vec<Value> {
    if let Some(choices) = schema["oneOf"].as_array() {
        return choices.iter().flat_map(shapes).collect();
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let fields: Vec<Value> = parts.iter().flat_map(fields).collect();
        let also = parts.iter().find_map(|part| part["$ref"].as_str()).map(last);
        return vec![json!({"words": schema["description"], "fields": fields, "also": also})];
    }
    if let Some(words) = schema["enum"].as_array() {
        return vec![json!({"words": schema["description"], "enum": words})];
    }
    vec![json!({"words": schema["description"], "fields": fields(schema)})]
}

fn fields(schema: &Value) -> Vec<Value> {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, field)| {
            json!({"name": name, "kind": kind(field), "words": field["description"],
                "required": required.iter().any(|r| r == name)})
        })
        .collect()
}

/// The type in words, and the schema it points to.
fn kind(schema: &Value) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        return json!({"ref": last(reference)});
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let real = choices.iter().find(|choice| choice["type"] != "null");
        return real.map_or(Value::Null, kind);
    }
    let word = match &schema["type"] {
        Value::Array(types) => types.iter().find(|t| *t != "null").cloned(),
        other => Some(other.clone()),
    };
    let word = word.as_ref().and_then(Value::as_str).unwrap_or("value");
    if word == "array" {
        let of = kind(&schema["items"]);
        return json!({"list": true, "ref": of["ref"], "text": of["text"]});
    }
    let format = schema["format"]
        .as_str()
        .map(|f| format!(" ({f})"))
        .unwrap_or_default();
    let only = schema["enum"][0]
        .as_str()
        .map(|v| format!(": \"{v}\""))
        .unwrap_or_default();
    json!({"text": format!("{word}{format}{only}{}", bounds(schema))})
}

fn bounds(schema: &Value) -> String {
    let number = |key: &str, words: &str| schema[key].as_f64().map(|n| format!(", {words} {n}"));
    [
        number("maxLength", "at most").map(|s| s + " characters"),
        number("minimum", "from"),
        number("maximum", "to"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn last(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or(reference)
}

#[cfg(test)]
mod tests {
    use relight_common::edge::photo::Photos;

    use super::*;
    use crate::api;

    fn document() -> Value {
        serde_json::to_value(api::routes(&Photos::at("nowhere", 1024)).1).unwrap()
    }

    #[test]
    fn the_document_is_openapi_3_1_and_every_reference_leads_somewhere() {
        let document = document();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
        let text = document.to_string();
        let references = text.split("\"#/components/schemas/").skip(1);
        let mut count = 0;
        for name in references.map(|rest| rest.split('"').next().unwrap()) {
            assert!(
                document["components"]["schemas"].get(name).is_some(),
                "{name} is nowhere"
            );
            count += 1;
        }
        assert!(count > 40, "{count}");
    }

    #[test]
    fn every_write_asks_for_an_idempotency_key() {
        let without = [
            "/api/v1/sessions",
            "/api/v1/sessions/current",
            "/api/v1/codes/confirm",
            "/api/v1/arrears/cases/search",
            "/api/v1/customers/search",
            "/api/v1/grid/what-if",
            "/api/v1/ledger/totals",
            "/api/v1/ledger/voltages",
            "/api/v1/photos/{sha256}",
            "/api/v1/service-points/nearest",
        ];
        let document = document();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let asks = operation["parameters"].to_string().contains("Idempotency-Key");
                let should = method != "get" && !without.contains(&path.as_str());
                assert_eq!(asks, should, "{method} {path}");
            }
        }
    }

    #[test]
    fn the_page_shows_every_operation() {
        let shown = contents(&document());
        let operations: usize = shown["tags"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tag| tag["operations"].as_array().unwrap().len())
            .sum();
        let paths = document()["paths"].as_object().unwrap().clone();
        let expected: usize = paths.values().map(|item| item.as_object().unwrap().len()).sum();
        assert_eq!(operations, expected);
    }
}
