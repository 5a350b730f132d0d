//! The report for persons as a document: headings, texts, lists and tables.

use super::OUTSIDE;
use crate::check::{Area, Section, Severity};
use crate::matrix::Cell;
use crate::{Examined, Report};

/// A part of a line.
pub(super) enum Bit {
    Plain(String),
    Code(String),
}

/// Parts of a line.
pub(super) type Line = Vec<Bit>;

/// A part of the document.
pub(super) enum Block {
    Heading(u8, String),
    Text(Line),
    Items(Vec<Line>),
    Table(Vec<&'static str>, Vec<Vec<Line>>),
}

/// A text whose parts between backticks are code. What a terminal would obey, and ends of lines, are no part of it.
pub(super) fn line(text: &str) -> Line {
    let text = specc_diag::one_line(text);
    let parts = text.split('`').enumerate().filter(|(_, part)| !part.is_empty());
    parts.map(|(at, part)| if at % 2 == 1 { Bit::Code(part.to_owned()) } else { Bit::Plain(part.to_owned()) }).collect()
}

pub(super) fn code(text: &str) -> Line {
    vec![Bit::Code(specc_diag::one_line(text))]
}

/// `1 finding`, `2 findings`.
pub(super) fn plural(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// The whole report.
pub(super) fn page(report: &Report) -> Vec<Block> {
    let mut page = vec![
        Block::Heading(1, format!("Readiness of {}", specc_diag::one_line(&report.database))),
        Block::Text(line(&format!(
            "Examined read-only at {} as `{}`, on Postgres {}, {}.",
            report.at,
            report.user,
            report.version / 10_000,
            if report.with_spec { "against its spec" } else { "without a spec" }
        ))),
    ];
    page.extend(summary(report));
    page.extend(since(report));
    page.extend(findings(report));
    page.extend(unseen(report));
    page.extend(matrix(report));
    page.extend(accepted(report));
    page.push(Block::Heading(2, "What no database shows".into()));
    page.push(Block::Text(line("Whoever is named answers for it, and signs it off by hand.")));
    let rows = OUTSIDE.iter().map(|(what, who, help)| vec![line(what), line(who), line(help)]);
    page.push(Block::Table(vec!["what", "whose it is", "how specc helps"], rows.collect()));
    page.extend(checks(report));
    page
}

fn summary(report: &Report) -> Vec<Block> {
    let all = report.findings();
    let of = |severity| all.iter().filter(|finding| finding.severity == severity).count();
    let counts: Vec<String> = Severity::ALL.iter().map(|level| plural(of(*level), level.word())).collect();
    let rows = Section::ALL.iter().map(|section| {
        let here: Vec<&Examined> = report.examined.iter().filter(|one| one.check.section == *section).collect();
        let count = |word: &str| here.iter().filter(|one| one.verdict.word() == word).count().to_string();
        let errors =
            here.iter().flat_map(|one| one.verdict.findings()).filter(|f| f.severity == Severity::Error).count();
        let risk = match (errors, count("CANNOT").as_str()) {
            (0, "0") => "none is known".to_owned(),
            (0, blind) => format!("what {blind} checks could not look at"),
            (errors, _) => format!("{}: not to go live with", plural(errors, "error")),
        };
        vec![line(section.title()), line(&count("RAN")), line(&count("FOUND")), line(&count("CANNOT")), line(&risk)]
    });
    vec![
        Block::Heading(2, "Summary".into()),
        Block::Text(line(&format!(
            "{}: {}. {} found nothing, {} found something, {} could not look.",
            plural(all.len(), "finding"),
            counts.join(", "),
            plural(report.count("RAN"), "check"),
            report.count("FOUND"),
            report.count("CANNOT")
        ))),
        Block::Table(vec!["section", "RAN", "FOUND", "CANNOT", "risk"], rows.collect()),
    ]
}

fn since(report: &Report) -> Vec<Block> {
    let Some(since) = &report.since else { return Vec::new() };
    let new = report.findings().into_iter().filter(|finding| since.is_new(finding));
    let item = |sign: &str, check: &str, says: &str| {
        let mut item = vec![Bit::Plain(format!("{sign} ")), Bit::Code(check.to_owned()), Bit::Plain(": ".into())];
        item.extend(line(says));
        item
    };
    let mut items: Vec<Line> = new.map(|finding| item("new:", finding.check, &finding.says)).collect();
    items.extend(since.gone.iter().map(|(check, says)| item("gone:", check, says)));
    let mut page = vec![
        Block::Heading(2, "Since the last examination".into()),
        Block::Text(line(&format!(
            "That was at {} of `{}`. Only what is new decides the exit code.",
            specc_diag::one_line(&since.at),
            specc_diag::one_line(&since.database)
        ))),
    ];
    page.push(if items.is_empty() {
        Block::Text(line("Nothing came, and nothing went."))
    } else {
        Block::Items(items)
    });
    page
}

fn findings(report: &Report) -> Vec<Block> {
    let all = report.findings();
    let mut page = vec![Block::Heading(2, "Findings".into())];
    if all.is_empty() {
        page.push(Block::Text(line("None.")));
    }
    for level in Severity::ALL {
        let here: Vec<_> = all.iter().filter(|finding| finding.severity == level).collect();
        if here.is_empty() {
            continue;
        }
        page.push(Block::Heading(3, format!("{} ({})", level.word(), here.len())));
        let items = here.iter().map(|finding| {
            let mut item = vec![Bit::Code(finding.check.to_owned()), Bit::Plain(": ".into())];
            item.extend(line(&finding.says));
            item.push(Bit::Plain(format!("; {}. Mend: ", finding.why)));
            item.push(Bit::Code(specc_diag::one_line(&finding.mend.replace('`', "'"))));
            item
        });
        page.push(Block::Items(items.collect()));
    }
    page
}

fn unseen(report: &Report) -> Vec<Block> {
    let blind = report.examined.iter().filter(|one| !one.verdict.unseen().is_empty());
    let items: Vec<Line> = blind
        .flat_map(|one| {
            one.verdict.unseen().iter().map(|why| {
                let mut item = vec![Bit::Code(one.check.name.to_owned()), Bit::Plain(": ".into())];
                item.extend(line(why));
                item
            })
        })
        .collect();
    if items.is_empty() {
        return Vec::new();
    }
    vec![Block::Heading(2, "What was not looked at".into()), Block::Items(items)]
}

fn matrix(report: &Report) -> Vec<Block> {
    let mut heads = vec!["table"];
    heads.extend(Area::ALL.map(Area::title));
    let rows = report.matrix.rows.iter().map(|(table, cells)| {
        let mut row = vec![code(table)];
        row.extend(cells.iter().map(|cell| {
            line(&match cell {
                Cell::Ready => "✔".to_owned(),
                Cell::Open(count) => format!("✘ {count}"),
                Cell::Unknown(count) => format!("? {count}"),
                Cell::Unasked => "-".to_owned(),
            })
        }));
        row
    });
    vec![
        Block::Heading(2, "Sign-off".into()),
        Block::Text(line(
            "✔ nothing found; ✘ so many findings; ? nothing found, and so many checks could not look; - not asked.",
        )),
        Block::Table(heads, rows.collect()),
    ]
}

fn accepted(report: &Report) -> Vec<Block> {
    let mut page = Vec::new();
    if !report.accepted.is_empty() {
        page.push(Block::Heading(2, "Accepted".into()));
        let rows = report.accepted.iter().map(|one| {
            let what = one.finding.as_ref().map_or("it cannot look", |finding| finding.says.as_str());
            let until = one.until.as_deref().unwrap_or("-");
            vec![line(one.check), line(what), line(&one.reason), line(until)]
        });
        page.push(Block::Table(vec!["check", "what", "reason", "until"], rows.collect()));
    }
    if !report.stale.is_empty() {
        page.push(Block::Heading(3, "Entries of the baseline that do not hold".into()));
        page.push(Block::Items(report.stale.iter().map(|entry| line(entry)).collect()));
    }
    page
}

fn checks(report: &Report) -> Vec<Block> {
    let rows = report.examined.iter().map(|one| {
        vec![line(one.check.section.word()), code(one.check.name), line(one.verdict.word()), line(one.check.asks)]
    });
    vec![
        Block::Heading(2, "All checks".into()),
        Block::Table(vec!["section", "check", "verdict", "looks for"], rows.collect()),
    ]
}
