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

    /// For people: `2026-11-23`.
    pub fn to_utc_date(self) -> String {
        let (year, month, day) = civil(self.0.div_euclid(DAY));
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// For people: `2026-11-23 18:26 UTC`.
    pub fn to_utc_text(self) -> String {
        let seconds = self.0.rem_euclid(DAY);
        format!("{} {:02}:{:02} UTC", self.to_utc_date(), seconds / 3600, seconds / 60 % 60)
    }

    /// The time from `earlier` until this moment; zero when it lies before.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

const DAY: i64 = 86_400;

// Years are counted from March, so that the leap day is the last of its year, in cycles of 400 years (146,097 days).
fn civil(days: i64) -> (i64, i64, i64) {
    let since_march_0000 = days.saturating_add(719_468);
    let (cycle, day_of_cycle) = (since_march_0000.div_euclid(146_097), since_march_0000.rem_euclid(146_097));
    let year_of_cycle = (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = cycle * 400 + year_of_cycle + i64::from(month <= 2);
    (year, month, day)
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
    fn moments_as_text() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00 UTC"),
            (-1, "1969-12-31 23:59 UTC"),
            (951_782_400, "2000-02-29 00:00 UTC"),
            (951_868_799, "2000-02-29 23:59 UTC"),
            (951_868_800, "2000-03-01 00:00 UTC"),
            (4_107_542_400, "2100-03-01 00:00 UTC"),
            (1_795_458_360, "2026-11-23 18:26 UTC"),
        ] {
            assert_eq!(Timestamp::from_unix(seconds).to_utc_text(), text);
        }
        for odd in [i64::MIN, i64::MAX] {
            assert!(Timestamp::from_unix(odd).to_utc_text().ends_with("UTC"));
        }
    }

    #[test]
    fn leeway_has_a_ceiling() {
        assert!(Leeway::from_secs(600).is_some());
        assert!(Leeway::from_secs(601).is_none());
    }
}
