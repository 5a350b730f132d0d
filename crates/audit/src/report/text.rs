//! The report for a terminal: findings, what was not looked at, and a count.

use super::page::plural;
use crate::check::Severity;
use crate::{Report, report};
use std::fmt::Write;

/// The report for a terminal. Texts of the database move no cursor, and begin no line.
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    for finding in report.findings() {
        let _ =
            writeln!(out, "{}[{}]: {}", finding.severity.word(), finding.check, specc_diag::one_line(&finding.says));
        let _ = writeln!(out, "  why: {}", finding.why);
        let _ = writeln!(out, "  mend: {}", specc_diag::one_line(&finding.mend));
    }
    for one in &report.examined {
        for why in one.verdict.unseen() {
            let _ = writeln!(out, "cannot[{}]: {}", one.check.name, specc_diag::one_line(why));
        }
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
