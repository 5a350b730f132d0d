//! Findings as SARIF 2.1.0, which code review tools read.

use crate::{Severity, Sources, Span, position};
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

/// The findings of a tool.
pub fn sarif(tool: &str, version: &str, rules: &[SarifRule], results: &[SarifResult], sources: &Sources) -> Value {
    let level = |severity: Severity| match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Advice => "note",
    };
    let known: Vec<Value> = rules
        .iter()
        .map(|rule| {
            let mut said = json!({
                "id": rule.id, "shortDescription": { "text": rule.title },
                "defaultConfiguration": { "level": level(rule.level) },
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
                "ruleId": result.rule, "ruleIndex": index, "level": level(result.level),
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
