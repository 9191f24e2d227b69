//! What every operation of an edge's OpenAPI document has: the session scheme and the problem answer.

use utoipa::{
    ToSchema,
    openapi::{
        Content, OpenApi, Ref, RefOr, ResponseBuilder,
        path::Operation,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

use super::problem::{FieldError, Problem};

/// Completes a document made from handlers.
pub fn complete(document: &mut OpenApi) {
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("session", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    let mut schemas = Vec::new();
    Problem::schemas(&mut schemas);
    schemas.push((
        Problem::name().into_owned(),
        <Problem as utoipa::PartialSchema>::schema(),
    ));
    schemas.push((
        FieldError::name().into_owned(),
        <FieldError as utoipa::PartialSchema>::schema(),
    ));
    components.schemas.extend(schemas);
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete];
        operations.into_iter().flatten().for_each(refusals);
    }
}

/// Every operation may answer with a problem.
fn refusals(operation: &mut Operation) {
    let problem = ResponseBuilder::new()
        .description("Refused: an RFC 9457 problem")
        .content(
            "application/problem+json",
            Content::new(Some(Ref::from_schema_name("Problem"))),
        )
        .build();
    operation
        .responses
        .responses
        .insert("default".to_owned(), RefOr::T(problem));
}
