//! Findings for those who review: SARIF, and workflow commands of GitHub.

use crate::{Severity, Shown, Sources, Span, position};
use serde_json::{Value, json};

/// What a tool can find.
#[derive(Clone, Debug)]
pub struct Kind {
    /// Its code.
    pub code: &'static str,
    /// What it is about.
    pub title: &'static str,
    /// Why it matters.
    pub why: String,
    /// Its whole page.
    pub page: String,
    /// How bad it is.
    pub level: Severity,
}

/// As SARIF 2.1.0, which code review tools read.
pub fn sarif(tool: &str, version: &str, kinds: &[Kind], findings: &[Shown<'_>], sources: &Sources) -> Value {
    let rules: Vec<_> = kinds
        .iter()
        .map(|kind| {
            json!({
                "id": kind.code, "shortDescription": { "text": kind.title }, "fullDescription": { "text": kind.why },
                "help": { "text": kind.page, "markdown": kind.page },
                "defaultConfiguration": { "level": level(kind.level, "note") },
            })
        })
        .collect();
    let result = |finding: &Shown<'_>| {
        let at = place(finding);
        let (line, column) = position(sources, at);
        let (end_line, end_column) = position(sources, Span { start: at.end, ..at });
        let index = kinds.iter().position(|kind| kind.code == finding.code);
        let help = finding.help.map(|help| format!("; {help}")).unwrap_or_default();
        json!({
            "ruleId": finding.code, "ruleIndex": index, "level": level(finding.severity, "note"),
            "message": { "text": format!("{}{help}", finding.message) },
            "locations": [{ "physicalLocation": {
                "artifactLocation": { "uri": sources.file(at.file).name },
                "region": { "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column },
            } }],
        })
    };
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": tool, "version": version, "rules": rules } },
            "results": findings.iter().map(result).collect::<Vec<_>>(),
        }],
    })
}

/// As GitHub's workflow commands, which it shows beside the lines of a change.
pub fn github(findings: &[Shown<'_>], sources: &Sources) -> String {
    let mut out = String::new();
    for finding in findings {
        let level = level(finding.severity, "notice");
        let at = place(finding);
        let (line, column) = position(sources, at);
        let file = property(&sources.file(at.file).name);
        let help = finding.help.map(|help| format!("\nhelp: {help}")).unwrap_or_default();
        let message = escape(&format!("{}{help}\nwhy: {}", finding.message, finding.why));
        let title = property(&format!("{} {}", finding.code, finding.title));
        out.push_str(&format!("::{level} file={file},line={line},col={column},title={title}::{message}\n"));
    }
    out
}

fn place(finding: &Shown<'_>) -> Span {
    finding.labels.first().map(|label| label.span).unwrap_or_default()
}

fn level(severity: Severity, advice: &'static str) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Advice => advice,
    }
}

fn escape(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    escape(text).replace(':', "%3A").replace(',', "%2C")
}
