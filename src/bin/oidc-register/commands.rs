//! What the program does, in the order in which it does it.

use std::{ffi::OsString, fmt, fs, io, path::Path};

use edge_oidc::{
    json::Object,
    oauth::{
        client_auth::ClientAuthMethod,
        exchange::{ProviderAnswer, ProviderRequest},
    },
    oidc::{
        IssuerUrl, discovery,
        registration::{
            self, CALLBACK_PATH, ClientMetadata, Provider, RedirectUriError, RedirectUris, Registration,
            RegistrationError, check_redirect_uris, management, under_application,
        },
    },
};
use serde_json::{Value, json};

use crate::{
    arguments::{Arguments, ClientOptions},
    client_secrets::ClientSecrets,
    http::{self, CallError},
    kept::{Kept, open},
    secrets_file,
    terminal::Terminal,
    wrangler,
};

const SIGNED_OUT_PATH: &str = "/oidc_signed_out";
const BACKCHANNEL_PATH: &str = "/oidc_backchannel_logout";

/// Why it was not done: Flask-OIDC's line, what lies behind it, and what to do.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) headline: String,
    pub(crate) cause: Option<String>,
    pub(crate) cure: Option<String>,
}

impl Failure {
    pub(crate) fn new(headline: &str) -> Self {
        Self { headline: headline.to_owned(), cause: None, cure: None }
    }

    pub(crate) fn cause(self, cause: impl fmt::Display) -> Self {
        Self { cause: Some(cause.to_string()), ..self }
    }

    pub(crate) fn cure(self, cure: impl Into<String>) -> Self {
        Self { cure: Some(cure.into()), ..self }
    }
}

pub(crate) type Done = Result<(), Failure>;

const WRITTEN: &str = "Client information file written";
const NOT_WRITTEN: &str = "Error writing client information file";

/// A new registration.
pub(crate) fn register(provider: &str, application: &str, arguments: &Arguments, terminal: &Terminal) -> Done {
    let path = arguments.output_file.as_path();
    if secrets_file::exists(path) {
        return Err(output_exists());
    }
    let client = client(application, &arguments.client).map_err(|error| Failure::new(&error.to_string()))?;
    secrets_file::probe(path).map_err(|error| not_written(path, &error))?;
    if let Some(token) = &arguments.initial_access_token {
        terminal.hide(token);
    }

    let provider = discover(provider, terminal)?;
    let client = signed_out(client, application, &provider);
    let registration = enrol(&provider, &client, arguments, terminal)?;

    let redirect_uris = client.redirect_uris.iter();
    let introspection = arguments.introspection.as_ref();
    let file = ClientSecrets::new(&provider, &registration, introspection, redirect_uris, client.auth_method);
    file.secrets().for_each(|secret| terminal.hide(&secret));
    if let Err(error) = secrets_file::write_new(path, &file.to_line()) {
        withdraw(&registration, terminal);
        return Err(match error.kind() {
            io::ErrorKind::AlreadyExists => output_exists(),
            _ => not_written(path, &error),
        });
    }
    terminal.say(WRITTEN);
    remark(&registration, &client, terminal);
    if arguments.push { push_file(&file, path, terminal) } else { Ok(()) }
}

/// The registration as the provider has it, on standard output.
pub(crate) fn read(path: &Path, terminal: &Terminal) -> Done {
    const HEADLINE: &str = "Error reading registration";
    let mut kept = Kept::open(path, HEADLINE, terminal)?;
    let registration = kept.ask(management::read, HEADLINE, terminal)?;
    let mut shown = registration.metadata.clone();
    shown.insert("client_id".to_owned(), registration.client_id.as_str().into());
    if let Some(moment) = registration.secret_expires_at {
        shown.insert("client_secret_expires_at".to_owned(), moment.as_unix().into());
    }
    terminal.say(&http::ascii(&Value::Object(shown)));
    Ok(())
}

