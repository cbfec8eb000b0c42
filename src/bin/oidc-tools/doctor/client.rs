//! Whether the provider knows this client: its secret, its questions about tokens, its redirect URI.

use edge_oidc::{
    config::{Config, ProviderSettings, TokenCheck},
    oauth::{
        AccessToken, RANDOM_BYTES, RefreshToken, Unguessable,
        authorization::AuthorizationRequest,
        client_auth::ClientAuthMethod,
        introspection::{self, IntrospectionAuth, IntrospectionError},
        step_up::StepUp,
        token::{self, TokenError},
    },
    oidc::discovery::Metadata,
    policy::Rule,
    web::secure_url::SecureUrl,
};

use super::{
    Findings,
    network::{Network, header},
};

pub(super) const CLIENT: &str = "client";
pub(super) const REDIRECT: &str = "redirect_uri";

/// Asks with a refresh token that nobody gave: whether it is refused for the token or for the client tells all.
pub(super) fn secret(settings: &ProviderSettings, metadata: &Metadata, network: &Network<'_>, findings: &mut Findings) {
    let method = settings.auth_method(metadata);
    let nonsense = RefreshToken::new("no-token-of-anybody".to_owned());
    let request = token::refresh_request(metadata.token_endpoint.clone(), &settings.client, method, &nonsense);
    let heard = match network.ask(&request) {
        Ok(heard) => heard,
        Err(error) => {
            return findings.bad(CLIENT, format!("{}: {error}", metadata.token_endpoint), "is the provider up?");
        }
    };
    match token::response(&heard.answer) {
        Err(TokenError::InvalidClient) => findings.bad(
            CLIENT,
            "the provider does not take client id and secret as they are here",
            match method {
                ClientAuthMethod::None => "is OIDC_CLIENT_ID right? Is this a public client at the provider?",
                _ => {
                    "is what stands in .dev.vars what is deployed? Put OIDC_CLIENT_SECRET again, or set \
                      OIDC_TOKEN_ENDPOINT_AUTH_METHOD"
                }
            },
        ),
        Err(TokenError::InvalidGrant) => findings.good(CLIENT, "the provider takes client id and secret"),
        _ => {
            let found = format!("the token endpoint answers HTTP {} to a question of nobody's", heard.answer.status);
            findings.unseen(CLIENT, found, "sign in once; the log names what is wrong (docs/operations.md)");
        }
    }
}

/// Asks about a token of nobody's: whoever is asked says that it is not active, or that we may not ask.
pub(super) fn introspection(
    config: &Config,
    settings: &ProviderSettings,
    metadata: &Metadata,
    knows_secret: bool,
    network: &Network<'_>,
    findings: &mut Findings,
) {
    const CHECK: &str = "introspection";
    if config.tokens.check == TokenCheck::Jwt || !config.rules.iter().any(Rule::takes_tokens) {
        return;
    }
    let Some(endpoint) = metadata.introspection_endpoint.clone() else {
        return match config.tokens.check {
            TokenCheck::Auto if !config.tokens.audience.is_empty() => {
                findings.good(CHECK, "the provider has none: access tokens are read as JWTs");
            }
            _ => findings.bad(
                CHECK,
                "the provider has no introspection endpoint, and rules take tokens",
                "set OIDC_AUDIENCE to read them as JWTs, or put token_introspection_uri into OIDC_CLIENT_SECRETS",
            ),
        };
    };
    if !knows_secret {
        return findings.unseen(
            CHECK,
            "the client secret is not here to try it",
            "npm run doctor -- --secrets-file FILE",
        );
    }
    let nonsense = AccessToken::new("no-token-of-anybody".to_owned());
    let hint = config.tokens.hint.as_deref();
    let request = introspection::request(endpoint.clone(), &settings.client, config.tokens.auth, &nonsense, hint);
    let endpoint = endpoint.url;
    match network.ask(&request).map(|heard| (introspection::response(&heard.answer), heard.answer.status)) {
        Err(error) => findings.bad(CHECK, format!("{endpoint}: {error}"), "is the provider up?"),
        Ok((Ok(_), _)) => findings.good(CHECK, "the provider answers this client about tokens"),
        Ok((Err(IntrospectionError::InvalidClient), status))
            if config.tokens.auth != Some(IntrospectionAuth::Bearer) =>
        {
            findings.bad(
                CHECK,
                format!("{endpoint}: the provider lets this client not ask (HTTP {status})"),
                "set OIDC_INTROSPECTION_AUTH_METHOD, or allow the client introspection at the provider",
            );
        }
        Ok((Err(IntrospectionError::InvalidClient), _)) => findings.unseen(
            CHECK,
            "with `bearer` a token proves itself, and there is none here to try",
            "call the API once with a good token",
        ),
        Ok((Err(_), status)) => findings.bad(
            CHECK,
            format!("{endpoint}: expected a JSON object, got something else (HTTP {status})"),
            "is the endpoint right?",
        ),
    }
}

pub(super) fn redirect_uri(config: &Config, public_origin: Option<&str>) -> Option<String> {
    let own = || Some(format!("{}{}", public_origin?, config.routes.callback));
    config.redirect_uri.as_ref().map(|url| url.as_str().to_owned()).or_else(own)
}

/// Begins a sign-in that asks nobody (`prompt=none`): only where the redirect URI is registered does anything come back
/// to it, be it an error (OIDC Core §3.1.2.6). Otherwise the provider must not redirect (RFC 6749 §4.1.2.1).
pub(super) fn is_registered(
    settings: &ProviderSettings,
    metadata: &Metadata,
    redirect_uri: &str,
    network: &Network<'_>,
    findings: &mut Findings,
) {
    // Nobody is signed in by it: it need not be unguessable.
    let fixed = Unguessable::from_random(&[7; RANDOM_BYTES]);
    let extra = [("prompt".to_owned(), "none".to_owned())];
    let request = AuthorizationRequest {
        endpoint: &metadata.authorization_endpoint,
        client_id: &settings.client.id,
        redirect_uri,
        scopes: &settings.scopes,
        state: &fixed,
        nonce: &fixed,
        code_verifier: &fixed,
        response_mode: settings.response_mode,
        hosted_domain: settings.hosted_domain.as_deref(),
        realm: settings.realm.as_deref(),
        step_up: &StepUp::default(),
        extra: &extra,
    };
    let Ok(url) = SecureUrl::parse(&request.url()) else { return };
    let heard = match network.open(url) {
        Ok(heard) => heard,
        Err(error) => {
            return findings.bad(
                REDIRECT,
                format!("{}: {error}", metadata.authorization_endpoint),
                "is the provider up?",
            );
        }
    };
    let comes_back = header(&heard, "location").is_some_and(|location| location.starts_with(redirect_uri));
    let form_post = String::from_utf8_lossy(&heard.answer.body).contains(redirect_uri);
    match heard.answer.status {
        _ if comes_back => findings.good(REDIRECT, format!("{redirect_uri} is registered")),
        200 if form_post => findings.good(REDIRECT, format!("{redirect_uri} is registered")),
        status @ 400..=499 => findings.bad(
            REDIRECT,
            format!("the provider refuses to begin a sign-in (HTTP {status}) that comes back to {redirect_uri}"),
            "register exactly this redirect URI at the provider, and compare OIDC_CLIENT_ID",
        ),
        status => findings.unseen(
            REDIRECT,
            format!("the provider answers HTTP {status}, which does not tell whether it knows {redirect_uri}"),
            "compare it with what is registered at the provider, to the letter",
        ),
    }
}
