//! Token introspection (RFC 7662), and its signed answers (RFC 9701).

use serde_json::Value;

use super::{
    AccessToken, ClientId,
    access_token::{AccessTokenError, Caller, DPOP, Expected, from_claims},
    client_auth::{self, Client, ClientAuthMethod},
    exchange::{ProviderAnswer, ProviderRequest},
};
use crate::{
    jose::{
        Alg, ClaimError, Claims, JwkSet, JwsError, UntrustedJwt, Verifier,
        claims::{self, Presence},
    },
    json::{self, Object},
    web::{form::Form, secure_url::SecureUrl},
};

/// The media type of a signed answer (RFC 9701 §5).
const SIGNED: &str = "application/token-introspection+jwt";

/// `OIDC_INTROSPECTION_AUTH_METHOD` (RFC 7662 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntrospectionAuth {
    /// As the client.
    Client(ClientAuthMethod),
    /// With the token that is asked about, as Flask-OIDC does it.
    Bearer,
}

/// Where to ask about tokens.
#[derive(Clone, Debug)]
pub struct IntrospectionEndpoint {
    /// Its URL.
    pub url: SecureUrl,
    /// Whether it signs what it says, when it is asked to (RFC 9701 §7).
    pub signs: bool,
    /// Whether it takes `client_secret_basic` and not `client_secret_post`.
    pub wants_basic: bool,
}

impl IntrospectionEndpoint {
    /// One of which nothing is known but the URL.
    pub fn plain(url: SecureUrl) -> Self {
        Self { url, signs: false, wants_basic: false }
    }

    /// How to authenticate when nobody said.
    fn auth(&self) -> IntrospectionAuth {
        IntrospectionAuth::Client(if self.wants_basic { ClientAuthMethod::Basic } else { ClientAuthMethod::Post })
    }
}

/// Asks about a token (RFC 7662 §2.1); without a `method`, by one that the endpoint takes.
pub fn request(
    endpoint: IntrospectionEndpoint,
    client: &Client,
    method: Option<IntrospectionAuth>,
    token: &AccessToken,
    hint: Option<&str>,
) -> ProviderRequest {
    let method = method.unwrap_or(endpoint.auth());
    let IntrospectionEndpoint { url: endpoint, signs, .. } = endpoint;
    let mut form = Form::new();
    form.push("token", token.expose());
    if let Some(hint) = hint {
        form.push("token_type_hint", hint);
    }
    let request = match method {
        IntrospectionAuth::Client(method) => client_auth::request(endpoint, client, method, form),
        IntrospectionAuth::Bearer => ProviderRequest::post_form(endpoint, &form)
            .header("Authorization", ["Bearer ", token.expose().as_str()].concat()),
    };
    // RFC 9701 §4. A server may sign for some of its clients and not for us.
    if signs { request.accepting(&[SIGNED, ", application/json;q=0.9"].concat()) } else { request }
}

/// What the server says of a token.
#[derive(Debug)]
pub enum Answer {
    /// As JSON (RFC 7662 §2.2).
    Plain(Object),
    /// As a signed token (RFC 9701 §5), still to be verified.
    Signed(UntrustedJwt),
    /// Nothing: it is of a kind that the server does not look into.
    Unsupported,
}

/// Why an answer says nothing about the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntrospectionError {
    /// 401 or 403: our own credentials are wrong (RFC 7662 §2.3). The operator's fault.
    InvalidClient,
    /// Another status than 200.
    UnexpectedStatus,
    /// Not a JSON object, or not said to be one.
    NotJson,
    /// It is signed, and the signature, the issuer, the audience or the type is not right.
    BadSignature,
    /// A key was missing: fetch the set again, once.
    UnknownKey,
}

/// Reads the answer. It is not judged yet.
pub fn response(answer: &ProviderAnswer) -> Result<Answer, IntrospectionError> {
    match answer.status {
        200 => {}
        // Of what it does not look into, a JWT for one, a server says neither `active` nor the opposite.
        400 if is_unsupported(answer) => return Ok(Answer::Unsupported),
        401 | 403 => return Err(IntrospectionError::InvalidClient),
        _ => return Err(IntrospectionError::UnexpectedStatus),
    }
    if answer.media_type().is_some_and(|media_type| media_type == SIGNED) {
        let text = core::str::from_utf8(&answer.body).map_err(|_| IntrospectionError::BadSignature)?;
        return UntrustedJwt::parse(text).map(Answer::Signed).map_err(|_| IntrospectionError::BadSignature);
    }
    if !answer.may_be_json() {
        return Err(IntrospectionError::NotJson);
    }
    json::parse_object(&answer.body).map(Answer::Plain).map_err(|_| IntrospectionError::NotJson)
}

