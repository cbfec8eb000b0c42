//! The time of this machine.

use std::time::{SystemTime, UNIX_EPOCH};

use edge_oidc::time::Timestamp;

/// The present moment.
#[expect(clippy::disallowed_methods, reason = "a program has no host but its machine")]
pub(crate) fn now() -> Timestamp {
    of(SystemTime::now())
}

/// A `Date` header (RFC 9110 §5.6.7).
pub(crate) fn of_http_date(text: &str) -> Option<Timestamp> {
    httpdate::parse_http_date(text).ok().map(of)
}

fn of(moment: SystemTime) -> Timestamp {
    let seconds = moment.duration_since(UNIX_EPOCH).map_or(0, |span| span.as_secs());
    Timestamp::from_unix(i64::try_from(seconds).unwrap_or(i64::MAX))
}
