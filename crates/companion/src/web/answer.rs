//! What a client is told when it cannot be answered.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ostler_wire::control::{Code, Failure};
use serde::Serialize;
use utoipa::ToSchema;

/// An answer that is a failure.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    pub(crate) failure: Failure,
}

impl Refused {
    /// A failure with this status and text.
    pub(crate) fn new(status: StatusCode, code: Code, message: impl Into<String>) -> Self {
        Self { status, failure: Failure::new(code, message) }
    }

    /// The same with what to do.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { failure: self.failure.hint(hint), ..self }
    }
}

impl From<ostler_client::Error> for Refused {
    /// The daemon could not be asked.
    fn from(error: ostler_client::Error) -> Self {
        let failure = Failure { code: Code::Busy, message: error.to_string(), hint: error.hint() };
        Self { status: StatusCode::SERVICE_UNAVAILABLE, failure }
    }
}

impl From<Failure> for Refused {
    /// The daemon refused, or could not.
    fn from(failure: Failure) -> Self {
        let status = match failure.code {
            Code::Invalid | Code::Ambiguous => StatusCode::BAD_REQUEST,
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::NothingToDo
            | Code::UnderWay
            | Code::CutShort
            | Code::NotSpawned
            | Code::Ended
            | Code::NotVerified
            | Code::Unkillable => StatusCode::CONFLICT,
            Code::Busy | Code::Closing => StatusCode::SERVICE_UNAVAILABLE,
            Code::Other | Code::Unknown | Code::System => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self { status, failure }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status, Json(Wrong::of(&self.failure))).into_response()
    }
}

/// What went wrong, as the API says it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Wrong {
    pub(crate) error: Why,
}

/// What went wrong, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Why {
    /// What kind of failure it is, for programs: `not_found`, `under_way`.
    #[schema(value_type = String)]
    code: Code,
    /// What went wrong, with the values.
    message: String,
    /// What to do, if anything is known.
    hint: Option<String>,
}

impl Wrong {
    fn of(failure: &Failure) -> Self {
        Self { error: failure.clone().into() }
    }
}

impl From<Failure> for Why {
    fn from(failure: Failure) -> Self {
        let Failure { code, message, hint } = failure;
        Self { code, message: ostler_text::without_numbers(&message), hint }
    }
}
