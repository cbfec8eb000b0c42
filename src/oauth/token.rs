//! The token endpoint: code for tokens (RFC 6749 §4.1.3, §5).

use core::time::Duration;

use super::{
    AccessToken, RefreshToken, Unguessable,
    authorization::AuthorizationCode,
    client_auth::{self, Client, ClientAuthMethod},
    exchange::{ProviderAnswer, ProviderRequest},
};
use crate::{
    jose::claims::numeric_date,
    json,
    secret::Secret,
    web::{form::Form, secure_url::SecureUrl},
};

/// Redeems an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.5).
pub fn request(
    endpoint: SecureUrl,
    client: &Client,
    method: ClientAuthMethod,
    code: &AuthorizationCode,
    redirect_uri: &str,
    code_verifier: &Unguessable,
) -> ProviderRequest {
    let mut form = Form::new();
    form.push("grant_type", "authorization_code");
    form.push("code", code.expose());
    form.push("redirect_uri", redirect_uri);
    form.push("code_verifier", code_verifier.as_str());
    client_auth::request(endpoint, client, method, form)
}

/// Asks for new tokens (RFC 6749 §6). No scope is named: it stays what it was.
pub fn refresh_request(
    endpoint: SecureUrl,
    client: &Client,
    method: ClientAuthMethod,
    refresh_token: &RefreshToken,
) -> ProviderRequest {
    let mut form = Form::new();
    form.push("grant_type", "refresh_token");
    form.push("refresh_token", refresh_token.expose());
    client_auth::request(endpoint, client, method, form)
}

/// What a successful answer holds (RFC 6749 §5.1, OIDC Core §3.1.3.3). The ID token is not verified yet.
#[derive(Debug)]
pub struct TokenSet {
    /// For the userinfo endpoint, and for the origin when asked.
    pub access_token: AccessToken,
    /// How long the access token lives from the moment of the answer, when the provider says so.
    pub expires_in: Option<Duration>,
    /// To get new tokens with.
    pub refresh_token: Option<RefreshToken>,
    /// The ID token as it came.
    pub untrusted_id_token: Option<Secret<String>>,
}

/// Why an answer gives no tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// `invalid_grant`: the code or refresh token is used, expired or another client's (RFC 6749 §5.2).
    InvalidGrant,
    /// `invalid_client`: our id, secret or authentication method is wrong. The operator's fault.
    InvalidClient,
    /// Another error answer.
    Refused,
    /// A status that is neither success nor an error answer, a redirect among them.
    UnexpectedStatus,
    /// Not a JSON object, or not said to be one.
    NotJson,
    /// A member is missing or of the wrong type.
    Malformed,
    /// A `token_type` other than `Bearer`.
    TokenType,
}

/// Judges the answer of the token endpoint.
pub fn response(answer: &ProviderAnswer) -> Result<TokenSet, TokenError> {
    match answer.status {
        // RFC 6749 §5.1: in the media type application/json.
        200 if !answer.may_be_json() => Err(TokenError::NotJson),
        200 => success(&answer.body),
        400..=499 => Err(refusal(answer)),
        _ => Err(TokenError::UnexpectedStatus),
    }
}

fn success(body: &[u8]) -> Result<TokenSet, TokenError> {
    let object = json::parse_object(body).map_err(|_| TokenError::NotJson)?;
    // RFC 6749 §7.1: a client must not use a token of a type it does not understand.
    let token_type = text(&object, "token_type")?.ok_or(TokenError::Malformed)?;
    if !token_type.eq_ignore_ascii_case("Bearer") {
        return Err(TokenError::TokenType);
    }
    // RFC 6749 §A.12: it goes into a header, where a line break would begin another one.
    let is_sendable = |token: &String| token.bytes().all(|b| matches!(b, b' '..=b'~'));
    let access_token = text(&object, "access_token")?.filter(is_sendable);
    Ok(TokenSet {
        access_token: Secret::new(access_token.ok_or(TokenError::Malformed)?),
        expires_in: expires_in(&object),
        refresh_token: text(&object, "refresh_token")?.map(Secret::new),
        untrusted_id_token: text(&object, "id_token")?.map(Secret::new),
    })
}

// RFC 6749 §5.1: RECOMMENDED. Some providers send a string, or a number with a fraction; anything else counts as unknown.
fn expires_in(object: &json::Object) -> Option<Duration> {
    let value = object.get("expires_in")?;
    let fraction = || u64::try_from(numeric_date(value)?.as_unix()).ok();
    let seconds = value.as_u64().or_else(|| value.as_str()?.parse().ok()).or_else(fraction)?;
    Some(Duration::from_secs(seconds))
}

