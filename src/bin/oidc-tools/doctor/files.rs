//! What the files alone tell: settings, secrets, bindings, and how the Worker stands in front of the site.

use edge_oidc::{
    config::{
        Config, OriginSettings, StoreKind,
        settings::{SETTINGS, Setting},
    },
    route,
};
use serde_json::Value;

use super::Findings;
use crate::site::{Route, Site};

/// Before this the platform lacked something that the Worker uses.
pub(super) const OLDEST_COMPATIBILITY_DATE: &str = "2025-08-01";

/// Everything that the files tell; the settings, if they can be used.
pub(super) fn check(site: &Site, today: &str, findings: &mut Findings) -> Option<Config> {
    let config = settings(site, findings);
    secrets(site, config.as_ref(), findings);
    plain_secrets(site, findings);
    compatibility_date(site, today, findings);
    doors(site, config.as_ref(), findings);
    durable_class(site, findings);
    rate_limit(site, findings);
    assets(site, findings);
    observability(site, findings);
    if let Some(config) = &config {
        store(config, findings);
        signs_in(site, config, findings);
        routes(site, config, findings);
    }
    config
}

fn settings(site: &Site, findings: &mut Findings) -> Option<Config> {
    const CHECK: &str = "settings";
    match site.config() {
        Ok(config) => {
            findings.good(CHECK, format!("all {} are good", site.variables().len()));
            Some(config)
        }
        Err(errors) => {
            for error in errors.iter() {
                let found = format!("{}{}: {}", error.key(), error.member(), error.problem());
                findings.bad(CHECK, found, error.cure());
            }
            None
        }
    }
}

// What is deployed is known to wrangler alone; `--deployed` asks it.
fn secrets(site: &Site, config: Option<&Config>, findings: &mut Findings) {
    const CHECK: &str = "secrets";
    let unseen = site.unseen_secrets(config);
    if !site.ignored.is_empty() {
        let found = format!("wrangler does not take from .dev.vars: {}", site.ignored.join(", "));
        findings.warning(CHECK, found, "name it under [secrets] required, or in [vars]");
    }
    match (&site.secrets_file, unseen.is_empty()) {
        (Some(file), true) => findings.good(CHECK, format!("all that are required are in {}", file.display())),
        (None, true) => findings.unseen(CHECK, "none are required by the configuration", REQUIRE),
        (_, false) => findings.unseen(
            CHECK,
            format!("not to be seen here: {}", unseen.join(", ")),
            "npx wrangler secret put NAME, and npm run doctor -- --deployed tells whether they are there",
        ),
    }
}

const REQUIRE: &str = "name them: [secrets] required = [\"OIDC_SECRET_KEY\", \"OIDC_CLIENT_SECRET\"]";

fn plain_secrets(site: &Site, findings: &mut Findings) {
    const CHECK: &str = "plain_secrets";
    let vars = site.own("vars").and_then(Value::as_object);
    // Client secrets without a secret are endpoints.
    let holds_secret = |setting: &Setting, value: &Value| {
        setting.name != "OIDC_CLIENT_SECRETS" || value.to_string().contains("client_secret")
    };
    let in_vars = |setting: &&Setting| {
        let value = vars.and_then(|vars| vars.get(setting.name));
        setting.secret && value.is_some_and(|value| holds_secret(setting, value))
    };
    let names: Vec<&str> = SETTINGS.iter().filter(in_vars).map(|setting| setting.name).collect();
    if names.is_empty() {
        findings.good(CHECK, "no secret stands in the configuration");
    } else {
        findings.bad(
            CHECK,
            format!("for everybody with the repository to read: {}", names.join(", ")),
            "take it out of [vars], make a new one, and: npx wrangler secret put NAME",
        );
    }
}

fn compatibility_date(site: &Site, today: &str, findings: &mut Findings) {
    const CHECK: &str = "compatibility_date";
    match site.inherited("compatibility_date").and_then(Value::as_str) {
        Some(date) if date > today => {
            findings.bad(CHECK, format!("{date} is in the future"), format!("write {today}, or an earlier day"));
        }
        Some(date) if date >= OLDEST_COMPATIBILITY_DATE => findings.good(CHECK, date),
        other => findings.bad(
            CHECK,
            format!("expected {OLDEST_COMPATIBILITY_DATE} or later, got {}", other.unwrap_or("none")),
            format!("compatibility_date = \"{today}\""),
        ),
    }
}

