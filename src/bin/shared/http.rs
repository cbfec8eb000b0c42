//! Calls to the provider and others: no redirects, ten seconds, one mebibyte.

use std::{env, fmt, fs, time::Duration};

use edge_oidc::{
    json,
    oauth::exchange::{CALL_TIMEOUT_SECONDS, MAX_ANSWER_BYTES, ProviderAnswer, ProviderRequest},
    oidc::registration::Printable,
    web::secure_url::is_loopback_host,
};
use serde_json::Value;
use ureq::{
    Agent, Body, http,
    tls::{PemItem, RootCerts, TlsConfig, parse_pem},
};

use super::terminal::Terminal;

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum CallError {
    /// No connection, or it broke; the reason in the client's words.
    Unreachable(Printable),
    /// `SSL_CERT_FILE` holds no certificates.
    Certificates,
    TimedOut,
    TooLarge,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(reason) => write!(f, "no answer: {reason}"),
            Self::Certificates => f.write_str("no certificates can be read from SSL_CERT_FILE"),
            Self::TimedOut => write!(f, "no answer within {CALL_TIMEOUT_SECONDS} seconds"),
            Self::TooLarge => write!(f, "the answer is longer than {MAX_ANSWER_BYTES} bytes"),
        }
    }
}

/// An answer with its headers.
pub(crate) struct Heard {
    pub(crate) answer: ProviderAnswer,
    pub(crate) headers: http::HeaderMap,
}

/// Calls the provider.
pub(crate) fn call(request: &ProviderRequest, terminal: &Terminal) -> Result<ProviderAnswer, CallError> {
    exchange(request, terminal).map(|heard| heard.answer)
}

/// Calls, and keeps what the headers say.
pub(crate) fn exchange(request: &ProviderRequest, terminal: &Terminal) -> Result<Heard, CallError> {
    terminal.debug(|| format!("> {} {}", request.method.name(), without_query(request.url.as_str())));
    if let Some(body) = &request.body {
        terminal.debug(|| format!("> {}", shown(body.as_bytes(), None)));
    }
    let answer = send(request);
    match &answer {
        Ok(Heard { answer, .. }) => {
            let media_type = answer.media_type();
            terminal.debug(|| format!("< HTTP {} {}", answer.status, shown(&answer.body, media_type.as_deref())));
        }
        Err(error) => terminal.debug(|| format!("< {error}")),
    }
    answer
}

fn send(request: &ProviderRequest) -> Result<Heard, CallError> {
    let mut message = http::Request::builder().method(request.method.name()).uri(request.url.as_str());
    for (name, value) in &request.headers {
        message = message.header(*name, value);
    }
    let agent = agent(request)?;
    let answer = match &request.body {
        Some(body) => agent.run(message.body(body.as_str()).map_err(ureq::Error::Http).map_err(failure)?),
        None => agent.run(message.body(()).map_err(ureq::Error::Http).map_err(failure)?),
    };
    read(answer.map_err(failure)?)
}

fn read(answer: http::Response<Body>) -> Result<Heard, CallError> {
    let (parts, mut body) = answer.into_parts();
    let content_type = parts.headers.get(http::header::CONTENT_TYPE);
    // The limit is hit by what is longer only, if by one byte.
    let limit = u64::try_from(MAX_ANSWER_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let body = body.with_config().limit(limit).read_to_vec().map_err(failure)?;
    if body.len() > MAX_ANSWER_BYTES {
        return Err(CallError::TooLarge);
    }
    let content_type = content_type.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let answer = ProviderAnswer { status: parts.status.as_u16(), content_type, body };
    Ok(Heard { answer, headers: parts.headers })
}

fn agent(request: &ProviderRequest) -> Result<Agent, CallError> {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(Duration::from_secs(u64::from(CALL_TIMEOUT_SECONDS))))
        .user_agent(concat!(env!("CARGO_BIN_NAME"), "/", env!("CARGO_PKG_VERSION")))
        .tls_config(TlsConfig::builder().root_certs(root_certificates()?).build());
    // No proxy stands between this machine and itself.
    let origin = request.url.origin();
    let authority = origin.split_once("://").map_or("", |(_, authority)| authority);
    let host = authority.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')).map_or(authority, |(host, _)| host);
    if is_loopback_host(host) {
        config = config.proxy(None);
    }
    Ok(config.build().into())
}

