//! An answer as it is told.

use serde_json::{Value, json};

use super::{
    Tested,
    judged::{Answer, Miss, Question, Unmet},
};
use crate::paint::Paint;

/// For a person: every rule, the verdict, and each thing that is lacking.
pub(super) fn text(question: &Question, answer: &Answer, paint: Paint) -> String {
    let mut lines = vec![paint.bold(&format!("{} {}", question.method, question.path)), String::new()];
    let width = answer.rules.iter().map(|met| met.rule.len()).max().unwrap_or_default();
    for met in &answer.rules {
        let line = format!("{:<15} {:<width$}", met.name, met.rule);
        lines.push(match met.miss.map(why) {
            None => format!("  {} {}", paint.bold("->"), paint.bold(line.trim_end())),
            Some(why) => format!("     {line}   {}", paint.dim(why)),
        });
    }
    if !answer.rules.is_empty() {
        lines.push(String::new());
    }
    lines.push(format!("{}: {}", verdict(answer.verdict, paint), answer.meaning));
    lines.extend(answer.unmet.iter().map(|unmet| format!("  {}", lacking(unmet))));
    lines.join("\n")
}

fn lacking(unmet: &Unmet) -> String {
    format!("{}: expected {}, got {}", unmet.asked, unmet.expected, unmet.got)
}

fn verdict(name: &str, paint: Paint) -> String {
    match name {
        "admit" | "own" => paint.green(name),
        "sign_in" | "step_up" => paint.yellow(name),
        other => paint.red(other),
    }
}

const fn why(miss: Miss) -> &'static str {
    match miss {
        Miss::Path => "another path",
        Miss::Method => "another method",
        Miss::Later => "an earlier rule decides",
    }
}

/// For a program.
pub(super) fn json(question: &Question, answer: &Answer) -> Value {
    let rules = answer.rules.iter().map(|met| {
        json!({ "name": met.name, "rule": met.rule, "decides": met.miss.is_none(), "why_not": met.miss.map(why) })
    });
    let unmet =
        answer.unmet.iter().map(|unmet| json!({ "asked": unmet.asked, "expected": unmet.expected, "got": unmet.got }));
    json!({
        "method": question.method,
        "path": question.path,
        "verdict": answer.verdict,
        "meaning": answer.meaning,
        "decided_by": answer.decided_by,
        "rules": rules.collect::<Vec<_>>(),
        "unmet": unmet.collect::<Vec<_>>(),
    })
}

/// A test for a person; one that failed with what was lacking.
pub(super) fn test_text(test: &Tested, paint: Paint) -> String {
    let Tested { case, answer, passed } = test;
    if *passed {
        return format!("{}    {}: {}", paint.green("ok"), case.name, answer.verdict);
    }
    let by = |index: Option<usize>| index.map_or("no rule".to_owned(), |index| format!("rule {index}"));
    let expected = match case.rule {
        Some(_) => format!("{} by {}", case.expect, by(case.rule)),
        None => case.expect.clone(),
    };
    let got = format!("{} by {}", answer.verdict, by(answer.decided_by));
    let mut lines = vec![format!("{}  {}: expected {expected}, got {got}", paint.red("FAIL"), case.name)];
    lines.extend(answer.unmet.iter().map(|unmet| format!("        {}", lacking(unmet))));
    lines.join("\n")
}

/// A test for a program.
pub(super) fn test_json(test: &Tested) -> Value {
    let Tested { case, answer, passed } = test;
    let explanation = json(&case.question, answer);
    json!({ "name": case.name, "expect": case.expect, "passed": passed, "explanation": explanation })
}
