//! A provider by the book, that can lie in one place at a time.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use base64ct::{Base64, Encoding as _};
use edge_oidc::{
    host::CallError,
    jose::Alg,
    oauth::exchange::{ProviderAnswer, ProviderRequest},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::{
    SITE,
    ring::{TestKey, base64url, jwks_document},
};

pub(crate) const ISSUER: &str = "https://idp.example";
pub(crate) const CLIENT_ID: &str = "me";
pub(crate) const CLIENT_SECRET: &str = "hush: 100% secret";
/// Stands in whatever the provider says in words; it belongs neither into a log nor onto a page.
pub(crate) const PROVIDER_TEXT: &str = "The-provider-said-so";

/// What of the provider was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Endpoint {
    Metadata,
    Jwks,
    Token,
    Userinfo,
    Revocation,
    Introspection,
    /// Anything but the provider.
    Elsewhere,
}

impl Endpoint {
    pub(crate) fn of(request: &ProviderRequest) -> Self {
        let path = request.url.as_str().strip_prefix(ISSUER);
        match (path, &request.body) {
            (Some("/.well-known/openid-configuration"), None) => Self::Metadata,
            (Some("/jwks"), None) => Self::Jwks,
            (Some("/token"), Some(_)) => Self::Token,
            (Some("/userinfo"), None) => Self::Userinfo,
            (Some("/revoke"), Some(_)) => Self::Revocation,
            (Some("/introspect"), Some(_)) => Self::Introspection,
            _ => Self::Elsewhere,
        }
    }
}

pub(crate) struct Provider {
    /// The key that signs.
    pub(crate) key: RefCell<TestKey>,
    /// The keys that are published.
    pub(crate) jwks: RefCell<Value>,
    /// The claims of the account, beside those that every ID token has.
    pub(crate) account: RefCell<Value>,
    /// What userinfo says.
    pub(crate) userinfo: RefCell<Value>,
    /// The redirect URIs that are registered.
    pub(crate) registered: RefCell<Vec<String>>,
    /// Whether the client has no secret.
    pub(crate) public_client: Cell<bool>,
    /// Whether the response of the authorization endpoint names the issuer (RFC 9207).
    pub(crate) names_issuer: Cell<bool>,
    /// Whether it ends sessions by frames on its pages.
    pub(crate) frames: Cell<bool>,
    /// Whether it revokes tokens (RFC 7009).
    pub(crate) revokes: Cell<bool>,
    /// Whether it answers questions about tokens (RFC 7662).
    pub(crate) introspects: Cell<bool>,
    /// What it says of access tokens; the others are not active.
    pub(crate) tokens: RefCell<BTreeMap<String, Value>>,
    /// Whether the last question about a token was asked with an `Authorization` header.
    pub(crate) asked_by_header: Cell<Option<bool>>,
    /// Whether a refresh gives a new refresh token and ends the old one.
    pub(crate) rotates: Cell<bool>,
    lies: RefCell<Lies>,
    grants: RefCell<BTreeMap<String, Grant>>,
    issued: RefCell<Vec<String>>,
}

#[derive(Default)]
struct Grant {
    redirect_uri: String,
    nonce: String,
    challenge: String,
}

type Edit = Box<dyn Fn(&mut Value)>;

/// Status, content type, body.
type Replacement = (u16, Option<String>, Vec<u8>);

/// Each replaces one thing that the provider says.
#[derive(Default)]
pub(crate) struct Lies {
    edits: BTreeMap<Endpoint, Edit>,
    answers: BTreeMap<Endpoint, Result<Replacement, CallError>>,
    pub(crate) id_token: Option<Mint>,
}

/// Makes an ID token out of what an honest one would hold.
pub(crate) type Mint = Box<dyn Fn(Minting<'_>) -> String>;

/// What an honest ID token would hold.
pub(crate) struct Minting<'p> {
    pub(crate) header: Value,
    pub(crate) claims: Value,
    pub(crate) key: &'p TestKey,
}

impl Minting<'_> {
    pub(crate) fn sign(&self) -> String {
        self.key.token_of(self.header.to_string(), self.claims.to_string())
    }
}

impl Lies {
    /// Changes the JSON of an answer.
    pub(crate) fn edit(&mut self, endpoint: Endpoint, edit: impl Fn(&mut Value) + 'static) {
        self.edits.insert(endpoint, Box::new(edit));
    }

    /// Gives another answer altogether.
    pub(crate) fn answer(&mut self, endpoint: Endpoint, status: u16, content_type: &str, body: impl Into<Vec<u8>>) {
        let content_type = (!content_type.is_empty()).then(|| content_type.to_owned());
        self.answers.insert(endpoint, Ok((status, content_type, body.into())));
    }

