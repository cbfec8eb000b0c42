//! Signing in: the redirect to the provider, and the callback that ends it (OIDC Core §3.1.2, §3.1.3).

mod pending;

use serde_json::Value;

use crate::{
    config::ProviderSettings,
    error::{CallbackError, Error, ProviderError, StepError},
    flow::{Site, members, refresh, sign_out, standing, tries},
    host::{Host, random},
    json::Object,
    oauth::{
        Unguessable,
        authorization::{self, AuthorizationCode, AuthorizationError, AuthorizationRequest},
        step_up::StepUp,
        token::{self, TokenSet},
    },
    oidc::{
        discovery::Metadata,
        id_token::{Expected, IdToken},
        userinfo,
    },
    session::{
        Credentials, Pending, Session, SessionId, Validity,
        record::{encode_session, kept_claims},
        seal::Purpose,
    },
    time::Timestamp,
    visitor::Identity,
    web::{cookie::SetCookie, form::Parameters, path::RequestUrl, reply::Reply, return_to::ReturnTo},
};

pub(super) use pending::on_the_way_back;
use pending::{claim_pending, crowded_out, login_cookie};

/// What a sign-in is for.
#[derive(Debug)]
pub struct Wanted {
    /// Where the visitor goes afterwards.
    pub return_to: ReturnTo,
    /// What the sign-in must be like, to get there.
    pub step_up: StepUp,
    /// What comes back to the Worker with the visitor, sealed meanwhile.
    pub custom: Option<Value>,
}

impl Wanted {
    /// To go there, and nothing else.
    pub fn of(return_to: ReturnTo) -> Self {
        Self { return_to, step_up: StepUp::default(), custom: None }
    }
}

/// Sends the visitor to the provider, with a login cookie that waits for the way back.
pub async fn start(
    site: &Site,
    host: &impl Host,
    url: &RequestUrl<'_>,
    cookies: &str,
    wanted: Wanted,
) -> Result<Reply, Error> {
    let settings = site.provider()?;
    let metadata = site.provider_cache.metadata(host, settings).await?;
    let mut pending = Pending {
        state: Unguessable::from_random(&random(host)?),
        nonce: Unguessable::from_random(&random(host)?),
        code_verifier: Unguessable::from_random(&random(host)?),
        redirect_uri: redirect_uri(site, url),
        return_to: wanted.return_to,
        started_at: host.now(),
        step_up: wanted.step_up,
        custom: wanted.custom,
    };
    let location = AuthorizationRequest {
        endpoint: &metadata.authorization_endpoint,
        client_id: &settings.client.id,
        redirect_uri: &pending.redirect_uri,
        scopes: &settings.scopes,
        state: &pending.state,
        nonce: &pending.nonce,
        code_verifier: &pending.code_verifier,
        response_mode: settings.response_mode,
        hosted_domain: settings.hosted_domain.as_deref(),
        realm: settings.realm.as_deref(),
        step_up: &pending.step_up,
        extra: &settings.extra_parameters,
    }
    .url();
    let mut cookie = login_cookie(site, host, settings, &pending)?;
    if cookie.is_none() {
        // A path that takes too much room is given up rather than the sign-in.
        pending.return_to = ReturnTo::root();
        cookie = login_cookie(site, host, settings, &pending)?;
    }
    let too_large = if pending.custom.is_some() { Error::CustomStateTooLarge } else { Error::SessionTooLarge };
    let mut reply = Reply::redirect(location).cookie(cookie.ok_or(too_large)?);
    for cookie in crowded_out(site, cookies, host.now()) {
        reply = reply.cookie(cookie);
    }
    Ok(reply)
}

fn redirect_uri(site: &Site, url: &RequestUrl<'_>) -> String {
    match &site.config.redirect_uri {
        Some(fixed) => fixed.as_str().to_owned(),
        None => format!("{}{}", site.public_origin(url), site.config.routes.callback),
    }
}

/// A sign-in that has come to its end.
#[derive(Debug)]
pub struct Finished {
    /// The session that begins.
    pub session: Session,
    /// The cookies that hold it, and the end of those that were for the way.
    pub cookies: Vec<SetCookie>,
    /// Where the visitor goes now.
    pub return_to: ReturnTo,
    /// What came back with the visitor.
    pub custom: Option<Value>,
}

impl Finished {
    /// On to where the visitor wanted to go.
    pub fn reply(self) -> Reply {
        self.cookies.into_iter().fold(Reply::redirect(self.return_to.as_str()), Reply::cookie)
    }
}

