//! Findings for those who review: SARIF, and workflow commands of GitHub.

use crate::{Code, Severity, Shown, Sources, Span, position};
use serde_json::{Value, json};

/// What a tool looks for.
pub struct SarifRule {
    /// Its code.
    pub id: String,
    /// In a few words.
    pub title: String,
    /// Why it matters; empty if that is not said.
    pub why: String,
    /// All about it, as Markdown; empty if there is no page.
    pub page: String,
    /// How bad it is.
    pub level: Severity,
}

/// Something that it found.
pub struct SarifResult {
    /// The code of the rule.
    pub rule: String,
    /// How bad it is.
    pub level: Severity,
    /// What is wrong.
    pub message: String,
    /// Where.
    pub span: Span,
}

impl From<Code> for SarifRule {
    fn from(code: Code) -> Self {
        Self {
            id: code.name().to_owned(),
            title: code.title().to_owned(),
            why: code.why().to_owned(),
            page: code.page().to_owned(),
            level: code.severity(),
        }
    }
}

impl From<&Shown<'_>> for SarifResult {
    fn from(finding: &Shown<'_>) -> Self {
        let help = finding.help.map(|help| format!("; {help}")).unwrap_or_default();
        let example = finding.example.iter().map(|line| format!("\n{line}")).collect::<String>();
        Self {
            rule: finding.code.to_owned(),
            level: finding.severity,
            message: format!("{}{help}{example}", finding.message),
            span: place(finding),
        }
    }
}

/// The findings of a tool as SARIF 2.1.0, which code review tools read.
pub fn sarif(tool: &str, version: &str, rules: &[SarifRule], results: &[SarifResult], sources: &Sources) -> Value {
    let known: Vec<Value> = rules
        .iter()
        .map(|rule| {
            let mut said = json!({
                "id": rule.id, "shortDescription": { "text": rule.title },
                "defaultConfiguration": { "level": level(rule.level, "note") },
            });
            if !rule.why.is_empty() {
                said["fullDescription"] = json!({ "text": rule.why });
            }
            if !rule.page.is_empty() {
                said["help"] = json!({ "text": rule.page, "markdown": rule.page });
            }
            said
        })
        .collect();
    let found: Vec<Value> = results
        .iter()
        .map(|result| {
            let at = result.span;
            let (line, column) = position(sources, at);
            let (end_line, end_column) = position(sources, Span { start: at.end, ..at });
            let index = rules.iter().position(|rule| rule.id == result.rule);
            json!({
                "ruleId": result.rule, "ruleIndex": index, "level": level(result.level, "note"),
                "message": { "text": result.message },
                "locations": [{ "physicalLocation": {
                    "artifactLocation": { "uri": sources.file(at.file).name },
                    "region": { "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column },
                } }],
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{ "tool": { "driver": { "name": tool, "version": version, "rules": known } }, "results": found }],
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