/// Changes the registration by the options, and moves it to `application` if there is one.
pub(crate) fn update(application: Option<&str>, arguments: &Arguments, terminal: &Terminal) -> Done {
    const HEADLINE: &str = "Error updating registration";
    let path = arguments.output_file.as_path();
    let moved = application.map(redirect_uris).transpose().map_err(|error| Failure::new(&error.to_string()))?;
    let mut kept = Kept::open(path, HEADLINE, terminal)?;
    let current = kept.ask(management::read, HEADLINE, terminal)?;

    let old = old_application(&current);
    let mut changes = Object::new();
    if let (Some(new), Some(moved)) = (application, &moved) {
        changes = relocated(&current.metadata, old.as_deref(), new);
        changes.insert("redirect_uris".to_owned(), moved.iter().collect());
        changes.insert("application_type".to_owned(), moved.application_type().name().into());
    }
    let site = application.map(str::to_owned).or(old).unwrap_or_default();
    changes.extend(described(&arguments.client, &site).map_err(|error| Failure::new(HEADLINE).cause(error))?);

    kept.ask(|access| management::update(access, &current, &changes), HEADLINE, terminal)?;
    if let Some(url) = &arguments.introspection {
        kept.file.introspect_at(url);
        kept.save()?;
    }
    terminal.say("Client registration updated");
    if arguments.push { push_file(&kept.file, path, terminal) } else { Ok(()) }
}

/// Ends the registration, and with it the file.
pub(crate) fn delete(path: &Path, terminal: &Terminal) -> Done {
    const HEADLINE: &str = "Error deleting registration";
    let kept = Kept::open(path, HEADLINE, terminal)?;
    let answer = answer(&management::delete(&kept.access), HEADLINE, terminal)?;
    management::deleted(&answer).map_err(|error| refused(HEADLINE, &error))?;
    terminal.say("Client registration deleted");
    fs::remove_file(path).map_err(|error| {
        Failure::new("Error removing client information file")
            .cause(format!("{}: {}", path.display(), error.kind()))
            .cure("remove it; its secrets are of no use any more")
    })
}

/// Hands over the secrets of the file as it is.
pub(crate) fn push(path: &Path, terminal: &Terminal) -> Done {
    let file = open(path, NOT_PUSHED)?;
    push_file(&file, path, terminal)
}

const NOT_PUSHED: &str = "Error handing the secrets to wrangler";

fn push_file(file: &ClientSecrets, path: &Path, terminal: &Terminal) -> Done {
    let secrets = json!({ "OIDC_CLIENT_SECRETS": file.for_worker() }).to_string();
    wrangler::input(&["secret", "bulk"].map(OsString::from), &secrets).map_err(|error| {
        let again = format!("oidc-register --push --output-file {}", path.display());
        Failure::new(NOT_PUSHED).cause(error).cure(format!("read wrangler's lines above, then: {again}"))
    })?;
    terminal.say("Secrets handed to wrangler");
    Ok(())
}

fn output_exists() -> Failure {
    Failure::new("Output file exists. Please provide other filename").cure("oidc-register --output-file NAME …")
}

pub(crate) fn not_written(path: &Path, error: &io::Error) -> Failure {
    Failure::new(NOT_WRITTEN).cause(format!("{}: {}", path.display(), error.kind()))
}

fn redirect_uris(application: &str) -> Result<RedirectUris, RedirectUriError> {
    check_redirect_uris(&[under_application(application, CALLBACK_PATH)?], None)
}

fn client(application: &str, options: &ClientOptions) -> Result<ClientMetadata, RedirectUriError> {
    let backchannel = options.backchannel_logout.then(|| under_application(application, BACKCHANNEL_PATH));
    Ok(ClientMetadata {
        redirect_uris: redirect_uris(application)?,
        // As Flask-OIDC registers.
        auth_method: options.auth_method.unwrap_or(ClientAuthMethod::Post),
        client_name: options.name.clone(),
        post_logout_redirect_uris: post_logout_uris(options, application)?,
        backchannel_logout_uri: backchannel.transpose()?,
    })
}

