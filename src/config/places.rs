//! Where things are: the origin, the site as visitors see it, and the paths that are ours.

use serde_json::Value;

use super::{
    Bindings, OriginSettings, PostLogout, Routes,
    reader::Reader,
    value::{self, Checked, Mismatch},
};
use crate::web::{
    path::{PathPattern, RequestPath},
    secure_url::SecureUrl,
};

/// The endpoints whose names can't be changed, under the base.
const FIXED: [&str; 10] = [
    "oidc_login",
    "oidc_signed_out",
    "oidc_userinfo",
    "oidc_account",
    "oidc_resume",
    "oidc_jwks",
    "oidc_auth",
    "oidc_backchannel_logout",
    "oidc_frontchannel_logout",
    "oidc_health",
];

/// RFC 9728 §3: stands at the root, whatever the base.
const RESOURCE_METADATA: &str = "/.well-known/oauth-protected-resource";

/// Reads where admitted requests go.
pub(super) fn origin(reader: &mut Reader<'_>, bindings: Bindings) -> OriginSettings {
    let url = reader.read("OIDC_ORIGIN", origin_url);
    match url {
        _ if bindings.origin => OriginSettings::Binding,
        Some(url) => OriginSettings::Url(url),
        None => OriginSettings::SameUrl,
    }
}

// The path is a prefix: its last slash goes, so that the request's path can be appended.
fn origin_url(value: &Value) -> Checked<SecureUrl> {
    let url = value::url(value)?;
    if url.query().is_some() {
        return Err(Mismatch::new("a URL without a ?query", "leave the query out; each request brings its own"));
    }
    // `/a/../b` is one path as it is written and another one as it is sent.
    let written = url.as_str().split_once("://").and_then(|(_, rest)| rest.find('/').and_then(|at| rest.get(at..)));
    if written.is_some_and(|path| path != url.path()) || RequestPath::parse(url.path()).is_err() {
        return Err(Mismatch::new(
            "a URL whose path has no dot segments or odd characters",
            "write it as https://origin.example/prefix",
        ));
    }
    let trimmed = url.as_str().trim_end_matches('/');
    SecureUrl::parse(trimmed).map_err(|_| Mismatch::new("a URL", "write it as https://origin.example/prefix"))
}

/// Reads scheme, host and port that visitors use.
pub(super) fn public_origin(reader: &mut Reader<'_>) -> Option<String> {
    reader.read("OIDC_PUBLIC_URL", |value| {
        let url = value::url(value)?;
        if url.path() == "/" && url.query().is_none() {
            Ok(url.origin().to_owned())
        } else {
            Err(Mismatch::new("scheme, host and port only", "leave out what comes after the host"))
        }
    })
}

/// Reads the `redirect_uri` that is used to the letter; both names must agree.
pub(super) fn redirect_uri(reader: &mut Reader<'_>) -> Option<SecureUrl> {
    const NAMES: [&str; 2] = ["OIDC_OVERWRITE_REDIRECT_URI", "OVERWRITE_REDIRECT_URI"];
    let [new, old] = NAMES.map(|name| reader.read(name, url_or_false));
    match (new, old) {
        (Some(new), Some(old)) if new != old => {
            let cure = "remove OVERWRITE_REDIRECT_URI, its old name";
            reader.refuse(NAMES[0], &Mismatch::new("the same as OVERWRITE_REDIRECT_URI", cure));
            new
        }
        (new, old) => new.or(old).flatten(),
    }
}

fn url_or_false(value: &Value) -> Checked<Option<SecureUrl>> {
    match value::boolean(value) {
        Ok(false) => Ok(None),
        Ok(true) => Err(Mismatch::new("a URL or false", "write the URL, or remove the setting")),
        Err(_) => value::url(value).map(Some),
    }
}

/// Reads the paths that are ours; `cookie_path` is where our cookies are sent.
pub(super) fn routes(reader: &mut Reader<'_>, cookie_path: &str) -> Routes {
    let base = if cookie_path.ends_with('/') { cookie_path.to_owned() } else { format!("{cookie_path}/") };
    let callback = route(reader, "OIDC_CALLBACK_ROUTE", "oidc_callback", &base);
    let logout = route(reader, "OIDC_LOGOUT_ROUTE", "oidc_logout", &base);
    let routes = Routes { callback, logout, base };
    for (name, path, other) in [
        ("OIDC_CALLBACK_ROUTE", &routes.callback, &routes.logout),
        ("OIDC_LOGOUT_ROUTE", &routes.logout, &routes.callback),
    ] {
        if reader.has(name) && (path == other || routes.is_fixed(path) || path == RESOURCE_METADATA) {
            let cure = "choose another path, or remove the setting";
            reader.refuse(name, &Mismatch::new("a path that is no other endpoint of the Worker", cure));
        }
    }
    routes
}

fn route(reader: &mut Reader<'_>, name: &str, default: &str, base: &str) -> String {
    let parsed = reader.read(name, |value| {
        let path = value::path(value)?;
        if path == "/" {
            return Err(Mismatch::new("a path of its own", "choose one such as /oidc_callback"));
        }
        if !path.starts_with(base) || path == base {
            // Elsewhere the browser would not send the cookies that the endpoint needs.
            let expected = format!("a path under OIDC_ID_TOKEN_COOKIE_PATH, {}", value::printable(base));
            return Err(Mismatch::new(expected, "move it there, or remove the setting"));
        }
        Ok(path)
    });
    parsed.unwrap_or_else(|| format!("{base}{default}"))
}

impl Routes {
    /// Whether the Worker answers this path itself, before any rule is read.
    pub(super) fn is_own(&self, path: &str) -> bool {
        path == self.callback || path == self.logout || self.is_fixed(path)
    }

    fn is_fixed(&self, path: &str) -> bool {
        let name = path.strip_prefix(&self.base).unwrap_or_default();
        FIXED.contains(&name)
    }
}

/// Reads where visitors end after signing out.
pub(super) fn post_logout(reader: &mut Reader<'_>, routes: &Routes) -> PostLogout {
    const NAME: &str = "OIDC_POST_LOGOUT_REDIRECT_URI";
    let signed_out = format!("{}oidc_signed_out", routes.base);
    let parsed = reader.read(NAME, |value| {
        if !value.as_str().is_some_and(|text| text.starts_with('/')) {
            return value::url(value).map(PostLogout::Url);
        }
        let path = value::text(value)?;
        if !PathPattern::parse(&path).is_ok_and(|pattern| pattern.is_exact()) {
            return Err(Mismatch::new("a URL, or a path of this site without query", "write it as /goodbye"));
        }
        if path != signed_out && routes.is_own(&path) {
            return Err(Mismatch::new(
                "a page that a visitor can end at",
                "name another page, or remove the setting; the Worker has one",
            ));
        }
        Ok(PostLogout::Path(path))
    });
    parsed.unwrap_or(PostLogout::Path(signed_out))
}
