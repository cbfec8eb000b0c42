//! RFC 7592: a registration read, changed and ended by the client it belongs to.

use serde_json::Value;

use super::{Access, Registration, RegistrationError, refusal, registration};
use crate::{
    json::Object,
    oauth::exchange::{ProviderAnswer, ProviderRequest},
};

/// Reads the registration (RFC 7592 §2.1).
pub fn read(access: &Access) -> ProviderRequest {
    authorized(ProviderRequest::for_json(access.uri.clone()), access)
}

/// Replaces the metadata of `current` by itself and `changes`, a `null` among them taking a member out
/// (RFC 7592 §2.2: what is left out is deleted, so all of it is sent).
pub fn update(access: &Access, current: &Registration, changes: &Object) -> ProviderRequest {
    let mut object = current.metadata.clone();
    for (name, value) in changes {
        if value.is_null() {
            object.remove(name);
        } else {
            object.insert(name.clone(), value.clone());
        }
    }
    object.insert("client_id".to_owned(), current.client_id.as_str().into());
    if let Some(secret) = &current.client_secret {
        object.insert("client_secret".to_owned(), Value::String(secret.expose().clone()));
    }
    authorized(ProviderRequest::put_json(access.uri.clone(), object), access)
}

/// Judges the answer to [`read`] and [`update`] (RFC 7592 §3). What it leaves out of the secret and of the access
/// is as in `known`.
pub fn response(answer: &ProviderAnswer, known: &Registration) -> Result<Registration, RegistrationError> {
    match answer.status {
        200 => registration(&answer.body, known.auth_method().unwrap_or_default(), Some(known)),
        _ => Err(refusal(answer)),
    }
}

/// Ends the registration (RFC 7592 §2.3).
pub fn delete(access: &Access) -> ProviderRequest {
    authorized(ProviderRequest::delete(access.uri.clone()), access)
}

/// Judges the answer to [`delete`]. Some providers say 200 where 204 is meant.
pub fn deleted(answer: &ProviderAnswer) -> Result<(), RegistrationError> {
    match answer.status {
        200 | 204 => Ok(()),
        _ => Err(refusal(answer)),
    }
}

fn authorized(request: ProviderRequest, access: &Access) -> ProviderRequest {
    request.header("Authorization", format!("Bearer {}", access.token.expose()))
}
