//! Callers with access tokens: who they are, and what those are told whose token is not good (RFC 6750 §3).

use std::borrow::Cow;

use serde_json::{Value, json};

use super::Gateway;
use crate::{
    error::Error,
    flow::{
        access_token,
        identify::{self, Identified},
        possession,
    },
    host::Host,
    jose::Alg,
    oauth::{
        access_token::AccessTokenError,
        bearer::{Challenge, challenge},
        dpop::ProofError,
        resource_metadata::{self, WELL_KNOWN},
    },
    policy::{Access, Rule},
    route::{self, Route},
    visitor::Visitor,
    web::{path::RequestUrl, reply::Reply, request::IncomingRequest},
};

impl Gateway {
    /// Who asks under a rule that takes tokens: a token that is there counts, be it good or not.
    pub(super) async fn identify_caller(
        &self,
        host: &impl Host,
        request: &impl IncomingRequest,
        url: &RequestUrl<'_>,
        rule: &Rule,
    ) -> Result<Identified, Error> {
        match access_token::caller(&self.site, host, request, url).await? {
            Some((caller, location)) => {
                Ok(Identified { visitor: Visitor::Bearer(caller, location), renewed: Vec::new() })
            }
            None if rule.access == Access::LoginOrToken => {
                identify::identify(&self.site, host, request.cookies()).await
            }
            None => Ok(Identified::anonymous()),
        }
    }

    /// The answer to one whose token is not good; `None` when something else is wrong.
    pub(super) fn challenged(&self, host: &impl Host, request: &impl IncomingRequest, error: &Error) -> Option<Reply> {
        let url = RequestUrl::parse(request.url()).ok()?;
        let Route::Rule(rule) = route::route(&self.site.config, request.method(), url.path()) else { return None };
        self.challenge(host, &url, rule, error)
    }

    /// The same under another rule than that of the request: one that code asks about.
    pub(crate) fn challenge(
        &self,
        host: &impl Host,
        url: &RequestUrl<'_>,
        rule: &Rule,
        error: &Error,
    ) -> Option<Reply> {
        // RFC 9449 §9: a client whose proof is out of time may try again with what we give it, if we can give any.
        let nonce = match error {
            Error::Proof(ProofError::Nonce | ProofError::Stale) => possession::nonce(&self.site, host),
            _ => None,
        };
        let said = Said::of(error, nonce.is_some())?;
        let origin = self.site.public_origin(url);
        // RFC 9728 §5.1
        let metadata = route::resource_metadata(&self.site.config, rule);
        let metadata = metadata.map(|path| [origin.as_str(), &path].concat());
        let bearer = || bearer_challenge(rule, (&origin, metadata.as_deref()), error, &said);
        // RFC 9449 §7.1
        let header = match error {
            Error::Proof(_) => proof_challenge(said.error),
            Error::AccessToken(AccessTokenError::Unproved) => [&bearer(), ", ", &proof_challenge(None)].concat(),
            _ => bearer(),
        };
        let body = json!({ "error": said.error.unwrap_or("invalid_token"), "error_description": said.description });
        let reply = for_every_page(Reply::json(error.status(), &body))
            .header("Access-Control-Expose-Headers", "WWW-Authenticate, DPoP-Nonce")
            .header("WWW-Authenticate", header);
        Some(nonce.into_iter().fold(reply, |reply, nonce| reply.header("DPoP-Nonce", nonce)))
    }

    /// RFC 9728 §3.2.
    pub(super) fn resource_metadata(&self, url: &RequestUrl<'_>) -> Reply {
        let config = &self.site.config;
        let path = url.path().decoded().strip_prefix(WELL_KNOWN.as_bytes()).unwrap_or_default();
        let is_of = |rule: &&Rule| rule.takes_tokens() && (path.is_empty() || rule.is_resource(path));
        let rules = || config.rules.iter().filter(is_of);
        let mut scopes: Vec<&str> = Vec::new();
        for scope in rules().flat_map(|rule| rule.scopes.iter()) {
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        // §3.3: as the settings write it, however it was asked for.
        let path = rules().next().filter(|_| !path.is_empty()).map_or("", Rule::resource_path);
        let resource = [self.site.public_origin(url).as_str(), path].concat();
        let issuer = self.site.issuer();
        let document: Value = resource_metadata::document(&resource, issuer, &scopes, &config.tokens.locations);
        for_every_page(Reply::json(200, &document))
    }
}

/// The answer to a browser that asks whether a page of another site may read the metadata, headers of its own and all
/// (Fetch §3.2.2): clients of the Model Context Protocol send one.
pub(super) fn preflight() -> Reply {
    for_every_page(Reply::empty(204))
        .header("Access-Control-Allow-Methods", "GET, HEAD")
        .header("Access-Control-Allow-Headers", "*")
}

// What anybody may fetch, clients that run in other sites' pages may read. With cookies, browsers let none (Fetch §3.2.5).
fn for_every_page(reply: Reply) -> Reply {
    reply.header("Access-Control-Allow-Origin", "*")
}

fn bearer_challenge(rule: &Rule, (origin, metadata): (&str, Option<&str>), error: &Error, said: &Said) -> String {
    let scope = || Some(rule.scopes.to_string().into()).filter(|scope: &Cow<'_, str>| !scope.is_empty());
    let is_step_up = *error == Error::Challenge(Challenge::StepUp);
    let acr = Some(rule.step_up.acr_values.join(" ")).filter(|values| is_step_up && !values.is_empty());
    let age = rule.step_up.max_age.filter(|_| is_step_up).map(|age| age.as_secs().to_string());
    challenge(
        "Bearer",
        &[
            ("realm", Some(origin.into())),
            ("error", said.error.map(Cow::Borrowed)),
            ("error_description", said.error.map(|_| said.description.into())),
            ("scope", if is_step_up { None } else { scope() }),
            // RFC 9470 §3
            ("acr_values", acr.map(Cow::Owned)),
            ("max_age", age.map(Cow::Owned)),
            ("resource_metadata", metadata.map(Cow::Borrowed)),
        ],
    )
}

fn proof_challenge(error: Option<&'static str>) -> String {
    let algs: Vec<&str> = Alg::ALL.iter().map(|alg| alg.name()).collect();
    challenge("DPoP", &[("error", error.map(Cow::Borrowed)), ("algs", Some(algs.join(" ").into()))])
}

/// What is said to a caller.
struct Said {
    /// `error` of the challenge; none when no token came (RFC 6750 §3.1).
    error: Option<&'static str>,
    description: &'static str,
}

impl Said {
    fn of(error: &Error, has_nonce: bool) -> Option<Self> {
        let said = |error, description| Some(Self { error: Some(error), description });
        match error {
            Error::Challenge(Challenge::Missing) => Some(Self { error: None, description: INVALID }),
            Error::AccessToken(_) => said("invalid_token", INVALID),
            Error::Bearer(_) => said("invalid_request", "Expected one access token in the request"),
            Error::Challenge(Challenge::Scope) => said("insufficient_scope", "Token does not have required scopes"),
            // RFC 9470 §3
            Error::Challenge(Challenge::StepUp) => {
                said("insufficient_user_authentication", "A different or more recent sign-in is required")
            }
            Error::Proof(_) if has_nonce => {
                said("use_dpop_nonce", "Expected a proof of now, or one with the nonce given here")
            }
            Error::Proof(_) => said("invalid_dpop_proof", "The proof does not fit the request or the token"),
            _ => None,
        }
    }
}

/// As Flask-OIDC says it.
const INVALID: &str = "Token required but invalid";