/// A callback that was refused, and the login cookie that is of no further use.
#[derive(Debug)]
pub struct Rejected {
    /// Why.
    pub error: Error,
    /// What to remove, when the login cookie was ours and is spent.
    pub spent: Option<SetCookie>,
    /// Where the visitor wanted to go, when the sign-in was ours.
    pub return_to: Option<ReturnTo>,
}

impl<E: Into<Error>> From<E> for Rejected {
    fn from(error: E) -> Self {
        Self { error: error.into(), spent: None, return_to: None }
    }
}

/// Ends a sign-in. The order matters: nobody is asked and nothing is believed before the state has been found good.
pub async fn finish(site: &Site, host: &impl Host, parameters: &str, cookies: &str) -> Result<Finished, Rejected> {
    let parameters = Parameters::parse(parameters).map_err(|_| CallbackError::Malformed)?;
    let pending = claim_pending(site, host, &parameters, cookies)?;
    let name = site.cookie_names.sign_in(pending.state.as_str());
    let spent = SetCookie::delete(&name, &site.config.cookie.scope).ok();
    match redeem(site, host, &parameters, &pending, cookies).await {
        Ok((session, mut set)) => {
            set.extend(spent);
            Ok(Finished { session, cookies: set, return_to: pending.return_to, custom: pending.custom })
        }
        Err(error) => Err(Rejected { error, spent, return_to: Some(pending.return_to) }),
    }
}

async fn redeem(
    site: &Site,
    host: &impl Host,
    parameters: &Parameters,
    pending: &Pending,
    cookies: &str,
) -> Result<(Session, Vec<SetCookie>), Error> {
    let settings = site.provider()?;
    let metadata = site.provider_cache.metadata(host, settings).await?;
    let counted = tries::count(site, host, cookies, pending)?;
    let code = code(parameters, pending, &metadata)?;
    let asked_at = host.now();
    let tokens = tokens(host, settings, &metadata, &code, pending).await?;
    let id_token = id_token(site, host, settings, &metadata, &tokens, pending).await?;
    let claims = claims(host, settings, &metadata, &tokens, &id_token).await?;
    check_membership(settings, &id_token, &claims)?;
    // OIDC Core §3.1.3.7, steps 12 and 13: what was asked for is looked at, and not asked for twice.
    if !pending.step_up.is_met(id_token.claims(), host.now()) {
        return Err(Error::SignInTooWeak);
    }
    let mut session = session(site, host, &id_token, &claims)?;
    session.validity = refresh::validity(site, asked_at, session.ends_at, &tokens, Some(&id_token));
    session.signed_in_at = standing::later_than_marks(site, host, &session).await;
    let set = session_cookies(site, host, (&session, session.seen_at), cookies)?;
    if store_credentials(site, host, &session, (asked_at, tokens), claims).await {
        members::join(site, host, &session).await;
        if metadata.frontchannel_logout {
            standing::note_provider_session(site, host, &session).await;
        }
    }
    sign_out::replaced(site, host, cookies).await;
    Ok((session, counted.into_iter().chain(set).collect()))
}

fn code(parameters: &Parameters, pending: &Pending, metadata: &Metadata) -> Result<AuthorizationCode, Error> {
    let expected = authorization::Expected {
        state: &pending.state,
        issuer: metadata.issuer.as_str(),
        issuer_required: metadata.issuer_in_response,
    };
    authorization::response(parameters, &expected).map_err(|error| match error {
        AuthorizationError::StateMismatch => CallbackError::StateMismatch.into(),
        AuthorizationError::IssuerMismatch => CallbackError::IssuerMismatch.into(),
        AuthorizationError::NoCode => CallbackError::NoCode.into(),
        AuthorizationError::Refused(code) => Error::SignInRefused(code),
    })
}

async fn tokens(
    host: &impl Host,
    settings: &ProviderSettings,
    metadata: &Metadata,
    code: &AuthorizationCode,
    pending: &Pending,
) -> Result<TokenSet, Error> {
    let failed = |error| Error::from(ProviderError::Token(error));
    let method = settings.auth_method(metadata);
    let endpoint = metadata.token_endpoint.clone();
    let request =
        token::request(endpoint, &settings.client, method, code, &pending.redirect_uri, &pending.code_verifier);
    let answer = host.call(request).await.map_err(|error| failed(StepError::Call(error)))?;
    token::response(&answer).map_err(|error| failed(StepError::Answer(error)))
}

