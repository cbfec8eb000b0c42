//! What an operator has written about a site: `wrangler.toml` and `.dev.vars`, read as wrangler reads them, so that
//! what comes out is what the Worker gets.

use std::{
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

use crate::{dev_vars, failure::Failure, shared::terminal::Terminal};

/// Which files, and which environment of theirs.
#[derive(Debug)]
pub(crate) struct Files {
    /// `--config`.
    pub(crate) config: PathBuf,
    /// `--env`.
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
        }
        arguments
    }
}

impl Default for Files {
    fn default() -> Self {
        Self { config: PathBuf::from("wrangler.toml"), environment: None, secrets: None }
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
        let found = secrets_file(files);
        let secrets = found.as_deref().map(read_secrets).transpose()?.unwrap_or_default();
        let mut site = Self { root, environment, secrets, ignored: Vec::new(), secrets_file: found };
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

    /// The names under which something is bound.
    pub(crate) fn bound(&self) -> Vec<&str> {
        // The keys of wrangler's configuration whose entries carry `binding` or `name`.
        let kinds: &[(&str, &[&str], &str)] = &[
            ("kv_namespaces", &[], "binding"),
            ("durable_objects", &["bindings"], "name"),
            ("services", &[], "binding"),
            ("assets", &[], "binding"),
            ("ratelimits", &[], "name"),
            ("analytics_engine_datasets", &[], "binding"),
        ];
        let named = |(kind, inner, name): &(&str, &[&'static str], &'static str)| -> Vec<&str> {
            let Some(mut value) = self.own(kind) else { return Vec::new() };
            for key in *inner {
                match value.get(key) {
                    Some(inside) => value = inside,
                    None => return Vec::new(),
                }
            }
            let entries = value.as_array().map_or(core::slice::from_ref(value), Vec::as_slice);
            entries.iter().filter_map(|entry| entry.get(name)?.as_str()).collect()
        };
        kinds.iter().flat_map(named).collect()
    }

    /// Whether something is bound under this name.
    pub(crate) fn is_bound(&self, name: &str) -> bool {
        self.bound().contains(&name)
    }

    /// The bindings that the settings depend on.
    pub(crate) fn bindings(&self) -> Bindings {
        Bindings {
            kv: self.is_bound("OIDC_CREDENTIALS"),
            durable: self.is_bound("OIDC_SESSIONS"),
            origin: self.is_bound("ORIGIN"),
        }
    }

    /// The Worker's variables; a secret wins over a variable of the same name.
    pub(crate) fn variables(&self) -> Variables {
        let vars = self.own("vars").and_then(Value::as_object).into_iter().flatten();
        let vars = vars.map(|(name, value)| (name.clone(), value.clone()));
        let secrets = self.secrets.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
        // What is bound under a name of ours is no variable of that name.
        let ours = |name: &str| name.starts_with("OIDC_") || name == "OVERWRITE_REDIRECT_URI";
        let is_binding = |name: &str| BINDINGS.contains(&name) && self.is_bound(name);
        vars.chain(secrets).filter(|(name, _)| ours(name) && !is_binding(name)).collect()
    }

    /// The secrets that wrangler is told to insist on.
    pub(crate) fn required_secrets(&self) -> Vec<&str> {
        let required = self.own("secrets").and_then(|secrets| secrets.get("required")).and_then(Value::as_array);
        required.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// Those of them that are not to be seen here.
    pub(crate) fn unseen_secrets(&self) -> Vec<&str> {
        let variables = self.variables();
        self.required_secrets().into_iter().filter(|name| !variables.contains_key(*name)).collect()
    }

    /// Whether the client can be asked for: its secret is here, or it has none.
    pub(crate) fn knows_client_secret(&self, config: &Config) -> bool {
        let unseen = self.unseen_secrets();
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
        for (name, value) in stand_ins(&variables, &self.unseen_secrets()) {
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

fn without_scheme(pattern: &str) -> &str {
    pattern.split_once("://").map_or(pattern, |(_, rest)| rest)
}

fn document(path: &Path) -> Result<Object, Failure> {
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    if path.extension().is_some_and(|extension| extension == "json") {
        return json::parse_object(text.as_bytes()).map_err(|error| Failure::new(format!("{shown}: {error}")));
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

/// The file that was named, or the first of those that wrangler looks for.
fn secrets_file(files: &Files) -> Option<PathBuf> {
    if files.secrets.is_some() {
        return files.secrets.clone();
    }
    let beside = |name: &str| files.config.with_file_name(name);
    let own = files.environment.as_ref().map(|name| beside(&format!(".dev.vars.{name}")));
    own.into_iter().chain([beside(".dev.vars")]).find(|path| path.exists())
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
