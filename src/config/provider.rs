//! The provider, and how to be its client.

use serde_json::Value;

use super::{
    ProviderSettings, client_secrets,
    errors::ConfigError,
    reader::Reader,
    value::{self, Checked, Mismatch, choice},
};
use crate::{
    oauth::{
        ClientId, ClientSecret, Scopes,
        authorization::{OWN_PARAMETERS, ResponseMode},
        client_auth::{Client, ClientAuthMethod},
    },
    oidc::{IssuerUrl, IssuerUrlError},
    secret::Secret,
    time::Leeway,
};

/// Reads the provider's settings. `None` when they say too little, which is reported unless nobody is to sign in. An
/// `api` that only checks tokens needs no client id: it is known by its audience.
pub(super) fn read(
    reader: &mut Reader<'_>,
    enabled: bool,
    secure: bool,
    api: Option<&str>,
) -> Option<ProviderSettings> {
    let errors_before = reader.error_count();
    let file = client_secrets::read(reader);
    let file_is_good = reader.error_count() == errors_before;

    let issuer = reader.read("OIDC_ISSUER", issuer).or(file.issuer);
    let id = reader.read("OIDC_CLIENT_ID", client_id).or(file.client_id).or_else(|| ClientId::parse(api?));
    let secret = reader.read("OIDC_CLIENT_SECRET", client_secret).or(file.client_secret);
    if enabled && file_is_good {
        if issuer.is_none() && !reader.has("OIDC_ISSUER") {
            reader.refuse(
                "OIDC_ISSUER",
                &missing(
                    "the provider's URL",
                    "set OIDC_ISSUER (Google's is \
                https://accounts.google.com), or put `issuer` into OIDC_CLIENT_SECRETS",
                ),
            );
        }
        if id.is_none() && !reader.has("OIDC_CLIENT_ID") {
            reader.refuse(
                "OIDC_CLIENT_ID",
                &missing(
                    "what the provider calls this site",
                    "register the site at the \
                provider and set OIDC_CLIENT_ID, or put `client_id` into OIDC_CLIENT_SECRETS",
                ),
            );
        }
    }
    let secret_is_known = secret.is_some() || !file_is_good || reader.has("OIDC_CLIENT_SECRET");
    let auth_method = auth_method(reader, secret_is_known)
        .or(file.auth_method)
        .or_else(|| (secret.is_some() && file.endpoints.token.is_some()).then_some(ClientAuthMethod::Post));

    let scopes = reader.read("OIDC_SCOPES", scopes).or_else(|| Scopes::parse(["openid", "email"]));
    let valid_issuers = reader.read("OIDC_VALID_ISSUERS", issuers);
    let leeway = reader.read("OIDC_CLOCK_SKEW", leeway).or(Leeway::from_secs(60));
    let hosted_domain = reader.read("OIDC_GOOGLE_APPS_DOMAIN", domain);
    let realm = reader.read("OIDC_OPENID_REALM", value::text);
    let extra_parameters = extra_parameters(reader);
    let response_mode = response_mode(reader, secure);
    let require_verified_email = reader.read("OIDC_REQUIRE_VERIFIED_EMAIL", value::boolean).unwrap_or(false);
    let userinfo = reader.read("OIDC_USER_INFO_ENABLED", value::boolean).unwrap_or(true);

    let issuer = issuer?;
    Some(ProviderSettings {
        valid_issuers: valid_issuers.unwrap_or_else(|| vec![issuer.as_str().to_owned()]),
        issuer,
        client: Client { id: id?, secret },
        auth_method,
        endpoints: file.endpoints,
        scopes: scopes?,
        leeway: leeway?,
        hosted_domain,
        realm,
        extra_parameters,
        response_mode,
        require_verified_email,
        userinfo,
    })
}

/// The issuer, of which people often copy the whole discovery URL.
pub(super) fn issuer(value: &Value) -> Checked<IssuerUrl> {
    const WELL_KNOWN: &str = "/.well-known/";
    let text = value::text(value)?;
    if text.contains(WELL_KNOWN) {
        return Err(Mismatch::new(
            "an issuer, not its discovery document",
            "leave out /.well-known/openid-configuration; write `issuer` as that document has it",
        ));
    }
    value::url(value)?;
    IssuerUrl::parse(&text).map_err(|error| {
        let expected = match error {
            IssuerUrlError::Query => "an issuer without a ?query",
            IssuerUrlError::Url(_) => "an issuer's URL",
        };
        Mismatch::new(expected, "write `issuer` as the provider's discovery document has it")
    })
}

/// RFC 6749 §2.2.
pub(super) fn client_id(value: &Value) -> Checked<ClientId> {
    let text = value::text(value)?;
    ClientId::parse(&text).ok_or_else(|| Mismatch::new("a client id", "copy it from the provider"))
}

