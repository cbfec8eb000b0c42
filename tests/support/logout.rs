//! The provider ends sessions: logout tokens (Back-Channel Logout §2.4), honest ones and others.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::{
    Answer, FakeRequest, Minting, World,
    provider::{CLIENT_ID, ISSUER, Mint, form},
};

pub(crate) const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

static MINTED: AtomicUsize = AtomicUsize::new(0);

/// A token by the book for these claims (`sub`, `sid` or both), changed by `mint`. Each has a `jti` of its own.
pub(crate) fn logout_token(world: &World, who: &Value, mint: &Mint) -> String {
    let key = world.provider().key.borrow();
    let now = world.host.unix();
    let count = MINTED.fetch_add(1, Ordering::Relaxed);
    let mut claims = json!({
        "iss": ISSUER, "aud": CLIENT_ID, "iat": now, "exp": now + 120, "events": {EVENT: {}},
        "jti": format!("jti-{count}"),
    });
    for (name, value) in who.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let mut header = key.header();
    header["typ"] = json!("logout+jwt");
    mint(Minting { header, claims, key: &key })
}

pub(crate) fn honest() -> Mint {
    Box::new(|token| token.sign())
}

/// The provider posts a token (§2.5); it sends no cookie and no origin.
pub(crate) fn post(token: &str) -> FakeRequest {
    FakeRequest::post("/oidc_backchannel_logout", &form(&[("logout_token", token)]))
}

/// The provider ends the sessions of `who`.
pub(crate) fn log_out(world: &World, who: &Value) -> Answer {
    world.send(&post(&logout_token(world, who, &honest())))
}
