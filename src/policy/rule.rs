//! A rule: the requests it is about, and what it asks for.

use serde_json::Value;

use crate::{
    claim_path::ClaimPath,
    json::Object,
    oauth::{Scopes, step_up::StepUp},
    web::path::PathPattern,
};

/// What a rule asks of a visitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nobody is asked; no identity is passed on.
    Public,
    /// Identity, if there is one.
    Optional,
    /// A signed-in visitor.
    Login,
    /// A caller with an access token.
    Token,
    /// A signed-in visitor, or a caller with an access token.
    LoginOrToken,
    /// Nobody.
    Deny,
}

/// One line of `OIDC_RULES`.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The paths it is about.
    pub pattern: PathPattern,
    /// The methods it is about, as written; `None` for all. `GET` covers `HEAD`.
    pub methods: Option<Vec<String>>,
    /// What it asks for.
    pub access: Access,
    /// What an access token must be good for; all of it.
    pub scopes: Scopes,
    /// What the claims must say; all of it.
    pub claims: Vec<ClaimRule>,
    /// How, and how lately, somebody must have signed in.
    pub step_up: StepUp,
    /// Whether the origin's own cache headers stand on what it answers to an identity.
    pub cache_public: bool,
}

/// A claim and the values of which one must be there.
#[derive(Clone, Debug)]
pub struct ClaimRule {
    /// Where the claim stands.
    pub path: ClaimPath,
    /// Any of these must equal the claim, or be contained in it. For `email`, `@example.com` stands for every address at
    /// exactly that domain.
    pub any_of: Vec<Value>,
}

impl Rule {
    /// A rule for every method that asks for nothing but `access`.
    pub fn plain(pattern: PathPattern, access: Access) -> Self {
        Self {
            pattern,
            methods: None,
            access,
            scopes: Scopes::default(),
            claims: Vec::new(),
            step_up: StepUp::default(),
            cache_public: false,
        }
    }

    /// The same, on every path.
    pub fn everywhere(access: Access) -> Self {
        Self::plain(PathPattern::everything(), access)
    }

    /// Whether access tokens count here. Where they don't, none is looked for.
    pub fn takes_tokens(&self) -> bool {
        matches!(self.access, Access::Token | Access::LoginOrToken)
    }

    /// The path of the resource that its tokens are for (RFC 9728 §3), as the settings write it; nothing at the root.
    pub fn resource_path(&self) -> &str {
        self.pattern.prefix().trim_end_matches('/')
    }

    /// Whether that, decoded, is the path of its resource.
    pub fn is_resource(&self, decoded: &[u8]) -> bool {
        let path = self.pattern.decoded_prefix();
        path.strip_suffix(b"/").unwrap_or(path) == decoded
    }

    /// Whether the rule is about this request.
    pub fn matches(&self, method: &str, decoded_path: &[u8]) -> bool {
        self.matches_method(method) && self.pattern.matches(decoded_path)
    }

    /// Whether the rule is about this method.
    pub fn matches_method(&self, method: &str) -> bool {
        let Some(methods) = &self.methods else { return true };
        let named = |name: &str| methods.iter().any(|listed| listed == name);
        named(method) || (method == "HEAD" && named("GET"))
    }
}

impl ClaimRule {
    /// Whether the claims satisfy it.
    pub fn holds(&self, claims: &Object) -> bool {
        match self.path.find(claims) {
            None => false,
            Some(Value::Array(items)) => items.iter().any(|item| self.allows(item)),
            Some(value) => self.allows(value),
        }
    }

    fn allows(&self, value: &Value) -> bool {
        self.any_of.iter().any(|allowed| is_same(allowed, value))
            || (self.path.is("email") && self.any_of.iter().any(|domain| is_at(domain, value)))
    }
}

/// Whether two values are one. JSON has one kind of number, so `1` and `1.0` are the same (RFC 8259 §6).
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) if one.is_f64() != other.is_f64() => one.as_f64() == other.as_f64(),
        _ => one == other,
    }
}

/// Whether `address` is one at the domain that `@example.com` names: that very domain, label for label and none below
/// it, behind the last `@`, in whichever case (RFC 5321 §2.4).
fn is_at(domain: &Value, address: &Value) -> bool {
    let domain = domain.as_str().and_then(|domain| domain.strip_prefix('@'));
    let address = address.as_str().and_then(|address| address.rsplit_once('@'));
    match (domain, address) {
        (Some(domain), Some((user, host))) => !user.is_empty() && host.eq_ignore_ascii_case(domain),
        _ => false,
    }
}
