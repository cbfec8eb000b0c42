//! Signing out: OpenID Connect RP-Initiated, Back-Channel and Front-Channel Logout 1.0.

use serde_json::Value;

use crate::{
    jose::{
        Alg, ClaimError, Claims, JwkSet, JwsError, UntrustedJwt, Verifier,
        claims::{self, Presence},
    },
    oauth::ClientId,
    secret::Secret,
    time::{Leeway, Timestamp},
    web::{
        form::{Form, Parameters},
        secure_url::SecureUrl,
    },
};

/// A longer hint is left out: servers commonly take request lines of 8 KiB.
const MAX_HINT_BYTES: usize = 6 * 1024;

/// What a sign-out at the provider says (RP-Initiated Logout §2).
#[derive(Clone, Copy, Debug)]
pub struct LogoutRequest<'a> {
    /// The provider's `end_session_endpoint`.
    pub endpoint: &'a SecureUrl,
    /// The ID token of the session that ends, when it is at hand.
    pub id_token_hint: Option<&'a Secret<String>>,
    /// The client.
    pub client_id: &'a ClientId,
    /// Where the visitor ends; registered at the provider.
    pub post_logout_redirect_uri: &'a str,
    /// Comes back with the visitor.
    pub state: Option<&'a str>,
}

impl LogoutRequest<'_> {
    /// The URL to send the browser to.
    pub fn url(&self) -> String {
        let mut form = Form::new();
        // It is a hint; an URL that the provider's server refuses for its length would help nobody.
        if let Some(hint) = self.id_token_hint.filter(|hint| hint.expose().len() <= MAX_HINT_BYTES) {
            form.push("id_token_hint", hint.expose());
        }
        form.push("client_id", self.client_id.as_str());
        form.push("post_logout_redirect_uri", self.post_logout_redirect_uri);
        if let Some(state) = self.state {
            form.push("state", state);
        }
        form.append_to(self.endpoint.as_str())
    }
}

/// The event that makes a token a logout token (Back-Channel Logout §2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Whose sessions end, by a logout token that passed every step; only [`verify_logout_token`] makes one.
#[derive(Debug)]
pub struct LogoutToken {
    /// Which sessions.
    pub ends: Ends,
    /// `jti`: a token counts once.
    pub id: String,
    /// `iat`: sessions that began later are none of its business.
    pub issued_at: Timestamp,
    /// `exp`.
    pub expires_at: Timestamp,
}

/// Which sessions a provider ends.
#[derive(Debug, PartialEq, Eq)]
pub enum Ends {
    /// Those that belong to this session at the provider.
    ProviderSession {
        /// `sid`.
        sid: String,
        /// `sub`, when it is named beside: of this subject, those whose `sid` we were never told.
        subject: Option<String>,
    },
    /// All of this subject (`sub`).
    Subject(String),
}

/// What a logout token is held against.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedLogout<'a> {
    /// The issuers that may have issued it.
    pub issuers: &'a [String],
    /// The client that it must be for.
    pub client_id: &'a ClientId,
    /// The algorithms the provider announced, ours among them.
    pub algs: &'a [Alg],
    /// The moment of judgement.
    pub now: Timestamp,
    /// How far the provider's clock may differ.
    pub leeway: Leeway,
}

/// Why a logout is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogoutError {
    /// Form, algorithm, key or signature.
    Jws(JwsError),
    /// A claim is missing, of the wrong type, or out of its time.
    Claim(ClaimError),
    /// `typ` names another kind of token.
    WrongType,
    /// `events` does not hold the event.
    NoEvent,
    /// There is a `nonce`: it may be an ID token in disguise.
    Nonce,
    /// There is neither `sub` nor `sid`.
    Nobody,
    /// The request has no token, or parameters that can't be read.
    Malformed,
    /// `iss` is another issuer.
    OtherIssuer,
    /// No session of ours is known that belongs to this one of the provider's.
    UnknownSession,
}

impl From<JwsError> for LogoutError {
    fn from(error: JwsError) -> Self {
        Self::Jws(error)
    }
}

impl From<ClaimError> for LogoutError {
    fn from(error: ClaimError) -> Self {
        Self::Claim(error)
    }
}

