//! The report for a terminal: findings, what was not looked at, and a count.

use super::page::plural;
use crate::check::Severity;
use crate::{Report, report};
use std::fmt::Write;

/// The report for a terminal. Texts of the database move no cursor, and begin no line.
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    for finding in report.findings() {
        let new = report.since.as_ref().is_some_and(|since| since.is_new(finding));
        let _ = writeln!(
            out,
            "{}{}[{}]: {}",
            if new { "new " } else { "" },
            finding.severity.word(),
            finding.check,
            specc_diag::one_line(&finding.says)
        );
        let _ = writeln!(out, "  why: {}", finding.why);
        let _ = writeln!(out, "  mend: {}", specc_diag::one_line(&finding.mend));
    }
    for one in &report.examined {
        for why in one.verdict.unseen() {
            let _ = writeln!(out, "cannot[{}]: {}", one.check.name, specc_diag::one_line(why));
        }
    }
    if let Some(since) = &report.since {
        for (check, says) in &since.gone {
            let _ = writeln!(out, "gone[{}]: {}", specc_diag::one_line(check), specc_diag::one_line(says));
        }
        let new = report.findings().iter().filter(|finding| since.is_new(finding)).count();
        let at = specc_diag::one_line(&since.at);
        let _ =
            writeln!(out, "since {at}: {new} came, {} went; only what came decides the exit code", since.gone.len());
    }
    for entry in &report.stale {
        let _ = writeln!(out, "baseline: {}", specc_diag::one_line(entry));
    }
    let all = report.findings();
    let count = |level: Severity| all.iter().filter(|finding| finding.severity == level).count();
    let tables = &report.matrix.rows;
    let ready = tables.iter().filter(|(_, cells)| cells.iter().all(|cell| *cell == crate::Cell::Ready)).count();
    let counts: Vec<String> = Severity::ALL.iter().map(|level| plural(count(*level), level.word())).collect();
    let _ = writeln!(
        out,
        "{}: {} ran and found nothing, {} found something, {} cannot look; {}, {} accepted",
        plural(report.examined.len(), "check"),
        report.count("RAN"),
        report.count("FOUND"),
        report.count("CANNOT"),
        counts.join(", "),
        report.accepted.len()
    );
    let _ = writeln!(
        out,
        "{ready} of {} tables are ready in every column of the matrix; {} matters are not in any database (`--format markdown` has both)",
        tables.len(),
        report::OUTSIDE.len()
    );
    out
}