// Mozilla's roots, or those of the file that OpenSSL and others read, for a provider with certificates of its own.
fn root_certificates() -> Result<RootCerts, CallError> {
    let Some(path) = env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty()) else { return Ok(RootCerts::WebPki) };
    let pem = fs::read(path).map_err(|_| CallError::Certificates)?;
    let certificates: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() { Err(CallError::Certificates) } else { Ok(RootCerts::new_with_certs(&certificates)) }
}

#[allow(clippy::needless_pass_by_value, reason = "it is a function for map_err")]
fn failure(error: ureq::Error) -> CallError {
    match error {
        ureq::Error::Timeout(_) => CallError::TimedOut,
        ureq::Error::BodyExceedsLimit(_) => CallError::TooLarge,
        error => CallError::Unreachable(Printable::cut(&error.to_string(), 200)),
    }
}

/// A body as it may be shown: JSON without what is secret in it, of anything else the size.
fn shown(body: &[u8], media_type: Option<&str>) -> String {
    if let Ok(object) = json::parse_object(body) {
        return ascii(&redacted(Value::Object(object)));
    }
    let media_type = Printable::cut(media_type.unwrap_or("an unknown type"), 60);
    format!("{} bytes of {media_type}, not a JSON object", body.len())
}

/// The value with each member that is secret by its name replaced, at any depth.
fn redacted(value: Value) -> Value {
    const SECRET: [&str; 7] = [
        "client_secret",
        "registration_access_token",
        "access_token",
        "refresh_token",
        "id_token",
        "software_statement",
        "password",
    ];
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, value)| {
                    let value = match &value {
                        _ if SECRET.contains(&name.as_str()) => "[redacted]".into(),
                        // Some providers put the key to the registration into its address.
                        Value::String(url) if name == "registration_client_uri" => without_query(url).into(),
                        _ => redacted(value),
                    };
                    (name, value)
                })
                .collect(),
        ),
        Value::Array(items) => items.into_iter().map(redacted).collect(),
        other => other,
    }
}

/// JSON in visible ASCII: nothing in it can move a terminal's cursor or turn its text around.
pub(crate) fn ascii(value: &Value) -> String {
    let mut text = String::new();
    for c in value.to_string().chars() {
        // What is not ASCII stands in a string only, where it may be written so.
        if matches!(c, ' '..='~') {
            text.push(c);
        } else {
            text.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    text
}

fn without_query(url: &str) -> String {
    match url.split_once('?') {
        Some((before, _)) => format!("{before}?[redacted]"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_of_a_body() {
        for (body, expected) in [
            (r#"{"client_id":"c","client_secret":"hush"}"#, r#"{"client_id":"c","client_secret":"[redacted]"}"#),
            (
                r#"{"a":[{"registration_access_token":{"b":1}}]}"#,
                r#"{"a":[{"registration_access_token":"[redacted]"}]}"#,
            ),
            (
                r#"{"registration_client_uri":"https://a/?t=hush"}"#,
                r#"{"registration_client_uri":"https://a/?[redacted]"}"#,
            ),
            ("{\"a\":\"\u{1b}\"}", "0 bytes"),
            ("{\"a\":\"\\u001b\u{202e}\u{1f600}\u{7f}\"}", "{\"a\":\"\\u001b\\u202e\\ud83d\\ude00\\u007f\"}"),
        ] {
            let shown = shown(body.as_bytes(), None);
            if expected == "0 bytes" {
                assert_eq!(shown, "9 bytes of an unknown type, not a JSON object");
            } else {
                assert_eq!(shown, expected);
            }
        }
        // Cut off in the middle, it may hold a secret anywhere.
        let cut = shown(br#"{"client_secret":"hush"#, Some("text/\u{1b}html"));
        assert_eq!(cut, "22 bytes of text/?html, not a JSON object");
    }
}
