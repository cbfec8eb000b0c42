//! What the doctor found, and how it is told.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::paint::Paint;

/// How it stands with one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// As it should be.
    Good,
    /// It works, but not as well or as safely as it could.
    Warning,
    /// It can't work, or protects nothing.
    Bad,
    /// Not to be seen from here.
    Unseen,
}

impl Status {
    const ALL: [Self; 4] = [Self::Good, Self::Warning, Self::Bad, Self::Unseen];

    const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Bad => "bad",
            Self::Unseen => "unseen",
        }
    }

    fn mark(self, paint: Paint) -> String {
        match self {
            Self::Good => paint.green("ok  "),
            Self::Warning => paint.yellow("warn"),
            Self::Bad => paint.red("BAD "),
            Self::Unseen => paint.dim("?   "),
        }
    }
}

/// One thing that was looked at.
#[derive(Debug)]
pub(crate) struct Finding {
    /// The name of the check, one of [`super::CHECKS`].
    pub(crate) check: &'static str,
    pub(crate) status: Status,
    /// What is there.
    pub(crate) found: String,
    /// What to do about it; a good thing needs nothing.
    pub(crate) cure: Option<String>,
}

/// Everything that was looked at, in that order.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    pub(crate) fn good(&mut self, check: &'static str, found: impl Into<String>) {
        self.0.push(Finding { check, status: Status::Good, found: found.into(), cure: None });
    }

    pub(crate) fn warning(&mut self, check: &'static str, found: impl Into<String>, cure: impl Into<String>) {
        self.add(check, Status::Warning, found.into(), cure.into());
    }

    pub(crate) fn bad(&mut self, check: &'static str, found: impl Into<String>, cure: impl Into<String>) {
        self.add(check, Status::Bad, found.into(), cure.into());
    }

    pub(crate) fn unseen(&mut self, check: &'static str, found: impl Into<String>, cure: impl Into<String>) {
        self.add(check, Status::Unseen, found.into(), cure.into());
    }

    fn add(&mut self, check: &'static str, status: Status, found: String, cure: String) {
        self.0.push(Finding { check, status, found, cure: Some(cure) });
    }

    /// Whether nothing is bad; with `strictly`, nothing to be warned of either.
    pub(crate) fn is_healthy(&self, strictly: bool) -> bool {
        self.count(Status::Bad) == 0 && !(strictly && self.count(Status::Warning) > 0)
    }

    fn count(&self, status: Status) -> usize {
        self.0.iter().filter(|finding| finding.status == status).count()
    }

    /// As lines for a person, the sum at the end.
    pub(crate) fn text(&self, paint: Paint) -> String {
        let mut lines = Vec::new();
        let beside = " ".repeat(30);
        for Finding { check, status, found, cure } in &self.0 {
            let mut line = format!("{}  {}  {found}", status.mark(paint), paint.bold(&format!("{check:<22}")));
            if let Some(cure) = cure {
                let _ = write!(line, "\n{beside}{} {cure}", paint.dim("next:"));
            }
            lines.push(line);
        }
        let summary = format!("{}, {} to be seen elsewhere", self.summary(), self.count(Status::Unseen));
        let summary = match (self.count(Status::Bad), self.count(Status::Warning)) {
            (0, 0) => paint.green(&summary),
            (0, _) => paint.yellow(&summary),
            _ => paint.red(&summary),
        };
        lines.extend([String::new(), summary]);
        lines.join("\n")
    }

    fn summary(&self) -> String {
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let (bad, warnings) = (self.count(Status::Bad), self.count(Status::Warning));
        format!("{} good, {warnings} warning{}, {bad} bad", self.count(Status::Good), plural(warnings))
    }

    /// As JSON for a program.
    pub(crate) fn json(&self) -> Value {
        let finding = |finding: &Finding| {
            json!({ "check": finding.check, "status": finding.status.name(), "found": finding.found,
                "cure": finding.cure })
        };
        let counts = Status::ALL.iter().map(|status| (status.name().to_owned(), self.count(*status).into()));
        json!({ "findings": self.0.iter().map(finding).collect::<Vec<_>>(), "summary": Value::Object(counts.collect()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_ends_with_the_sum() {
        let mut findings = Findings::default();
        findings.good("store", "Workers KV");
        findings.warning("rate_limit", "nothing", "bind it");
        assert!(findings.is_healthy(false) && !findings.is_healthy(true));
        findings.bad("workers_dev", "on", "off");
        findings.unseen("clock", "no time", "nothing");
        assert!(!findings.is_healthy(false));
        let text = findings.text(Paint::never());
        assert!(text.contains("BAD   workers_dev             on\n                              next: off"), "{text}");
        let coloured = findings.text(Paint::always());
        for (code, word) in [(32, "ok"), (33, "warn"), (31, "BAD")] {
            assert!(coloured.contains(&format!("\u{1b}[{code}m{word}")), "{word}: {coloured:?}");
        }
        assert!(text.ends_with("\n\n1 good, 1 warning, 1 bad, 1 to be seen elsewhere"), "{text}");
    }
}
