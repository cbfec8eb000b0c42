//! How, and how lately, somebody must have signed in (OIDC Core §3.1.2.1, RFC 9470 §4).

use core::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::access_token::authenticated_at;
use crate::{
    json::Object,
    time::{Leeway, Timestamp},
    web::form::Form,
};

/// What is asked of a sign-in; by default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepUp {
    /// `acr` must be one of these; none: any will do.
    pub acr_values: Vec<String>,
    /// At most so long ago.
    pub max_age: Option<Duration>,
}

impl StepUp {
    /// Whether any sign-in will do.
    pub fn asks_nothing(&self) -> bool {
        self.acr_values.is_empty() && self.max_age.is_none()
    }

    /// The parameters of an authorization request that ask for it.
    pub fn parameters(&self) -> Form {
        let mut form = Form::new();
        if !self.acr_values.is_empty() {
            form.push("acr_values", &self.acr_values.join(" "));
        }
        if let Some(age) = self.max_age {
            form.push("max_age", &age.as_secs().to_string());
        }
        form
    }

    /// Whether these claims are of somebody who signed in like that. What they don't say does not count.
    pub fn is_met(&self, claims: &Object, now: Timestamp) -> bool {
        self.is_met_in_kind(claims) && self.is_met_in_time(claims, now)
    }

    /// Whether they are of a sign-in of the right kind.
    pub fn is_met_in_kind(&self, claims: &Object) -> bool {
        let acr = claims.get("acr").and_then(Value::as_str);
        self.acr_values.is_empty() || acr.is_some_and(|acr| self.acr_values.iter().any(|value| value == acr))
    }

    /// Whether they are of a sign-in that is not too long ago. One of the future, as of milliseconds taken for seconds,
    /// would never grow old: it does not count, as far as no clock may be wrong by so much.
    pub fn is_met_in_time(&self, claims: &Object, now: Timestamp) -> bool {
        let latest = now.plus(Duration::from_secs(Leeway::MAX_SECONDS.into()));
        let then = authenticated_at(claims).filter(|then| *then <= latest);
        self.max_age.is_none_or(|age| then.is_some_and(|then| now.since(then) <= age))
    }
}
