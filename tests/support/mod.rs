//! What the integration tests stand on: a host, a provider that can lie, a browser, and the gateway between them.
#![allow(dead_code, unused_imports, reason = "no test target uses all of it")]

pub(crate) mod browser;
pub(crate) mod host;
pub(crate) mod logout;
pub(crate) mod mint;
pub(crate) mod provider;
pub(crate) mod request;
pub(crate) mod ring;
pub(crate) mod vectors;

use edge_oidc::{
    config::{Bindings, Config},
    gateway::{Gateway, Outcome},
    origin::{Forward, HeaderEdit},
    web::reply::Reply,
};
use serde_json::{Value, json};

pub(crate) use browser::Browser;
pub(crate) use host::FakeHost;
pub(crate) use provider::{Callback, Endpoint, Minting, Provider};
pub(crate) use request::FakeRequest;
pub(crate) use ring::{TestKey, base64url, block_on};

/// Where visitors find the site.
pub(crate) const SITE: &str = "https://site.example";
/// The name of the session cookie, unless settings say otherwise.
pub(crate) const SESSION: &str = "__Host-oidc_id_token";
/// The moment at which every test begins.
pub(crate) const START: i64 = 1_800_000_000;

/// A deployment: the gateway with its settings, and the world around it.
pub(crate) struct World {
    pub(crate) gateway: Gateway,
    pub(crate) host: FakeHost,
}

impl World {
    /// The usual deployment with more settings.
    pub(crate) fn new(settings: &Value) -> Self {
        Self { gateway: gateway(settings), host: FakeHost::new() }
    }

    /// The usual deployment.
    pub(crate) fn usual() -> Self {
        Self::new(&json!({}))
    }

    pub(crate) fn provider(&self) -> &Provider {
        &self.host.provider
    }

    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser::new(&self.gateway, &self.host)
    }

    /// A browser in which somebody is signed in.
    pub(crate) fn alice(&self) -> Browser<'_> {
        let browser = self.browser();
        browser.sign_in("/oidc_login");
        browser
    }

    pub(crate) fn send(&self, request: &FakeRequest) -> Answer {
        send(&self.gateway, &self.host, request)
    }

    /// The same world with another gateway: another isolate, or the same one after a deployment.
    pub(crate) fn redeployed(self, settings: &Value) -> Self {
        Self { gateway: gateway(settings), ..self }
    }
}

/// A gateway with these settings over the usual ones. A setting that is `null` is left out; the origin `binding` is the
/// service binding.
pub(crate) fn gateway(settings: &Value) -> Gateway {
    Gateway::new(config(settings))
}

pub(crate) fn config(settings: &Value) -> Config {
    let mut all = json!({
        "OIDC_ISSUER": provider::ISSUER, "OIDC_CLIENT_ID": provider::CLIENT_ID,
        "OIDC_CLIENT_SECRET": provider::CLIENT_SECRET, "OIDC_SECRET_KEY": "a-test-key-of-at-least-32-bytes-length",
        "OIDC_ORIGIN": "https://origin.example",
    });
    for (name, value) in settings.as_object().unwrap() {
        all[name] = value.clone();
    }
    let origin = all["OIDC_ORIGIN"] == "binding";
    if origin {
        all["OIDC_ORIGIN"] = Value::Null;
    }
    let variables = all.as_object().unwrap().clone().into_iter().filter(|(_, value)| !value.is_null()).collect();
    let bindings = Bindings { kv: true, durable: false, origin };
    Config::parse(&variables, bindings).unwrap_or_else(|errors| panic!("{settings}: {errors}"))
}

pub(crate) fn send(gateway: &Gateway, host: &FakeHost, request: &FakeRequest) -> Answer {
    host.hide_cookies(&request.cookies);
    let answer = Answer(block_on(gateway.handle(host, request)), request.url.clone());
    if let Outcome::Respond(reply) = &answer.0 {
        check(reply, &request.url);
        for cookie in reply.cookies() {
            host.hide_cookies(cookie.to_string().split(';').next().unwrap());
        }
    }
    answer
}

