//! Which rule decides about a request, why the others don't, and what would become of it: by the Worker's own code,
//! without asking anybody.

mod cases;
mod judged;
mod shown;

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use edge_oidc::{
    config::Config,
    json::{self, Object},
    policy::suppose::Supposed,
    time::Timestamp,
};
use lexopt::{Arg, Parser, ValueExt as _};
use serde_json::{Value, json};

use crate::{
    arguments::{self, FILES_HELP, UsageError},
    clock,
    failure::Failure,
    paint::Paint,
    shared::terminal::Terminal,
    site::{Files, Site},
};
use cases::Case;
use judged::{Answer, Question};

const HELP: &str = "\
usage: npm run explain -- [METHOD] PATH [--claims CLAIMS] [--scope SCOPE] [OPTIONS]
       npm run explain -- --test FILE [OPTIONS]

Says which rule of OIDC_RULES decides about a request, why the others don't, and what
becomes of it, with each thing that is lacking. Nobody is asked and nothing deployed.

  METHOD, PATH          such as GET /admin/x; GET unless said otherwise
  --claims CLAIMS       what is known of the visitor: a file of JSON, - for standard input,
                        or JSON itself; without it nobody is signed in
  --scope SCOPE         comes with an access token that is good for this; --claims are its
  --now SECONDS         when, in seconds since 1970; now
  --test FILE           runs the [[test]] tables of a TOML file: docs/explain.md
  --json                for programs
";

/// What `explain --help` says.
pub(crate) fn help() -> String {
    format!("{HELP}{FILES_HELP}")
}

#[derive(Debug, Default)]
pub(crate) struct Options {
    files: Files,
    request: Vec<String>,
    claims: Option<String>,
    scope: Option<String>,
    now: Option<i64>,
    tests: Option<PathBuf>,
    json: bool,
}

impl Options {
    /// The command line behind `explain`.
    pub(crate) fn parse(parser: &mut Parser) -> Result<Option<Self>, UsageError> {
        let mut options = Self::default();
        while let Some(argument) = parser.next()? {
            if let Arg::Value(word) = argument {
                options.request.push(word.string()?);
                continue;
            }
            match arguments::option(&argument)?.as_str() {
                "help" => return Ok(None),
                "claims" => options.claims = Some(parser.value()?.string()?),
                "scope" => options.scope = Some(parser.value()?.string()?),
                "now" => options.now = Some(parser.value()?.parse()?),
                "test" => options.tests = Some(PathBuf::from(parser.value()?)),
                "json" => options.json = true,
                // Nobody is asked, so there is nothing to tell.
                "debug" => {}
                other => arguments::files(&mut options.files, other, parser)?,
            }
        }
        let asks = !options.request.is_empty() || options.claims.is_some() || options.scope.is_some();
        match &options.tests {
            Some(_) if asks => return Err(UsageError("--test stands alone: the file has the requests".to_owned())),
            Some(_) => {}
            None => drop(question(&options.request.join(" "), Supposed::Nobody).map_err(UsageError)?),
        }
        Ok(Some(options))
    }
}

/// Explains, or tests. The exit code is 1 when a test fails.
pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let terminal = Terminal::new(false);
    let site = Site::read(&options.files)?;
    site.hide_secrets(&terminal);
    let config = site.config().map_err(|errors| Failure::new(errors.to_string()).cure("npm run doctor"))?;
    let now = options.now.map_or_else(clock::now, Timestamp::from_unix);
    if let Some(path) = &options.tests {
        return test(&config, path, now, options.json, &terminal);
    }
    let claims = options.claims.as_deref().map(claims).transpose()?;
    let whom = supposed(claims, options.scope.as_deref());
    let question = question(&options.request.join(" "), whom).map_err(Failure::new)?;
    let answer = judged::answer(&config, &question, now)?;
    if options.json {
        terminal.say(&shown::json(&question, &answer).to_string());
    } else {
        terminal.say(&shown::text(&question, &answer, Paint::stdout()));
    }
    Ok(ExitCode::SUCCESS)
}

/// `GET /path`, or a path alone.
fn question(request: &str, whom: Supposed) -> Result<Question, String> {
    let (method, path) = request.split_once(' ').unwrap_or(("GET", request));
    if !path.starts_with('/') || path.contains(' ') || method.is_empty() {
        return Err(format!("expected METHOD and PATH, such as GET /admin/x, got {request}"));
    }
    Ok(Question { method: method.to_owned(), path: path.to_owned(), whom })
}

/// With a scope there is a token, and the claims are what it says.
fn supposed(claims: Option<Object>, scope: Option<&str>) -> Supposed {
    match (claims, scope) {
        (None, None) => Supposed::Nobody,
        (Some(claims), None) => Supposed::Visitor(claims),
        (claims, Some(scope)) => {
            let mut claims = claims.unwrap_or_default();
            claims.insert("scope".to_owned(), scope.into());
            Supposed::Caller(claims)
        }
    }
}

fn claims(given: &str) -> Result<Object, Failure> {
    let unreadable = |error: io::Error| Failure::new(format!("--claims: {given} can't be read: {}", error.kind()));
    let text = match given {
        "-" => io::read_to_string(io::stdin()).map_err(unreadable)?,
        json if json.trim_start().starts_with('{') => json.to_owned(),
        path => fs::read_to_string(path).map_err(unreadable)?,
    };
    let object = json::parse_object(text.as_bytes());
    object.map_err(|error| Failure::new(format!("--claims: {error}")).cure("write them as {\"sub\": \"alice\"}"))
}

/// Runs every test of the file.
fn test(config: &Config, path: &Path, now: Timestamp, as_json: bool, terminal: &Terminal) -> Result<ExitCode, Failure> {
    let tested = |case: Case| {
        let answer = judged::answer(config, &case.question, case.now.unwrap_or(now))?;
        let passed = answer.verdict == case.expect && case.rule.is_none_or(|rule| answer.decided_by == Some(rule));
        Ok(Tested { case, answer, passed })
    };
    let tested = cases::read(path)?.into_iter().map(tested).collect::<Result<Vec<_>, Failure>>()?;
    let failed = tested.iter().filter(|test| !test.passed).count();
    if as_json {
        let tests: Vec<Value> = tested.iter().map(shown::test_json).collect();
        terminal.say(&json!({ "tests": tests, "passed": tested.len() - failed, "failed": failed }).to_string());
    } else {
        let paint = Paint::stdout();
        for test in &tested {
            terminal.say(&shown::test_text(test, paint));
        }
        let summary = format!("{} passed, {failed} failed", tested.len() - failed);
        terminal.say(&format!("\n{}", if failed == 0 { paint.green(&summary) } else { paint.red(&summary) }));
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A test, and how it went.
struct Tested {
    case: Case,
    answer: Answer,
    passed: bool,
}