/// RFC 6749 §2.3.1.
pub(super) fn client_secret(value: &Value) -> Checked<ClientSecret> {
    value::text(value).map(Secret::new)
}

fn missing(expected: &'static str, cure: &'static str) -> Mismatch {
    Mismatch::new(expected, cure)
}

fn auth_method(reader: &mut Reader<'_>, secret_is_known: bool) -> Option<ClientAuthMethod> {
    const NAME: &str = "OIDC_TOKEN_ENDPOINT_AUTH_METHOD";
    let method = reader.read(
        NAME,
        choice(&[
            ("automatic", None),
            ("none", Some(ClientAuthMethod::None)),
            ("client_secret_basic", Some(ClientAuthMethod::Basic)),
            ("client_secret_post", Some(ClientAuthMethod::Post)),
        ]),
    )??;
    if method != ClientAuthMethod::None && !secret_is_known {
        let cure = "set OIDC_CLIENT_SECRET (npx wrangler secret put OIDC_CLIENT_SECRET), or remove this setting";
        reader.refuse(NAME, &Mismatch::new("`none` or `automatic` where there is no client secret", cure));
    }
    Some(method)
}

fn scopes(value: &Value) -> Checked<Scopes> {
    let tokens = value::list(value)?;
    // RFC 6749 §3.3
    let scopes = Scopes::parse(tokens.iter().map(String::as_str)).ok_or_else(|| {
        Mismatch::new("scopes of printable ASCII without spaces, `\"` and `\\`", "write them as \"openid email\"")
    })?;
    // OIDC Core §3.1.2.1
    if scopes.contains("openid") {
        Ok(scopes)
    } else {
        Err(Mismatch::new("scopes that contain openid", "add openid to them"))
    }
}

fn issuers(value: &Value) -> Checked<Vec<String>> {
    let issuers = value::list(value)?;
    if issuers.is_empty() {
        return Err(Mismatch::new("one issuer at least", "name one, or remove the setting"));
    }
    Ok(issuers)
}

fn leeway(value: &Value) -> Checked<Leeway> {
    let seconds = value::seconds(0..=u64::from(Leeway::MAX_SECONDS))(value)?;
    u16::try_from(seconds.as_secs())
        .ok()
        .and_then(Leeway::from_secs)
        .ok_or_else(|| Mismatch::new("seconds up to 600", "write a smaller number"))
}

fn domain(value: &Value) -> Checked<String> {
    let domain = value::text(value)?;
    let good = domain
        .split('.')
        .all(|label| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
    // Google takes `*` as any domain at all, but no ID token ever says so.
    if good && domain.contains('.') {
        Ok(domain)
    } else {
        Err(Mismatch::new("a domain such as example.org", "write the domain alone, or remove the setting"))
    }
}

fn extra_parameters(reader: &mut Reader<'_>) -> Vec<(String, String)> {
    const NAME: &str = "OIDC_EXTRA_REQUEST_AUTH_PARAMS";
    let mut parameters = Vec::new();
    for (name, value) in reader.read(NAME, value::object).unwrap_or_default() {
        let place = format!(".{}", value::printable(&name));
        if name.is_empty() || OWN_PARAMETERS.contains(&name.as_str()) {
            // The name is what is wrong; the value may be a secret.
            let problem = "expected the name of a parameter that the Worker does not set itself, got one of its own";
            let cure = "remove it; scopes, redirect_uri, hd, openid.realm and the secret have settings of their own";
            reader.report(ConfigError::new(NAME, problem, cure).at(&place));
            continue;
        }
        match extra_parameter(&value) {
            Ok(text) => parameters.push((name, text)),
            Err(mismatch) => reader.refuse_member(NAME, &place, Some(&value), &mismatch),
        }
    }
    parameters
}

fn extra_parameter(value: &Value) -> Checked<String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(truth) => Ok(truth.to_string()),
        _ => Err(Mismatch::new("text, a number or a boolean", "write the value as text")),
    }
}

fn response_mode(reader: &mut Reader<'_>, secure: bool) -> ResponseMode {
    const NAME: &str = "OIDC_RESPONSE_MODE";
    let words = [("query", ResponseMode::Query), ("form_post", ResponseMode::FormPost)];
    let mode = reader.read(NAME, choice(&words)).unwrap_or(ResponseMode::Query);
    // A form that the provider's page posts brings no cookie but one with SameSite=None, which must be Secure.
    if mode == ResponseMode::FormPost && !secure {
        let cure = "set OIDC_COOKIE_SECURE to true, or OIDC_RESPONSE_MODE to query";
        reader.refuse(NAME, &Mismatch::new("`query` while cookies are not secure", cure));
    }
    mode
}
