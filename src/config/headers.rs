//! `OIDC_HEADERS`: which claims the origin is told, and in which headers.

use serde_json::Value;

use super::{
    HeaderMapping,
    reader::Reader,
    settings::DEFAULT_HEADERS,
    value::{self, Checked, Mismatch, printable},
};
use crate::claim_path::ClaimPath;

const NAME: &str = "OIDC_HEADERS";

/// Headers with a meaning of their own: for the connection, the message, or whoever stands in between.
const RESERVED: &[&str] = &[
    "accept",
    "accept-encoding",
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "date",
    "dpop",
    "expect",
    "forwarded",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "max-forwards",
    "origin",
    "pragma",
    "range",
    "referer",
    "set-cookie",
    "signature",
    "signature-input",
    "te",
    "trailer",
    "transfer-encoding",
    "true-client-ip",
    "upgrade",
    "user-agent",
    "via",
    "x-forwarded-assertion",
    "x-forwarded-client-id",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-forwarded-scope",
    "x-forwarded-token-info",
    "x-real-ip",
];

/// Beginnings of such headers.
const RESERVED_PREFIXES: &[&str] = &["access-control-", "cf-", "proxy-", "sec-"];

/// Reads the mapping, or takes the default one.
pub(super) fn read(reader: &mut Reader<'_>) -> Vec<HeaderMapping> {
    let default = Value::String(DEFAULT_HEADERS.to_owned());
    let object = if reader.has(NAME) { reader.read(NAME, value::object) } else { value::object(&default).ok() };
    let mut mappings: Vec<HeaderMapping> = Vec::new();
    for (claim, value) in object.unwrap_or_default() {
        match mapping(&claim, &value, &mappings) {
            Ok(mapping) => mappings.push(mapping),
            Err(mismatch) => {
                reader.refuse_member(NAME, &format!("[\"{}\"]", printable(&claim)), Some(&value), &mismatch);
            }
        }
    }
    mappings
}

fn mapping(claim: &str, value: &Value, others: &[HeaderMapping]) -> Checked<HeaderMapping> {
    let claim = ClaimPath::parse(claim).ok_or_else(|| {
        Mismatch::new("a claim's name, with dots between names only", "write it as realm_access.roles")
    })?;
    let header = value::text(value)?;
    check_name(&header)?;
    if others.iter().any(|other| other.header.eq_ignore_ascii_case(&header)) {
        return Err(Mismatch::new("a header of its own for each claim", "choose another name"));
    }
    Ok(HeaderMapping { claim, header })
}

/// Whether a header may be ours: one name to every origin, and no other meaning.
pub(super) fn check_name(header: &str) -> Checked<()> {
    if header.contains('_') {
        return Err(Mismatch::new("a header without `_`, which origins confuse with `-`", "write it with `-`"));
    }
    // RFC 9110 §5.6.2 allows more, but what CGI makes of it (`X.User` becomes X_USER) could be sent by anyone.
    let plain = header.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !plain || header.starts_with('-') {
        return Err(Mismatch::new("a header's name of letters, digits and `-`", "write it as X-Forwarded-User"));
    }
    let lower = header.to_ascii_lowercase();
    if RESERVED.contains(&lower.as_str()) || RESERVED_PREFIXES.iter().any(|prefix| lower.starts_with(prefix)) {
        return Err(Mismatch::new(
            "a header that has no other meaning",
            "choose a name of its own, such as X-Forwarded-User",
        ));
    }
    Ok(())
}