// Absent means on, unless there are routes; previews follow workers_dev.
fn doors(site: &Site, config: Option<&Config>, findings: &mut Findings) {
    let flag = |name: &str| site.inherited(name).and_then(Value::as_bool);
    let workers_dev = flag("workers_dev").unwrap_or(site.routes().is_empty());
    let previews = flag("preview_urls").unwrap_or(workers_dev);
    let public = config.and_then(|config| config.public_origin.as_deref()).unwrap_or_default();
    let is_the_door = public.ends_with(".workers.dev");
    let cure = "set it to false: the same Worker under another host name is a second door with the same secrets";
    for (check, key, is_on, is_meant) in
        [("workers_dev", "workers_dev", workers_dev, is_the_door), ("preview_urls", "preview_urls", previews, false)]
    {
        match (is_on, is_meant) {
            (true, false) => findings.bad(check, format!("{key} is on"), cure),
            (true, true) => findings.good(check, "it is where visitors come"),
            (false, _) => findings.good(check, "off"),
        }
    }
}

fn store(config: &Config, findings: &mut Findings) {
    const CHECK: &str = "store";
    match config.store {
        StoreKind::Kv => findings.good(CHECK, "Workers KV"),
        StoreKind::Durable => findings.good(CHECK, "Durable Objects"),
        StoreKind::Memory if config.resource_server_only => findings.good(CHECK, "none is needed: nobody signs in"),
        StoreKind::Memory => findings.bad(
            CHECK,
            "memory, which forgets and is known to one isolate alone",
            "bind OIDC_CREDENTIALS (KV) or OIDC_SESSIONS (Durable Objects) and remove OIDC_CREDENTIALS_STORE",
        ),
    }
}

fn durable_class(site: &Site, findings: &mut Findings) {
    const CHECK: &str = "durable_object";
    if !site.is_bound("OIDC_SESSIONS") {
        return;
    }
    let bindings = site.own("durable_objects").and_then(|objects| objects.get("bindings")).and_then(Value::as_array);
    let ours = |binding: &&Value| binding.get("name").is_some_and(|name| name == "OIDC_SESSIONS");
    let class = bindings.into_iter().flatten().find(ours).and_then(|binding| binding.get("class_name"));
    let migrations = site.inherited("migrations").and_then(Value::as_array);
    let is_made = |migration: &Value| {
        let classes = migration.get("new_sqlite_classes").and_then(Value::as_array);
        classes.is_some_and(|classes| classes.iter().any(|class| class == "SessionVault"))
    };
    if class.is_none_or(|class| class != "SessionVault") {
        findings.bad(CHECK, "the class of OIDC_SESSIONS is another one", "class_name = \"SessionVault\"");
    } else if !migrations.is_some_and(|migrations| migrations.iter().any(is_made)) {
        findings.bad(
            CHECK,
            "no migration makes the class SessionVault",
            "[[migrations]] tag = \"v1\", new_sqlite_classes = [\"SessionVault\"]",
        );
    } else {
        findings.good(CHECK, "SessionVault, with its migration");
    }
}

fn rate_limit(site: &Site, findings: &mut Findings) {
    const CHECK: &str = "rate_limit";
    if site.is_bound("OIDC_RATE_LIMIT") {
        findings.good(CHECK, "OIDC_RATE_LIMIT is bound");
    } else {
        let cure = "bind OIDC_RATE_LIMIT: wrangler.toml has the lines at its end";
        findings.warning(CHECK, "nothing throttles what anonymous callers can cause", cure);
    }
}

fn assets(site: &Site, findings: &mut Findings) {
    const CHECK: &str = "run_worker_first";
    let Some(assets) = site.own("assets").or_else(|| site.inherited("assets")) else { return };
    match assets.get("run_worker_first") {
        Some(Value::Bool(true)) => findings.good(CHECK, "the Worker is asked before the assets"),
        Some(Value::Array(_)) => findings.warning(
            CHECK,
            "the Worker is asked before some assets only; the others are open to everybody",
            "run_worker_first = true, and open what shall be open by OIDC_RULES",
        ),
        _ => findings.bad(CHECK, "the assets are served without asking the Worker", "run_worker_first = true"),
    }
}

fn observability(site: &Site, findings: &mut Findings) {
    const CHECK: &str = "observability";
    let settings = site.inherited("observability");
    let is_on = |key: &str| settings.and_then(|settings| settings.get(key)) == Some(&Value::Bool(true));
    if !is_on("enabled") {
        let cure = "[observability] enabled = true, redact_query_string = true";
        findings.warning(CHECK, "no log is kept: nobody can look up why something was refused", cure);
    } else if is_on("redact_query_string") {
        findings.good(CHECK, "logs are kept, without query strings");
    } else {
        let found = "logs keep query strings, and that of a callback carries an authorization code";
        findings.bad(CHECK, found, "[observability] redact_query_string = true");
    }
}

