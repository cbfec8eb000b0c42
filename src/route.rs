//! Where a request belongs: to an endpoint of ours, or under a rule.

use crate::{
    config::{Config, Routes},
    oauth::resource_metadata::WELL_KNOWN,
    policy::{Access, Rule, StepUp},
    web::{path::RequestPath, return_to::ReturnTo},
};

/// Where a request belongs.
#[derive(Debug)]
pub enum Route<'c> {
    /// An endpoint of ours; the origin never sees it.
    Own(Endpoint),
    /// This rule.
    Rule(&'c Rule),
    /// Another reader of the path would put it under another rule.
    Ambiguous,
}

/// Our own endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `OIDC_CALLBACK_ROUTE`.
    Callback,
    /// `/oidc_login`.
    Login,
    /// `OIDC_LOGOUT_ROUTE`.
    Logout,
    /// `/oidc_signed_out`.
    SignedOut,
    /// `/oidc_userinfo`.
    Userinfo,
    /// `/oidc_account`.
    Account,
    /// `/oidc_health`.
    Health,
    /// `/oidc_backchannel_logout`.
    BackChannelLogout,
    /// `/oidc_frontchannel_logout`.
    FrontChannelLogout,
    /// `/oidc_resume`.
    Resume,
    /// `/oidc_jwks`.
    Jwks,
    /// RFC 9728 metadata: of the whole site, or of the rules with this prefix.
    ResourceMetadata,
    /// `/oidc_auth`.
    Auth,
    /// A name that is ours and has nothing behind it.
    Reserved,
}

/// Where `method` on `path` belongs.
pub fn route<'c>(config: &'c Config, method: &str, path: &RequestPath<'_>) -> Route<'c> {
    if let Some(endpoint) = own_endpoint(config, path.decoded()) {
        return Route::Own(endpoint);
    }
    let Some(index) = rule_index(&config.rules, method, path.decoded()) else { return Route::Ambiguous };
    // An origin that strips `;parameters` or merges slashes must not find a page of another rule, nor one of ours.
    let agrees = |reading: &[u8]| {
        own_endpoint(config, reading).is_none() && rule_index(&config.rules, method, reading) == Some(index)
    };
    if !path.readings().iter().all(|reading| agrees(reading)) {
        return Route::Ambiguous;
    }
    config.rules.get(index).map_or(Route::Ambiguous, Route::Rule)
}

/// What a sign-in must be like to be good for `target`: for the page, else for whatever else can be done there.
pub fn step_up(config: &Config, target: &ReturnTo) -> StepUp {
    let path = target.as_str().split('?').next().unwrap_or_default();
    let Ok(path) = RequestPath::parse(path) else { return StepUp::default() };
    let rules = methods(config).filter_map(|method| {
        let index = rule_index(&config.rules, method, path.decoded())?;
        // What a token must be like no sign-in changes.
        config.rules.get(index).filter(|rule| rule.access != Access::Token)
    });
    let mut asked = rules.map(|rule| &rule.step_up).filter(|step_up| !step_up.asks_nothing());
    asked.next().cloned().unwrap_or_default()
}

/// Every method that the rules tell from others, and one that they don't.
pub fn methods(config: &Config) -> impl Iterator<Item = &str> {
    let named = config.rules.iter().flat_map(|rule| rule.methods.iter().flatten().map(String::as_str));
    ["GET", "HEAD", ""].into_iter().chain(named)
}

/// Whether `path` is an endpoint of ours.
pub fn own_endpoint(config: &Config, path: &[u8]) -> Option<Endpoint> {
    if is_resource_metadata(config, path) {
        return Some(Endpoint::ResourceMetadata);
    }
    let endpoint = fixed_endpoint(&config.routes, path)?;
    // Nobody signs in here: what that takes is still no page of the origin's.
    let is_for_anybody = matches!(endpoint, Endpoint::Health | Endpoint::Jwks | Endpoint::Auth);
    let open = !config.resource_server_only || is_for_anybody;
    Some(if open { endpoint } else { Endpoint::Reserved })
}

fn fixed_endpoint(routes: &Routes, path: &[u8]) -> Option<Endpoint> {
    if path == routes.callback.as_bytes() {
        return Some(Endpoint::Callback);
    }
    if path == routes.logout.as_bytes() {
        return Some(Endpoint::Logout);
    }
    Some(match path.strip_prefix(routes.base.as_bytes())? {
        b"oidc_login" => Endpoint::Login,
        b"oidc_signed_out" => Endpoint::SignedOut,
        b"oidc_userinfo" => Endpoint::Userinfo,
        b"oidc_health" => Endpoint::Health,
        b"oidc_backchannel_logout" => Endpoint::BackChannelLogout,
        b"oidc_frontchannel_logout" => Endpoint::FrontChannelLogout,
        b"oidc_account" => Endpoint::Account,
        b"oidc_resume" => Endpoint::Resume,
        b"oidc_jwks" => Endpoint::Jwks,
        b"oidc_auth" => Endpoint::Auth,
        _ => return None,
    })
}

/// Whether a browser sends our cookies to this path.
pub fn cookies_reach(routes: &Routes, path: &RequestPath<'_>) -> bool {
    let (base, path) = (routes.base.as_bytes(), path.decoded());
    path.starts_with(base) || base.strip_suffix(b"/") == Some(path)
}

// RFC 9728 §3: at the root, whatever the base; the path of the resource comes behind.
fn is_resource_metadata(config: &Config, path: &[u8]) -> bool {
    let Some(suffix) = path.strip_prefix(WELL_KNOWN.as_bytes()) else { return false };
    let mut resources = config.rules.iter().filter(|rule| rule.takes_tokens());
    let is_whole = suffix.is_empty();
    is_whole && config.decided_by_code || resources.any(|rule| is_whole || rule.is_resource(suffix))
}

/// Where clients find what they need to know of the resource that this rule is about, which takes tokens; nothing when it
/// is the rule of code in a guard that takes none by itself.
pub fn resource_metadata(config: &Config, rule: &Rule) -> Option<String> {
    let resource = rule.resource_path();
    // Code has no paths: its rules are about the whole site.
    let is_there = !resource.is_empty() || is_resource_metadata(config, WELL_KNOWN.as_bytes());
    is_there.then(|| [WELL_KNOWN, resource].concat())
}

fn rule_index(rules: &[Rule], method: &str, path: &[u8]) -> Option<usize> {
    rules.iter().position(|rule| rule.matches(method, path))
}
