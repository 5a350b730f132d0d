//! What an examination gave, for persons and for programs.
//!
//! The report for persons is one [document](page::Block), which Markdown, HTML and the terminal are printed from.

mod html;
mod issues;
mod markdown;
mod page;
mod text;

pub use html::html;
pub use issues::issues;
pub use markdown::markdown;
pub use text::text;

use crate::check::{Area, How, Severity};
use crate::matrix::Cell;
use crate::verdict::Finding;
use crate::{Examined, Report};
use serde_json::{Value, json};
use specc_diag::{SarifResult, SarifRule, Sources, Span, TestCase};

/// What no database shows: what, whose it is, and how specc helps.
pub const OUTSIDE: &[(&str, &str, &str)] = &[
    (
        "projects and environments of the account, and who may administer them",
        "whoever owns the account",
        "`production` in specc.toml guards the database that it names",
    ),
    (
        "keys in CI, hosting and password stores",
        "whoever runs CI and hosting",
        "`--code DIR` looks for keys in code; Supabase's dashboard makes new ones",
    ),
    ("billing, and limits that the plan sets", "whoever pays", "-"),
    (
        "backups and point in time recovery at the provider",
        "whoever runs the database",
        "`specc drill` restores a backup on a private server, timed and compared",
    ),
    ("encryption of the disk", "the provider", "`secret` in the spec names what should be encrypted or hashed besides"),
    (
        "limits of the pooler against the traffic to come",
        "whoever runs the database",
        "`connections_near_limit` and the limits on statements are looked at here",
    ),
    (
        "whether alerts and dashboards run, and who is called at night",
        "whoever is on duty",
        "`specc monitoring` writes queries, alerts and a dashboard",
    ),
    (
        "settings of sign-in: length of passwords, leaked passwords, one-time codes, second factors",
        "whoever administers Auth",
        "`supabase config push` keeps them in the repository",
    ),
    ("domains, certificates and mail", "whoever administers DNS", "-"),
    (
        "contracts on data, and the answer to a person who asks",
        "whoever answers for data protection",
        "`pii`, `retain` and `person` in the spec make the functions for it",
    ),
];

/// The report as one JSON object.
pub fn json(report: &Report) -> Value {
    let finding = |finding: &Finding| {
        json!({
            "check": finding.check, "severity": finding.severity, "key": finding.key, "object": finding.object,
            "table": finding.table, "says": finding.says, "why": finding.why, "mend": finding.mend, "evidence": finding.row,
            "new": report.since.as_ref().map(|since| since.is_new(finding)),
        })
    };
    let check = |one: &Examined| {
        json!({
            "name": one.check.name, "section": one.check.section, "severity": one.check.severity, "area": one.check.area,
            "verdict": one.verdict.word(), "findings": one.verdict.findings().len(), "not_looked_at": one.verdict.unseen(),
        })
    };
    let cell = |cell: &Cell| match cell {
        Cell::Ready => json!({ "ready": true }),
        Cell::Open(count) => json!({ "ready": false, "findings": count }),
        Cell::Unknown(count) => json!({ "ready": null, "checks_that_cannot": count }),
        Cell::Unasked => json!({ "ready": null }),
    };
    let matrix: serde_json::Map<String, Value> = report
        .matrix
        .rows
        .iter()
        .map(|(table, cells)| {
            let row: serde_json::Map<String, Value> =
                Area::ALL.iter().zip(cells).map(|(area, of)| (area.title().to_owned(), cell(of))).collect();
            (table.clone(), Value::Object(row))
        })
        .collect();
    let accepted: Vec<Value> = report
        .accepted
        .iter()
        .map(|one| {
            json!({
                "check": one.check, "key": one.finding.as_ref().map(|finding| &finding.key), "reason": one.reason,
                "until": one.until,
            })
        })
        .collect();
    let since = report.since.as_ref().map(|since| {
        let gone = since.gone.iter().map(|(check, says)| json!({ "check": check, "says": says }));
        json!({ "database": since.database, "at": since.at, "gone": gone.collect::<Vec<_>>() })
    });
    json!({
        "database": report.database, "user": report.user, "server_version": report.version, "at": report.at,
        "with_spec": report.with_spec,
        "ran": report.count("RAN"), "found": report.count("FOUND"), "cannot": report.count("CANNOT"),
        "findings": report.findings().into_iter().map(finding).collect::<Vec<_>>(),
        "checks": report.examined.iter().map(check).collect::<Vec<_>>(),
        "matrix": matrix, "accepted": accepted, "stale": report.stale, "since": since,
        "outside": OUTSIDE.iter().map(|(what, who, help)| json!({ "what": what, "who": who, "help": help })).collect::<Vec<_>>(),
    })
}

/// The severity of a diagnostic for that of a finding.
fn level(severity: Severity) -> specc_diag::Severity {
    match severity {
        Severity::Error => specc_diag::Severity::Error,
        Severity::Warning => specc_diag::Severity::Warning,
        Severity::Info => specc_diag::Severity::Advice,
    }
}

