//! How the site answers: whether the Worker stands before it, guards it, and can't be walked around.

use edge_oidc::{
    config::{Config, OriginSettings},
    oidc::discovery::Metadata,
    policy::Access,
    route::{self, Route},
    web::{
        path::RequestPath,
        secure_url::{SecureUrl, is_loopback_host},
    },
};
use serde_json::Value;

use super::{
    Findings,
    network::{Network, header},
};

const WORKER: &str = "worker";
const GUARD: &str = "guard";
const ORIGIN: &str = "origin";
const AROUND: &str = "around_the_worker";

pub(super) fn check(
    config: &Config,
    public_origin: Option<&str>,
    metadata: Option<&Metadata>,
    network: &Network<'_>,
    findings: &mut Findings,
) {
    let public = public_origin.filter(|origin| stands(config, origin, network, findings));
    if let (Some(public), Some(metadata)) = (public, metadata) {
        guards(config, public, metadata, network, findings);
    }
    origin(config, public, network, findings);
}

fn url(origin: &str, path: &str) -> Option<SecureUrl> {
    SecureUrl::parse(&format!("{origin}{path}")).ok()
}

/// Whether the Worker answers where visitors come.
fn stands(config: &Config, origin: &str, network: &Network<'_>, findings: &mut Findings) -> bool {
    let Some(health) = url(origin, &format!("{}oidc_health", config.routes.base)) else { return false };
    let is_ours = |body: &[u8]| body == br#"{"status":"ok"}"#;
    match network.open(health.clone()) {
        Err(error) => {
            findings.bad(
                WORKER,
                format!("{health}: {error}"),
                "npm run deploy; does the host name lead to Cloudflare?",
            );
        }
        Ok(heard) if heard.answer.status == 200 && is_ours(&heard.answer.body) => {
            findings.good(WORKER, format!("it answers at {origin}"));
            return true;
        }
        Ok(heard) if heard.answer.status == 500 => {
            findings.bad(
                WORKER,
                format!("{health}: HTTP 500"),
                "npx wrangler tail names each bad setting and its cure",
            );
        }
        Ok(heard) => findings.bad(
            WORKER,
            format!("{health}: HTTP {}, not from the Worker", heard.answer.status),
            "is the route right, and the DNS record proxied? npm run deploy",
        ),
    }
    false
}

/// Opens a page that needs a sign-in, as a stranger.
fn guards(config: &Config, origin: &str, metadata: &Metadata, network: &Network<'_>, findings: &mut Findings) {
    let Some(path) = guarded_path(config) else {
        return findings.unseen(GUARD, "no rule has a page to try that asks for a sign-in", "open one in a browser");
    };
    let Some(page) = url(origin, &path) else { return };
    let heard = match network.open(page.clone()) {
        Ok(heard) => heard,
        Err(error) => return findings.bad(GUARD, format!("{page}: {error}"), "npx wrangler tail"),
    };
    let to_provider =
        header(&heard, "location").is_some_and(|to| to.starts_with(metadata.authorization_endpoint.as_str()));
    match heard.answer.status {
        302 if to_provider => findings.good(GUARD, format!("a stranger who opens {path} is sent to the provider")),
        200..=299 => findings.bad(
            GUARD,
            format!("a stranger gets {page} (HTTP {})", heard.answer.status),
            "is another version deployed, or another Worker on this route? npm run deploy",
        ),
        status => findings.bad(
            GUARD,
            format!("{page}: expected a redirect to the provider, got HTTP {status}"),
            "npx wrangler tail has the reason; is what is deployed what stands here? npm run deploy",
        ),
    }
}

/// A path for which a stranger has to sign in: the site's first page, or what a rule says.
fn guarded_path(config: &Config) -> Option<String> {
    let base = config.routes.base.as_str();
    let first = [base.to_owned()].into_iter();
    let named = config.rules.iter().map(|rule| rule.pattern.prefix().to_owned());
    first.chain(named).find(|path| access(config, path) == Some(Access::Login))
}

/// A path that strangers may see.
fn public_path(config: &Config) -> Option<String> {
    let named = config.rules.iter().map(|rule| rule.pattern.prefix().to_owned());
    named.filter(|path| !path.is_empty()).find(|path| access(config, path) == Some(Access::Public))
}

fn access(config: &Config, path: &str) -> Option<Access> {
    match route::route(config, "GET", &RequestPath::parse(path).ok()?) {
        Route::Rule(rule) => Some(rule.access),
        _ => None,
    }
}

fn origin(config: &Config, public: Option<&str>, network: &Network<'_>, findings: &mut Findings) {
    through_the_worker(config, public, network, findings);
    match &config.origin {
        OriginSettings::Binding => {
            findings.good(AROUND, "the origin is a service binding, with no other door than its own");
        }
        OriginSettings::Url(origin) => around(origin, network, findings),
        OriginSettings::SameUrl => findings.unseen(
            AROUND,
            "the origin's own address is not known here",
            "let it refuse everybody but Cloudflare: authenticated origin pulls, or a tunnel",
        ),
    }
}

fn through_the_worker(config: &Config, public: Option<&str>, network: &Network<'_>, findings: &mut Findings) {
    let page = public.and_then(|public| Some((public, public_path(config)?)));
    let Some(page) = page.and_then(|(public, path)| url(public, &path)) else {
        return findings.unseen(ORIGIN, "no public page is there to ask for through the Worker", "sign in, and see");
    };
    match network.open(page.clone()) {
        Err(error) => findings.bad(ORIGIN, format!("{page}: {error}"), "npx wrangler tail"),
        Ok(heard) => {
            let json: Option<Value> = serde_json::from_slice(&heard.answer.body).ok();
            let code = json.as_ref().and_then(|json| json.get("error")?.as_str()).unwrap_or_default();
            match heard.answer.status {
                status @ (502 | 504) => {
                    let found = format!("{page}: HTTP {status} {code}");
                    findings.bad(ORIGIN, found.trim_end(), "is the origin up? Is OIDC_ORIGIN right?");
                }
                status => findings.good(ORIGIN, format!("it answers {page} (HTTP {status})")),
            }
        }
    }
}

/// Asks the origin itself, as anybody could.
fn around(origin: &SecureUrl, network: &Network<'_>, findings: &mut Findings) {
    let authority = origin.origin();
    let host = authority.split_once("://").map_or("", |(_, authority)| authority);
    let is_local = is_loopback_host(host.rsplit_once(':').map_or(host, |(host, _)| host));
    match network.open(origin.clone()) {
        Err(_) if is_local => findings.bad(AROUND, format!("{origin} does not answer"), "start the origin"),
        Err(error) => findings.good(AROUND, format!("{origin} does not answer this machine: {error}")),
        Ok(heard) if matches!(heard.answer.status, 401 | 403) => {
            findings.good(AROUND, format!("{origin} refuses this machine (HTTP {})", heard.answer.status));
        }
        Ok(_) if is_local => findings.good(AROUND, format!("{origin} is on this machine")),
        Ok(heard) => findings.bad(
            AROUND,
            format!("{origin} answers this machine (HTTP {}): whoever knows the address needs no sign-in", heard.answer.status),
            "let it refuse everybody but the Worker: a tunnel, a service binding, mutual TLS, or a check of OIDC_ASSERTION",
        ),
    }
}
