//! What the provider tells of itself.

use edge_oidc::{
    config::{Config, ProviderSettings},
    jose::{Alg, JwkSet},
    json,
    oauth::exchange::{ProviderAnswer, ProviderRequest},
    oidc::{
        discovery::{self, DiscoveryError, Metadata},
        registration::Printable,
    },
    time::Timestamp,
};
use serde_json::Value;

use super::{
    Findings,
    client::{self, CLIENT, REDIRECT},
    network::{Network, header},
};
use crate::{clock, site::Site};

const SECRETS_FILE: &str = "npm run doctor -- --secrets-file FILE";

/// Everything about the provider; what it says of itself, if it can be used.
pub(super) fn check(
    config: &Config,
    site: &Site,
    public_origin: Option<&str>,
    network: &Network<'_>,
    findings: &mut Findings,
) -> Option<Metadata> {
    let settings = config.providers.first()?;
    if !site.knows_provider() {
        findings.unseen("discovery", "the provider is not to be seen here: OIDC_CLIENT_SECRETS names it", SECRETS_FILE);
        return None;
    }
    let (metadata, document) = discover(settings, network, findings)?;
    keys(&metadata, network, findings);
    scopes(settings, &document, findings);
    auth_method(settings, &metadata, findings);
    if !site.knows_client() {
        findings.unseen(CLIENT, "the client id is not to be seen here: OIDC_CLIENT_SECRETS has it", SECRETS_FILE);
        return Some(metadata);
    }
    let knows_secret = site.knows_client_secret(config);
    if knows_secret {
        client::secret(settings, &metadata, network, findings);
    } else {
        findings.unseen(CLIENT, "the client secret is not here to try it", SECRETS_FILE);
    }
    client::introspection(config, settings, &metadata, knows_secret, network, findings);
    if config.resource_server_only {
        return Some(metadata);
    }
    match client::redirect_uri(config, public_origin) {
        Some(uri) => client::is_registered(settings, &metadata, &uri, network, findings),
        None => findings.unseen(REDIRECT, "it is not known where visitors come", "set OIDC_PUBLIC_URL, or a route"),
    }
    Some(metadata)
}

fn discover(
    settings: &ProviderSettings,
    network: &Network<'_>,
    findings: &mut Findings,
) -> Option<(Metadata, json::Object)> {
    const CHECK: &str = "discovery";
    if let Some(metadata) = discovery::from_given(&settings.issuer, &settings.endpoints) {
        findings.good(CHECK, "not needed: OIDC_CLIENT_SECRETS has every endpoint");
        return Some((metadata, json::Object::new()));
    }
    let request = discovery::request(&settings.issuer)?;
    let url = request.url.clone();
    let heard = match network.ask(&request) {
        Ok(heard) => heard,
        Err(error) => {
            let cure = "is OIDC_ISSUER right? Is the provider up, and reachable from the internet?";
            findings.bad(CHECK, format!("{url}: {error}"), cure);
            return None;
        }
    };
    compare_clocks(settings, header(&heard, "date"), clock::now(), findings);
    match discovery::response(&heard.answer, &settings.issuer, &settings.endpoints) {
        Ok(metadata) => {
            findings.good(CHECK, format!("{} answers, and calls itself so", settings.issuer.as_str()));
            Some((metadata, json::parse_object(&heard.answer.body).unwrap_or_default()))
        }
        Err(error) => {
            let (found, cure) = discovery_problem(error, &heard.answer);
            findings.bad(CHECK, format!("{url}: {found}"), cure);
            None
        }
    }
}

pub(crate) fn discovery_problem(error: DiscoveryError, answer: &ProviderAnswer) -> (String, String) {
    use DiscoveryError as E;
    let named = || json::parse_object(&answer.body).ok()?.get("issuer")?.as_str().map(|text| Printable::cut(text, 200));
    let (found, cure) = match error {
        E::UnexpectedStatus => {
            (format!("expected HTTP 200, got {}", answer.status), "is OIDC_ISSUER right? Redirects are not followed")
        }
        E::NotJson => ("expected a JSON object, got something else".to_owned(), "is OIDC_ISSUER right?"),
        E::IssuerMismatch => {
            return match named() {
                Some(issuer) => (
                    format!("it calls itself {issuer}"),
                    format!("OIDC_ISSUER = \"{issuer}\", if that is whom you mean"),
                ),
                None => ("it does not say who it is".to_owned(), "is OIDC_ISSUER right?".to_owned()),
            };
        }
        E::BadEndpoint => (
            "an endpoint (authorization, token, jwks) is missing, or not https".to_owned(),
            "tell the provider, or give the endpoints in OIDC_CLIENT_SECRETS",
        ),
        E::NoCommonAlgorithm => (
            "it signs ID tokens by nothing that is accepted here".to_owned(),
            "set the client to RS256, PS256, ES256 or EdDSA at the provider",
        ),
    };
    (found, cure.to_owned())
}