/// For tools of code review. What is found in a database has no place in a file, so each finding names its object, and stands
/// at the beginning of `place`; a finding in code stands in its line.
pub fn sarif(report: &Report, version: &str, place: &str) -> Value {
    let mut sources = Sources::new();
    let settings = sources.add(place, "");
    let rules: Vec<SarifRule> = report
        .examined
        .iter()
        .map(|one| SarifRule {
            id: one.check.name.to_owned(),
            title: one.check.asks.to_owned(),
            why: one.check.why.to_owned(),
            page: String::new(),
            level: level(one.check.severity),
        })
        .collect();
    let mut objects = Vec::new();
    let mut results = Vec::new();
    for finding in report.findings() {
        let line = finding.row.get("line").and_then(Value::as_u64).and_then(|line| usize::try_from(line).ok());
        let path = finding.row.get("path").and_then(Value::as_str);
        let span = match (path, line) {
            (Some(path), Some(line)) => {
                // Only the number of the line is told of the file: its text is not needed.
                let text = "\n".repeat(line.saturating_sub(1));
                let at = text.len();
                Span::new(sources.add(path, text), at, at)
            }
            _ => Span::new(settings, 0, 0),
        };
        results.push(SarifResult {
            rule: finding.check.to_owned(),
            level: level(finding.severity),
            message: format!("{}; {}; mend: {}", finding.says, finding.why, finding.mend),
            span,
        });
        objects.push((finding.object.clone(), finding.key.clone()));
    }
    for one in report.examined.iter().filter(|one| !one.verdict.unseen().is_empty()) {
        results.push(SarifResult {
            rule: one.check.name.to_owned(),
            level: level(one.check.severity),
            message: format!("not looked at: {}", one.verdict.unseen().join("; ")),
            span: Span::new(settings, 0, 0),
        });
        objects.push((one.check.name.to_owned(), format!("cannot_{}", one.check.name)));
    }
    let mut all = specc_diag::sarif("specc audit", version, &rules, &results, &sources);
    if let Some(results) = all.pointer_mut("/runs/0/results").and_then(Value::as_array_mut) {
        for (result, (object, key)) in results.iter_mut().zip(objects) {
            if let Some(place) = result.pointer_mut("/locations/0") {
                place["logicalLocations"] = json!([{ "fullyQualifiedName": object }]);
            }
            result["partialFingerprints"] = json!({ "key/v1": key });
        }
    }
    all
}

/// Each check as a test, for CI servers: what is found fails it, and what could not be looked at skips it.
pub fn cases(report: &Report) -> Vec<TestCase> {
    let case = |one: &Examined| {
        let findings = one.verdict.findings();
        let unseen = one.verdict.unseen();
        let mut lines: Vec<String> = findings
            .iter()
            .map(|finding| format!("{}: {} (mend: {})", finding.severity.word(), finding.says, finding.mend))
            .collect();
        lines.extend(unseen.iter().filter(|_| !findings.is_empty()).map(|what| format!("not looked at: {what}")));
        TestCase {
            class: one.check.section.word().to_owned(),
            name: one.check.name.to_owned(),
            failure: (!findings.is_empty()).then(|| lines.join("\n")),
            skipped: (findings.is_empty() && !unseen.is_empty()).then(|| unseen.join("; ")),
        }
    };
    report.examined.iter().map(case).collect()
}

/// A file of evidence: its name and what is in it.
pub struct Evidence {
    /// The name of the check, with an ending.
    pub name: String,
    /// What is in it.
    pub text: String,
}

/// For each check the queries that it asked, which can be run again, and what came of each.
pub fn evidence(report: &Report) -> Vec<Evidence> {
    let mut files = Vec::new();
    for one in &report.examined {
        let check = one.check;
        let mut sql = format!(
            "-- specc audit: {} ({})\n-- {}: {}\n",
            check.name,
            check.section.word(),
            one.verdict.word(),
            check.asks
        );
        for unseen in one.verdict.unseen() {
            sql.push_str(&format!("-- not looked at: {}\n", specc_diag::one_line(unseen)));
        }
        if !one.asked.is_empty() {
            sql.push_str("set search_path = '';\n");
        }
        let mut answers = Vec::new();
        for asked in &one.asked {
            let said = match &asked.answer {
                Ok(rows) => format!("{} rows", rows.len()),
                Err(why) => specc_diag::one_line(why),
            };
            sql.push_str(&format!("\n-- {said}\n{};\n", asked.sql.trim_end()));
            answers.push(match &asked.answer {
                Ok(rows) => json!({ "sql": asked.sql, "rows": rows }),
                Err(why) => json!({ "sql": asked.sql, "refused": why }),
            });
        }
        let how = match check.how {
            How::Query(_) => "query",
            How::Asked(_) => "queries",
        };
        let verdict = json!({
            "check": check.name, "verdict": one.verdict.word(), "not_looked_at": one.verdict.unseen(),
            "findings": one.verdict.findings().iter().map(|finding| json!({ "key": finding.key, "says": finding.says })).collect::<Vec<_>>(),
            "by": how, "asked": answers, "at": report.at, "as": report.user, "database": report.database,
        });
        files.push(Evidence { name: format!("{}.sql", check.name), text: sql });
        files.push(Evidence { name: format!("{}.json", check.name), text: format!("{verdict:#}\n") });
    }
    files
}
