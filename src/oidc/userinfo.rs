//! The userinfo endpoint (OIDC Core §5.3).

use serde_json::Value;

use super::id_token::IdToken;
use crate::{
    json::{self, Object},
    oauth::{
        AccessToken,
        exchange::{ProviderAnswer, ProviderRequest},
    },
    web::secure_url::SecureUrl,
};

/// Why an answer is not the userinfo of the signed-in subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserinfoError {
    /// Not 200.
    UnexpectedStatus,
    /// Signed or encrypted (`application/jwt`), which is not registered for.
    NotPlain,
    /// Not a JSON object.
    NotJson,
    /// `sub` is missing or another one (OIDC Core §5.3.2: the answer MUST NOT be used).
    SubjectMismatch,
}

/// Asks for the claims that the access token gives (OIDC Core §5.3.1).
pub fn request(endpoint: SecureUrl, access_token: &AccessToken) -> ProviderRequest {
    ProviderRequest::for_json(endpoint).header("Authorization", format!("Bearer {}", access_token.expose()))
}

/// Judges the answer (OIDC Core §5.3.2, §5.3.4).
pub fn response(answer: &ProviderAnswer, id_token: &IdToken) -> Result<Object, UserinfoError> {
    let claims = claims(answer)?;
    match claims.get("sub").and_then(Value::as_str) {
        Some(subject) if subject == id_token.subject() => Ok(claims),
        _ => Err(UserinfoError::SubjectMismatch),
    }
}

/// What an answer says, of whomever.
pub fn claims(answer: &ProviderAnswer) -> Result<Object, UserinfoError> {
    if answer.status != 200 {
        return Err(UserinfoError::UnexpectedStatus);
    }
    if answer.media_type().as_deref() == Some("application/jwt") {
        return Err(UserinfoError::NotPlain);
    }
    // OIDC Core §5.3.2: in the media type application/json, unless signed.
    if !answer.may_be_json() {
        return Err(UserinfoError::NotJson);
    }
    json::parse_object(&answer.body).map_err(|_| UserinfoError::NotJson)
}

/// How and when somebody signed in (OIDC Core §2): the ID token alone knows it.
const OF_THE_SIGN_IN: [&str; 3] = ["acr", "amr", "auth_time"];

/// The claims of both: the ID token's win, userinfo adds what it lacks.
///
/// `email_verified` speaks of the `email` beside it: the two come from one source, or name the same address.
pub fn merge(id_token: &IdToken, userinfo: Object) -> Object {
    merge_claims(id_token.claims().clone(), userinfo)
}

fn merge_claims(mut merged: Object, userinfo: Object) -> Object {
    let same_email = match merged.get("email") {
        None => {
            merged.remove("email_verified");
            true
        }
        Some(email) => userinfo.get("email") == Some(email),
    };
    for (name, value) in userinfo {
        let is_its_own = name != "email_verified" || same_email;
        if is_its_own && !OF_THE_SIGN_IN.contains(&name.as_str()) {
            merged.entry(name).or_insert(value);
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(id_token: Value, userinfo: Value) -> Value {
        let (Value::Object(id_token), Value::Object(userinfo)) = (id_token, userinfo) else { panic!("objects") };
        Value::Object(merge_claims(id_token, userinfo))
    }

    #[test]
    fn the_id_token_wins() {
        assert_eq!(
            merged(json!({"sub": "1", "name": "A"}), json!({"name": "B", "groups": ["x"]})),
            json!({"sub": "1", "name": "A", "groups": ["x"]})
        );
    }

    #[test]
    fn verification_stays_with_its_address() {
        for (id_token, userinfo, both) in [
            (json!({"email": "a"}), json!({"email": "b", "email_verified": true}), json!({"email": "a"})),
            (
                json!({"email": "a"}),
                json!({"email": "a", "email_verified": true}),
                json!({"email": "a", "email_verified": true}),
            ),
            (json!({"email_verified": true}), json!({"email": "b"}), json!({"email": "b"})),
            (
                json!({"email_verified": true}),
                json!({"email": "b", "email_verified": false}),
                json!({"email": "b", "email_verified": false}),
            ),
            (
                json!({"email": "a", "email_verified": false}),
                json!({"email": "a", "email_verified": true}),
                json!({"email": "a", "email_verified": false}),
            ),
        ] {
            assert_eq!(merged(id_token, userinfo), both);
        }
    }
}