/// Validates a logout token, in the order of Back-Channel Logout §2.6.
pub async fn verify_logout_token(
    untrusted: UntrustedJwt,
    expected: &ExpectedLogout<'_>,
    keys: &JwkSet,
    verifier: &impl Verifier,
) -> Result<LogoutToken, LogoutError> {
    // 1. Encryption is not registered for. 2. and 3. The signature, by an announced algorithm, as for an ID token.
    let jwt = untrusted.verify(keys, expected.algs, verifier).await?;
    check_type(jwt.typ())?;
    let claims = jwt.into_claims();
    // 4. `iss`, `aud`, `iat` and `exp`, as for an ID token.
    claims::check_issuer(&claims, expected.issuers)?;
    claims::check_audience(&claims, &[expected.client_id.as_str()])?;
    let expires_at = claims::check_expiry(&claims, expected.now, expected.leeway)?;
    // RFC 7519 §4.1.5: before `nbf`, when there, it is not to be processed.
    claims::check_not_before(&claims, expected.now, expected.leeway)?;
    let issued_at = claims::check_issued_at(&claims, expected.now, expected.leeway, Presence::Required)?;
    // 5. `sub`, `sid`, or both. The narrower one counts where a session has it.
    let ends = match (claims.string("sid")?, claims.string("sub")?) {
        (Some(sid), subject) => Ends::ProviderSession { sid: sid.to_owned(), subject: subject.map(str::to_owned) },
        (None, Some(subject)) => Ends::Subject(subject.to_owned()),
        (None, None) => return Err(LogoutError::Nobody),
    };
    // 6. `events`
    check_event(&claims)?;
    // 7. No `nonce`
    if claims.as_object().contains_key("nonce") {
        return Err(LogoutError::Nonce);
    }
    // 8. `jti`: that it has not been used is for the caller, who can remember.
    let id = claims.required_string("jti")?.to_owned();
    let issued_at = issued_at.ok_or(ClaimError::Missing("iat"))?;
    Ok(LogoutToken { ends, id, issued_at, expires_at })
}

// Back-Channel Logout §2.4: `logout+jwt` is RECOMMENDED, for it can't be taken for another kind of token.
fn check_type(typ: Option<&str>) -> Result<(), LogoutError> {
    match typ {
        Some(typ) if !["logout+jwt", "JWT"].iter().any(|name| name.eq_ignore_ascii_case(typ)) => {
            Err(LogoutError::WrongType)
        }
        _ => Ok(()),
    }
}

fn check_event(claims: &Claims) -> Result<(), LogoutError> {
    match claims.as_object().get("events").and_then(|events| events.get(EVENT)) {
        Some(Value::Object(_)) => Ok(()),
        _ => Err(LogoutError::NoEvent),
    }
}

/// Judges a front-channel logout by `iss` and `sid` alone (Front-Channel Logout §3): gives the `sid`.
pub fn front_channel(parameters: &Parameters, issuers: &[String]) -> Result<String, LogoutError> {
    let issuer = parameters.value("iss").ok_or(LogoutError::Malformed)?;
    if !issuers.iter().any(|known| known == issuer) {
        return Err(LogoutError::OtherIssuer);
    }
    parameters.value("sid").map(str::to_owned).ok_or(LogoutError::Nobody)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_channel_by_issuer_and_session() {
        let issuers = ["https://idp.example".to_owned()];
        let judge = |query| front_channel(&Parameters::parse(query).unwrap(), &issuers);
        assert_eq!(judge("iss=https://idp.example&sid=s"), Ok("s".to_owned()));
        assert_eq!(judge("iss=https://idp.example/&sid=s"), Err(LogoutError::OtherIssuer));
        assert_eq!(judge("iss=https://idp.example"), Err(LogoutError::Nobody));
        assert_eq!(judge("sid=s"), Err(LogoutError::Malformed));
    }

    #[test]
    fn the_request_says_all_of_it() {
        let endpoint = SecureUrl::parse("https://idp.example/end").unwrap();
        let client_id = ClientId::parse("me").unwrap();
        let hint = Secret::new("a.b.c".to_owned());
        let request = LogoutRequest {
            endpoint: &endpoint,
            id_token_hint: Some(&hint),
            client_id: &client_id,
            post_logout_redirect_uri: "https://site.example/oidc_signed_out",
            state: Some("s"),
        };
        assert_eq!(
            request.url(),
            "https://idp.example/end?id_token_hint=a.b.c&client_id=me\
             &post_logout_redirect_uri=https%3A%2F%2Fsite.example%2Foidc_signed_out&state=s"
        );
    }
}
