//! What an operator has written about a site: wrangler's configuration and `.dev.vars`, read as wrangler reads them, so that
//! what comes out is what the Worker gets.

use std::{
    env,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use edge_oidc::{
    config::{
        Bindings, Config, ConfigErrors, Variables,
        settings::{BINDINGS, setting_named},
    },
    json::{self, Object},
    secret::Secret,
};
use serde_json::{Value, json};

use crate::{dev_vars, failure::Failure, jsonc, shared::terminal::Terminal};

/// By which wrangler is told the environment when the command line does not say it.
const ENVIRONMENT: &str = "CLOUDFLARE_ENV";

/// Which files, and which environment of theirs.
#[derive(Debug)]
pub(crate) struct Files {
    /// `--config`.
    pub(crate) config: PathBuf,
    /// `--env`, else `CLOUDFLARE_ENV`, as wrangler has it; an empty one is none.
    pub(crate) environment: Option<String>,
    /// `--secrets-file`; `None`: `.dev.vars` beside the configuration.
    pub(crate) secrets: Option<PathBuf>,
}

impl Files {
    /// A command of wrangler's, for the same files.
    pub(crate) fn wrangler(&self, command: &[&str]) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = command.iter().map(OsString::from).collect();
        arguments.extend(["--config".into(), self.config.clone().into_os_string()]);
        if let Some(name) = &self.environment {
            arguments.extend(["--env".into(), name.into()]);
        } else if env::var_os(ENVIRONMENT).is_some() {
            arguments.push("--env=".into());
        }
        arguments
    }
}

impl Files {
    /// Where secrets are put on this machine: of the files that wrangler reads the one that wins.
    pub(crate) fn local_secrets(&self) -> PathBuf {
        secrets_files(self).pop().unwrap_or_else(|| self.config.with_file_name(".dev.vars"))
    }
}

impl Default for Files {
    /// The configuration that wrangler would find.
    fn default() -> Self {
        let found = ["wrangler.json", "wrangler.jsonc"].map(Path::new).into_iter().find(|path| path.exists());
        let environment = env::var(ENVIRONMENT).ok().filter(|name| !name.is_empty());
        Self { config: found.unwrap_or(Path::new("wrangler.toml")).to_owned(), environment, secrets: None }
    }
}

/// The two files, read.
pub(crate) struct Site {
    root: Object,
    environment: Option<Object>,
    secrets: Vec<(String, String)>,
    /// What `.dev.vars` names in vain.
    pub(crate) ignored: Vec<String>,
    /// Where the secrets came from, if there is such a file.
    pub(crate) secrets_file: Option<PathBuf>,
}

impl Site {
    /// Reads the files.
    pub(crate) fn read(files: &Files) -> Result<Self, Failure> {
        let root = document(&files.config)?;
        let environment = files.environment.as_deref().map(|name| environment(&root, name)).transpose()?;
        let found = secrets_files(files);
        let mut secrets = Vec::new();
        for path in &found {
            secrets.extend(read_secrets(path)?);
        }
        let secrets_file = found.into_iter().next();
        let mut site = Self { root, environment, secrets, ignored: Vec::new(), secrets_file };
        // Of .dev.vars wrangler takes only what is announced, once something is.
        if files.secrets.is_none() && site.own("secrets").is_some() {
            let is_announced = |name: &str| {
                site.required_secrets().contains(&name) || site.own("vars").is_some_and(|vars| vars.get(name).is_some())
            };
            let (taken, ignored) = site.secrets.iter().cloned().partition(|(name, _)| is_announced(name));
            site.secrets = taken;
            site.ignored = ignored.into_iter().map(|(name, _): (String, String)| name).collect();
        }
        Ok(site)
    }

    /// A key that an environment inherits unless it has its own.
    pub(crate) fn inherited(&self, key: &str) -> Option<&Value> {
        self.environment.as_ref().and_then(|own| own.get(key)).or_else(|| self.root.get(key))
    }

    /// A key that an environment does not inherit: variables, bindings and the like.
    pub(crate) fn own(&self, key: &str) -> Option<&Value> {
        self.environment.as_ref().unwrap_or(&self.root).get(key)
    }

