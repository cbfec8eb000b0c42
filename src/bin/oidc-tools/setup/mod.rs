//! From a provider, a site and an origin to a Worker that can be deployed. What is done already is not done again.

mod client;
mod cloudflare;
mod dialogue;
mod wrangler_toml;

use std::{fs, path::PathBuf, process::ExitCode};

use edge_oidc::{
    oauth::exchange::ProviderAnswer,
    oidc::{
        IssuerUrl, discovery,
        registration::{self, Provider},
    },
    secret::Secret,
    web::secure_url::{SecureUrl, is_loopback_host},
};
use lexopt::{Parser, ValueExt as _};

use crate::{
    arguments::{self, FILES_HELP, UsageError},
    doctor,
    failure::Failure,
    paint::Paint,
    shared::{http, terminal::Terminal},
    site::{Files, Site},
};
use client::Known;
use wrangler_toml::WranglerToml;

const HELP: &str = "\
usage: npm run setup -- [OPTIONS]

Asks for provider, site and origin, registers the site if the provider lets it, writes
wrangler.toml (its comments stay), makes the KV namespace and the secrets, and lets the
doctor look. It can be run again: what is done is not done twice.

  --provider URL        the provider's issuer
  --site URL            where visitors come
  --origin URL          where admitted requests go; \"route\": what the zone's DNS points to,
                        \"binding\": the service binding ORIGIN
  --client-id ID        who the site is at the provider, if it is registered
  --client-secret @FILE its secret; better than in the list of processes, which others see.
                        OIDC_CLIENT_SECRET does as well
  --public-client       there is no secret: PKCE alone
  --client-file FILE    where a registration is kept (client_secrets.json)
  --store kv|durable    where sessions are kept (kv)
  --local               for `npx wrangler dev`: secrets into .dev.vars, nothing at Cloudflare
  --dry-run             tells what would be done

A provider that wants an initial access token gets it by OIDC_INITIAL_ACCESS_TOKEN.
";

/// What `setup --help` says.
pub(crate) fn help() -> String {
    format!("{HELP}{FILES_HELP}")
}

#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(crate) struct Options {
    files: Files,
    provider: Option<String>,
    site: Option<String>,
    origin: Option<String>,
    client_id: Option<String>,
    client_secret: Option<Secret<String>>,
    public_client: bool,
    client_file: PathBuf,
    durable: bool,
    local: bool,
    dry_run: bool,
    debug: bool,
}

impl Options {
    /// The command line behind `setup`; `secret` is `OIDC_CLIENT_SECRET`.
    pub(crate) fn parse(parser: &mut Parser, secret: Option<String>) -> Result<Option<Self>, UsageError> {
        let client_secret = secret.filter(|secret| !secret.is_empty()).map(Secret::new);
        let mut options = Self { client_file: PathBuf::from("client_secrets.json"), client_secret, ..Self::default() };
        while let Some(argument) = parser.next()? {
            match arguments::option(&argument)?.as_str() {
                "help" => return Ok(None),
                "provider" => options.provider = Some(parser.value()?.string()?),
                "site" => options.site = Some(parser.value()?.string()?),
                "origin" => options.origin = Some(parser.value()?.string()?),
                "client-id" => options.client_id = Some(not_empty("--client-id", parser.value()?.string()?)?),
                "client-secret" => options.client_secret = Some(secret_of(&parser.value()?.string()?)?),
                "public-client" => options.public_client = true,
                "client-file" => options.client_file = PathBuf::from(parser.value()?),
                "store" => options.durable = is_durable(&parser.value()?.string()?)?,
                "local" => options.local = true,
                "dry-run" => options.dry_run = true,
                "debug" => options.debug = true,
                other => arguments::files(&mut options.files, other, parser)?,
            }
        }
        Ok(Some(options))
    }
}

fn is_durable(name: &str) -> Result<bool, UsageError> {
    match name {
        "kv" => Ok(false),
        "durable" => Ok(true),
        _ => Err(UsageError("--store: expected kv or durable".to_owned())),
    }
}

