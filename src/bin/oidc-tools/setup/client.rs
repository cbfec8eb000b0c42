//! Who the site is at the provider: as it was said, as an earlier registration has it, or by a new one.

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
};

use edge_oidc::{
    json::{self, Object},
    oauth::{
        ClientId,
        client_auth::{Client, ClientAuthMethod},
    },
    oidc::registration::{CALLBACK_PATH, Provider, under_application},
    secret::Secret,
};
use serde_json::Value;

use super::{Options, dialogue};
use crate::{failure::Failure, shared::terminal::Terminal};

/// The client, as far as it has to be told to the Worker.
pub(super) struct Known {
    pub(super) id: String,
    /// What is to be put as a secret; `None`: there is none, or it is there already.
    pub(super) secret: Option<Secret<String>>,
    pub(super) is_public: bool,
    /// Whether the secret is put in any case.
    pub(super) is_new: bool,
    /// `OIDC_TOKEN_ENDPOINT_AUTH_METHOD`, where the automatic choice would be another one.
    pub(super) auth_method: Option<ClientAuthMethod>,
    /// What was done.
    pub(super) story: String,
}

/// Where the client comes from.
pub(super) fn find(
    options: &Options,
    site: &str,
    provider: &Provider,
    configured: Option<&str>,
    terminal: &Terminal,
) -> Result<Known, Failure> {
    if let Some(id) = &options.client_id {
        return given(id, options);
    }
    if options.client_file.exists() {
        return registered(&options.client_file, site, provider, "found in");
    }
    if let Some(id) = configured {
        return Ok(Known {
            id: id.to_owned(),
            secret: options.client_secret.clone(),
            is_public: options.public_client,
            is_new: true,
            auth_method: None,
            story: format!("client {id}, as wrangler.toml has it"),
        });
    }
    if provider.registration_endpoint.is_some() {
        if options.dry_run {
            return Ok(Known {
                id: "(what the provider gives)".to_owned(),
                secret: None,
                is_public: options.public_client,
                is_new: true,
                auth_method: None,
                story: format!("would register {site} at the provider, into {}", options.client_file.display()),
            });
        }
        register(options, site, provider)?;
        let known = registered(&options.client_file, site, provider, "registered, into")?;
        return Ok(Known { is_new: true, ..known });
    }
    let callback = under_application(site, CALLBACK_PATH).unwrap_or_default();
    terminal.note(&format!(
        "The provider lets nobody register by program. Register a web application there by hand, with the redirect URI\n\
         {callback} (docs/providers.md), and tell what it gives."
    ));
    let id = dialogue::ask("Client id", "--client-id")?;
    given(&id, options)
}

fn given(id: &str, options: &Options) -> Result<Known, Failure> {
    let secret = match &options.client_secret {
        _ if options.public_client || options.dry_run => None,
        Some(secret) => Some(secret.clone()),
        None => Some(Secret::new(dialogue::ask_secret(
            "Client secret",
            "OIDC_CLIENT_SECRET, --client-secret @FILE or --public-client",
        )?)),
    };
    Ok(Known {
        id: id.to_owned(),
        secret,
        is_public: options.public_client,
        is_new: true,
        auth_method: None,
        story: format!("client {id}, as it was said"),
    })
}

/// By the program that does it, with its messages.
fn register(options: &Options, site: &str, provider: &Provider) -> Result<(), Failure> {
    let failure = |problem: String| {
        Failure::new(problem).cure("register by hand (docs/providers.md), then: npm run setup -- --client-id ID")
    };
    let program = env::current_exe().map_err(|error| failure(error.to_string()))?.with_file_name("oidc-register");
    let method = if options.public_client { ClientAuthMethod::None } else { automatic(provider, "") };
    let mut command = Command::new(&program);
    command.args([provider.metadata.issuer.as_str(), site, "--backchannel-logout"]);
    command.args(["--auth-method", method.name()]).arg("--output-file").arg(&options.client_file);
    // Its headline would be taken for ours.
    let status = command
        .stdout(Stdio::null())
        .status()
        .map_err(|error| failure(format!("{}: {}", program.display(), error.kind())))?;
    if status.success() { Ok(()) } else { Err(failure("the site could not be registered".to_owned())) }
}

/// What an earlier registration has left.
fn registered(path: &Path, site: &str, provider: &Provider, how: &str) -> Result<Known, Failure> {
    let shown = path.display();
    let other = |what: &str| {
        Failure::new(format!("{shown} is of another {what}"))
            .cure("name another file by --client-file, or move this one away")
    };
    let bytes = fs::read(path).map_err(|error| Failure::new(format!("{shown}: {}", error.kind())))?;
    let file = json::parse_object(&bytes).map_err(|error| Failure::new(format!("{shown}: {error}")))?;
    let web: &Object = file.values().next().and_then(Value::as_object).ok_or_else(|| other("form"))?;
    let text = |name: &str| web.get(name).and_then(Value::as_str);
    if text("issuer") != Some(provider.metadata.issuer.as_str()) {
        return Err(other("provider"));
    }
    let callback = under_application(site, CALLBACK_PATH).unwrap_or_default();
    let comes_back =
        web.get("redirect_uris").and_then(Value::as_array).is_some_and(|uris| uris.iter().any(|uri| *uri == callback));
    if !comes_back {
        return Err(other("site"));
    }
    let id = text("client_id").ok_or_else(|| other("form"))?;
    let secret = text("client_secret").map(|secret| Secret::new(secret.to_owned()));
    let said = text("token_endpoint_auth_method").and_then(ClientAuthMethod::parse);
    Ok(Known {
        id: id.to_owned(),
        is_public: secret.is_none(),
        is_new: false,
        auth_method: said.filter(|method| secret.is_some() && *method != automatic(provider, id)),
        secret,
        story: format!("client {id}, {how} {shown}"),
    })
}

/// What the Worker would choose by itself.
fn automatic(provider: &Provider, id: &str) -> ClientAuthMethod {
    let id = ClientId::parse(id).or_else(|| ClientId::parse("any"));
    let client = id.map(|id| Client { id, secret: Some(Secret::new("any".to_owned())) });
    client.map_or(ClientAuthMethod::Basic, |client| {
        ClientAuthMethod::automatic(&client, provider.metadata.token_auth_methods.as_deref())
    })
}