async fn id_token(
    site: &Site,
    host: &impl Host,
    settings: &ProviderSettings,
    metadata: &Metadata,
    tokens: &TokenSet,
    pending: &Pending,
) -> Result<IdToken, Error> {
    let untrusted = tokens.untrusted_id_token.as_ref().ok_or(ProviderError::NoIdToken)?;
    let expected = Expected {
        issuers: &settings.valid_issuers,
        client_id: &settings.client.id,
        nonce: Some(&pending.nonce),
        access_token: Some(&tokens.access_token),
        algs: &metadata.id_token_algs,
        now: host.now(),
        leeway: settings.leeway,
    };
    site.provider_cache.verify_id_token(host, settings, metadata, untrusted.expose(), &expected).await
}

/// The claims of the ID token and, when it is on, of userinfo.
pub(super) async fn claims(
    host: &impl Host,
    settings: &ProviderSettings,
    metadata: &Metadata,
    tokens: &TokenSet,
    id_token: &IdToken,
) -> Result<Object, Error> {
    if !settings.userinfo {
        return Ok(id_token.claims().clone());
    }
    let failed = |error| Error::from(ProviderError::Userinfo(error));
    // A provider without the endpoint has nothing to add (Discovery §3: it is RECOMMENDED only).
    let Some(endpoint) = metadata.userinfo_endpoint.clone() else { return Ok(id_token.claims().clone()) };
    let request = userinfo::request(endpoint, &tokens.access_token);
    let answer = host.call(request).await.map_err(|error| failed(StepError::Call(error)))?;
    let userinfo = userinfo::response(&answer, id_token).map_err(|error| failed(StepError::Answer(error)))?;
    Ok(userinfo::merge(id_token, userinfo))
}

/// Whether the visitor is one of those the operator lets in.
pub(super) fn check_membership(settings: &ProviderSettings, id_token: &IdToken, claims: &Object) -> Result<(), Error> {
    // The ID token's own claim: userinfo is asked with a token that others may hold too.
    let domain = id_token.claims().get("hd").and_then(Value::as_str);
    if settings.hosted_domain.is_some() && settings.hosted_domain.as_deref() != domain {
        return Err(Error::HostedDomain);
    }
    if settings.require_verified_email && claims.get("email_verified") != Some(&Value::Bool(true)) {
        return Err(Error::EmailNotVerified);
    }
    Ok(())
}

fn session(site: &Site, host: &impl Host, id_token: &IdToken, claims: &Object) -> Result<Session, Error> {
    let now = host.now();
    let ends_at = now.plus(site.config.session.ttl);
    Ok(Session {
        id: SessionId::from_random(random(host)?),
        signed_in_at: now,
        ends_at,
        validity: Validity { until: ends_at, refresh_at: None },
        seen_at: now,
        checked_at: now,
        provider_session: id_token.claims().get("sid").and_then(Value::as_str).map(str::to_owned),
        identity: identity(site, claims),
    })
}

/// The claims that are worth a place in the cookie.
pub(super) fn identity(site: &Site, claims: &Object) -> Identity {
    let for_headers = site.config.headers.iter().map(|mapping| &mapping.claim);
    let rules = &site.config.rules;
    let for_rules = rules.iter().flat_map(|rule| rule.claims.iter().map(|claim| &claim.path));
    let mut kept = kept_claims(claims, for_headers.chain(for_rules));
    for (name, is_asked) in [
        ("acr", rules.iter().any(|rule| !rule.step_up.acr_values.is_empty())),
        ("auth_time", rules.iter().any(|rule| rule.step_up.max_age.is_some())),
    ] {
        if let Some(value) = claims.get(name).filter(|_| is_asked) {
            kept.insert(name.to_owned(), value.clone());
        }
    }
    Identity::new(kept)
}

async fn store_credentials(
    site: &Site,
    host: &impl Host,
    session: &Session,
    (asked_at, tokens): (Timestamp, TokenSet),
    claims: Object,
) -> bool {
    let Some(id_token) = tokens.untrusted_id_token else { return false };
    let credentials = Credentials {
        access_token_expires_at: tokens.expires_in.map(|span| asked_at.plus(span)),
        access_token: tokens.access_token,
        refresh_token: tokens.refresh_token,
        id_token,
        claims,
        validity: session.validity,
    };
    refresh::save(site, host, session, &credentials).await
}

/// The cookies that hold a session, from that moment on.
pub(super) fn session_cookies(
    site: &Site,
    host: &impl Host,
    (session, now): (&Session, Timestamp),
    cookies: &str,
) -> Result<Vec<SetCookie>, Error> {
    let sealed = site.seal(host, Purpose::Session, &encode_session(session))?;
    // Beyond the end of its tokens: who it was is known then, and what they enter can be kept for them.
    let max_age = session.ends_at.since(now);
    let scope = &site.config.cookie.scope;
    site.cookie_names.set_session(&sealed, scope, max_age, cookies).ok_or(Error::SessionTooLarge)
}