    /// What is bound: the key of the configuration that binds it, and the name.
    fn bound(&self) -> Vec<(&str, &str)> {
        let own = self.environment.as_ref().unwrap_or(&self.root);
        // Of all that binds, wrangler lets an environment inherit this alone.
        let assets = self.environment.is_some().then(|| self.inherited("assets")).flatten();
        let all = own.iter().map(|(kind, value)| (kind.as_str(), value));
        all.chain(assets.map(|value| ("assets", value))).flat_map(|(kind, value)| names_in(kind, value)).collect()
    }

    /// Whether one of these keys binds something under this name.
    fn is_bound_by(&self, kinds: &[&str], name: &str) -> bool {
        self.bound().iter().any(|(kind, other)| kinds.contains(kind) && *other == name)
    }

    /// Whether something is bound under this name, of the kind that the Worker takes there.
    pub(crate) fn is_bound(&self, name: &str) -> bool {
        let kinds: &[&str] = match name {
            "OIDC_CREDENTIALS" => &["kv_namespaces"],
            "OIDC_SESSIONS" => &["durable_objects"],
            "OIDC_RATE_LIMIT" => &["ratelimits", "unsafe"],
            "OIDC_METRICS" => &["analytics_engine_datasets"],
            // Whatever can be asked by `fetch`.
            _ => &["services", "assets", "mtls_certificates", "vpc_services"],
        };
        self.is_bound_by(kinds, name)
    }

    /// The bindings that the settings depend on.
    pub(crate) fn bindings(&self) -> Bindings {
        Bindings {
            kv: self.is_bound("OIDC_CREDENTIALS"),
            durable: self.is_bound("OIDC_SESSIONS"),
            origin: self.is_bound("ORIGIN"),
        }
    }

    /// The Worker's variables; a secret wins over a variable of the same name. What is bound under a name that is for no
    /// binding, or is of another kind than the Worker takes there, is an object without members to it.
    pub(crate) fn variables(&self) -> Variables {
        let vars = self.own("vars").and_then(Value::as_object).into_iter().flatten();
        let vars = vars.map(|(name, value)| (name.clone(), value.clone()));
        let secrets = self.secrets.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
        let bound = self.bound().into_iter().map(|(_, name)| (name.to_owned(), json!({})));
        // What is bound under a name of ours is no variable of that name.
        let ours = |name: &str| name.starts_with("OIDC_") || name == "OVERWRITE_REDIRECT_URI";
        let is_binding = |name: &str| BINDINGS.contains(&name) && self.is_bound(name);
        bound.chain(vars).chain(secrets).filter(|(name, _)| ours(name) && !is_binding(name)).collect()
    }

    /// What the client's secret is, whatever the files say.
    pub(crate) fn take_client_secret(&mut self, secret: &Secret<String>) {
        self.secrets.push(("OIDC_CLIENT_SECRET".to_owned(), secret.expose().clone()));
    }

