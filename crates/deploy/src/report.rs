//! What was done, for persons and for programs.

use crate::{Looked, Record, Verdict};
use serde_json::{Value, json};
use std::fmt::Write;

/// A cell of a table: on one line, and with nothing that would end it.
fn cell(text: &str) -> String {
    specc_diag::one_line(text).replace('|', "\\|").replace('<', "&lt;")
}

fn table(out: &mut String, looked: &[Looked]) {
    out.push_str("| check | verdict | what was seen |\n|---|---|---|\n");
    for one in looked {
        let way = one.way.as_ref().map(|way| format!(" — {}", cell(way))).unwrap_or_default();
        let _ = writeln!(out, "| {} | {} | {}{way} |", one.name, one.verdict.word(), cell(&one.says));
    }
    out.push('\n');
}

/// For persons.
pub fn markdown(record: &Record) -> String {
    let plan = &record.plan;
    let mut out = format!("# Deployment of {} to {}\n\n", cell(&plan.project), cell(&plan.environment));
    let how = record.ended.map_or("not complete", |ended| ended.words());
    let _ = writeln!(out, "- Target: {}", cell(&plan.target));
    let _ = writeln!(out, "- Begun: {} (UTC)", record.began);
    let _ = writeln!(out, "- State: {how}");
    let _ = writeln!(out, "- Plan: `{}`{}", plan.hash(), if record.approved.is_some() { ", approved" } else { "" });
    if let Some(from) = &plan.promoted_from {
        let _ = writeln!(out, "- Promoted from: {}", cell(from));
    }
    if let Some(made) = &record.created {
        let _ = writeln!(out, "- Project made: `{}` ({})", cell(&made.name), cell(&made.reference));
    }
    if let Some(backup) = &record.backup {
        let _ = writeln!(out, "- Backup: {}, taken {}, SHA-256 `{}`", cell(&backup.file), backup.taken, backup.sha256);
    }
    out.push_str("\n## Steps\n\n| step | state | at | |\n|---|---|---|---|\n");
    for entry in &record.steps {
        let word = entry.state.word();
        let _ = writeln!(out, "| {} | {word} | {} | {} |", entry.step.word(), entry.at, cell(&entry.says));
    }
    out.push_str("\n## Files\n\n");
    if plan.files.is_empty() {
        out.push_str("Nothing was to be applied.\n\n");
    } else {
        out.push_str("| file | statements | SHA-256 |\n|---|---|---|\n");
        for file in &plan.files {
            let _ = writeln!(out, "| {} | {} | `{}` |", cell(&file.title), file.statements, file.checksum);
        }
        out.push('\n');
    }
    let losses: Vec<&str> = plan.losses().collect();
    if !losses.is_empty() {
        let _ = writeln!(out, "Lost: {}.\n", cell(&losses.join("; ")));
    }
    out.push_str("## Before\n\n");
    table(&mut out, &record.preflight);
    out.push_str("## Afterwards\n\n");
    table(&mut out, &record.verified);
    let open: Vec<&Looked> =
        record.preflight.iter().chain(&record.verified).filter(|one| one.verdict != Verdict::Passed).collect();
    out.push_str("## Open\n\n");
    if open.is_empty() {
        out.push_str("Nothing.\n");
    }
    for one in open {
        let way = one.way.as_ref().map(|way| format!(": {}", cell(way))).unwrap_or_default();
        let _ = writeln!(out, "- {} {}: {}{way}", one.verdict.word(), one.name, cell(&one.says));
    }
    out
}

/// For programs.
pub fn json(record: &Record) -> Value {
    json!({ "hash": record.plan.hash(), "complete": record.ended == Some(crate::Ended::Complete), "record": record })
}