fn not_empty(option: &str, text: String) -> Result<String, UsageError> {
    if text.is_empty() { Err(UsageError(format!("{option}: expected a value, got nothing"))) } else { Ok(text) }
}

fn secret_of(value: &str) -> Result<Secret<String>, UsageError> {
    const OPTION: &str = "--client-secret";
    let Some(path) = value.strip_prefix('@') else { return not_empty(OPTION, value.to_owned()).map(Secret::new) };
    let text = fs::read_to_string(path)
        .map_err(|error| UsageError(format!("--client-secret: {path} can't be read: {}", error.kind())))?;
    not_empty(OPTION, text.trim().to_owned()).map(Secret::new)
}

/// Does it all, in the order in which it can fail without leaving something half done.
pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let terminal = Terminal::new(options.debug);
    let setup = Setup { options, terminal: &terminal, paint: Paint::stdout() };
    let before = Site::read(&options.files)?;
    // What can't be changed is better known before anything is registered.
    WranglerToml::read(&options.files.config, options.files.environment.as_deref())?;

    let answer = |given: &Option<String>, question, option| match given {
        Some(given) => Ok(given.clone()),
        None => dialogue::ask(question, option),
    };
    let provider = discover(&answer(&options.provider, "Provider (its issuer URL)", "--provider")?, &terminal)?;
    let site = site_url(&answer(&options.site, "Site (the URL visitors open)", "--site")?, options.local)?;
    let origin = origin(&site, &answer(&options.origin, "Origin (a URL, or \"route\", or \"binding\")", "--origin")?)?;

    if matches!(origin, Origin::Route) && before.variables().contains_key("OIDC_ORIGIN") {
        // With it the comments before it would go.
        let found =
            format!("origin: OIDC_ORIGIN stands in {}, and requests would go there", options.files.config.display());
        return Err(Failure::new(found).cure("take that line out, then the same again"));
    }

    let client = client::find(options, site.as_str(), &provider, configured(&before, &provider).as_deref(), &terminal)?;
    setup.tell(&client.story);
    setup.write(&provider, &site, &origin, &client)?;
    setup.secrets(&client)?;
    setup.look(&site, client.secret.as_ref())
}

struct Setup<'s> {
    options: &'s Options,
    terminal: &'s Terminal,
    paint: Paint,
}