fn post_logout_uris(options: &ClientOptions, application: &str) -> Result<Vec<String>, RedirectUriError> {
    let place = |uri: &String| {
        if uri.starts_with('/') { under_application(application, uri) } else { Ok(uri.clone()) }
    };
    options.post_logout_redirect_uris.iter().map(place).collect()
}

// The Worker's sign-out ends there, and the provider takes no address that it doesn't know.
fn signed_out(mut client: ClientMetadata, application: &str, provider: &Provider) -> ClientMetadata {
    if client.post_logout_redirect_uris.is_empty() && provider.metadata.end_session_endpoint.is_some() {
        client.post_logout_redirect_uris.extend(under_application(application, SIGNED_OUT_PATH));
    }
    client
}

fn discover(provider: &str, terminal: &Terminal) -> Result<Provider, Failure> {
    const HEADLINE: &str = "Error discovering OP information";
    let failure = || Failure::new(HEADLINE);
    // People copy the address of the document.
    let issuer = provider.strip_suffix("/.well-known/openid-configuration").unwrap_or(provider);
    let issuer = IssuerUrl::parse(issuer).map_err(|error| failure().cause(format!("PROVIDER: {error}")))?;
    let request = discovery::request(&issuer).ok_or_else(failure)?;
    let answer = answer(&request, HEADLINE, terminal)?;
    registration::provider(&answer, &issuer).map_err(|error| {
        let cure = format!("open {} and compare its `issuer` with PROVIDER", request.url);
        failure().cause(discovery_problem(error, answer.status)).cure(cure)
    })
}

fn discovery_problem(error: discovery::DiscoveryError, status: u16) -> String {
    use discovery::DiscoveryError as E;
    match error {
        E::UnexpectedStatus => return format!("expected HTTP 200, got {status}"),
        E::NotJson => "expected a JSON object, got something else",
        E::IssuerMismatch => "expected the provider's own issuer, got another one or none",
        E::BadEndpoint => "expected https:// endpoints (authorization, token, jwks), got a bad one or none",
        E::NoCommonAlgorithm => "expected an algorithm with public keys for ID tokens, got none",
    }
    .to_owned()
}

fn enrol(
    provider: &Provider,
    client: &ClientMetadata,
    arguments: &Arguments,
    terminal: &Terminal,
) -> Result<Registration, Failure> {
    const HEADLINE: &str = "Error registering client";
    let request = registration::request(provider, client, arguments.initial_access_token.as_ref());
    let request = request.ok_or_else(|| {
        let redirect_uri = client.redirect_uris.iter().next().unwrap_or_default();
        Failure::new(HEADLINE).cause("the provider has no registration_endpoint").cure(format!(
            "register by hand at the provider: redirect URI {redirect_uri}, grant authorization_code, response type \
             code, token endpoint authentication {}",
            client.auth_method.name()
        ))
    })?;
    let answer = answer(&request, HEADLINE, terminal)?;
    registration::response(&answer, client.auth_method).map_err(|error| {
        let failure = refused(HEADLINE, &error);
        if matches!(answer.status, 401 | 403) && arguments.initial_access_token.is_none() {
            return failure.cure("ask the provider for an initial access token and set OIDC_INITIAL_ACCESS_TOKEN");
        }
        failure
    })
}

pub(crate) fn answer(
    request: &ProviderRequest,
    headline: &str,
    terminal: &Terminal,
) -> Result<ProviderAnswer, Failure> {
    http::call(request, terminal).map_err(|error| {
        let failure = Failure::new(headline).cause(format!("{}: {error}", request.url.origin()));
        match error {
            CallError::Unreachable(_) => failure.cure(
                "look at the address and the network; for a provider with certificates of its own set SSL_CERT_FILE",
            ),
            _ => failure,
        }
    })
}

