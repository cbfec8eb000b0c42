//! The OpenID Foundation's modules for relying parties: each with its test, or the reason why it does not apply.
//!
//! `docs/conformance.md` is this table, written out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]
#![allow(clippy::print_stdout, reason = "the table is counted for the reader")]

#[path = "conformance/modules.rs"]
mod modules;
#[path = "conformance/plan.rs"]
mod plan;
#[path = "support/recording.rs"]
mod recording;
#[path = "conformance/sign_in.rs"]
mod sign_in;
#[path = "conformance/sign_out.rs"]
mod sign_out;
mod support;

use std::{collections::BTreeSet, env, fmt::Write as _, fs};

use plan::Plan;

/// One module of one plan.
pub(crate) struct Row {
    pub(crate) plan: Plan,
    /// As the conformance suite has it.
    pub(crate) module: &'static str,
    pub(crate) verdict: Verdict,
    /// Where it is written that it must be so.
    pub(crate) clause: &'static str,
}

/// A function of this repository: where it stands, and itself.
type Test = (&'static str, fn(Plan));

/// What becomes of a module.
pub(crate) enum Verdict {
    /// What it asks is done.
    Runs(Test),
    /// What it asks is refused on purpose, for that reason; the test sees to the refusal.
    Declined(Test, &'static str),
    /// It asks for what is not there, for that reason.
    NotApplicable(&'static str),
}

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/conformance.md");
const BEGIN: &str = "<!-- table: made by UPDATE_DOCS=1 cargo test --test conformance -->\n";
const END: &str = "<!-- end of table -->\n";

#[test]
fn every_module_that_applies_passes() {
    for row in modules::table() {
        if let Verdict::Runs((name, run)) | Verdict::Declined((name, run), _) = row.verdict {
            // A test that fails is known by the last line before it.
            println!("{}: {}: {name}", row.plan.name(), row.module);
            run(row.plan);
        }
    }
}

#[test]
fn the_table_is_whole() {
    let table = modules::table();
    let mut seen = BTreeSet::new();
    for row in &table {
        let key = (row.plan.name(), row.module);
        assert!(seen.insert(key), "{key:?} stands twice");
        assert!(row.module.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b)));
        assert!(!row.clause.is_empty(), "{key:?} has no clause");
        if let Verdict::Declined(_, reason) | Verdict::NotApplicable(reason) = row.verdict {
            assert!(reason.len() > 20, "{key:?} has no reason");
        }
    }
    for plan in Plan::ALL {
        assert!(table.iter().any(|row| row.plan == plan), "{plan:?} has no row");
        let (runs, declined, not_applicable) = count(&table, plan);
        println!("{}: {runs} run, {declined} declined, {not_applicable} not applicable", plan.title());
    }
    println!("{} modules", table.len());
}

#[test]
fn the_page_is_the_table() {
    let page = fs::read_to_string(FILE).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the table begins in docs/conformance.md");
    let (written, after) = rest.split_once(END).expect("the table ends in docs/conformance.md");
    let made = written_out();
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(FILE, format!("{before}{BEGIN}{made}{END}{after}")).unwrap();
        return;
    }
    assert!(written == made, "docs/conformance.md differs: run UPDATE_DOCS=1 cargo test --test conformance");
}

fn count(table: &[Row], plan: Plan) -> (usize, usize, usize) {
    let of = |wanted: fn(&Verdict) -> bool| table.iter().filter(|row| row.plan == plan && wanted(&row.verdict)).count();
    (
        of(|verdict| matches!(verdict, Verdict::Runs(_))),
        of(|verdict| matches!(verdict, Verdict::Declined(..))),
        of(|verdict| matches!(verdict, Verdict::NotApplicable(_))),
    )
}

fn written_out() -> String {
    let table = modules::table();
    let mut text = String::from("\n| Plan | Runs | Declined | Not applicable |\n|---|---|---|---|\n");
    for plan in Plan::ALL {
        let (runs, declined, not_applicable) = count(&table, plan);
        writeln!(text, "| {} | {runs} | {declined} | {not_applicable} |", plan.title()).unwrap();
    }
    for plan in Plan::ALL {
        writeln!(text, "\n## {}\n\n`{}`\n", plan.title(), plan.name()).unwrap();
        text.push_str("| Module | Test, or why not | Clause |\n|---|---|---|\n");
        for row in table.iter().filter(|row| row.plan == plan) {
            let verdict = match row.verdict {
                Verdict::Runs((name, _)) => format!("`{name}`"),
                Verdict::Declined((name, _), reason) => format!("declined: {reason}; `{name}`"),
                Verdict::NotApplicable(reason) => reason.to_owned(),
            };
            writeln!(text, "| `{}` | {verdict} | {} |", row.module, row.clause).unwrap();
        }
    }
    text.push('\n');
    text
}