impl Setup<'_> {
    fn tell(&self, what: &str) {
        self.terminal.say(&format!("{}  {what}", self.paint.green("*")));
    }

    /// The settings, the route and the store.
    fn write(&self, provider: &Provider, site: &SecureUrl, origin: &Origin, client: &Known) -> Result<(), Failure> {
        let files = &self.options.files;
        let mut file = WranglerToml::read(&files.config, files.environment.as_deref())?;
        file.variable("OIDC_ISSUER", provider.metadata.issuer.as_str());
        file.variable("OIDC_CLIENT_ID", &client.id);
        if let Some(method) = client.auth_method {
            file.variable("OIDC_TOKEN_ENDPOINT_AUTH_METHOD", method.name());
        }
        if let Origin::Url(url) = origin {
            file.variable("OIDC_ORIGIN", url.as_str().trim_end_matches('/'));
        }
        file.requires("OIDC_SECRET_KEY", true);
        file.requires("OIDC_CLIENT_SECRET", !client.is_public);
        if !self.options.local {
            file.variable("OIDC_PUBLIC_URL", site.origin());
            let host = site.origin().split_once("://").map(|(_, host)| host.to_owned()).unwrap_or_default();
            match origin {
                Origin::Route => file.route(&format!("{host}/*"), false),
                Origin::Url(_) | Origin::Binding => file.route(&host, true),
            }
        }
        if self.options.durable {
            file.durable();
        } else {
            self.namespace(&mut file)?;
        }
        self.save(&file)
    }

    fn namespace(&self, file: &mut WranglerToml) -> Result<(), Failure> {
        let site = Site::read(&self.options.files)?;
        if site.is_bound("OIDC_SESSIONS") && !site.is_bound("OIDC_CREDENTIALS") {
            return Ok(());
        }
        file.bind_namespace();
        if self.options.local || file.namespace().is_none_or(|table| table.contains_key("id")) {
            return Ok(());
        }
        if self.options.dry_run {
            self.tell("would make the KV namespace");
            return Ok(());
        }
        let name = site.inherited("name").and_then(serde_json::Value::as_str).unwrap_or("edge-oidc").to_owned();
        let id = cloudflare::namespace(&self.options.files, &format!("{name}-credentials"))?;
        self.tell(&format!("KV namespace {name}-credentials"));
        file.namespace_id(&id);
        Ok(())
    }

    fn save(&self, file: &WranglerToml) -> Result<(), Failure> {
        let path = &self.options.files.config;
        let would = if self.options.dry_run { "would be" } else { "is" };
        if file.changes.is_empty() {
            self.tell(&format!("{} is as it should be", path.display()));
            return Ok(());
        }
        self.tell(&format!("{} {would} changed:", path.display()));
        for change in &file.changes {
            self.terminal.say(&format!("     {change}"));
        }
        if self.options.dry_run {
            return Ok(());
        }
        let written = fs::write(path, file.text());
        written.map_err(|error| Failure::new(format!("{} can't be written: {}", path.display(), error.kind())))
    }

    /// The key is made once; a secret that is there stays, but for that of a client that was named or registered now.
    fn secrets(&self, client: &Known) -> Result<(), Failure> {
        if self.options.dry_run {
            self.tell("would put OIDC_SECRET_KEY and, if there is one, OIDC_CLIENT_SECRET, where they are missing");
            return Ok(());
        }
        let files = &self.options.files;
        let there = if self.options.local { local_secrets(files)? } else { cloudflare::deployed_secrets(files) };
        let mut secrets = Vec::new();
        if !there.iter().any(|name| name == "OIDC_SECRET_KEY") {
            secrets.push(("OIDC_SECRET_KEY", secret_key()?));
        }
        let is_there = there.iter().any(|name| name == "OIDC_CLIENT_SECRET");
        if let Some(secret) = client.secret.as_ref().filter(|_| client.is_new || !is_there) {
            secrets.push(("OIDC_CLIENT_SECRET", secret.clone()));
        } else if !client.is_public && !is_there {
            return Err(Failure::new("the client's secret is neither known nor there")
                .cure("OIDC_CLIENT_SECRET=… npm run setup"));
        }
        if secrets.is_empty() {
            self.tell("the secrets are there");
            return Ok(());
        }
        let put = if self.options.local { cloudflare::put_locally } else { cloudflare::put };
        put(files, &secrets)?;
        let names: Vec<&str> = secrets.iter().map(|(name, _)| *name).collect();
        let whereto =
            if self.options.local { format!(" into {}", files.local_secrets().display()) } else { String::new() };
        self.tell(&format!("secrets put{whereto}: {}", names.join(", ")));
        Ok(())
    }

    /// The doctor looks at everything but the Worker, which is not deployed yet.
    fn look(&self, site: &SecureUrl, secret: Option<&Secret<String>>) -> Result<ExitCode, Failure> {
        if self.options.dry_run {
            return Ok(ExitCode::SUCCESS);
        }
        self.terminal.say("");
        let origin = site.origin();
        let code = doctor::look_before_deployment(&self.options.files, origin, secret, self.terminal, self.paint)?;
        let port = origin.rsplit_once(':').map_or("8787", |(_, port)| port).trim_start_matches('/');
        let environment = self.options.files.environment.as_deref();
        let [env, npm] =
            ["", " --"].map(|before| environment.map(|name| format!("{before} --env {name}")).unwrap_or_default());
        let next = match (self.options.local, port.parse::<u16>()) {
            (true, Ok(port)) => format!("npx wrangler dev --port {port}{env}"),
            (true, Err(_)) => format!("npx wrangler dev{env}"),
            (false, _) => format!("npm run deploy{npm}, then npm run doctor{npm}"),
        };
        self.terminal.say(&format!("\n{} {next}", self.paint.bold("next:")));
        Ok(code)
    }
}

