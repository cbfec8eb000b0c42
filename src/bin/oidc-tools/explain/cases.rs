//! A file of requests with the verdicts that an operator expects.

use std::{fs, path::Path};

use edge_oidc::{json::Object, policy::suppose::Supposed, time::Timestamp};
use serde_json::Value;

use super::{
    judged::{Question, VERDICTS},
    question, supposed,
};
use crate::{failure::Failure, site::line_of};

/// One request, and what is expected.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) question: Question,
    pub(super) expect: String,
    /// The index of the rule that has to decide.
    pub(super) rule: Option<usize>,
    /// When it is asked.
    pub(super) now: Option<Timestamp>,
}

const KEYS: [&str; 7] = ["request", "claims", "scope", "expect", "rule", "name", "now"];

/// Reads a file of `[[test]]` tables.
pub(super) fn read(path: &Path) -> Result<Vec<Case>, Failure> {
    let shown = path.display();
    let text =
        fs::read_to_string(path).map_err(|error| Failure::new(format!("{shown} can't be read: {}", error.kind())))?;
    let file: Object = toml_edit::de::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(&text, span.start));
        Failure::new(format!("{shown}: line {line}: {}", error.message())).cure("docs/explain.md has an example")
    })?;
    let other = file.keys().find(|key| *key != "test");
    let tests = file.get("test").and_then(Value::as_array).filter(|tests| !tests.is_empty() && other.is_none());
    let tests = tests.ok_or_else(|| {
        Failure::new(format!("{shown}: expected [[test]] tables and nothing else"))
            .cure("docs/explain.md has an example")
    })?;
    let case = |(index, value): (usize, &Value)| {
        case(value).map_err(|problem| {
            Failure::new(format!("{shown}: test {}: {problem}", index + 1)).cure("docs/explain.md has an example")
        })
    };
    tests.iter().enumerate().map(case).collect()
}

fn case(value: &Value) -> Result<Case, String> {
    let members = value.as_object().ok_or("expected a table")?;
    if let Some(unknown) = members.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(format!("expected one of {}, got {unknown}", KEYS.join(", ")));
    }
    let text = |name: &str| match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(format!("{name}: expected text")),
    };
    let request = text("request")?.ok_or("request: expected \"GET /path\"")?;
    let claims = match members.get("claims") {
        None => None,
        Some(Value::Object(claims)) => Some(claims.clone()),
        Some(_) => return Err("claims: expected a table".to_owned()),
    };
    let expect = text("expect")?.filter(|expect| VERDICTS.contains(expect));
    let expect = expect.ok_or_else(|| format!("expect: expected one of {}", VERDICTS.join(", ")))?;
    let whole = |name: &str| match members.get(name) {
        None => Ok(None),
        Some(value) => value.as_i64().map(Some).ok_or_else(|| format!("{name}: expected a whole number")),
    };
    let whom = supposed(claims, text("scope")?);
    Ok(Case {
        name: text("name")?.map_or_else(|| described(request, &whom), str::to_owned),
        question: question(request, whom)?,
        expect: expect.to_owned(),
        rule: whole("rule")?.map(usize::try_from).transpose().map_err(|_| "rule: expected an index from 0 on")?,
        now: whole("now")?.map(Timestamp::from_unix),
    })
}

fn described(request: &str, whom: &Supposed) -> String {
    let subject = whom.claims().and_then(|claims| claims.get("sub")?.as_str());
    match (whom, subject) {
        (Supposed::Nobody, _) => request.to_owned(),
        (Supposed::Visitor(_), subject) => format!("{request}, {}", subject.unwrap_or("signed in")),
        (Supposed::Caller(_), _) => format!("{request}, with a token"),
    }
}
