//! How the client proves itself to the provider's endpoints (RFC 6749 §2.3).

use base64ct::{Base64, Encoding as _};

use super::{ClientId, ClientSecret, exchange::ProviderRequest};
use crate::web::{
    form::{self, Form},
    secure_url::SecureUrl,
};

/// Who we are at the provider.
#[derive(Clone, Debug)]
pub struct Client {
    /// The client id.
    pub id: ClientId,
    /// The password; a public client has none.
    pub secret: Option<ClientSecret>,
}

/// `token_endpoint_auth_method` (OIDC Core §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuthMethod {
    /// `none`: a public client names itself and proves nothing; PKCE protects its codes.
    None,
    /// `client_secret_basic`: HTTP Basic over form-encoded id and secret.
    Basic,
    /// `client_secret_post`: id and secret as form fields.
    Post,
}

impl ClientAuthMethod {
    /// By its registered name.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "none" => Self::None,
            "client_secret_basic" => Self::Basic,
            "client_secret_post" => Self::Post,
            _ => return None,
        })
    }

    /// The registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
        }
    }

    /// What to use when nobody said: with a secret `client_secret_basic` if the provider lists it or lists nothing,
    /// else `client_secret_post` (OIDC Discovery §3: the default is `client_secret_basic`).
    pub fn automatic(client: &Client, supported: Option<&[String]>) -> Self {
        if client.secret.is_none() {
            return Self::None;
        }
        match supported {
            Some(methods) if !methods.iter().any(|name| name == "client_secret_basic") => Self::Post,
            _ => Self::Basic,
        }
    }
}

/// A POST of `form` to `endpoint`, authenticated as `client`.
pub fn request(endpoint: SecureUrl, client: &Client, method: ClientAuthMethod, mut form: Form) -> ProviderRequest {
    match (&client.secret, method) {
        (Some(secret), ClientAuthMethod::Basic) => {
            ProviderRequest::post_form(endpoint, &form).header("Authorization", basic(&client.id, secret))
        }
        (Some(secret), ClientAuthMethod::Post) => {
            form.push("client_id", client.id.as_str());
            form.push("client_secret", secret.expose());
            ProviderRequest::post_form(endpoint, &form)
        }
        (None, _) | (_, ClientAuthMethod::None) => {
            form.push("client_id", client.id.as_str());
            ProviderRequest::post_form(endpoint, &form)
        }
    }
}

// RFC 6749 §2.3.1: both halves are form-encoded before they are joined and base64-encoded.
fn basic(id: &ClientId, secret: &ClientSecret) -> String {
    let pair = format!("{}:{}", form::encode(id.as_str()), form::encode(secret.expose()));
    format!("Basic {}", Base64::encode_string(pair.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn client(secret: Option<&str>) -> Client {
        Client { id: ClientId::parse("a b").unwrap(), secret: secret.map(|text| Secret::new(text.to_owned())) }
    }

    fn ask(secret: Option<&str>, method: ClientAuthMethod) -> (Option<String>, String) {
        let endpoint = SecureUrl::parse("https://idp.example/token").unwrap();
        let request = request(endpoint, &client(secret), method, Form::new());
        let authorization = request.headers.iter().find(|(name, _)| *name == "Authorization");
        (authorization.map(|(_, value)| value.clone()), request.body.unwrap())
    }

    #[test]
    fn basic_encodes_both_halves_first() {
        let (header, body) = ask(Some("p:%"), ClientAuthMethod::Basic);
        assert_eq!(header.unwrap(), format!("Basic {}", Base64::encode_string(b"a+b:p%3A%25")));
        assert_eq!(body, "");
    }

    #[test]
    fn post_and_none() {
        assert_eq!(ask(Some("p:%"), ClientAuthMethod::Post), (None, "client_id=a+b&client_secret=p%3A%25".to_owned()));
        assert_eq!(ask(None, ClientAuthMethod::None), (None, "client_id=a+b".to_owned()));
    }

    #[test]
    fn automatic_choice() {
        let listed = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let auto = |secret, supported: Option<&[String]>| ClientAuthMethod::automatic(&client(secret), supported);
        assert_eq!(auto(None, None), ClientAuthMethod::None);
        assert_eq!(auto(Some("x"), None), ClientAuthMethod::Basic);
        let both = listed(&["client_secret_post", "client_secret_basic"]);
        assert_eq!(auto(Some("x"), Some(&both)), ClientAuthMethod::Basic);
        assert_eq!(auto(Some("x"), Some(&listed(&["client_secret_post"]))), ClientAuthMethod::Post);
    }
}