fn refusal(answer: &ProviderAnswer) -> TokenError {
    let Ok(object) = json::parse_object(&answer.body) else { return TokenError::UnexpectedStatus };
    match object.get("error").and_then(|code| code.as_str()) {
        Some("invalid_grant") => TokenError::InvalidGrant,
        Some("invalid_client" | "unauthorized_client") => TokenError::InvalidClient,
        Some(_) => TokenError::Refused,
        None => TokenError::UnexpectedStatus,
    }
}

// RFC 6749 §A.12, §A.17: no token is empty. Some providers say so of one that they don't give.
fn text(object: &json::Object, name: &str) -> Result<Option<String>, TokenError> {
    match object.get(name) {
        None | Some(serde_json::Value::Null) => Ok(None),
        Some(serde_json::Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        Some(_) => Err(TokenError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(status: u16, body: &str) -> Result<TokenSet, TokenError> {
        response(&ProviderAnswer { status, content_type: None, body: body.as_bytes().to_vec() })
    }

    #[test]
    fn a_good_answer() {
        let tokens = judge(
            200,
            r#"{"access_token":"a","token_type":"bearer","expires_in":60,"refresh_token":"r","id_token":"i"}"#,
        )
        .unwrap();
        assert_eq!(tokens.access_token.expose(), "a");
        assert_eq!(tokens.expires_in, Some(Duration::from_secs(60)));
        assert_eq!(tokens.refresh_token.unwrap().expose(), "r");
        assert_eq!(tokens.untrusted_id_token.unwrap().expose(), "i");
    }

    #[test]
    fn how_long_it_lives_in_every_form() {
        for (written, seconds) in [
            ("60", Some(60)),
            (r#""60""#, Some(60)),
            ("60.0", Some(60)),
            ("60.9", Some(60)),
            ("6e1", Some(60)),
            ("0", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("-1", None),
            ("-1.5", None),
            ("1e300", None),
            (r#""soon""#, None),
            (r#""""#, None),
            ("true", None),
            ("null", None),
            ("[60]", None),
        ] {
            let body = format!(r#"{{"access_token":"a","token_type":"Bearer","expires_in":{written}}}"#);
            assert_eq!(judge(200, &body).unwrap().expires_in, seconds.map(Duration::from_secs), "{written}");
        }
    }

    #[test]
    fn an_empty_token_is_none() {
        let body = r#"{"access_token":"a","token_type":"Bearer","refresh_token":"","id_token":""}"#;
        let tokens = judge(200, body).unwrap();
        assert!(tokens.refresh_token.is_none() && tokens.untrusted_id_token.is_none());
    }

    #[test]
    fn what_is_said_to_be_a_page_is_one() {
        let body = br#"{"access_token":"a","token_type":"Bearer"}"#.to_vec();
        let answer = |content_type: &str| ProviderAnswer {
            status: 200,
            content_type: Some(content_type.to_owned()),
            body: body.clone(),
        };
        assert!(response(&answer("application/json;charset=UTF-8")).is_ok());
        assert_eq!(response(&answer("text/html")).err(), Some(TokenError::NotJson));
    }

    #[test]
    fn bad_answers() {
        for (status, body, error) in [
            (200, "<html>", TokenError::NotJson),
            (200, "[]", TokenError::NotJson),
            (200, "", TokenError::NotJson),
            (200, r#"{"token_type":"Bearer"}"#, TokenError::Malformed),
            (200, r#"{"access_token":"","token_type":"Bearer"}"#, TokenError::Malformed),
            (200, "{\"access_token\":\"a\\nX-Evil: b\",\"token_type\":\"Bearer\"}", TokenError::Malformed),
            (200, r#"{"access_token":7,"token_type":"Bearer"}"#, TokenError::Malformed),
            (200, r#"{"access_token":"a"}"#, TokenError::Malformed),
            (200, r#"{"access_token":"a","token_type":"mac"}"#, TokenError::TokenType),
            (200, r#"{"access_token":"a","token_type":"Bearer","id_token":{}}"#, TokenError::Malformed),
            (200, r#"{"access_token":"a","access_token":"b","token_type":"Bearer"}"#, TokenError::NotJson),
            (302, "", TokenError::UnexpectedStatus),
            (201, r#"{"access_token":"a","token_type":"Bearer"}"#, TokenError::UnexpectedStatus),
            (500, r#"{"error":"invalid_grant"}"#, TokenError::UnexpectedStatus),
            (400, r#"{"error":"invalid_grant"}"#, TokenError::InvalidGrant),
            (401, r#"{"error":"invalid_client"}"#, TokenError::InvalidClient),
            (400, r#"{"error":"invalid_scope"}"#, TokenError::Refused),
            (404, "nothing here", TokenError::UnexpectedStatus),
        ] {
            assert_eq!(judge(status, body).err(), Some(error), "{status} {body}");
        }
    }
}
