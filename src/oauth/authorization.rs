//! The authorization request and its response (RFC 6749 §4.1.1, §4.1.2; OIDC Core §3.1.2).

use super::{ClientId, Scopes, Unguessable, pkce, step_up::StepUp};
use crate::{
    secret::Secret,
    web::{
        form::{Form, Parameters},
        secure_url::SecureUrl,
    },
};

/// How the response comes back (OAuth 2.0 Multiple Response Types §2.1, Form Post Response Mode §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query of the redirect; the default of the code flow, so it is not sent.
    Query,
    /// As a form that the browser posts.
    FormPost,
}

/// Parameters that this module sets itself, so that nobody may add them as extra ones; and the secret, which MUST NOT be
/// in a URL (RFC 6749 §2.3.1).
pub const OWN_PARAMETERS: [&str; 15] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "response_mode",
    "hd",
    "openid.realm",
    "request",
    "request_uri",
    "registration",
    "client_secret",
];

/// Everything an authorization request says.
#[derive(Clone, Copy, Debug)]
pub struct AuthorizationRequest<'a> {
    /// The provider's `authorization_endpoint`.
    pub endpoint: &'a SecureUrl,
    /// The client.
    pub client_id: &'a ClientId,
    /// Where the response goes.
    pub redirect_uri: &'a str,
    /// What is asked for; `openid` among it.
    pub scopes: &'a Scopes,
    /// Binds the response to this browser and this sign-in.
    pub state: &'a Unguessable,
    /// Binds the ID token to this sign-in.
    pub nonce: &'a Unguessable,
    /// Binds the code to this client.
    pub code_verifier: &'a Unguessable,
    /// `response_mode`.
    pub response_mode: ResponseMode,
    /// `hd`: Google's hosted domain.
    pub hosted_domain: Option<&'a str>,
    /// `openid.realm`.
    pub realm: Option<&'a str>,
    /// `acr_values` and `max_age`; they win over extra ones.
    pub step_up: &'a StepUp,
    /// `OIDC_EXTRA_REQUEST_AUTH_PARAMS`.
    pub extra: &'a [(String, String)],
}

impl AuthorizationRequest<'_> {
    /// The URL to send the browser to.
    pub fn url(&self) -> String {
        let mut form = Form::new();
        form.push("response_type", "code");
        form.push("client_id", self.client_id.as_str());
        form.push("redirect_uri", self.redirect_uri);
        form.push("scope", &self.scopes.to_string());
        form.push("state", self.state.as_str());
        form.push("nonce", self.nonce.as_str());
        form.push("code_challenge", &pkce::challenge(self.code_verifier));
        form.push("code_challenge_method", pkce::METHOD);
        if self.response_mode == ResponseMode::FormPost {
            form.push("response_mode", "form_post");
        }
        if let Some(domain) = self.hosted_domain {
            form.push("hd", domain);
        }
        if let Some(realm) = self.realm {
            form.push("openid.realm", realm);
        }
        form.extend(self.step_up.parameters());
        for (name, value) in self.extra {
            if !form.contains(name) {
                form.push(name, value);
            }
        }
        form.append_to(self.endpoint.as_str())
    }
}

/// An authorization code that came with the right `state` and `iss`; only [`response`] makes one.
#[derive(Debug)]
pub struct AuthorizationCode(Secret<String>);

impl AuthorizationCode {
    /// The text that goes to the token endpoint.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// What the response is held against.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The `state` that was sent.
    pub state: &'a Unguessable,
    /// The issuer that was asked.
    pub issuer: &'a str,
    /// Whether the provider announced `authorization_response_iss_parameter_supported` (RFC 9207 §3).
    pub issuer_required: bool,
}

/// Why a response gives no code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorizationError {
    /// `state` is absent or another one.
    StateMismatch,
    /// `iss` is absent though announced, or names another issuer: a mix-up (RFC 9207 §2.4).
    IssuerMismatch,
    /// The provider refused; its code, cut to printable ASCII of 64 characters at most.
    Refused(String),
    /// Neither a code nor an error.
    NoCode,
}

/// Judges a response: state before anything else, then the issuer, then what it says.
pub fn response(parameters: &Parameters, expected: &Expected<'_>) -> Result<AuthorizationCode, AuthorizationError> {
    // RFC 6749 §10.12
    if !parameters.value("state").is_some_and(|state| expected.state.equals(state)) {
        return Err(AuthorizationError::StateMismatch);
    }
    // RFC 9207 §2.4: compared as strings; an unexpected `iss` is still compared.
    match parameters.value("iss") {
        Some(issuer) if issuer == expected.issuer => {}
        None if !expected.issuer_required => {}
        _ => return Err(AuthorizationError::IssuerMismatch),
    }
    // RFC 6749 §4.1.2.1
    if let Some(error) = parameters.value("error") {
        return Err(AuthorizationError::Refused(printable(error)));
    }
    match parameters.value("code") {
        Some(code) => Ok(AuthorizationCode(Secret::new(code.to_owned()))),
        None => Err(AuthorizationError::NoCode),
    }
}