    /// Gives no answer.
    pub(crate) fn fail(&mut self, endpoint: Endpoint, error: CallError) {
        self.answers.insert(endpoint, Err(error));
    }

    /// Issues another ID token.
    pub(crate) fn id_token(&mut self, mint: impl Fn(Minting<'_>) -> String + 'static) {
        self.id_token = Some(Box::new(mint));
    }
}

/// What the browser brings back from the provider.
#[derive(Clone, Debug)]
pub(crate) struct Callback {
    pub(crate) url: String,
    /// What it posts, with `response_mode=form_post`.
    pub(crate) form: Option<String>,
}

impl Provider {
    pub(crate) fn new() -> Self {
        let key = TestKey::rs256();
        let account = json!({"sub": "alice", "email": "alice@example.org", "email_verified": true, "name": "Alice A"});
        Self {
            jwks: RefCell::new(jwks_document([&key])),
            key: RefCell::new(key),
            account: RefCell::new(account),
            userinfo: RefCell::new(json!({"sub": "alice", "preferred_username": "ali", "groups": ["staff"]})),
            registered: RefCell::new(vec![format!("{SITE}/oidc_callback")]),
            public_client: Cell::new(false),
            names_issuer: Cell::new(false),
            frames: Cell::new(true),
            revokes: Cell::new(false),
            introspects: Cell::new(false),
            tokens: RefCell::default(),
            asked_by_header: Cell::new(None),
            rotates: Cell::new(true),
            lies: RefCell::default(),
            grants: RefCell::default(),
            issued: RefCell::default(),
        }
    }

    /// Lies from now on as `lie` says.
    pub(crate) fn lie(&self, lie: impl FnOnce(&mut Lies)) {
        lie(&mut self.lies.borrow_mut());
    }

    /// Gives no refresh tokens, so that a session ends with its tokens.
    pub(crate) fn refresh_nothing(&self) {
        self.lie(|lies| {
            lies.edit(Endpoint::Token, |answer| drop(answer.as_object_mut().unwrap().remove("refresh_token")));
        });
    }

    /// Tells the truth again.
    pub(crate) fn be_honest(&self) {
        self.lies.take();
    }

    /// Signs with another key, and publishes that one alone.
    pub(crate) fn rotate(&self, key: TestKey) {
        *self.jwks.borrow_mut() = jwks_document([&key]);
        *self.key.borrow_mut() = key;
    }

    /// Every code and token so far.
    pub(crate) fn issued(&self) -> Vec<String> {
        self.issued.borrow().clone()
    }

    /// The authorization endpoint: the visitor signs in and agrees.
    pub(crate) fn authorize(&self, url: &str) -> Callback {
        let sent = query(url);
        let value = |name: &str| sent.get(name).unwrap_or_else(|| panic!("no {name} in {url}")).as_str();
        assert!(url.starts_with(&format!("{ISSUER}/authorize?")), "{url}");
        assert_eq!((value("response_type"), value("client_id")), ("code", CLIENT_ID));
        assert!(value("scope").split(' ').any(|scope| scope == "openid"));
        assert!(self.registered.borrow().iter().any(|uri| uri == value("redirect_uri")), "{}", value("redirect_uri"));
        assert_eq!((value("code_challenge_method"), value("code_challenge").len()), ("S256", 43));
        assert!(value("state").len() >= 43 && value("nonce").len() >= 43);
        let code = format!("code-{}-{}", self.issued.borrow().len(), &value("nonce")[..8]);
        self.issued.borrow_mut().push(code.clone());
        let grant = Grant {
            redirect_uri: value("redirect_uri").to_owned(),
            nonce: value("nonce").to_owned(),
            challenge: value("code_challenge").to_owned(),
        };
        self.grants.borrow_mut().insert(code.clone(), grant);
        let mut response = vec![("code", code.as_str()), ("state", value("state"))];
        if self.names_issuer.get() {
            response.push(("iss", ISSUER));
        }
        let response = form(&response);
        let redirect_uri = value("redirect_uri");
        match sent.get("response_mode").map(String::as_str) {
            Some("form_post") => Callback { url: redirect_uri.to_owned(), form: Some(response) },
            None => Callback { url: format!("{redirect_uri}?{response}"), form: None },
            other => panic!("{other:?}"),
        }
    }