/// What holds for every answer of ours, whatever was asked.
fn check(reply: &Reply, url: &str) {
    assert_eq!(reply.header_value("cache-control"), Some("no-store"), "{url}");
    // The one script of ours hands files to the browser.
    let ours = format!("<script>{}</script>", include_str!("../../src/web/pages/files.js").trim_end());
    assert!(!reply.body().replace(&ours, "").to_ascii_lowercase().contains("<script"), "{url}: {}", reply.body());
    for (name, value) in reply.headers() {
        assert!(!value.bytes().any(|byte| byte.is_ascii_control()), "{url}: {name}");
    }
    for cookie in reply.cookies() {
        let line = cookie.to_string();
        assert!(line.contains("; HttpOnly") && line.contains("; Max-Age="), "{url}: {}", cookie.name());
        let host_only = line.contains("; Path=/;") && line.contains("; Secure");
        assert!(host_only || !cookie.name().starts_with("__Host-"), "{url}: {}", cookie.name());
    }
}

/// What came of a request, with shorter names for what tests ask.
#[derive(Debug)]
pub(crate) struct Answer(pub(crate) Outcome, String);

impl Answer {
    pub(crate) fn reply(&self) -> &Reply {
        match &self.0 {
            Outcome::Respond(reply) => reply,
            Outcome::Forward(forward) => panic!("{} was forwarded: {forward:?}", self.1),
        }
    }

    pub(crate) fn forward(&self) -> &Forward {
        match &self.0 {
            Outcome::Respond(reply) => panic!("answered {reply:?}: {}", reply.body()),
            Outcome::Forward(forward) => forward,
        }
    }

    /// Where it was forwarded to.
    pub(crate) fn url(&self) -> &str {
        self.forward().url.as_deref().unwrap_or(&self.1)
    }

    pub(crate) fn is_forward(&self) -> bool {
        matches!(self.0, Outcome::Forward(_))
    }

    /// 0 when it was forwarded.
    pub(crate) fn status(&self) -> u16 {
        match &self.0 {
            Outcome::Respond(reply) => reply.status(),
            Outcome::Forward(_) => 0,
        }
    }

    pub(crate) fn location(&self) -> &str {
        self.header("location").unwrap_or_else(|| panic!("no Location: {:?}", self.0))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.reply().header_value(name)
    }

    pub(crate) fn body(&self) -> &str {
        self.reply().body()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.body()).unwrap_or_else(|_| panic!("not JSON: {}", self.body()))
    }

    pub(crate) fn set_cookies(&self) -> Vec<String> {
        let cookies = match &self.0 {
            Outcome::Respond(reply) => reply.cookies(),
            Outcome::Forward(forward) => forward.cookies.as_slice(),
        };
        cookies.iter().map(ToString::to_string).collect()
    }

    /// Whether a cookie of the session, any piece of it, is set or removed.
    pub(crate) fn touches_session(&self) -> bool {
        self.set_cookies().iter().any(|line| line.contains("oidc_id_token") && !line.contains("_login."))
    }

    /// The headers that the origin gets over those of the request.
    pub(crate) fn set(&self) -> Vec<(&str, &str)> {
        let edits = self.forward().edits.iter();
        edits
            .filter_map(|edit| match edit {
                HeaderEdit::Set(name, value) if &**name != "Cookie" => Some((&**name, &**value)),
                _ => None,
            })
            .collect()
    }

    /// Those of them that tell who it is, not where from.
    pub(crate) fn stamped(&self) -> Vec<(&str, &str)> {
        let whence = ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"];
        self.set().into_iter().filter(|(name, _)| !whence.contains(name)).collect()
    }

    /// What the origin is told about who it is; `None` for nobody.
    pub(crate) fn user(&self) -> Option<&str> {
        self.stamped().into_iter().find(|(name, _)| *name == "X-Forwarded-User").map(|(_, value)| value)
    }
}
