//! `/openapi.json`: made from the verbs and the types of their parameters, so that it cannot say anything else.

use axum::Json;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, PathItem};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, PathsBuilder, Ref, ResponseBuilder,
};

use crate::api::verb::{Verb, Who};

/// `GET /openapi.json`.
pub async fn document() -> Json<OpenApi> {
    Json(openapi())
}

fn openapi() -> OpenApi {
    let shown = || Verb::ALL.iter().copied().filter(|verb| verb.who() != Who::Connection);
    let components = shown().fold(ComponentsBuilder::new(), |components, verb| {
        let (name, schema) = verb.schema();
        components.schema(name, schema)
    });
    let plain = [
        ("/v1/feed", "The feed as Server-Sent Events; filters in the query, `Last-Event-ID` to go on."),
        ("/metrics", "Numbers for Prometheus."),
        ("/healthz", "Whether the process answers."),
        ("/readyz", "Whether store, sockets and workspaces stand."),
    ];
    let paths = shown().fold(PathsBuilder::new(), |paths, verb| paths.path(format!("/v1/{}", verb.word()), item(verb)));
    let paths = plain.into_iter().fold(paths, |paths, (path, about)| {
        let operation = OperationBuilder::new().summary(Some(about)).response("200", ResponseBuilder::new().build());
        paths.path(path, PathItem::new(HttpMethod::Get, operation.build()))
    });
    let info = InfoBuilder::new().title("agent-bridge").version(env!("CARGO_PKG_VERSION")).build();
    OpenApiBuilder::new().info(info).paths(paths.build()).components(Some(components.build())).build()
}

fn item(verb: Verb) -> PathItem {
    let (name, _) = verb.schema();
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(name))).build();
    let body = RequestBodyBuilder::new().content("application/json", content).build();
    let operation = OperationBuilder::new()
        .operation_id(Some(verb.word()))
        .summary(Some(verb.about()))
        .request_body(Some(body))
        .response("200", ResponseBuilder::new().description("Done.").build())
        .response("default", ResponseBuilder::new().description("Refused: `error.kind` is a stable word.").build());
    PathItem::new(HttpMethod::Post, operation.build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_of_this_door_and_its_parameters_stand_in_the_document() {
        let document = serde_json::to_value(openapi()).unwrap();
        for verb in Verb::ALL.iter().filter(|verb| verb.who() != Who::Connection) {
            let pointer = format!("/paths/~1v1~1{}/post", verb.word());
            let operation = document.pointer(&pointer).unwrap_or_else(|| panic!("{} is missing", verb.word()));
            let schema = operation.pointer("/requestBody/content/application~1json/schema/$ref").unwrap();
            let schema = schema.as_str().unwrap().trim_start_matches('#');
            assert!(document.pointer(schema).is_some(), "{schema} is missing");
        }
    }
}