fn signs_in(site: &Site, config: &Config, findings: &mut Findings) {
    const CHECK: &str = "enabled";
    let is_local = site.public_origin(config).is_none_or(|origin| origin.starts_with("http://"));
    if config.testing_profile.is_some() {
        findings.bad(CHECK, "OIDC_ENABLED is false: nobody is asked to sign in", "remove it before you deploy");
    } else if !config.cookie.secure && !is_local {
        findings.bad(CHECK, "OIDC_COOKIE_SECURE is false: only loopback hosts are served", "remove it");
    } else if config.resource_server_only {
        findings.good(CHECK, "callers are asked for access tokens, and nobody to sign in");
    } else {
        findings.good(CHECK, "visitors are asked to sign in");
    }
}

const CHECK_ROUTES: &str = "routes";

fn routes(site: &Site, config: &Config, findings: &mut Findings) {
    const CHECK: &str = CHECK_ROUTES;
    callback(config, findings);
    let routes = site.routes();
    if routes.is_empty() {
        let cure =
            "routes = [{ pattern = \"app.example.com/*\", zone_name = \"example.com\" }], or one with custom_domain";
        findings.warning(CHECK, "the Worker stands nowhere: there is no route", cure);
        return;
    }
    for route in &routes {
        match route_problem(route, &routes, config) {
            Some((found, cure)) => findings.bad(CHECK, format!("{}: {found}", route.pattern), cure),
            None if route.custom_domain => findings.good(CHECK, format!("{}, a host name of its own", route.pattern)),
            None => findings.unseen(
                CHECK,
                format!("{}: what happens over the daily limit is not to be seen here", route.pattern),
                "set the route's \"request limit failure mode\" to \"Fail closed\" in the dashboard",
            ),
        }
    }
    resource_metadata(config, &routes, findings);
}

// It is used to the letter, and what comes back elsewhere is a request for the origin.
fn callback(config: &Config, findings: &mut Findings) {
    let elsewhere = config.redirect_uri.as_ref().filter(|uri| uri.path() != config.routes.callback);
    if let Some(uri) = elsewhere.filter(|_| !config.resource_server_only) {
        let found = format!("visitors come back to {uri}, and the callback is {}", config.routes.callback);
        findings.warning(
            CHECK_ROUTES,
            found,
            "set OIDC_CALLBACK_ROUTE to its path, unless a proxy before the Worker does",
        );
    }
}

// RFC 9728 §3.1: it stands at the root, whatever path the Worker has.
fn resource_metadata(config: &Config, routes: &[Route], findings: &mut Findings) {
    let is_heard = |path: &str| routes.iter().any(|route| route.custom_domain || route.covers(path));
    let asked = config.rules.iter().filter(|rule| rule.takes_tokens());
    let mut unheard = asked.filter_map(|rule| route::resource_metadata(config, rule)).filter(|path| !is_heard(path));
    if let Some(path) = unheard.next() {
        let found = format!("{path} does not come to the Worker, and callers without a token are told to look there");
        findings.warning(CHECK_ROUTES, found, "one route more: HOST/.well-known/oauth-protected-resource*");
    }
}

fn route_problem(route: &Route, all: &[Route], config: &Config) -> Option<(String, &'static str)> {
    let same_url = matches!(config.origin, OriginSettings::SameUrl);
    if route.custom_domain {
        let loops = "there is no origin behind a host name of the Worker's own";
        return same_url.then(|| (loops.to_owned(), "set OIDC_ORIGIN, or bind ORIGIN"));
    }
    let (host, path) = route.host_and_path();
    let here = || all.iter().filter(|other| other.host_and_path().0 == host);
    let health = format!("{}oidc_health", config.routes.base);
    // Where nobody signs in, nobody comes back.
    let own =
        if config.resource_server_only { vec![&health] } else { vec![&config.routes.callback, &config.routes.logout] };
    if let Some(own) = own.into_iter().find(|own| !here().any(|route| route.covers(own))) {
        let found = format!("{own} does not come to the Worker");
        return Some((found, "write the pattern as HOST/*, or set OIDC_ID_TOKEN_COOKIE_PATH to its path"));
    }
    if path != "*" && config.routes.base == "/" && !config.resource_server_only {
        let found = "the rest of the host is open to everybody".to_owned();
        return Some((found, "write the pattern as HOST/*, or set OIDC_ID_TOKEN_COOKIE_PATH to its path"));
    }
    if host.contains('*') && config.public_origin.is_some() {
        let found = "visitors of every host are sent to OIDC_PUBLIC_URL to sign in".to_owned();
        return Some((found, "one Worker for each host, or no OIDC_PUBLIC_URL"));
    }
    None
}