// The Worker's clock is the platform's, and right: what is measured here is the provider's, if this machine's is right.
fn compare_clocks(settings: &ProviderSettings, date: Option<&str>, now: Timestamp, findings: &mut Findings) {
    const CHECK: &str = "clock";
    let Some(theirs) = date.and_then(clock::of_http_date) else {
        findings.unseen(CHECK, "the provider does not tell the time", "nothing, if visitors can sign in");
        return;
    };
    let seconds = theirs.as_unix().saturating_sub(now.as_unix());
    let leeway = i64::try_from(settings.leeway.as_duration().as_secs()).unwrap_or(i64::MAX);
    // A second is lost in rounding, and a few on the way.
    if seconds.abs() <= leeway.max(5) {
        findings.good(CHECK, format!("the provider's differs from this machine's by {} s", seconds.abs()));
    } else {
        let way = if seconds < 0 { "behind" } else { "ahead of" };
        findings.bad(
            CHECK,
            format!("the provider's is {} s {way} this machine's; {leeway} s are allowed", seconds.abs()),
            "set this machine's clock; if it is right, tell the provider, or raise OIDC_CLOCK_SKEW (600 at most)",
        );
    }
}

fn keys(metadata: &Metadata, network: &Network<'_>, findings: &mut Findings) {
    const CHECK: &str = "keys";
    let url = metadata.jwks_uri.clone();
    let heard = match network.ask(&ProviderRequest::for_json(url.clone())) {
        Ok(heard) => heard,
        Err(error) => return findings.bad(CHECK, format!("{url}: {error}"), "is the provider up?"),
    };
    if heard.answer.status != 200 {
        let found = format!("{url}: expected HTTP 200, got {}", heard.answer.status);
        return findings.bad(CHECK, found, "is jwks_uri right?");
    }
    let Ok(keys) = JwkSet::parse(&heard.answer.body) else {
        return findings.bad(CHECK, format!("{url} is no JWK Set"), "is jwks_uri right?");
    };
    let usable: Vec<&str> = metadata
        .id_token_algs
        .iter()
        .copied()
        .filter(|alg| keys.candidates(*alg, None).next().is_some())
        .map(Alg::name)
        .collect();
    if usable.is_empty() {
        let found =
            format!("none of {} keys is for an algorithm that ID tokens may have here", keys.len() + keys.skipped());
        return findings.bad(CHECK, found, "the provider needs a public RSA (2048 bits at least), EC or Ed25519 key");
    }
    findings.good(
        CHECK,
        format!("{} of {} can be used, for {}", keys.len(), keys.len() + keys.skipped(), usable.join(", ")),
    );
}

fn listed<'d>(document: &'d json::Object, name: &str) -> Option<Vec<&'d str>> {
    Some(document.get(name)?.as_array()?.iter().filter_map(Value::as_str).collect())
}

fn scopes(settings: &ProviderSettings, document: &json::Object, findings: &mut Findings) {
    const CHECK: &str = "scopes";
    let Some(known) = listed(document, "scopes_supported") else {
        return findings.unseen(
            CHECK,
            "the provider does not list its scopes",
            "sign in once, and look at /oidc_userinfo",
        );
    };
    let unknown: Vec<&str> = settings.scopes.iter().filter(|scope| !known.contains(scope)).collect();
    if unknown.is_empty() {
        findings.good(CHECK, format!("the provider knows {}", settings.scopes));
    } else {
        // RFC 8414 §2: a provider need not list them all.
        let found = format!("the provider does not list {}", unknown.join(", "));
        findings.warning(CHECK, found, "is OIDC_SCOPES right? An unknown scope may be ignored, or refused");
    }
}

fn auth_method(settings: &ProviderSettings, metadata: &Metadata, findings: &mut Findings) {
    const CHECK: &str = "client_authentication";
    let method = settings.auth_method(metadata);
    let known = metadata.token_auth_methods.as_deref();
    let is_known = known.is_none_or(|known| known.iter().any(|name| name == method.name()));
    if is_known {
        findings.good(CHECK, method.name());
    } else {
        let known = known.unwrap_or_default().join(", ");
        findings.warning(
            CHECK,
            format!("{}, which the provider does not list: {}", method.name(), Printable::cut(&known, 200)),
            "set OIDC_TOKEN_ENDPOINT_AUTH_METHOD to one that it lists, or the client at the provider",
        );
    }
}