// RFC 6749 §4.1.2.1 allows %x20-21 / %x23-5B / %x5D-7E; anything else is not worth showing.
fn printable(code: &str) -> String {
    code.chars().filter(|c| matches!(c, '\x20'..='\x21' | '\x23'..='\x5b' | '\x5d'..='\x7e')).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> Unguessable {
        Unguessable::from_random(&[7; 32])
    }

    fn judge(query: &str, issuer_required: bool) -> Result<String, AuthorizationError> {
        let state = state();
        let query = query.replace("STATE", state.as_str());
        let expected = Expected { state: &state, issuer: "https://idp.example", issuer_required };
        let parameters = Parameters::parse(&query).unwrap();
        response(&parameters, &expected).map(|code| code.expose().to_owned())
    }

    #[test]
    fn responses() {
        use AuthorizationError::{IssuerMismatch, NoCode, Refused, StateMismatch};
        let refused = |code: &str| Err(Refused(code.to_owned()));
        for (query, issuer_required, verdict) in [
            ("state=STATE&code=c", false, Ok("c".to_owned())),
            ("state=STATE&code=c&iss=https%3A%2F%2Fidp.example", true, Ok("c".to_owned())),
            ("state=STATE&code=c&iss=https%3A%2F%2Fidp.example", false, Ok("c".to_owned())),
            ("state=STATE&code=c", true, Err(IssuerMismatch)),
            ("state=STATE&code=c&iss=https%3A%2F%2Fevil.example", false, Err(IssuerMismatch)),
            ("state=STATE&code=c&iss=https%3A%2F%2Fidp.example%2F", false, Err(IssuerMismatch)),
            ("code=c", false, Err(StateMismatch)),
            ("state=&code=c", false, Err(StateMismatch)),
            ("state=other&error=access_denied", false, Err(StateMismatch)),
            ("state=STATE&error=access_denied&code=c", false, refused("access_denied")),
            ("state=STATE&error=%22a%0D%0Ab", false, refused("ab")),
            ("state=STATE", false, Err(NoCode)),
        ] {
            assert_eq!(judge(query, issuer_required), verdict, "{query}");
        }
    }

    #[test]
    fn the_request_says_all_of_it() {
        let endpoint = SecureUrl::parse("https://idp.example/auth?tenant=1").unwrap();
        let (client_id, scopes) = (ClientId::parse("me").unwrap(), Scopes::parse(["openid", "email"]).unwrap());
        let extra = [("access_type", "offline"), ("max_age", "1"), ("acr_values", "any")];
        let extra = extra.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let acr_values = vec!["gold".to_owned(), "silver".to_owned()];
        let step_up = StepUp { acr_values, max_age: Some(core::time::Duration::from_mins(5)) };
        let url = AuthorizationRequest {
            endpoint: &endpoint,
            client_id: &client_id,
            redirect_uri: "https://site.example/oidc_callback",
            scopes: &scopes,
            state: &state(),
            nonce: &Unguessable::from_random(&[8; 32]),
            code_verifier: &Unguessable::from_random(&[9; 32]),
            response_mode: ResponseMode::FormPost,
            hosted_domain: Some("example.org"),
            realm: Some("https://realm.example"),
            step_up: &step_up,
            extra: &extra,
        }
        .url();
        let query = url.strip_prefix("https://idp.example/auth?tenant=1&").unwrap();
        let sent = Parameters::parse(query).unwrap();
        for (name, value) in [
            ("response_type", "code"),
            ("client_id", "me"),
            ("redirect_uri", "https://site.example/oidc_callback"),
            ("scope", "openid email"),
            ("code_challenge_method", "S256"),
            ("response_mode", "form_post"),
            ("hd", "example.org"),
            ("openid.realm", "https://realm.example"),
            ("access_type", "offline"),
            ("acr_values", "gold silver"),
            ("max_age", "300"),
        ] {
            assert_eq!(sent.value(name), Some(value), "{name}");
        }
        assert_eq!(sent.value("code_challenge").map(str::len), Some(43));
        assert_ne!(sent.value("state"), sent.value("nonce"));
    }
}
