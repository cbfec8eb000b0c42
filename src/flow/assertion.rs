//! The proof that a request came through us: a signed assertion of the identity, and a signature over the request.

use std::borrow::Cow;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::{Value, json};

use crate::{
    config::{AssertionSettings, OriginSettings},
    error::Error,
    flow::Site,
    host::{Host, random},
    jose::{self, Alg, SigningKey},
    json::Object,
    origin::{Forward, HeaderEdit},
    session::record::kept_claims,
    web::{message_signature::Coverage, path::RequestUrl, percent::push_encoded, reply::Reply},
};

/// Adds what `OIDC_ASSERTION` asks for to a request of `method` that came to `url`.
///
/// # Errors
///
/// [`Error::NotSigned`], [`Error::NoRandomness`]: an origin that relies on the proof must not miss it.
pub async fn attach(
    site: &Site,
    host: &impl Host,
    (method, url): (&str, &RequestUrl<'_>),
    claims: Option<&Object>,
    forward: &mut Forward,
) -> Result<(), Error> {
    let Some(settings) = &site.config.assertion else { return Ok(()) };
    let Some(key) = settings.keys.first() else { return Ok(()) };
    let (written, whole);
    let target = match &forward.url {
        None => url,
        Some(url) => {
            written = as_written(url);
            whole = RequestUrl::parse(&written)?;
            &whole
        }
    };
    let proof =
        Proof { site, settings, key, method, target, id: Base64UrlUnpadded::encode_string(&random::<16>(host)?) };
    if let Some(claims) = claims {
        let claims = proof.claims(host, claims, &site.public_origin(url));
        let token = jose::sign(host, key, claims).await.map_err(|_| Error::NotSigned)?;
        forward.edits.push(HeaderEdit::set(&settings.header, &token));
    }
    if settings.signs_messages {
        let signed = proof.sign(host, &forward.edits).await?;
        forward.edits.extend(signed);
    }
    Ok(())
}

/// A URL as the platform will write it, so that what is signed is what the origin gets: one that is given is parsed, and
/// the parser encodes what it does not want raw in a query (WHATWG URL, special-query percent-encode set). In the path
/// none of that is left but `'`, which stands there.
fn as_written(url: &str) -> Cow<'_, str> {
    let is_encoded = |byte: u8| matches!(byte, b' ' | b'"' | b'\'' | b'<' | b'>' | 0x80..);
    let Some((before, query)) = url.split_once('?').filter(|(_, query)| query.bytes().any(is_encoded)) else {
        return url.into();
    };
    let mut written = [before, "?"].concat();
    for byte in query.bytes() {
        if is_encoded(byte) { push_encoded(&mut written, byte) } else { written.push(char::from(byte)) }
    }
    written.into()
}

/// The public keys, for origins to check by (RFC 7517 §5).
///
/// # Errors
///
/// [`Error::NotFound`] when nothing is signed.
pub fn jwks(site: &Site) -> Result<Reply, Error> {
    let settings = site.config.assertion.as_ref().ok_or(Error::NotFound)?;
    let keys: Vec<Value> = settings.keys.iter().map(SigningKey::published).collect();
    Ok(Reply::json(200, &json!({ "keys": keys })))
}

struct Proof<'a> {
    site: &'a Site,
    settings: &'a AssertionSettings,
    key: &'a SigningKey,
    method: &'a str,
    /// Where the origin is asked.
    target: &'a RequestUrl<'a>,
    /// What no other proof has.
    id: String,
}

impl Proof<'_> {
    fn claims(&self, host: &impl Host, known: &Object, issuer: &str) -> Object {
        let mappings = self.site.config.headers.iter().map(|mapping| &mapping.claim);
        let mut claims = kept_claims(known, mappings);
        let now = host.now();
        let target = self.target.origin().to_ascii_lowercase();
        let audience = match (&self.settings.audience, &self.site.config.origin) {
            (Some(audience), _) => audience.as_str(),
            (None, OriginSettings::Url(url)) => url.as_str(),
            (None, OriginSettings::Binding | OriginSettings::SameUrl) => &target,
        };
        // Ours last: no claim of a visitor stands in for one of them. RFC 9449 §4.2 for the names of the request.
        for (name, value) in [
            ("iss", Value::from(issuer)),
            ("aud", audience.into()),
            ("iat", now.as_unix().into()),
            ("exp", now.plus(self.settings.ttl).as_unix().into()),
            ("jti", self.id.as_str().into()),
            ("htm", self.method.into()),
            ("htu", format!("{target}{}", self.target.path().raw()).into()),
        ] {
            claims.insert(name.to_owned(), value);
        }
        claims
    }

    /// RFC 9421: over method, address and every header that we set.
    async fn sign(&self, host: &impl Host, edits: &[HeaderEdit]) -> Result<[HeaderEdit; 2], Error> {
        let authority = self.target.origin().split_once("://").map_or("", |(_, authority)| authority);
        let query = format!("?{}", self.target.query().unwrap_or_default());
        let request = [
            ("@method", self.method.to_owned()),
            ("@authority", authority.to_ascii_lowercase()),
            ("@path", self.target.path().raw().to_owned()),
            ("@query", query),
        ];
        let mut components: Vec<(String, String)> =
            request.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        components.extend(edits.iter().filter_map(|edit| match edit {
            HeaderEdit::Set(name, value) if &**name != "Cookie" => Some((name.to_ascii_lowercase(), value.to_string())),
            _ => None,
        }));
        let now = host.now();
        let coverage = Coverage {
            components: &components,
            created: now.as_unix(),
            expires: now.plus(self.settings.ttl).as_unix(),
            nonce: &self.id,
            key: self.key.kid(),
            algorithm: if self.key.alg() == Alg::Es256 { "ecdsa-p256-sha256" } else { "ed25519" },
        };
        let signature = host.sign(self.key, coverage.base().as_bytes()).await.map_err(|_| Error::NotSigned)?;
        Ok(coverage.headers(&signature).map(|(name, value)| HeaderEdit::set(name, &value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_written_as_the_platform_writes_it() {
        for raw in ('!'..='~').chain([' ', '\u{e9}', '\u{1f600}']).filter(|raw| *raw != '#') {
            let query = format!("?{raw}=a{raw}b?/../%zz%41");
            let given = format!("https://origin.example/it's{query}");
            let written = as_written(&given);
            assert_eq!(url::Url::parse(&given).unwrap().as_str(), written);
            // And nothing else is encoded.
            assert_eq!(written.ends_with(&query), !" '\"<>\u{e9}\u{1f600}".contains(raw), "{written}");
        }
    }
}