    /// Every other endpoint.
    pub(crate) fn answer(
        &self,
        endpoint: Endpoint,
        request: &ProviderRequest,
        now: i64,
    ) -> Result<ProviderAnswer, CallError> {
        if let Some(lie) = self.lies.borrow().answers.get(&endpoint) {
            let (status, content_type, body) = lie.clone()?;
            return Ok(ProviderAnswer { status, content_type, body });
        }
        let (status, mut value) = match endpoint {
            Endpoint::Metadata => (200, self.metadata()),
            Endpoint::Jwks => (200, self.jwks.borrow().clone()),
            Endpoint::Token => self.token(request, now),
            Endpoint::Userinfo => self.user(request),
            Endpoint::Revocation => self.revoke(request),
            Endpoint::Introspection => self.introspect(request),
            Endpoint::Elsewhere => return Err(CallError::Unreachable),
        };
        if let Some(edit) = self.lies.borrow().edits.get(&endpoint) {
            edit(&mut value);
        }
        let body = value.to_string().into_bytes();
        Ok(ProviderAnswer { status, content_type: Some("application/json".to_owned()), body })
    }

    fn metadata(&self) -> Value {
        let mut metadata = json!({
            "issuer": ISSUER,
            "authorization_endpoint": format!("{ISSUER}/authorize"),
            "token_endpoint": format!("{ISSUER}/token"),
            "userinfo_endpoint": format!("{ISSUER}/userinfo"),
            "jwks_uri": format!("{ISSUER}/jwks"),
            "end_session_endpoint": format!("{ISSUER}/logout"),
            "id_token_signing_alg_values_supported": ["RS256"],
            "authorization_response_iss_parameter_supported": self.names_issuer.get(),
            "frontchannel_logout_supported": self.frames.get(),
        });
        if self.revokes.get() {
            metadata["revocation_endpoint"] = json!(format!("{ISSUER}/revoke"));
        }
        if self.introspects.get() {
            metadata["introspection_endpoint"] = json!(format!("{ISSUER}/introspect"));
        }
        metadata
    }

    fn token(&self, request: &ProviderRequest, now: i64) -> (u16, Value) {
        let refuse = |status, code| (status, json!({"error": code, "error_description": PROVIDER_TEXT}));
        let sent = parameters(request.body.as_deref().unwrap_or_default());
        if !self.is_client(request, &sent) {
            return refuse(401, "invalid_client");
        }
        let value = |name: &str| sent.get(name).map(String::as_str).unwrap_or_default();
        if value("grant_type") == "refresh_token" {
            // RFC 9700 §4.14.2: a refresh token is used once, too.
            let Some(grant) = self.grants.borrow_mut().remove(value("refresh_token")) else {
                return refuse(400, "invalid_grant");
            };
            if self.rotates.get() {
                return (200, self.tokens(grant, now));
            }
            let again = Grant { nonce: grant.nonce.clone(), ..Grant::default() };
            self.grants.borrow_mut().insert(value("refresh_token").to_owned(), grant);
            let mut tokens = self.tokens(again, now);
            let unused = tokens.as_object_mut().unwrap().remove("refresh_token").unwrap();
            self.grants.borrow_mut().remove(unused.as_str().unwrap());
            return (200, tokens);
        }
        // RFC 6749 §4.1.2: a code is redeemed once.
        let Some(grant) = self.grants.borrow_mut().remove(value("code")) else { return refuse(400, "invalid_grant") };
        let challenge = base64url(&Sha256::digest(value("code_verifier")));
        if value("grant_type") != "authorization_code"
            || value("redirect_uri") != grant.redirect_uri
            || challenge != grant.challenge
        {
            return refuse(400, "invalid_grant");
        }
        (200, self.tokens(grant, now))
    }

    fn tokens(&self, grant: Grant, now: i64) -> Value {
        let issued = self.issued.borrow().len();
        let access_token = format!("access-{issued}-{}", base64url(grant.nonce.as_bytes()));
        let refresh_token = format!("refresh-{issued}-{}", base64url(grant.nonce.as_bytes()));
        let id_token = self.id_token(&grant.nonce, &access_token, now);
        self.issued.borrow_mut().extend([access_token.clone(), refresh_token.clone(), id_token.clone()]);
        self.grants.borrow_mut().insert(refresh_token.clone(), grant);
        json!({
            "access_token": access_token, "token_type": "Bearer", "expires_in": 600, "refresh_token": refresh_token,
            "id_token": id_token,
        })
    }

    fn is_client(&self, request: &ProviderRequest, sent: &BTreeMap<String, String>) -> bool {
        let header = request.headers.iter().find(|(name, _)| *name == "Authorization").map(|(_, value)| value.as_str());
        let posted = |name: &str| sent.get(name).map(String::as_str);
        let encoded = form(&[(CLIENT_ID, CLIENT_SECRET)]).replace('=', ":");
        let basic = format!("Basic {}", Base64::encode_string(encoded.as_bytes()));
        match (header, posted("client_id"), posted("client_secret")) {
            (Some(header), None, None) => header == basic,
            (None, Some(CLIENT_ID), Some(CLIENT_SECRET)) => true,
            (None, Some(CLIENT_ID), None) => self.public_client.get(),
            _ => false,
        }
    }

