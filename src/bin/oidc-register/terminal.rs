//! What is said: results on standard output, all else on standard error, and never a secret.

use std::{
    borrow::Cow,
    cell::RefCell,
    io::{self, Write},
};

use edge_oidc::{secret::Secret, time::Timestamp};

/// The two streams, with the secrets that must not get there.
pub(crate) struct Terminal {
    debug: bool,
    hidden: RefCell<Vec<Secret<String>>>,
}

impl Terminal {
    pub(crate) fn new(debug: bool) -> Self {
        Self { debug, hidden: RefCell::default() }
    }

    /// From now on this text is shown as `[redacted]`, whoever says it. One of a few letters stands in many words,
    /// so that it stays; bodies are shown without it by its name.
    pub(crate) fn hide(&self, secret: &Secret<String>) {
        if secret.expose().len() >= 8 {
            self.hidden.borrow_mut().push(secret.clone());
        }
    }

    /// A line of the result.
    pub(crate) fn say(&self, line: &str) {
        self.write(&mut io::stdout().lock(), line);
    }

    /// A line for the person at the terminal.
    pub(crate) fn note(&self, line: &str) {
        self.write(&mut io::stderr().lock(), line);
    }

    /// A line for whoever wants to know.
    pub(crate) fn debug(&self, line: impl FnOnce() -> String) {
        if self.debug {
            self.note(&line());
        }
    }

    // A stream that nobody reads any more is no reason to stop.
    fn write(&self, stream: &mut impl Write, line: &str) {
        let shown = self.hidden.borrow().iter().fold(Cow::Borrowed(line), |text, secret| {
            if text.contains(secret.expose()) { text.replace(secret.expose(), "[redacted]").into() } else { text }
        });
        let _ = writeln!(stream, "{shown}");
    }
}

/// A moment as people write its day: `2026-11-23`.
pub(crate) fn date(moment: Timestamp) -> String {
    // Days since 0000-03-01 in the proleptic Gregorian calendar, whose 400 years have 146097 days.
    let days = moment.as_unix().div_euclid(86_400).saturating_add(719_468);
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (seconds, expected) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (951_782_399, "2000-02-28"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_795_455_000, "2026-11-23"),
            (4_102_444_799, "2099-12-31"),
        ] {
            assert_eq!(date(Timestamp::from_unix(seconds)), expected);
        }
        // Whatever a provider says, it is some text.
        assert!(!date(Timestamp::from_unix(i64::MAX)).is_empty());
        assert!(!date(Timestamp::from_unix(i64::MIN)).is_empty());
    }
}