pub(crate) fn refused(headline: &str, error: &RegistrationError) -> Failure {
    Failure::new(headline).cause(error)
}

// Nobody has its secret: the registration is better gone.
fn withdraw(registration: &Registration, terminal: &Terminal) {
    let ended = registration.access.as_ref().is_some_and(|access| {
        http::call(&management::delete(access), terminal).is_ok_and(|answer| management::deleted(&answer).is_ok())
    });
    if !ended {
        terminal.note(&format!(
            "note:  the provider keeps a client that nobody can use: {}",
            http::ascii(&registration.client_id.as_str().into())
        ));
    }
}

/// What a person should know of a registration that is not quite as it was asked for.
fn remark(registration: &Registration, client: &ClientMetadata, terminal: &Terminal) {
    if let Some(moment) = registration.secret_expires_at {
        terminal.note(&format!("note:  the client secret expires on {}", moment.to_utc_date()));
    }
    let uris = registration.metadata.get("redirect_uris").and_then(Value::as_array);
    if uris.is_some_and(|uris| !client.redirect_uris.iter().all(|uri| uris.iter().any(|known| known == uri))) {
        terminal.note("note:  the provider has registered other redirect URIs than ours; nobody can sign in so");
    }
    let asked = client.auth_method.name();
    let method = registration.auth_method().unwrap_or(asked);
    if method != asked {
        let method = http::ascii(&method.into());
        terminal.note(&format!("note:  the provider wants {method} at its token endpoint where {asked} was asked for"));
    }
    match ClientAuthMethod::parse(method) {
        Some(ClientAuthMethod::Post) => {}
        Some(_) => terminal.note("note:  Flask-OIDC knows client_secret_post only; the Worker does as the file says"),
        None => terminal.note("note:  the Worker knows no such way, nor does Flask-OIDC; register with --auth-method"),
    }
}

fn old_application(current: &Registration) -> Option<String> {
    let uris = current.metadata.get("redirect_uris")?.as_array()?;
    uris.iter().find_map(|uri| uri.as_str()?.strip_suffix(CALLBACK_PATH)).map(str::to_owned)
}

/// The addresses of the old site, at the new one.
fn relocated(metadata: &Object, old: Option<&str>, new: &str) -> Object {
    let new = new.trim_end_matches('/');
    let relocate = |value: &Value| -> Option<Value> {
        let path = value.as_str()?.strip_prefix(old?)?;
        path.starts_with('/').then(|| format!("{new}{path}").into())
    };
    let mut changes = Object::new();
    for name in ["post_logout_redirect_uris", "backchannel_logout_uri"] {
        let value = match metadata.get(name) {
            Some(Value::Array(uris)) => uris.iter().map(|uri| relocate(uri).unwrap_or_else(|| uri.clone())).collect(),
            Some(uri) => relocate(uri).unwrap_or_else(|| uri.clone()),
            None => continue,
        };
        changes.insert(name.to_owned(), value);
    }
    changes
}

/// The options as metadata.
fn described(options: &ClientOptions, site: &str) -> Result<Object, RedirectUriError> {
    let mut changes = Object::new();
    if let Some(name) = &options.name {
        changes.insert("client_name".to_owned(), name.as_str().into());
    }
    if let Some(method) = options.auth_method {
        changes.insert("token_endpoint_auth_method".to_owned(), method.name().into());
    }
    let uris = post_logout_uris(options, site)?;
    if !uris.is_empty() {
        changes.insert("post_logout_redirect_uris".to_owned(), uris.into());
    }
    if options.backchannel_logout {
        changes.insert("backchannel_logout_uri".to_owned(), under_application(site, BACKCHANNEL_PATH)?.into());
        changes.insert("backchannel_logout_session_required".to_owned(), true.into());
    }
    Ok(changes)
}