    fn id_token(&self, nonce: &str, access_token: &str, now: i64) -> String {
        let key = self.key.borrow();
        let mut claims = json!({
            "iss": ISSUER, "aud": CLIENT_ID, "exp": now + 3600, "iat": now, "nonce": nonce,
            "at_hash": left_half(key.alg, access_token),
        });
        for (name, value) in self.account.borrow().as_object().unwrap() {
            claims[name] = value.clone();
        }
        let minting = Minting { header: key.header(), claims, key: &key };
        match &self.lies.borrow().id_token {
            Some(lie) => lie(minting),
            None => minting.sign(),
        }
    }

    // RFC 7009 §2
    fn revoke(&self, request: &ProviderRequest) -> (u16, Value) {
        let sent = parameters(request.body.as_deref().unwrap_or_default());
        if !self.is_client(request, &sent) || sent["token_type_hint"] != "refresh_token" {
            return (401, json!({"error": "invalid_client", "error_description": PROVIDER_TEXT}));
        }
        self.grants.borrow_mut().remove(&sent["token"]);
        (200, json!({}))
    }

    // RFC 7662 §2
    fn introspect(&self, request: &ProviderRequest) -> (u16, Value) {
        self.asked_by_header.set(Some(request.headers.iter().any(|(name, _)| *name == "Authorization")));
        let sent = parameters(request.body.as_deref().unwrap_or_default());
        let is_bearer = request.headers.iter().any(|(_, value)| *value == format!("Bearer {}", sent["token"]));
        if !is_bearer && !self.is_client(request, &sent) {
            return (401, json!({"error": "invalid_client", "error_description": PROVIDER_TEXT}));
        }
        let known = self.tokens.borrow().get(&sent["token"]).cloned();
        (200, known.unwrap_or_else(|| json!({"active": false, "reason": PROVIDER_TEXT})))
    }

    /// Issues an opaque access token, of which the introspection says this.
    pub(crate) fn opaque(&self, token: &str, answer: &Value) {
        let mut whole = json!({"active": true});
        for (name, value) in answer.as_object().unwrap() {
            whole[name] = value.clone();
        }
        self.tokens.borrow_mut().insert(token.to_owned(), whole);
    }

    /// Revokes an opaque access token.
    pub(crate) fn forget(&self, token: &str) {
        self.tokens.borrow_mut().remove(token);
    }

    /// Issues a JWT access token (RFC 9068) with these claims over the usual ones; `null` leaves one out.
    pub(crate) fn access_token(&self, now: i64, typ: &str, more: &Value) -> String {
        let key = self.key.borrow();
        let mut claims = json!({
            "iss": ISSUER, "aud": "https://api.example", "exp": now + 600, "iat": now, "sub": "alice",
            "client_id": "app", "jti": "1", "scope": "read",
        });
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let mut header = key.header();
        header["typ"] = json!(typ);
        key.token_of(header.to_string(), claims.to_string())
    }

    /// The refresh tokens that are good for something.
    pub(crate) fn refresh_tokens(&self) -> usize {
        self.grants.borrow().keys().filter(|name| name.starts_with("refresh-")).count()
    }

    fn user(&self, request: &ProviderRequest) -> (u16, Value) {
        let known = |(name, value): &(&str, String)| {
            let token = value.strip_prefix("Bearer ").unwrap_or_default();
            *name == "Authorization" && self.issued.borrow().iter().any(|issued| issued == token)
        };
        if request.headers.iter().any(known) {
            (200, self.userinfo.borrow().clone())
        } else {
            (401, json!({"error": "invalid_token", "error_description": PROVIDER_TEXT}))
        }
    }
}

/// OIDC Core §3.1.3.6.
fn left_half(alg: Alg, token: &str) -> String {
    let hash = match alg {
        Alg::Rs256 | Alg::Ps256 | Alg::Es256 => Sha256::digest(token).to_vec(),
        Alg::Rs384 | Alg::Ps384 | Alg::Es384 => Sha384::digest(token).to_vec(),
        _ => Sha512::digest(token).to_vec(),
    };
    base64url(&hash[..hash.len() / 2])
}

/// The parameters of a URL's query.
pub(crate) fn query(url: &str) -> BTreeMap<String, String> {
    parameters(url.split_once('?').map_or("", |(_, query)| query))
}

/// The parameters of a form. None may repeat.
pub(crate) fn parameters(form: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(form.as_bytes()).into_owned() {
        assert!(all.insert(name.clone(), value).is_none(), "{name} twice");
    }
    all
}

/// Encodes a form.
pub(crate) fn form(parameters: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
}
