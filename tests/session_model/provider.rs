//! A provider that rotates refresh tokens in one of three ways, and takes reuse for theft.

use core::{
    cell::{Cell, RefCell},
    ops::Range,
};
use std::collections::{BTreeMap, BTreeSet};

use edge_oidc::{
    host::CallError,
    oauth::exchange::{ProviderAnswer, ProviderRequest},
};
use serde_json::{Value, json};

use super::{
    chance::Chance,
    clock::Millis,
    support::{
        Endpoint, SITE, TestKey,
        provider::{CLIENT_ID, ISSUER, parameters, query},
        ring::jwks_document,
    },
};

/// How long an old refresh token stays good beside the new one.
const OVERLAP: Millis = 150_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rotation {
    Never,
    /// The old one stays good for a while.
    Overlapping,
    /// The old one is spent, and to use it again ends all that came of it.
    AtOnce,
}

pub(crate) struct Provider {
    key: TestKey,
    rotation: Rotation,
    /// How long its tokens live, in seconds.
    pub(crate) life: i64,
    /// How long an answer takes at most.
    pub(crate) slowest: Millis,
    pub(crate) down: RefCell<Vec<Range<Millis>>>,
    grants: RefCell<BTreeMap<String, Grant>>,
    count: Cell<u64>,
    /// Its sessions that somebody has ended: what still comes for them matters to nobody.
    pub(crate) ended: RefCell<BTreeSet<String>>,
    /// How often a refresh token of another session was used when it was spent.
    reused: Cell<u64>,
}

#[derive(Clone)]
struct Grant {
    subject: String,
    nonce: String,
    sid: String,
    spent_at: Option<Millis>,
}

impl Provider {
    pub(crate) fn new(rotation: Rotation, life: i64, slowest: Millis) -> Self {
        Self {
            key: TestKey::es256(),
            rotation,
            life,
            slowest,
            down: RefCell::default(),
            grants: RefCell::default(),
            count: Cell::new(0),
            ended: RefCell::default(),
            reused: Cell::new(0),
        }
    }

    /// Whether no refresh token was used after it was spent, where that is taken for theft.
    pub(crate) fn was_asked_fairly(&self) -> bool {
        self.rotation != Rotation::AtOnce || self.reused.get() == 0
    }

    pub(crate) fn takes(&self, chance: &Chance) -> Millis {
        40 + chance.below(self.slowest)
    }

    /// Somebody signs in: where the browser is sent back to, and the provider's name of the session.
    pub(crate) fn authorize(&self, location: &str, subject: &str) -> (String, String) {
        let sent = query(location);
        let (code, sid) = (self.name("code"), self.name("sid"));
        let (subject, nonce) = (subject.to_owned(), sent["nonce"].clone());
        self.grants.borrow_mut().insert(code.clone(), Grant { subject, nonce, sid: sid.clone(), spent_at: None });
        (format!("{SITE}/oidc_callback?code={code}&state={}", sent["state"]), sid)
    }

    /// A logout token (Back-Channel Logout §2.4).
    pub(crate) fn logout_token(&self, sid: &str, seconds: i64) -> String {
        let events = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
        let claims = json!({"iss": ISSUER, "aud": CLIENT_ID, "iat": seconds, "exp": seconds + 120,
            "jti": self.name("jti"), "events": events, "sid": sid});
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
        if self.down.borrow().iter().any(|span| span.contains(&now)) {
            return Err(CallError::Unreachable);
        }
        let (status, value) = match Endpoint::of(request) {
            Endpoint::Metadata => (200, metadata()),
            Endpoint::Jwks => (200, jwks_document([&self.key])),
            Endpoint::Token => self.token(request.body.as_deref().unwrap_or_default(), now, seconds),
            Endpoint::Userinfo => (200, json!({"sub": subject_of(request)})),
            _ => return Err(CallError::Unreachable),
        };
        let body = value.to_string().into_bytes();
        Ok(ProviderAnswer { status, content_type: Some("application/json".to_owned()), body })
    }

    fn token(&self, body: &str, now: Millis, seconds: i64) -> (u16, Value) {
        let sent = parameters(body);
        let refreshes = sent["grant_type"] == "refresh_token";
        let used = &sent[if refreshes { "refresh_token" } else { "code" }];
        let mut grants = self.grants.borrow_mut();
        let known = grants.get_mut(used).filter(|grant| grant.spent_at.is_none_or(|spent| now < spent + OVERLAP));
        let Some(known) = known else {
            let family = family_of(used).to_owned();
            grants.retain(|name, _| family_of(name) != family);
            let counts = refreshes && !self.ended.borrow().contains(&family);
            self.reused.set(self.reused.get() + u64::from(counts));
            return (400, json!({"error": "invalid_grant"}));
        };
        let grant = Grant { spent_at: None, ..known.clone() };
        match (refreshes, self.rotation) {
            (true, Rotation::Never) => {}
            (true, Rotation::Overlapping) => known.spent_at = known.spent_at.or(Some(now)),
            _ => drop(grants.remove(used)),
        }
        let ends_at = seconds + self.life;
        let claims = json!({"iss": ISSUER, "aud": CLIENT_ID, "sub": grant.subject, "iat": seconds, "exp": ends_at,
            "nonce": grant.nonce, "sid": grant.sid});
        // The name of an access token says whose it is and until when, that of a refresh token what it comes of.
        let mut tokens = json!({"access_token": format!("access.{}.{ends_at}", grant.subject), "token_type": "Bearer",
            "expires_in": self.life, "id_token": self.key.token(&claims)});
        if !refreshes || self.rotation != Rotation::Never {
            let name = format!("{}.{}", self.name("refresh"), grant.sid);
            tokens["refresh_token"] = json!(name);
            grants.insert(name, grant);
        }
        (200, tokens)
    }

    fn name(&self, kind: &str) -> String {
        self.count.set(self.count.get() + 1);
        format!("{kind}-{}", self.count.get())
    }
}

fn family_of(token: &str) -> &str {
    token.rsplit('.').next().unwrap()
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
