//! Time as a value. Nothing here reads a clock: `now` is always an argument.

use core::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment in whole seconds since 1970-01-01T00:00:00Z, the `NumericDate` of RFC 7519 §2.
///
/// Arithmetic saturates, so that no claim of a provider can overflow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment that many seconds after the epoch.
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    pub const fn as_unix(self) -> i64 {
        self.0
    }

    /// This moment plus `span`; the end of time at the most.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(whole_seconds(span)))
    }

    /// This moment minus `span`; the beginning of time at the least.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(whole_seconds(span)))
    }

    /// The time from `earlier` until this moment; zero when it lies before.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

fn whole_seconds(span: Duration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}

/// How far two clocks may differ, in seconds: `OIDC_CLOCK_SKEW`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leeway(u16);

impl Leeway {
    /// None at all.
    pub const ZERO: Self = Self(0);
    /// More than this hides an error instead of forgiving it.
    pub const MAX_SECONDS: u16 = 600;

    /// A leeway of that many seconds, or `None` above [`Leeway::MAX_SECONDS`].
    pub const fn from_secs(seconds: u16) -> Option<Self> {
        if seconds <= Self::MAX_SECONDS { Some(Self(seconds)) } else { None }
    }

    /// As a span of time.
    pub const fn as_duration(self) -> Duration {
        Duration::from_secs(self.0 as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates() {
        let end = Timestamp::from_unix(i64::MAX);
        assert_eq!(end.plus(Duration::MAX), end);
        let start = Timestamp::from_unix(i64::MIN);
        assert_eq!(start.minus(Duration::MAX), start);
        assert_eq!(start.since(end), Duration::ZERO);
    }

    #[test]
    fn leeway_has_a_ceiling() {
        assert!(Leeway::from_secs(600).is_some());
        assert!(Leeway::from_secs(601).is_none());
    }
}