fn is_unsupported(answer: &ProviderAnswer) -> bool {
    let error = answer.may_be_json().then(|| json::parse_object(&answer.body).ok()).flatten();
    error.is_some_and(|error| error.get("error").and_then(Value::as_str) == Some("unsupported_token_type"))
}

/// Verifies a signed answer, and takes out what it says of the token (RFC 9701 §5).
pub async fn verify(
    untrusted: UntrustedJwt,
    expected: &Expected<'_>,
    client: &ClientId,
    keys: &JwkSet,
    verifier: &impl Verifier,
) -> Result<Object, IntrospectionError> {
    let bad = |_: ClaimError| IntrospectionError::BadSignature;
    let jwt = untrusted.verify(keys, &Alg::ALL, verifier).await.map_err(|error| match error {
        JwsError::UnknownKey => IntrospectionError::UnknownKey,
        _ => IntrospectionError::BadSignature,
    })?;
    // RFC 9701 §8.1: the type keeps it apart from access tokens, which the same server signs.
    if !jwt.typ().is_some_and(|typ| typ.eq_ignore_ascii_case("token-introspection+jwt")) {
        return Err(IntrospectionError::BadSignature);
    }
    let claims = jwt.into_claims();
    claims::check_issuer(&claims, expected.issuers).map_err(bad)?;
    // §5: it names us, as the client that we are there or as the resource that we guard.
    let ours: Vec<&str> = expected.audience.iter().map(String::as_str).chain([client.as_str()]).collect();
    claims::check_audience(&claims, &ours).map_err(bad)?;
    claims::check_issued_at(&claims, expected.now, expected.leeway, Presence::Required).map_err(bad)?;
    check_times(&claims, expected).map_err(bad)?;
    match claims.into_object().remove("token_introspection") {
        Some(Value::Object(members)) => Ok(members),
        _ => Err(IntrospectionError::BadSignature),
    }
}

/// What servers name the kind of a token by: as RFC 7662 §2.2 has it, Keycloak, Ory Hydra, `OpenIddict`.
const KINDS: [&str; 4] = ["token_type", "typ", "token_use", "token_usage"];
/// What they call one that opens something.
const ACCESS_TOKENS: [&str; 4] = ["Bearer", DPOP, "access_token", "access"];

/// Judges what the server says of a token (RFC 7662 §2.2, §4).
pub fn judge(mut members: Object, expected: &Expected<'_>) -> Result<Caller, AccessTokenError> {
    // Some servers say `null` of what they have nothing to say about.
    members.retain(|_, value| !value.is_null());
    if members.get("active") != Some(&Value::Bool(true)) {
        return Err(AccessTokenError::Inactive);
    }
    // A refresh token is active too. What tells it from an access token differs from server to server.
    let is_one_of = |said: &Value, words: &[&str]| {
        said.as_str().is_some_and(|said| words.iter().any(|word| word.eq_ignore_ascii_case(said)))
    };
    let kinds = || KINDS.iter().filter_map(|name| members.get(*name));
    if !kinds().all(|said| is_one_of(said, &ACCESS_TOKENS)) {
        return Err(AccessTokenError::WrongType);
    }
    let is_bound = kinds().any(|said| is_one_of(said, &[DPOP]));
    let claims = Claims::new(members);
    let has = |name: &str| claims.as_object().contains_key(name);
    check_times(&claims, expected)?;
    if has("iss") {
        claims::check_issuer(&claims, expected.issuers)?;
    }
    if expected.audience_required || (has("aud") && !expected.audience.is_empty()) {
        claims::check_audience(&claims, expected.audience)?;
    }
    from_claims(claims, is_bound)
}

// RFC 7519 §4.1.4, §4.1.5: out of its time it is not to be processed, where it says which that is.
fn check_times(claims: &Claims, expected: &Expected<'_>) -> Result<(), ClaimError> {
    if claims.as_object().contains_key("exp") {
        claims::check_expiry(claims, expected.now, expected.leeway)?;
    }
    claims::check_not_before(claims, expected.now, expected.leeway)
}

#[cfg(test)]
mod tests;
