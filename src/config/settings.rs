//! The table of settings: every name with its type, its default and its meaning. The reference in
//! `docs/configuration.md` is made from it, unknown names are compared with it.

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The name of the variable.
    pub name: &'static str,
    /// What kind of value it takes, in words.
    pub kind: &'static str,
    /// What holds when it is absent.
    pub default: DefaultValue,
    /// What it does, in a sentence or two.
    pub meaning: &'static str,
    /// Whether its value must never be shown.
    pub secret: bool,
}

/// What holds when a setting is absent.
#[derive(Clone, Copy, Debug)]
pub enum DefaultValue {
    /// The same as if this text had been given.
    Text(&'static str),
    /// What the words say.
    Words(&'static str),
}

/// The names of bindings, which are no variables.
pub const BINDINGS: [&str; 4] = ["OIDC_CREDENTIALS", "OIDC_SESSIONS", "OIDC_RATE_LIMIT", "OIDC_METRICS"];

/// All settings, in the order of the reference.
pub const SETTINGS: &[Setting] = &[
    secret(
        "OIDC_CLIENT_SECRETS",
        "object",
        words("none"),
        "The content of a `client_secrets.json` of Flask-OIDC or Google; see below.",
    ),
    setting("OIDC_SCOPES", "list", text("openid email"), "The scopes that are asked for. Must contain `openid`."),
    setting(
        "OIDC_GOOGLE_APPS_DOMAIN",
        "domain",
        words("none"),
        "Sends `hd`, and lets in only those whose ID token carries the same `hd`.",
    ),
    setting(
        "OIDC_ID_TOKEN_COOKIE_NAME",
        "cookie name",
        text("oidc_id_token"),
        "The session cookie. With secure cookies and the path `/` it is sent with the prefix `__Host-`.",
    ),
    setting(
        "OIDC_ID_TOKEN_COOKIE_PATH",
        "path",
        text("/"),
        "The path of the cookies. The Worker's own endpoints stand under it.",
    ),
    setting(
        "OIDC_ID_TOKEN_COOKIE_TTL",
        "seconds, 1 to 34560000",
        text("604800"),
        "How long a session lasts at most. The Worker enforces it.",
    ),
    setting(
        "OIDC_COOKIE_SECURE",
        "boolean",
        text("true"),
        "Whether cookies go over https only. With `false`, only loopback hosts are served.",
    ),
    setting(
        "OIDC_ID_TOKEN_COOKIE_SECURE",
        "boolean",
        text("true"),
        "The old name of `OIDC_COOKIE_SECURE`. `false` in either one counts.",
    ),
    setting(
        "OIDC_VALID_ISSUERS",
        "list",
        words("the issuer"),
        "The issuers whose ID tokens are accepted, compared to the letter.",
    ),
    setting(
        "OIDC_CLOCK_SKEW",
        "seconds, 0 to 600",
        text("60"),
        "How far the provider's clock may differ, for `exp`, `nbf` and `iat`.",
    ),
    setting(
        "OIDC_REQUIRE_VERIFIED_EMAIL",
        "boolean",
        text("false"),
        "Lets in only those whose `email_verified` is the JSON value `true`.",
    ),
    setting("OIDC_OPENID_REALM", "text", words("none"), "Sends `openid.realm`."),
    setting(
        "OIDC_USER_INFO_ENABLED",
        "boolean",
        text("true"),
        "Fetches userinfo at sign-in. Its `sub` must be that of the ID token.",
    ),
    setting(
        "OIDC_CALLBACK_ROUTE",
        "path",
        words("`oidc_callback` under the cookie's path"),
        "Where the provider sends visitors back to.",
    ),
    setting("OIDC_OVERWRITE_REDIRECT_URI", "URL or `false`", text("false"), "The `redirect_uri`, used to the letter."),
    setting(
        "OVERWRITE_REDIRECT_URI",
        "URL or `false`",
        text("false"),
        "The old name of `OIDC_OVERWRITE_REDIRECT_URI`.",
    ),
    setting(
        "OIDC_RESOURCE_SERVER_ONLY",
        "boolean",
        text("false"),
        "Only checks access tokens: no sign-in, no cookies. Rules may use `token`, `public` and `deny`.",
    ),
    setting(
        "OIDC_RESOURCE_CHECK_AUD",
        "boolean",
        text("false"),
        "An access token's `aud` must be there and contain one of `OIDC_AUDIENCE`, or else the client id.",
    ),
    setting(
        "OIDC_INTROSPECTION_AUTH_METHOD",
        "`automatic`, `client_secret_post`, `client_secret_basic` or `bearer`",
        text("automatic"),
        "How the Worker proves itself to the introspection endpoint. Automatic: `client_secret_post`, unless the \
         provider's metadata names `client_secret_basic` and not that.",
    ),
    setting(
        "OIDC_TOKEN_TYPE_HINT",
        "text",
        text("access_token"),
        "The `token_type_hint` of an introspection. `none` omits it.",
    ),
    setting(
        "OIDC_RESPONSE_MODE",
        "`query` or `form_post`",
        text("query"),
        "How the provider's answer comes back. `form_post` needs secure cookies.",
    ),
    setting(
        "OIDC_EXTRA_REQUEST_AUTH_PARAMS",
        "object",
        text("{}"),
        "Parameters added to the authorization request, such as `prompt` or `acr_values`. It may name none that the \
         Worker sets itself.",
    ),
    setting(
        "OIDC_CREDENTIALS_STORE",
        "`kv`, `durable` or `memory`",
        words("by the bindings: `kv`, else `durable`"),
        "Where tokens are kept. `kv` needs the binding `OIDC_CREDENTIALS`, `durable` the binding `OIDC_SESSIONS`. \
         `memory` is for tests: it forgets.",
    ),
    setting(
        "OIDC_ISSUER",
        "URL",
        words("`issuer` of the client secrets"),
        "The provider. It is discovered from here, and ID tokens must name it.",
    ),
    setting("OIDC_CLIENT_ID", "text", words("`client_id` of the client secrets"), "What the provider calls this site."),
    secret(
        "OIDC_CLIENT_SECRET",
        "text",
        words("`client_secret` of the client secrets"),
        "The password at the provider. Without one this is a public client, protected by PKCE.",
    ),
    secret(
        "OIDC_SECRET_KEY",
        "text or list of texts, 32 bytes each at least",
        words("required"),
        "Seals cookies and stored tokens. Of a list the first seals and all open, so that keys can be rotated.",
    ),
    setting(
        "OIDC_TOKEN_ENDPOINT_AUTH_METHOD",
        "`automatic`, `none`, `client_secret_basic` or `client_secret_post`",
        text("automatic"),
        "How the Worker proves itself to the token endpoint. Automatic: `none` without a client secret; \
         `client_secret_post` when the client secrets carry `token_uri`; else what the provider lists, \
         `client_secret_basic` first.",
    ),
    setting(
        "OIDC_ORIGIN",
        "URL",
        words("the request's own URL"),
        "Where admitted requests go; the request's path is appended. The service binding `ORIGIN` wins over it.",
    ),
    setting(
        "OIDC_RULES",
        "list of rules",
        text("[]"),
        "Who may reach which path; see below. A path that no rule names needs `login`.",
    ),
    setting(
        "OIDC_HEADERS",
        "object, claim to header",
        text(DEFAULT_HEADERS),
        "The claims that the origin is told, and in which headers.",
    ),
    setting(
        "OIDC_PASS_ACCESS_TOKEN",
        "boolean",
        text("false"),
        "Sends `Authorization: Bearer` with the visitor's access token to the origin; what a caller brought goes on where it stood.",
    ),
    setting(
        "OIDC_PUBLIC_URL",
        "URL",
        words("those of the request"),
        "Scheme, host and port that visitors use, for `redirect_uri` and absolute links.",
    ),
    setting(
        "OIDC_SESSION_IDLE_TTL",
        "seconds, 1 to 34560000",
        words("none"),
        "Ends a session that was not used for so long.",
    ),
    setting(
        "OIDC_SESSION_CHECK_INTERVAL",
        "seconds, 0 to 86400",
        text("60"),
        "How long a session may go on without asking the store whether it was revoked. 0 asks at every request.",
    ),
    setting(
        "OIDC_STORE_OUTAGE_GRACE",
        "seconds, 0 to 604800",
        text("600"),
        "How long after its last successful check a session goes on while the store can't be reached.",
    ),
    setting(
        "OIDC_SESSION_EXPIRY",
        "`id_token` or `cookie`",
        text("id_token"),
        "`id_token`: past the ID token's `exp` a session is refreshed or over. `cookie`: it lasts to its own end.",
    ),
    setting(
        "OIDC_BEARER_LOCATIONS",
        "list of `header`, `form`, `query`",
        text("header"),
        "Where access tokens are looked for.",
    ),
    setting(
        "OIDC_ACCESS_TOKENS",
        "`introspection`, `jwt` or `auto`",
        text("auto"),
        "How access tokens are checked. `auto`: by introspection when the provider has it, else as a JWT.",
    ),
    setting(
        "OIDC_AUDIENCE",
        "list",
        words("none"),
        "The audiences of access tokens that are accepted. JWTs must name one; introspections, if they name any.",
    ),
    setting(
        "OIDC_INTROSPECTION_CACHE_TTL",
        "seconds, 0 to 86400",
        text("60"),
        "How long what was found out about an access token is believed, never past its `exp`. 0 checks every time.",
    ),
    setting(
        "OIDC_INTROSPECTION_CACHE",
        "`isolate` or `location`",
        text("isolate"),
        "Where what introspection has said is kept. `location`: sealed, for all isolates of a data centre too.",
    ),
    setting(
        "OIDC_PASS_TOKEN_INFO",
        "boolean",
        text("false"),
        "Sends what an access token says to the origin as `X-Forwarded-Token-Info`.",
    ),
    setting(
        "OIDC_ASSERTION",
        "object",
        words("none"),
        "Signs for the origin who is asking, and the whole request with `signature`; see below.",
    ),
    secret(
        "OIDC_ASSERTION_KEY",
        "JWK or list of JWKs",
        words("none"),
        "The keys of `OIDC_ASSERTION`: the first signs, all are published.",
    ),
    setting("OIDC_LOGOUT_ROUTE", "path", words("`oidc_logout` under the cookie's path"), "Where visitors sign out."),
    setting(
        "OIDC_POST_LOGOUT_REDIRECT_URI",
        "URL or path",
        words("`oidc_signed_out` under the cookie's path"),
        "Where visitors end after signing out at the provider. Must be registered there.",
    ),
    setting(
        "OIDC_LOG",
        "object",
        text("{}"),
        "What is logged besides refusals and changes of sessions. `admitted`: the share, from 0 to 1, of the requests that \
         go to the origin. `email`: whether lines name the visitor's e-mail address beside the pseudonym.",
    ),
    setting(
        "OIDC_ENABLED",
        "boolean",
        text("true"),
        "`false` asks nobody to sign in: on loopback hosts everyone is the testing profile, others get nothing.",
    ),
    setting(
        "OIDC_TESTING_PROFILE",
        "object with `sub`",
        text(DEFAULT_TESTING_PROFILE),
        "The claims of everyone while `OIDC_ENABLED` is `false`.",
    ),
];

/// The default of `OIDC_HEADERS`.
pub(super) const DEFAULT_HEADERS: &str = r#"{"sub":"X-Forwarded-User","email":"X-Forwarded-Email","preferred_username":"X-Forwarded-Preferred-Username","name":"X-Forwarded-Name","groups":"X-Forwarded-Groups"}"#;

/// The default of `OIDC_TESTING_PROFILE`.
pub(super) const DEFAULT_TESTING_PROFILE: &str =
    r#"{"sub":"testing","name":"Testing","email":"testing@example.com","email_verified":true}"#;

/// The setting of that name.
pub fn setting_named(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// The settings as a Markdown table, for `docs/configuration.md`.
pub fn reference() -> String {
    let mut table = String::from("| Setting | Type | Default | Meaning |\n|---|---|---|---|\n");
    for Setting { name, kind, default, meaning, secret } in SETTINGS {
        let default = match default {
            DefaultValue::Text(text) => format!("`{text}`"),
            DefaultValue::Words(words) => (*words).to_owned(),
        };
        let kind = if *secret { format!("secret: {kind}") } else { (*kind).to_owned() };
        let row = [format!("`{name}`"), kind, default, (*meaning).to_owned()].join(" | ");
        table.push_str("| ");
        table.push_str(&row);
        table.push_str(" |\n");
    }
    table
}

const fn setting(name: &'static str, kind: &'static str, default: DefaultValue, meaning: &'static str) -> Setting {
    Setting { name, kind, default, meaning, secret: false }
}

const fn secret(name: &'static str, kind: &'static str, default: DefaultValue, meaning: &'static str) -> Setting {
    Setting { name, kind, default, meaning, secret: true }
}

const fn text(text: &'static str) -> DefaultValue {
    DefaultValue::Text(text)
}

const fn words(words: &'static str) -> DefaultValue {
    DefaultValue::Words(words)
}
