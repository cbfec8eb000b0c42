//! Token revocation (RFC 7009).

use super::{
    RefreshToken,
    client_auth::{self, Client, ClientAuthMethod},
    exchange::ProviderRequest,
};
use crate::web::{form::Form, secure_url::SecureUrl};

/// Asks the provider to forget a refresh token, and the access tokens that came of it (RFC 7009 §2.1).
///
/// Whatever it answers, there is nothing more to do: an unknown token is forgotten already (§2.2).
pub fn request(
    endpoint: SecureUrl,
    client: &Client,
    method: ClientAuthMethod,
    refresh_token: &RefreshToken,
) -> ProviderRequest {
    let mut form = Form::new();
    form.push("token", refresh_token.expose());
    form.push("token_type_hint", "refresh_token");
    client_auth::request(endpoint, client, method, form)
}