    /// The secrets that wrangler is told to insist on.
    fn required_secrets(&self) -> Vec<&str> {
        let required = self.own("secrets").and_then(|secrets| secrets.get("required")).and_then(Value::as_array);
        required.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// Those, and what the Worker does not start without.
    pub(crate) fn needed_secrets(&self, config: Option<&Config>) -> Vec<&str> {
        let mut needed = self.required_secrets();
        let Some(config) = config.filter(|config| config.testing_profile.is_none()) else { return needed };
        let variables = self.variables();
        // The settings could be parsed without them by what stands in for them.
        let lacks_provider = !variables.contains_key("OIDC_ISSUER");
        for (name, is_needed) in
            [("OIDC_SECRET_KEY", !config.resource_server_only), ("OIDC_CLIENT_SECRETS", lacks_provider)]
        {
            if is_needed && !needed.contains(&name) {
                needed.push(name);
            }
        }
        needed
    }

    /// Those of them that are not to be seen here.
    pub(crate) fn unseen_secrets(&self, config: Option<&Config>) -> Vec<&str> {
        let variables = self.variables();
        self.needed_secrets(config).into_iter().filter(|name| !variables.contains_key(*name)).collect()
    }

    /// Whether the issuer is here, and not only what stands in for it.
    pub(crate) fn knows_provider(&self) -> bool {
        self.says("OIDC_ISSUER") || self.says("OIDC_CLIENT_SECRETS")
    }

    /// Whether it is here who the site is at the provider.
    pub(crate) fn knows_client(&self) -> bool {
        let is_elsewhere = self.unseen_secrets(None).contains(&"OIDC_CLIENT_SECRETS") || !self.knows_provider();
        self.says("OIDC_CLIENT_ID") || !is_elsewhere
    }

    fn says(&self, name: &str) -> bool {
        self.variables().contains_key(name)
    }

    /// Whether the client can be asked for: its secret is here, or it has none.
    pub(crate) fn knows_client_secret(&self, config: &Config) -> bool {
        let unseen = self.unseen_secrets(Some(config));
        let has_none = || config.providers.first().is_some_and(|provider| provider.client.secret.is_none());
        let is_unseen = unseen.contains(&"OIDC_CLIENT_SECRET") || unseen.contains(&"OIDC_CLIENT_SECRETS");
        !is_unseen && (self.variables().keys().any(|name| name.starts_with("OIDC_CLIENT_SECRET")) || has_none())
    }

    /// Lets none of the secrets get to the terminal.
    pub(crate) fn hide_secrets(&self, terminal: &Terminal) {
        let is_secret = |name: &str| setting_named(name).is_none_or(|setting| setting.secret);
        for (_, value) in self.secrets.iter().filter(|(name, _)| is_secret(name)) {
            terminal.hide(&Secret::new(value.clone()));
        }
    }

    /// The settings as the Worker parses them, with something in the place of secrets that only the deployed Worker has.
    pub(crate) fn config(&self) -> Result<Config, ConfigErrors> {
        let mut variables = self.variables();
        for (name, value) in stand_ins(&variables, &self.unseen_secrets(None)) {
            variables.insert(name.to_owned(), value);
        }
        Config::parse(&variables, self.bindings())
    }

    /// Scheme and host that visitors use, as far as the files say: `OIDC_PUBLIC_URL`, or a route.
    pub(crate) fn public_origin(&self, config: &Config) -> Option<String> {
        if config.public_origin.is_some() {
            return config.public_origin.clone();
        }
        let pattern = self.routes().into_iter().next()?.pattern;
        let host = pattern.split('/').next().filter(|host| !host.contains('*'))?;
        Some(format!("https://{host}"))
    }

    /// The routes, each with whether it is a host name of the Worker's own.
    pub(crate) fn routes(&self) -> Vec<Route> {
        let has_some = |own: &&Object| own.contains_key("route") || own.contains_key("routes");
        let table = self.environment.as_ref().filter(has_some).unwrap_or(&self.root);
        let all = table.get("route").into_iter();
        let all = all.chain(table.get("routes").and_then(Value::as_array).into_iter().flatten());
        let route = |value: &Value| {
            let pattern = value.as_str().or_else(|| value.get("pattern")?.as_str())?;
            let custom_domain = value.get("custom_domain") == Some(&Value::Bool(true));
            Some(Route { pattern: without_scheme(pattern).to_owned(), custom_domain })
        };
        all.filter_map(route).collect()
    }
}

/// A route of the Worker.
pub(crate) struct Route {
    /// Without a scheme.
    pub(crate) pattern: String,
    pub(crate) custom_domain: bool,
}

impl Route {
    /// The host, and what stands behind its first slash.
    pub(crate) fn host_and_path(&self) -> (&str, &str) {
        self.pattern.split_once('/').unwrap_or((&self.pattern, ""))
    }

    /// Whether requests for this path come along it.
    pub(crate) fn covers(&self, path: &str) -> bool {
        let own = self.host_and_path().1;
        path.strip_prefix('/').is_some_and(|path| match own.strip_suffix('*') {
            Some(prefix) => path.starts_with(prefix),
            None => path == own,
        })
    }
}

fn without_scheme(pattern: &str) -> &str {
    pattern.split_once("://").map_or(pattern, |(_, rest)| rest)
}

/// The names that a key of wrangler's configuration binds, be it one thing or a list of them.
fn names_in<'v>(kind: &'v str, value: &'v Value) -> Vec<(&'v str, &'v str)> {
    // Here `name` is that of the binding; elsewhere it is that of something else.
    const NAMED: [&str; 4] = ["durable_objects", "ratelimits", "send_email", "unsafe"];
    let inner = ["bindings", "producers"].iter().find_map(|key| value.get(key)).unwrap_or(value);
    let entries = inner.as_array().map_or(core::slice::from_ref(inner), Vec::as_slice);
    let name_of = |entry: &'v Value| {
        let name = if NAMED.contains(&kind) { entry.get("name") } else { entry.get("binding") };
        Some((kind, name?.as_str()?))
    };
    // Variables are what they are called, whatever is in them.
    if matches!(kind, "vars" | "env") { Vec::new() } else { entries.iter().filter_map(name_of).collect() }
}

