//! What the provider has said of access tokens, for all isolates of one location: in the cache of the data centre, when
//! `OIDC_INTROSPECTION_CACHE` says so.
//!
//! What stands there is the answer as it came, and until when it counts: each isolate judges it by its own settings and
//! its own clock. It is sealed under a key that needs the token's hash, and its name there tells neither, so that who can
//! read the cache learns nothing and who can write it admits nobody.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use sha2::{Digest as _, Sha256};

use super::{Site, token_cache::TokenHash};
use crate::{
    host::{Host, random},
    oauth::exchange::ProviderAnswer,
    session::SessionId,
    time::Timestamp,
    web::path::RequestUrl,
};

/// What the provider has said to another isolate, and until when it counts.
pub(super) async fn find(
    site: &Site,
    host: &impl Host,
    url: &RequestUrl<'_>,
    hash: &TokenHash,
) -> Option<(ProviderAnswer, Timestamp)> {
    if !is_used(site) {
        return None;
    }
    let sealed = host.recall(&name(site, url, hash)).await?;
    let opened = site.ring.open_entry(&holder(hash), &sealed).ok()?;
    decode(&opened.plain).filter(|(_, until)| host.now() < *until)
}

/// Tells the other isolates what the provider has said, until then.
pub(super) async fn keep(
    site: &Site,
    host: &impl Host,
    url: &RequestUrl<'_>,
    hash: &TokenHash,
    (answer, until): (&ProviderAnswer, Timestamp),
) {
    let ttl = until.since(host.now());
    if !is_used(site) || ttl.is_zero() {
        return;
    }
    let Ok(nonce) = random(host) else { return };
    let Some(plain) = encode(answer, until) else { return };
    let Some(sealed) = site.ring.seal_entry(&holder(hash), nonce, &plain) else { return };
    host.keep(&name(site, url, hash), &sealed, ttl).await;
}

fn is_used(site: &Site) -> bool {
    site.config.tokens.cached_in_location && !site.config.tokens.cache_ttl.is_zero()
}

// Nobody knows it who has not seen the token, as nobody knows a session's id without its cookie.
fn holder(hash: &TokenHash) -> SessionId {
    SessionId::from_random(*hash)
}

// The cache wants a URL of the site's own; nothing is ever served there. Under another one there is what was to count
// for another time: whoever deploys a shorter one means all answers.
fn name(site: &Site, url: &RequestUrl<'_>, hash: &TokenHash) -> String {
    let ttl = site.config.tokens.cache_ttl.as_secs().to_be_bytes();
    let name = Base64UrlUnpadded::encode_string(&Sha256::new().chain_update(hash).chain_update(ttl).finalize());
    [url.origin(), &site.config.routes.base, "oidc_token/", &name].concat()
}

// Until when, the status, the content type with its length before it, the body.
fn encode(answer: &ProviderAnswer, until: Timestamp) -> Option<Vec<u8>> {
    let kind = answer.content_type.as_deref().unwrap_or_default();
    let length = [u8::try_from(kind.len()).ok()?];
    let [until, status] = [&until.as_unix().to_be_bytes()[..], &answer.status.to_be_bytes()];
    Some([until, status, &length, kind.as_bytes(), &answer.body].concat())
}

fn decode(bytes: &[u8]) -> Option<(ProviderAnswer, Timestamp)> {
    let (until, rest) = bytes.split_first_chunk()?;
    let (status, rest) = rest.split_first_chunk()?;
    let (length, rest) = rest.split_first()?;
    let (kind, body) = rest.split_at_checked(usize::from(*length))?;
    let content_type = Some(String::from_utf8(kind.to_vec()).ok()?).filter(|kind| !kind.is_empty());
    let answer = ProviderAnswer { status: u16::from_be_bytes(*status), content_type, body: body.to_vec() };
    Some((answer, Timestamp::from_unix(i64::from_be_bytes(*until))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_comes_back_as_it_was() {
        let until = Timestamp::from_unix(1_700_000_000);
        for (status, content_type) in [(200, Some("application/json")), (400, None)] {
            let answer = ProviderAnswer { status, content_type: content_type.map(str::to_owned), body: b"{}".to_vec() };
            let bytes = encode(&answer, until).unwrap();
            let (again, kept_until) = decode(&bytes).unwrap();
            assert_eq!(
                (again.status, again.content_type.as_deref(), again.body.as_slice()),
                (status, content_type, &b"{}"[..])
            );
            assert_eq!(kept_until, until);
            let head = bytes.len() - answer.body.len();
            assert!((0..head).all(|length| decode(&bytes[..length]).is_none()));
        }
        let long = ProviderAnswer { status: 200, content_type: Some("x".repeat(256)), body: Vec::new() };
        assert!(encode(&long, until).is_none());
    }
}
