//! Findings for a person, for a program, and for those who review.

use crate::finding::word;
use crate::rule::Rule;
use crate::{RULES, Report};
use serde_json::{Value, json};
use specc_diag::{RenderOptions, SarifRule, Severity, Shown, draw, draw_json, more, most_shown};

/// With the lines that they are about. Of a file that has many, the first are shown and the rest is counted.
pub fn text(report: &Report, options: RenderOptions) -> String {
    let (shown, left_out) =
        most_shown(&report.findings, |finding| finding.span().file, |finding| finding.level == Severity::Error);
    let shown = shown.into_iter().map(|finding| draw(&finding.shown(), &report.sources, options));
    let rest = left_out.iter().map(|(file, count)| more(*count, &report.sources.file(*file).name) + "\n");
    shown.chain(rest).collect::<Vec<_>>().join("\n")
}

/// One object with all findings.
pub fn json(report: &Report) -> Value {
    let all: Vec<_> = report.findings.iter().map(|finding| draw_json(&finding.shown(), &report.sources)).collect();
    json!({ "findings": all, "files": report.sources.iter().count(), "statements": report.statements })
}

/// As GitHub's workflow commands, which it shows beside the lines of a change.
pub fn github(report: &Report) -> String {
    specc_diag::github(&shown(report), &report.sources)
}

/// As SARIF 2.1.0, which code review tools read.
pub fn sarif(report: &Report, version: &str) -> Value {
    let kind = |rule: &'static Rule| SarifRule {
        id: rule.code.to_owned(),
        title: rule.title().to_owned(),
        why: rule.why(),
        page: rule.page(),
        level: rule.level,
    };
    let kinds: Vec<_> = RULES.iter().map(kind).collect();
    let results: Vec<_> = shown(report).iter().map(Into::into).collect();
    specc_diag::sarif("specc lint", version, &kinds, &results, &report.sources)
}

fn shown(report: &Report) -> Vec<Shown<'_>> {
    report.findings.iter().map(|finding| finding.shown()).collect()
}

/// The rules as a table of Markdown.
pub fn table() -> String {
    let mut out = String::from("| code | level | finds |\n|---|---|---|\n");
    for rule in RULES {
        let level = word(rule.level);
        let when = if rule.optional { ", with `--all`" } else { "" };
        out.push_str(&format!("| `{}` | {level}{when} | {} |\n", rule.code, rule.title()));
    }
    out
}
