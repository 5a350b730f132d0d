//! A text for each gap, as somebody opens an issue of it: the first line is the title.

use super::Evidence;
use super::markdown::printed;
use super::page::{Bit, Block, code, line};
use crate::Report;
use crate::verdict::Finding;
use std::collections::BTreeMap;

/// The longest part of an object's name that stands in the name of a file.
const LONGEST: usize = 48;

/// The texts: those of findings, the worst first, then those of checks that could not look.
pub fn issues(report: &Report) -> Vec<Evidence> {
    let mut named: BTreeMap<String, usize> = BTreeMap::new();
    let mut files = Vec::new();
    let mut add = |name: String, page: Vec<Block>| {
        // Names that differ in what a file name cannot have are two files all the same.
        let nth = named.entry(name.to_lowercase()).and_modify(|nth| *nth += 1).or_insert(1);
        let name = if *nth == 1 { format!("{name}.md") } else { format!("{name}.{nth}.md") };
        files.push(Evidence { name, text: printed(page) });
    };
    for finding in report.findings() {
        let name = format!("{}-{}-{}", finding.severity.word(), finding.check, slug(&finding.object));
        add(name.trim_end_matches('-').to_owned(), of_finding(report, finding));
    }
    for one in report.examined.iter().filter(|one| !one.verdict.unseen().is_empty()) {
        let title = format!("{}: not all of it could be looked at", one.check.name);
        let mut page = vec![Block::Heading(1, title), Block::Text(line(&format!("It looks for {}.", one.check.asks)))];
        page.push(Block::Items(one.verdict.unseen().iter().map(|why| line(why)).collect()));
        page.push(Block::Text(line(&found_in(report))));
        add(format!("cannot-{}", one.check.name), page);
    }
    files
}

fn of_finding(report: &Report, finding: &Finding) -> Vec<Block> {
    let table = finding.table.as_deref().filter(|table| *table != finding.object);
    let mut about = vec![vec![Bit::Plain("found: ".into()), Bit::Code(specc_diag::one_line(&finding.object))]];
    if let Some(table) = table {
        about.push(vec![Bit::Plain("table: ".into()), Bit::Code(specc_diag::one_line(table))]);
    }
    about.push(line(&format!("severity: {}", finding.severity.word())));
    about.push(line(&format!("check: `{}`, key:", finding.check)));
    if let Some(last) = about.last_mut() {
        last.push(Bit::Plain(" ".into()));
        last.push(Bit::Code(specc_diag::one_line(&finding.key)));
    }
    vec![
        Block::Heading(1, specc_diag::one_line(&finding.says.replace('`', "'"))),
        Block::Text(line(&format!("{}.", finding.why))),
        Block::Items(about),
        Block::Heading(2, "What mends it".into()),
        Block::Text(code(&finding.mend)),
        Block::Text(line(&format!(
            "{} It is mended when `specc audit --only {}` does not find it any more.",
            found_in(report),
            finding.check
        ))),
    ]
}

fn found_in(report: &Report) -> String {
    format!("Seen at {} in {}, Postgres {}.", report.at, report.database.replace('`', "'"), report.version / 10_000)
}

/// As much of a name as any file system takes.
fn slug(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            c if c.is_ascii_alphanumeric() || c == '_' => out.push(c),
            _ if !out.ends_with('-') => out.push('-'),
            _ => {}
        }
        if out.len() >= LONGEST {
            break;
        }
    }
    out.trim_matches('-').to_owned()
}