enum Origin {
    Url(SecureUrl),
    Route,
    Binding,
}

fn origin(site: &SecureUrl, text: &str) -> Result<Origin, Failure> {
    let url = match text {
        "route" => return Ok(Origin::Route),
        "binding" => return Ok(Origin::Binding),
        url => SecureUrl::parse(url).map_err(|error| Failure::new(format!("origin: {error}")))?,
    };
    if url.query().is_some() {
        return Err(Failure::new("origin: expected a URL without a ?query").cure("each request brings its own"));
    }
    // The Worker would ask itself.
    if url.origin() == site.origin() {
        return Err(Failure::new("origin: expected another place than the site")
            .cure("--origin route, if that is what DNS points to"));
    }
    Ok(Origin::Url(url))
}

fn site_url(text: &str, local: bool) -> Result<SecureUrl, Failure> {
    let url = SecureUrl::parse(text).map_err(|error| Failure::new(format!("site: {error}")))?;
    let origin = url.origin();
    if !matches!(url.path(), "" | "/") || url.query().is_some() {
        return Err(Failure::new("site: expected scheme and host alone").cure(format!("--site {origin}")));
    }
    // Routes have no ports, and nobody else comes to this machine.
    let host = origin.strip_prefix("https://");
    if !local && host.is_none_or(|host| host.contains(':') || is_loopback_host(host)) {
        let cure = "--site https://HOST, or --local for this machine";
        return Err(Failure::new(format!("site: a Worker is not deployed to {origin}")).cure(cure));
    }
    Ok(url)
}

/// The client that the configuration names, if it is one of this provider.
fn configured(site: &Site, provider: &Provider) -> Option<String> {
    let variables = site.variables();
    let text = |name: &str| variables.get(name)?.as_str();
    (text("OIDC_ISSUER") == Some(provider.metadata.issuer.as_str()))
        .then(|| text("OIDC_CLIENT_ID").map(str::to_owned))?
}

fn discover(text: &str, terminal: &Terminal) -> Result<Provider, Failure> {
    let text = text.strip_suffix("/.well-known/openid-configuration").unwrap_or(text);
    let cure = "is it the issuer, as the provider writes it?";
    let failure = |problem: String| Failure::new(format!("provider: {problem}")).cure(cure);
    let issuer = IssuerUrl::parse(text).map_err(|error| failure(error.to_string()))?;
    let request = discovery::request(&issuer).ok_or_else(|| failure("no URL".to_owned()))?;
    let answer = http::call(&request, terminal).map_err(|error| failure(format!("{}: {error}", request.url)))?;
    registration::provider(&answer, &issuer).map_err(|error| failure(problem(error, &answer)))
}

fn problem(error: discovery::DiscoveryError, answer: &ProviderAnswer) -> String {
    doctor::discovery_problem(error, answer).0
}

fn local_secrets(files: &Files) -> Result<Vec<String>, Failure> {
    let site = Site::read(files)?;
    let is_said = |name: &&str| {
        site.variables().get(*name).and_then(serde_json::Value::as_str).is_some_and(|text| !text.is_empty())
    };
    Ok(["OIDC_SECRET_KEY", "OIDC_CLIENT_SECRET"]
        .iter()
        .filter(|name| is_said(name))
        .map(|name| (*name).to_owned())
        .collect())
}

#[expect(clippy::disallowed_methods, reason = "a program has no host but its machine")]
fn secret_key() -> Result<Secret<String>, Failure> {
    use base64ct::{Base64, Encoding as _};
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Failure::new(format!("no randomness: {error}")))?;
    Ok(Secret::new(Base64::encode_string(&bytes)))
}
