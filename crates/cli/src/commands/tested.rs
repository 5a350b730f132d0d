//! What `specc test` says, for people and for programs.

use super::why::place;
use crate::args::Test;
use crate::pipeline::Compilation;
use crate::report::say;
use serde_json::json;
use specc_diag::{SarifResult, SarifRule, Severity};
use specc_trial::{Mutant, Report, Score, Tested, Verdict};

/// A changed rule, in words.
pub fn spoken(mutant: &Mutant, compilation: &Compilation) -> String {
    format!("{}: {} `{}`: {}", place(&compilation.sources, mutant.span), mutant.entity, mutant.rule, mutant.words)
}

/// How many changes the tests see.
pub fn as_score(score: &Score, mutants: &[Mutant], compilation: &Compilation) -> serde_json::Value {
    let list =
        |places: &[usize]| -> Vec<String> { places.iter().map(|at| spoken(&mutants[*at], compilation)).collect() };
    json!({
        "killed": score.killed,
        "live": list(&score.live),
        "same": score.same,
        "likely_same": score.likely_same,
        "beyond": list(&score.beyond),
        "not_decided": list(&score.open),
    })
}

/// What failed and what was not run, or all.
pub fn tell(args: &Test, report: &Report, compilation: &Compilation) {
    for one in &report.tested {
        match one.verdict {
            Verdict::Failed => fail(one, compilation),
            _ if args.all => say(&format!("ok {}: {}: {}: {}", one.entity, one.what, one.statement, one.got)),
            _ => {}
        }
    }
    for skipped in &report.skipped {
        let at = skipped.span.map(|span| format!(" ({})", place(&compilation.sources, span))).unwrap_or_default();
        say(&format!("NOT RUN {}: {}: {}{at}", skipped.entity, skipped.what, skipped.why));
    }
}

fn fail(one: &Tested, compilation: &Compilation) {
    say(&format!("FAILED {}: {}", one.entity, one.what));
    for line in &one.lines {
        say(&format!("    {line}"));
    }
    say(&format!("    {}", one.statement));
    say(&format!("    expected: {}", one.expected));
    say(&format!("    got:      {}", one.got));
    for rule in &one.rules {
        say(&format!("    rule:     {} `{}`", place(&compilation.sources, *rule), compilation.sources.text(*rule)));
    }
    if !one.load.is_empty() {
        say(&format!("    rows:     {}", one.load));
    }
}

/// For programs.
pub fn as_json(report: &Report, compilation: &Compilation, seconds: f64) -> serde_json::Value {
    let tested = report.tested.iter().map(|one| {
        let aims = one.aims.iter().map(|(span, words)| match span {
            Some(span) => json!({ "condition": compilation.sources.text(*span), "is": words }),
            None => json!({ "is": words }),
        });
        json!({
            "suite": one.suite,
            "entity": one.entity,
            "what": one.what,
            "case": one.lines,
            "rows": one.load,
            "statement": one.statement,
            "expected": one.expected,
            "got": one.got,
            "passed": one.verdict == Verdict::Passed,
            "rules": one.rules.iter().map(|span| place(&compilation.sources, *span)).collect::<Vec<_>>(),
            "shows": aims.collect::<Vec<_>>(),
        })
    });
    let skipped = report.skipped.iter().map(|one| {
        let at = one.span.map(|span| place(&compilation.sources, span));
        json!({ "entity": one.entity, "what": one.what, "why": one.why, "place": at })
    });
    json!({
        "tests": tested.collect::<Vec<_>>(),
        "not_run": skipped.collect::<Vec<_>>(),
        "promises": report.promises.len(),
        "not_seen": report.unseen().map(|one| json!({
            "entity": one.entity, "what": one.what, "place": place(&compilation.sources, one.span),
        })).collect::<Vec<_>>(),
        "databases": report.databases,
        "failed": report.failures().count(),
        "seconds": seconds,
    })
}

/// For tools of code review: what failed, at the line that it is about.
pub fn as_sarif(report: &Report, compilation: &Compilation) -> serde_json::Value {
    let mut names: Vec<&str> = report.tested.iter().map(|one| one.suite).collect();
    names.sort_unstable();
    names.dedup();
    let rule = |name: &&str| SarifRule {
        id: format!("test/{name}"),
        title: format!("the database does what the spec says: {name}"),
        why: String::new(),
        page: String::new(),
        level: Severity::Error,
    };
    let rules: Vec<SarifRule> = names.iter().map(rule).collect();
    let result = |one: &Tested| {
        let span = *one.rules.first()?;
        let lines = one.lines.iter().map(|line| format!("\n{line}")).collect::<String>();
        let message = format!(
            "{}: {}: expected {}, got {}{lines}\n{}",
            one.entity, one.what, one.expected, one.got, one.statement
        );
        Some(SarifResult { rule: format!("test/{}", one.suite), level: Severity::Error, message, span })
    };
    let results: Vec<SarifResult> = report.failures().filter_map(result).collect();
    specc_diag::sarif("specc test", env!("CARGO_PKG_VERSION"), &rules, &results, &compilation.sources)
}
