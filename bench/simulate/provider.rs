//! A provider that rotates refresh tokens, and may be down for a while.

use core::cell::{Cell, RefCell};
use std::{collections::BTreeMap, ops::Range};

use edge_oidc::{
    host::CallError,
    oauth::exchange::{ProviderAnswer, ProviderRequest},
};
use serde_json::{Value, json};

use super::{
    clock::Millis,
    support::{
        Endpoint, SITE, TestKey,
        provider::{CLIENT_ID, ISSUER, parameters, query},
        ring::jwks_document,
    },
};

/// How long it takes to answer.
pub(crate) const ANSWERS_AFTER: Millis = 120;

pub(crate) struct Provider {
    key: TestKey,
    /// What codes and refresh tokens are good for: whom they name, the nonce, the session.
    grants: RefCell<BTreeMap<String, Grant>>,
    count: Cell<u64>,
    pub(crate) down: RefCell<Vec<Range<Millis>>>,
    pub(crate) calls: RefCell<BTreeMap<Endpoint, u64>>,
    pub(crate) gives_refresh_tokens: Cell<bool>,
    pub(crate) refreshes: Cell<u64>,
    /// Refresh tokens that were used a second time.
    pub(crate) reused: Cell<u64>,
}

#[derive(Clone)]
struct Grant {
    subject: String,
    nonce: String,
    sid: String,
}

impl Provider {
    pub(crate) fn new() -> Self {
        Self {
            key: TestKey::es256(),
            grants: RefCell::default(),
            count: Cell::new(0),
            down: RefCell::default(),
            calls: RefCell::default(),
            gives_refresh_tokens: Cell::new(true),
            refreshes: Cell::new(0),
            reused: Cell::new(0),
        }
    }

    pub(crate) fn is_down(&self, now: Millis) -> bool {
        self.down.borrow().iter().any(|span| span.contains(&now))
    }

    /// The visitor signs in; where the browser is sent back to, and the provider's name of the session.
    pub(crate) fn authorize(&self, location: &str, subject: &str) -> (String, String) {
        let sent = query(location);
        let (code, sid) = (self.name("code"), self.name("sid"));
        let grant = Grant { subject: subject.to_owned(), nonce: sent["nonce"].clone(), sid: sid.clone() };
        self.grants.borrow_mut().insert(code.clone(), grant);
        (format!("{SITE}/oidc_callback?code={code}&state={}", sent["state"]), sid)
    }

    /// A logout token for a session (Back-Channel Logout §2.4).
    pub(crate) fn logout_token(&self, sid: &str, seconds: i64) -> String {
        let events = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
        let claims = json!({"iss": ISSUER, "aud": CLIENT_ID, "iat": seconds, "exp": seconds + 120, "jti": self.name("jti"),
            "events": events, "sid": sid});
        let mut header = self.key.header();
        header["typ"] = json!("logout+jwt");
        self.key.token_of(header.to_string(), claims.to_string())
    }

    pub(crate) fn answer(
        &self,
        request: &ProviderRequest,
        now: Millis,
        seconds: i64,
    ) -> Result<ProviderAnswer, CallError> {
        let endpoint = Endpoint::of(request);
        *self.calls.borrow_mut().entry(endpoint).or_default() += 1;
        if self.is_down(now) {
            return Err(CallError::Unreachable);
        }
        let (status, value) = match endpoint {
            Endpoint::Metadata => (200, metadata()),
            Endpoint::Jwks => (200, jwks_document([&self.key])),
            Endpoint::Token => self.token(request.body.as_deref().unwrap_or_default(), seconds),
            Endpoint::Userinfo => (200, json!({"sub": subject_of(request)})),
            _ => return Err(CallError::Unreachable),
        };
        let body = value.to_string().into_bytes();
        Ok(ProviderAnswer { status, content_type: Some("application/json".to_owned()), body })
    }

    fn token(&self, body: &str, seconds: i64) -> (u16, Value) {
        let sent = parameters(body);
        let refreshes = sent["grant_type"] == "refresh_token";
        if refreshes {
            self.refreshes.set(self.refreshes.get() + 1);
        }
        let used = &sent[if refreshes { "refresh_token" } else { "code" }];
        let Some(grant) = self.grants.borrow_mut().remove(used) else {
            self.reused.set(self.reused.get() + u64::from(refreshes));
            return (400, json!({"error": "invalid_grant"}));
        };
        let Grant { subject, nonce, sid } = grant.clone();
        let refresh_token = self.name("refresh");
        self.grants.borrow_mut().insert(refresh_token.clone(), grant);
        let claims = json!({"iss": ISSUER, "aud": CLIENT_ID, "sub": subject, "email": format!("{subject}@example.org"),
            "name": "Somebody", "iat": seconds, "exp": seconds + 3600, "nonce": nonce, "sid": sid});
        // The name of an access token says whose it is, for userinfo.
        let mut tokens = json!({"access_token": format!("access.{subject}"), "token_type": "Bearer", "expires_in": 3600,
            "id_token": self.key.token(&claims)});
        if self.gives_refresh_tokens.get() {
            tokens["refresh_token"] = json!(refresh_token);
        }
        (200, tokens)
    }

    fn name(&self, kind: &str) -> String {
        self.count.set(self.count.get() + 1);
        format!("{kind}-{}", self.count.get())
    }
}

fn metadata() -> Value {
    json!({
        "issuer": ISSUER, "authorization_endpoint": format!("{ISSUER}/authorize"),
        "token_endpoint": format!("{ISSUER}/token"), "userinfo_endpoint": format!("{ISSUER}/userinfo"),
        "jwks_uri": format!("{ISSUER}/jwks"), "id_token_signing_alg_values_supported": ["ES256"],
        "frontchannel_logout_supported": false,
    })
}

fn subject_of(request: &ProviderRequest) -> String {
    let token = request.headers.iter().find(|(name, _)| *name == "Authorization").map(|(_, value)| value.as_str());
    token.and_then(|token| token.split('.').nth(1)).unwrap_or_default().to_owned()
}