fn document(path: &Path) -> Result<Object, Failure> {
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    if path.extension().is_some_and(|extension| extension == "json" || extension == "jsonc") {
        let plain = jsonc::plain(&text);
        return json::parse_object(plain.as_bytes()).map_err(|error| Failure::new(format!("{shown}: {error}")));
    }
    toml_edit::de::from_str(&text).map_err(|error| {
        Failure::new(format!("{shown} is no TOML: {}", error.message())).cure(match error.span() {
            Some(span) => format!("look at line {}", line_of(&text, span.start)),
            None => "compare it with the wrangler.toml of the repository".to_owned(),
        })
    })
}

/// The number of the line that holds the byte at `offset`.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("{} can't be read: {}", path.display(), error.kind()))
        .cure("name another file, or go where it is")
}

fn environment(root: &Object, name: &str) -> Result<Object, Failure> {
    let all = root.get("env").and_then(Value::as_object);
    let own = all.and_then(|all| all.get(name)).and_then(Value::as_object);
    own.cloned().ok_or_else(|| {
        let known: Vec<&str> = all.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Failure::new(format!("expected an environment of the configuration, got {name}; there are: {known}"))
            .cure(format!("write [env.{name}.vars], or leave --env out"))
    })
}

/// The file that was named, or those that wrangler looks for: one of `.dev.vars`, else all of `.env`, the last of which
/// wins.
fn secrets_files(files: &Files) -> Vec<PathBuf> {
    if let Some(named) = &files.secrets {
        return vec![named.clone()];
    }
    let beside = |name: &str| Some(files.config.with_file_name(name)).filter(|path| path.exists());
    let of_environment =
        |name: String| files.environment.as_ref().and_then(|environment| beside(&name.replace("ENV", environment)));
    if let Some(dev_vars) = of_environment(".dev.vars.ENV".to_owned()).or_else(|| beside(".dev.vars")) {
        return vec![dev_vars];
    }
    let more = [".env.ENV", ".env.ENV.local"].map(str::to_owned).into_iter().filter_map(of_environment);
    [".env", ".env.local"].into_iter().filter_map(beside).chain(more).collect()
}

/// Lines `NAME=value`, or a JSON object, as `wrangler secret bulk` takes both.
fn read_secrets(path: &Path) -> Result<Vec<(String, String)>, Failure> {
    let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    if !text.trim_start().starts_with('{') {
        return Ok(dev_vars::parse(&text));
    }
    let object =
        json::parse_object(text.as_bytes()).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
    let text_of = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Ok(object.into_iter().map(|(name, value)| (name, text_of(value))).collect())
}

/// Values by which the rest of the settings can be parsed. Nothing is sealed or signed with them.
fn stand_ins(variables: &Variables, unseen: &[&str]) -> Vec<(&'static str, Value)> {
    let lacks = |name: &str| setting_named(name).is_some() && !variables.contains_key(name);
    let mut values = Vec::new();
    if lacks("OIDC_SECRET_KEY") {
        values.push(("OIDC_SECRET_KEY", "0".repeat(32).into()));
    }
    let in_client_secrets = unseen.contains(&"OIDC_CLIENT_SECRETS") || !variables.contains_key("OIDC_ISSUER");
    if lacks("OIDC_CLIENT_SECRETS") && in_client_secrets {
        let web = json!({ "issuer": "https://issuer.invalid", "client_id": "unknown", "client_secret": "unknown" });
        values.push(("OIDC_CLIENT_SECRETS", json!({ "web": web })));
    }
    if variables.contains_key("OIDC_ASSERTION") && lacks("OIDC_ASSERTION_KEY") {
        // RFC 8037 Appendix A.1, which everybody knows.
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
        values.push(("OIDC_ASSERTION", json!({ "alg": "EdDSA" })));
        values.push(("OIDC_ASSERTION_KEY", key));
    }
    values
}

#[cfg(test)]
mod tests;
