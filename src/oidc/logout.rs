//! OpenID Connect RP-Initiated Logout 1.0.

use crate::{
    oauth::ClientId,
    secret::Secret,
    web::{form::Form, secure_url::SecureUrl},
};

/// A longer hint is left out: servers commonly take request lines of 8 KiB.
const MAX_HINT_BYTES: usize = 6 * 1024;

/// What a sign-out at the provider says (RP-Initiated Logout §2).
#[derive(Clone, Copy, Debug)]
pub struct LogoutRequest<'a> {
    /// The provider's `end_session_endpoint`.
    pub endpoint: &'a SecureUrl,
    /// The ID token of the session that ends, when it is at hand.
    pub id_token_hint: Option<&'a Secret<String>>,
    /// The client.
    pub client_id: &'a ClientId,
    /// Where the visitor ends; registered at the provider.
    pub post_logout_redirect_uri: &'a str,
    /// Comes back with the visitor.
    pub state: Option<&'a str>,
}

impl LogoutRequest<'_> {
    /// The URL to send the browser to.
    pub fn url(&self) -> String {
        let mut form = Form::new();
        // It is a hint; an URL that the provider's server refuses for its length would help nobody.
        if let Some(hint) = self.id_token_hint.filter(|hint| hint.expose().len() <= MAX_HINT_BYTES) {
            form.push("id_token_hint", hint.expose());
        }
        form.push("client_id", self.client_id.as_str());
        form.push("post_logout_redirect_uri", self.post_logout_redirect_uri);
        if let Some(state) = self.state {
            form.push("state", state);
        }
        form.append_to(self.endpoint.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_says_all_of_it() {
        let endpoint = SecureUrl::parse("https://idp.example/end").unwrap();
        let client_id = ClientId::parse("me").unwrap();
        let hint = Secret::new("a.b.c".to_owned());
        let request = LogoutRequest {
            endpoint: &endpoint,
            id_token_hint: Some(&hint),
            client_id: &client_id,
            post_logout_redirect_uri: "https://site.example/oidc_signed_out",
            state: Some("s"),
        };
        assert_eq!(
            request.url(),
            "https://idp.example/end?id_token_hint=a.b.c&client_id=me\
             &post_logout_redirect_uri=https%3A%2F%2Fsite.example%2Foidc_signed_out&state=s"
        );
    }
}
