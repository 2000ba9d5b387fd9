//! `/api/v1`. Each path is described where it is answered; the document of all is made from that.

mod act;
mod asked;
mod errors;
mod history;
mod look;
pub(super) mod metrics;
mod perform;
mod stream;
mod target;
pub(super) mod view;

use std::sync::Arc;

use axum::Router;
use utoipa::OpenApi;
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{OpenApi as Document, RefOr, Schema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::state::Shared;

/// Where the document is.
pub(super) const DOCUMENT: &str = "/api/v1/openapi.json";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "ostler",
        description = "What runs on this machine under ostler, and what can be done with it. A \
            word in a path is `all`, the name of an app, a namespace, `NAMESPACE%2FNAME`, or the \
            number of a process.",
    ),
    components(schemas(history::Range, stream::Source)),
    security((), ("token" = [])),
)]
struct Described;

/// Returns every path of the API, and the document about them.
pub(super) fn router() -> (Router<Arc<Shared>>, Document) {
    let (router, mut document) = OpenApiRouter::with_openapi(Described::openapi())
        .routes(routes!(look::processes))
        .routes(routes!(look::describe, act::delete))
        .routes(routes!(history::history))
        .routes(routes!(errors::errors))
        .routes(routes!(act::start))
        .routes(routes!(act::stop))
        .routes(routes!(act::restart))
        .routes(routes!(act::reset))
        .routes(routes!(act::reload))
        .routes(routes!(act::promote))
        .routes(routes!(act::rollback))
        .routes(routes!(act::scale))
        .routes(routes!(stream::events))
        .routes(routes!(stream::logs))
        .routes(routes!(look::host))
        .routes(routes!(look::others))
        .routes(routes!(metrics::metrics))
        .split_for_parts();
    let components = document.components.get_or_insert_default();
    // What means nothing is refused.
    for body in ["HowMany", "HowToReload"] {
        if let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(body) {
            object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
    }
    let token = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    components.add_security_scheme("token", token);
    (router, document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_every_path_and_is_of_version_3_1() {
        let (_, document) = router();
        let value = serde_json::to_value(&document).unwrap();
        assert!(value["openapi"].as_str().unwrap().starts_with("3.1"));
        let paths: Vec<&String> = value["paths"].as_object().unwrap().keys().collect();
        assert_eq!(paths.len(), 17, "{paths:?}");
        for (path, of) in value["paths"].as_object().unwrap() {
            for (how, of) in of.as_object().unwrap() {
                for parameter in of["parameters"].as_array().into_iter().flatten() {
                    assert!(parameter["schema"].is_object(), "{how} {path}: {parameter}");
                }
            }
        }
        for body in ["HowMany", "HowToReload"] {
            let of = &value["components"]["schemas"][body];
            assert_eq!(of["additionalProperties"], false, "{body} takes what means nothing");
        }
        let text = value.to_string();
        for name in text.split("#/components/schemas/").skip(1) {
            let name = name.split('"').next().unwrap();
            assert!(value["components"]["schemas"][name].is_object(), "{name}");
        }
    }
}
