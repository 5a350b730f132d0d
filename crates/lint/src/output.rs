//! Findings for a person, for a program, and for those who review.

use crate::finding::word;
use crate::{RULES, Report};
use serde_json::{Value, json};
use specc_diag::{RenderOptions, SarifResult, SarifRule, Severity, draw, draw_json, more, most_shown, position};

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
    let mut out = String::new();
    for finding in &report.findings {
        let level = match finding.level {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Advice => "notice",
        };
        let at = finding.span();
        let (line, column) = position(&report.sources, at);
        let file = property(&report.sources.file(at.file).name);
        let help = finding.help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
        let message = escape(&format!("{}{help}\nwhy: {}", finding.message, finding.shown().why));
        let title = property(&format!("{} {}", finding.rule.code, finding.rule.title()));
        out.push_str(&format!("::{level} file={file},line={line},col={column},title={title}::{message}\n"));
    }
    out
}

fn escape(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    escape(text).replace(':', "%3A").replace(',', "%2C")
}

/// As SARIF 2.1.0, which code review tools read.
pub fn sarif(report: &Report, version: &str) -> Value {
    let rules: Vec<SarifRule> = RULES
        .iter()
        .map(|rule| SarifRule {
            id: rule.code.to_string(),
            title: rule.title().to_string(),
            why: rule.why().to_string(),
            page: rule.page().to_string(),
            level: rule.level,
        })
        .collect();
    let result = |finding: &crate::Finding| SarifResult {
        rule: finding.rule.code.to_string(),
        level: finding.level,
        message: format!(
            "{}{}",
            finding.message,
            finding.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default()
        ),
        span: finding.span(),
    };
    let results: Vec<SarifResult> = report.findings.iter().map(result).collect();
    specc_diag::sarif("specc lint", version, &rules, &results, &report.sources)
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
